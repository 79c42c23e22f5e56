// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/cmsis_nn_test.cpp: published vectors of CMSIS-NN (made there with TensorFlow Lite), bit for bit: fully
// connected layers by requantized(); convolutions, depthwise and grouped ones by the reference and by plans, with
// requantize() as their epilogue. Products of 8 bits are taken in 32, the zero point of src added before.
//
//   ASHLAR_VECTORS     the folder with cmsis_nn/, a string; CMake's variable of this name
#include <doctest/doctest.h>
#include <ashlar/quant.hpp>
#include <filesystem>
#include <string>

#include "quant/convolution_layer.hpp"

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
                  const auto layer = convolution_layer::of(f);
                  const std::vector<std::int32_t> expected = layer ? layer->expected(f) : std::vector<std::int32_t>();
                  if (expected.empty()) {
                    left += " " + name;
                    return;
                  }
                  REQUIRE(layer->by_reference() == expected);
                  REQUIRE(layer->by_plan() == expected);
                  ++met;
                });
  MESSAGE(met, " convolutions met bit for bit; no complete int8 convolution:", left);
  CHECK(met >= 20);
}

}  // namespace
}  // namespace ashlar::test
