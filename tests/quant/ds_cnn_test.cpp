// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/ds_cnn_test.cpp: DS-CNN, whole keyword-spotting networks with their trained int8 weights, bit for bit:
// the convolutions by plans, the average, the fully connected layer by gemm, and the softmax.
//
//   ASHLAR_VECTORS     the folder with cmsis_nn/, a string; CMake's variable of this name
#include <doctest/doctest.h>
#include <ashlar/gemm.hpp>
#include <bit>
#include <filesystem>
#include <string>

#include "quant/convolution_layer.hpp"

namespace ashlar::test {
namespace {

// f(file) for each file of this name or, with a star at its end, beginning. A folder may have none.
template <class F>
void for_each_file(std::string name, const F& f) {
  const bool open_end = name.back() == '*';
  if (open_end) name.pop_back();
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(ASHLAR_VECTORS) / "cmsis_nn")) {
    const std::string stem = entry.path().stem().string();
    if (stem != name && !(open_end && stem.rfind(name, 0) == 0 && stem.find("f32") == stem.npos)) continue;
    INFO(stem);
    const vec_file file(entry.path().string());
    REQUIRE(file.complete);
    f(file);
    ++found;
  }
  MESSAGE(name, ": ", found);
}

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
  for_each_file("softmax", [](const vec_file& f) {
    const auto row = std::size_t(f.number("ROW_SIZE"));
    const integers input = narrowed(f.arrays.at("input")), expected = narrowed(f.arrays.at("output_ref"));
    REQUIRE(input.size() == std::size_t(f.number("NUM_ROWS")) * row);
    for (std::size_t i = 0; i < input.size(); i += row) {
      const auto at = input.begin() + std::ptrdiff_t(i), want = expected.begin() + std::ptrdiff_t(i);
      CHECK(softmax({at, at + std::ptrdiff_t(row)}, std::int32_t(f.number("INPUT_MULT")),
                    int(f.number("INPUT_LEFT_SHIFT")),
                    std::int32_t(f.number("DIFF_MIN"))) == integers(want, want + std::ptrdiff_t(row)));
    }
  });
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

integers connected(const vec_file& layer, const integers& x) {
  const auto weights = as<std::int8_t>(narrowed(layer.arrays.at("weights"))), a = as<std::int8_t>(x);
  const integers bias = narrowed(layer.arrays.at("bias"));
  const auto depth = index(x.size()), outputs = index(bias.size());
  REQUIRE(index(weights.size()) == depth * outputs);
  std::vector<std::int8_t> y(bias.size());
  const tflite policy{std::int32_t(layer.number("OUTPUT_MULTIPLIER")), int(layer.number("OUTPUT_SHIFT"))};
  const auto e =
      requantize(acc + per_column(bias.data()), policy, std::int32_t(layer.number("OUTPUT_OFFSET")), -128, 127);
  REQUIRE(gemm<isa_under_test>(view(a.data(), 1, depth), view(weights.data(), outputs, depth).transposed(),
                               view(y.data(), 1, outputs), a_zero_point(-int(layer.number("INPUT_OFFSET"))), e)
              .ok());
  return {y.begin(), y.end()};
}

// x through layer `number`, if the network has one; of which kind its parameters' names say.
integers through_layer(const vec_file& network, int number, const integers& x) {
  const auto has = [&](const std::string& kind) {
    return network.defines.count(kind + "_" + std::to_string(number) + "_OUT_CH") != 0;
  };
  for (const auto& [upper, lower] : {std::pair{"CONV_2D", "conv_2d"}, {"DEPTHWISE_CONV_2D", "depthwise_conv_2d"}}) {
    if (!has(upper)) continue;
    const auto layer = convolution_layer::of(layer_of(network, lower, number, x));
    REQUIRE(layer.has_value());
    integers y = layer->by_plan();
    REQUIRE(y == layer->by_reference());
    return y;
  }
  if (has("FULLY_CONNECTED")) return connected(layer_of(network, "fully_connected", number, x), x);
  if (has("AVERAGE_POOL_2D")) {
    const vec_file layer = layer_of(network, "average_pool_2d", number, x);
    REQUIRE(layer.number("FILTER_X") == layer.number("INPUT_W"));
    REQUIRE(layer.number("FILTER_Y") == layer.number("INPUT_H"));
    return averages(x, std::size_t(layer.number("OUT_CH")));
  }
  if (has("SOFTMAX")) {
    const vec_file layer = layer_of(network, "softmax", number, x);
    return softmax(x, std::int32_t(layer.number("MULT")), int(layer.number("SHIFT")),
                   std::int32_t(layer.number("DIFF_MIN")));
  }
  return x;
}

TEST_CASE("DS-CNN") {
  for_each_file("ds_cnn_*", [](const vec_file& network) {
    integers x = narrowed(network.arrays.at("input"));
    for (int i = 0; i < 100; ++i) {
      INFO("layer ", i);
      x = through_layer(network, i, x);
    }
    CHECK(x == narrowed(network.arrays.at("output_ref")));
  });
}

}  // namespace
}  // namespace ashlar::test
