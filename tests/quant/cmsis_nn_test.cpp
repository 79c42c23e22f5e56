// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/cmsis_nn_test.cpp: published vectors of CMSIS-NN (made there with TensorFlow Lite): the sums of fully
// connected layers, requantized by tflite, bit for bit.
//
//   ASHLAR_VECTORS=folder     where cmsis_nn/ with the vectors is; ctest gives its own variable of this name
#include <ashlar/quant.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "support/cases.hpp"
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

TEST_CASE("fully connected layers") {
  const char* const folder = std::getenv("ASHLAR_VECTORS");
  REQUIRE_MESSAGE(folder != nullptr, "ASHLAR_VECTORS must name the folder of the vectors");
  int met = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(folder) / "cmsis_nn")) {
    const std::string name = entry.path().stem().string();
    if (name.rfind("fully_connected", 0) != 0 && name.rfind("fc_per_ch", 0) != 0) continue;
    if (name.find("_f16") != name.npos || name.find("_f32") != name.npos || name.find("int4") != name.npos) continue;
    INFO(name);
    const vec_file f(entry.path().string());
    REQUIRE(f.complete);
    met += layer_is_met(f);
  }
  MESSAGE(met, " layers met bit for bit");
  CHECK(met >= 4);
}

}  // namespace
}  // namespace ashlar::test
