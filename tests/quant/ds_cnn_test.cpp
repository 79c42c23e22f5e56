// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/ds_cnn_test.cpp: DS-CNN small, a whole keyword-spotting network with its trained int8 weights, bit for
// bit: nine convolutions by plans, the average, the fully connected layer by gemm, and the softmax.
//
//   ASHLAR_VECTORS     the folder with cmsis_nn/, a string; CMake's variable of this name
#include <doctest/doctest.h>
#include <ashlar/gemm.hpp>
#include <bit>
#include <string>

#include "quant/convolution_layer.hpp"

namespace ashlar::test {
namespace {

const std::string folder = std::string(ASHLAR_VECTORS) + "/cmsis_nn/";

// The softmax of TensorFlow Lite in fixed point (gemmlowp's exp_on_negative_values and
// one_over_one_plus_x_for_x_in_0_1): a scale of 1 / 256, the zero point -128.
std::int32_t product(std::int32_t a, std::int32_t b) { return detail::scalar_int::doubling_high_product(a, b); }
std::int32_t rounding_shift(std::int32_t x, std::int32_t n) {
  return detail::rounding_shift(detail::scalar_int(), x, n);
}

// exp of x in [-2^31, 0], 26 fractional bits, as a fraction of 2^31.
std::int32_t exp_of_negative(std::int32_t x) {
  constexpr std::int32_t factors[] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};
  const std::int32_t quarter = (x & ((1 << 24) - 1)) - (1 << 24), rest = quarter - x;
  const std::int32_t y = quarter * 32 + (1 << 28), y2 = product(y, y);  // around -1/8
  const std::int32_t y4 = rounding_shift(product(y2, y2), 2);
  const std::int32_t series = product(y4 + product(y2, y), 715827883) + y2;
  std::int32_t result = 1895147668 + product(1895147668, y + rounding_shift(series, 1));
  for (int i = 0; i < 7; ++i)
    if (rest & 1 << (24 + i)) result = product(result, factors[i]);
  return x == 0 ? 0x7fffffff : result;
}

// 1 / (1 + x) of a fraction x of 2^31, by Newton's method.
std::int32_t one_over_one_plus(std::int32_t x) {
  const auto half = std::int32_t((std::int64_t(x) + 0x7fffffff + 1) >> 1);
  std::int32_t y = 1515870810 + product(half, -1010580540);
  for (int i = 0; i < 3; ++i) y += product(y, (1 << 29) - product(half, y)) * 4;
  return std::int32_t(std::uint32_t(y) << 1);
}

integers softmax(const integers& x, std::int32_t multiplier, int shift, std::int32_t least) {
  const std::int32_t largest = *std::max_element(x.begin(), x.end());
  const auto exponential = [&](std::int32_t v) {
    return exp_of_negative(product(std::int32_t(std::uint32_t(v - largest) << shift), multiplier));
  };
  std::int32_t sum = 0;
  for (std::int32_t v : x)
    if (v - largest >= least) sum += rounding_shift(exponential(v), 12);
  const int headroom = std::countl_zero(std::uint32_t(sum));
  const std::int32_t scale = one_over_one_plus(std::int32_t((std::uint32_t(sum) << headroom) - (1u << 31)));
  integers y;
  for (std::int32_t v : x) {
    const std::int32_t part = rounding_shift(product(scale, exponential(v)), 12 - headroom + 23);
    y.push_back(v - largest >= least ? std::clamp(part - 128, -128, 127) : -128);
  }
  return y;
}

TEST_CASE("softmax") {
  const vec_file f(folder + "softmax.vec");
  REQUIRE(f.complete);
  const auto row = std::size_t(f.number("ROW_SIZE"));
  const integers input = narrowed(f.arrays.at("input")), expected = narrowed(f.arrays.at("output_ref"));
  REQUIRE(input.size() == std::size_t(f.number("NUM_ROWS")) * row);
  for (std::size_t i = 0; i < input.size(); i += row) {
    const auto at = input.begin() + std::ptrdiff_t(i), want = expected.begin() + std::ptrdiff_t(i);
    CHECK(softmax({at, at + std::ptrdiff_t(row)}, std::int32_t(f.number("INPUT_MULT")),
                  int(f.number("INPUT_LEFT_SHIFT")),
                  std::int32_t(f.number("DIFF_MIN"))) == integers(want, want + std::ptrdiff_t(row)));
  }
}

// Layer `number` of the network as a file of its own.
vec_file layer_of(const vec_file& network, const std::string& kind, int number, const integers& input) {
  vec_file layer("");
  std::string upper = kind + "_" + std::to_string(number) + "_";
  for (char& c : upper) c = char(std::toupper(c));
  for (const auto& [name, value] : network.defines)
    if (name.rfind(upper, 0) == 0) layer.defines[name.substr(upper.size())] = value;
  const std::string lower = "layer_" + std::to_string(number) + "_" + kind + "_";
  for (const auto& [name, numbers] : network.arrays)
    if (name.rfind(lower, 0) == 0) layer.arrays[name.substr(lower.size())] = numbers;
  layer.arrays["input"] = {input.begin(), input.end()};
  if (kind == "depthwise_conv_2d") layer.defines["CH_MULT"] = "1";
  return layer;
}

// The mean over all pixels of each channel, halves away from zero.
integers averages(const integers& x, std::size_t channels) {
  integers y(channels);
  const auto count = std::int32_t(x.size() / channels);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = c; i < x.size(); i += channels) y[c] += x[i];
    y[c] = (y[c] > 0 ? y[c] + count / 2 : y[c] - count / 2) / count;
  }
  return y;
}

TEST_CASE("DS-CNN small") {
  const vec_file network(folder + "ds_cnn_s.vec");
  REQUIRE(network.complete);
  integers x = narrowed(network.arrays.at("input"));
  for (int i = 1; i <= 9; ++i) {
    const auto layer =
        convolution_layer::of(layer_of(network, i % 2 || i == 1 ? "conv_2d" : "depthwise_conv_2d", i, x));
    INFO("layer ", i);
    REQUIRE(layer.has_value());
    x = layer->by_plan();
    REQUIRE(x == layer->by_reference());
  }
  x = averages(x, 64);
  const vec_file last = layer_of(network, "fully_connected", 12, x);
  const auto weights = as<std::int8_t>(narrowed(last.arrays.at("weights")));
  const integers bias = narrowed(last.arrays.at("bias"));
  const auto pooled = as<std::int8_t>(x);
  std::vector<std::int8_t> scores(bias.size());
  const auto outputs = index(bias.size());
  REQUIRE(index(weights.size()) == 64 * outputs);
  const tflite policy{std::int32_t(last.number("OUTPUT_MULTIPLIER")), int(last.number("OUTPUT_SHIFT"))};
  REQUIRE(gemm<isa_under_test>(
              view(pooled.data(), 1, 64), view(weights.data(), outputs, 64).transposed(),
              view(scores.data(), 1, outputs), a_zero_point(-int(last.number("INPUT_OFFSET"))),
              requantize(acc + per_column(bias.data()), policy, std::int32_t(last.number("OUTPUT_OFFSET")), -128, 127))
              .ok());
  const integers sums(scores.begin(), scores.end());
  CHECK(softmax(sums, std::int32_t(network.number("SOFTMAX_13_MULT")), int(network.number("SOFTMAX_13_SHIFT")),
                std::int32_t(network.number("SOFTMAX_13_DIFF_MIN"))) == narrowed(network.arrays.at("output_ref")));
}

}  // namespace
}  // namespace ashlar::test
