// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/cmsis_nn_test.cpp: published vectors of CMSIS-NN (made there with TensorFlow Lite), bit for bit: fully
// connected layers by requantized(); convolutions, depthwise and grouped ones by the reference and by plans, with
// requantize() as their epilogue. Products of 8 bits are taken in 32, the zero point of src added before.
//
//   ASHLAR_VECTORS     the folder with cmsis_nn/, a string; CMake's variable of this name
#include <ashlar/conv.hpp>
#include <ashlar/core/workspace.hpp>
#include <ashlar/quant.hpp>
#include <ashlar/reference.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "support/cases.hpp"
#include "support/isa.hpp"
#include "support/vec_file.hpp"

namespace ashlar::test {
namespace {

std::int32_t sum(const vec_file& f, const std::vector<std::int64_t>& input, const std::vector<std::int64_t>& weights,
                 std::size_t row, std::size_t out, std::size_t depth) {
  std::int64_t s = 0;
  for (std::size_t k = 0; k < depth; ++k) {
    s += (input[row * depth + k] + f.number("INPUT_OFFSET")) * (weights[out * depth + k] + f.number("FILTER_OFFSET"));
  }
  return std::int32_t(s);
}

// False: the file is no complete fully connected layer in int8 (some share arrays with other cases).
bool layer_is_met(const vec_file& f) {
  const auto batch = std::size_t(f.number("INPUT_BATCHES")), depth = std::size_t(f.number("ACCUMULATION_DEPTH"));
  const auto outputs = std::size_t(f.number("OUT_CH"));
  const auto input = f.array({"input"}, batch * depth), weights = f.array({"weights"}, outputs * depth);
  const auto expected = f.array({"output_ref", "output"}, batch * outputs);
  if (input.empty() || weights.empty() || expected.empty()) return false;
  const auto bias = f.array({"biases", "bias"}, outputs);
  const auto multipliers = f.array({"output_multiplier"}, outputs), shifts = f.array({"output_shift"}, outputs);
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t o = 0; o < outputs; ++o) {
      const tflite whole{std::int32_t(f.number("OUTPUT_MULTIPLIER")), int(f.number("OUTPUT_SHIFT"))};
      const bool each = f.defines.count("OUTPUT_MULTIPLIER") == 0;
      const tflite policy = each ? tflite{std::int32_t(multipliers.at(o)), int(shifts.at(o))} : whole;
      const std::int32_t x = sum(f, input, weights, b, o, depth) + (bias.empty() ? 0 : std::int32_t(bias[o]));
      const auto got = requantized<std::int8_t>(x, policy, std::int32_t(f.number("OUTPUT_OFFSET")),
                                                std::int8_t(f.number("OUT_ACTIVATION_MIN")),
                                                std::int8_t(f.number("OUT_ACTIVATION_MAX")));
      INFO("batch ", b, ", output ", o);
      REQUIRE(int(got) == expected[b * outputs + o]);
    }
  }
  return true;
}

struct convolution_case {
  conv2d problem;
  std::vector<std::int32_t> src, weights, bias, multiplier, shift, expected;
  bool depthwise;
};

std::vector<std::int32_t> narrowed(const std::vector<std::int64_t>& from, std::int64_t offset = 0) {
  std::vector<std::int32_t> to;
  for (std::int64_t x : from) to.push_back(std::int32_t(x + offset));
  return to;
}

// Nothing where the file is no complete convolution in int8.
std::optional<convolution_case> convolution_of(const vec_file& f) {
  const index n = f.number("INPUT_BATCHES"), c = f.number("IN_CH"), k = f.number("OUT_CH");
  const index h = f.number("INPUT_H"), w = f.number("INPUT_W"), r = f.number("FILTER_Y"), s = f.number("FILTER_X");
  const index oh = f.number("OUTPUT_H"), ow = f.number("OUTPUT_W");
  convolution_case x;
  x.depthwise = f.defines.count("CH_MULT") != 0;
  x.src = narrowed(f.array({"input"}, std::size_t(n * h * w * c)), f.number("INPUT_OFFSET"));
  if (x.src.empty() || f.arrays.count("weights") == 0) return {};
  x.weights = narrowed(f.arrays.at("weights"));
  x.bias = narrowed(f.array({"biases"}, std::size_t(k)));
  x.multiplier = narrowed(f.array({"output_mult"}, std::size_t(k)));
  x.shift = narrowed(f.array({"output_shift"}, std::size_t(k)));
  x.expected = narrowed(f.array({"output_ref"}, std::size_t(n * oh * ow * k)));
  if (x.multiplier.empty() || x.shift.empty() || x.expected.empty() || x.bias.empty()) return {};
  const index group_channels = x.depthwise ? 1 : index(x.weights.size()) / (k * r * s);
  if (group_channels * k * r * s != index(x.weights.size())) return {};
  x.problem = {.src = {n, h, w, c}, .weights = {k, r, s, group_channels}, .groups = c / group_channels};
  x.problem.stride = {f.number("STRIDE_Y"), f.number("STRIDE_X")};
  x.problem.dilation = {f.number("DILATION_Y", 1), f.number("DILATION_X", 1)};
  // What is before is said; what is after follows from the size of dst, and may cut pixels off.
  x.problem.padding.before = {f.number("PAD_Y"), f.number("PAD_X")};
  const auto after = [](index dst, index stride, index kernel, index dilation, index src, index before) {
    return std::max<index>(0, (dst - 1) * stride + (kernel - 1) * dilation + 1 - src - before);
  };
  x.problem.padding.after = {after(oh, x.problem.stride[0], r, x.problem.dilation[0], h, x.problem.padding.before[0]),
                             after(ow, x.problem.stride[1], s, x.problem.dilation[1], w, x.problem.padding.before[1])};
  return x;
}

void convolution_is_met(const convolution_case& x, const vec_file& f) {
  const auto [n, h, w, c] = x.problem.src;
  const auto [k, r, s, group_channels] = x.problem.weights;
  const auto src = nhwc(x.src.data(), n, h, w, c);
  const auto weights =
      x.depthwise ? hwio(x.weights.data(), r, s, 1, k) : ohwi(x.weights.data(), k, r, s, group_channels);
  std::vector<std::int32_t> got(x.expected.size(), -1000), reference(got);
  const index oh = f.number("OUTPUT_H"), ow = f.number("OUTPUT_W");
  const auto e =
      requantize<tflite>(acc + per_column(x.bias.data()), per_column(x.multiplier.data()), per_column(x.shift.data()),
                         std::int32_t(f.number("OUTPUT_OFFSET")), std::int32_t(f.number("OUT_ACTIVATION_MIN")),
                         std::int32_t(f.number("OUT_ACTIVATION_MAX")));
  const auto plan = plan_conv2d<std::int32_t, isa_under_test>(x.problem);
  REQUIRE_MESSAGE(plan.ok(), plan.error().message());
  reference::convolution(plan.value().geometry(), src, weights, nhwc(reference.data(), n, oh, ow, k), e);
  REQUIRE(reference == x.expected);
  const auto storage = aligned_buffer::make(plan.value().packed_bytes());
  const auto packed = plan.value().pack(weights, storage.span());
  REQUIRE(packed.ok());
  const status ran = plan.value().run(src, packed.value(), nhwc(got.data(), n, oh, ow, k), e);
  REQUIRE_MESSAGE(ran.ok(), ran.message());
  REQUIRE(got == x.expected);
}

// f(name, file) for each int8 case whose name starts with one of these.
template <class F>
void for_each_file(std::initializer_list<const char*> starts, const F& f) {
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(ASHLAR_VECTORS) / "cmsis_nn")) {
    const std::string name = entry.path().stem().string();
    const auto has = [&](const char* part) { return name.find(part) != name.npos; };
    if (std::none_of(starts.begin(), starts.end(), [&](const char* s) { return name.rfind(s, 0) == 0; })) continue;
    if (has("f16") || has("f32") || has("int4") || has("int16")) continue;
    INFO(name);
    const vec_file file(entry.path().string());
    REQUIRE(file.complete);
    f(name, file);
  }
}

TEST_CASE("fully connected layers") {
  int met = 0;
  for_each_file({"fully_connected", "fc_per_ch"},
                [&](const std::string&, const vec_file& f) { met += layer_is_met(f); });
  MESSAGE(met, " layers met bit for bit");
  CHECK(met >= 4);
}

TEST_CASE("convolutions, dense, grouped and depthwise") {
  int met = 0;
  std::string left;
  for_each_file({"basic", "conv_", "depthwise", "grouped_conv", "kernel1x1", "stride2pad1", "in_ch_one"},
                [&](const std::string& name, const vec_file& f) {
                  const auto x = convolution_of(f);
                  if (!x) {
                    left += " " + name;
                    return;
                  }
                  convolution_is_met(*x, f);
                  ++met;
                });
  MESSAGE(met, " convolutions met bit for bit; no complete int8 convolution:", left);
  CHECK(met >= 20);
}

}  // namespace
}  // namespace ashlar::test
