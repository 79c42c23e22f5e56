// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/cmsis_nn_s16_test.cpp: published vectors of CMSIS-NN with 16-bit activations, bit for bit: convolutions,
// depthwise ones, a fully connected layer and products of batches. Where the bias has 64 bits so have the sums.
//
//   ASHLAR_VECTORS     the folder with cmsis_nn/, a string; CMake's variable of this name
#include <doctest/doctest.h>

#include <ashlar/gemm.hpp>
#include <ashlar/quant.hpp>
#include <filesystem>
#include <string>

#include "quant/batched_product.hpp"
#include "quant/convolution_layer.hpp"

namespace ashlar::test {
namespace {

using i8 = std::int8_t;
using i16 = std::int16_t;
constexpr with_sums<std::int64_t> in_64_bits{};

template <class F>
int count_files(const std::string& part, const F& met) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(ASHLAR_VECTORS) / "cmsis_nn")) {
    const std::string name = entry.path().stem().string();
    if (name.find(part) == name.npos) continue;
    INFO(name);
    const vec_file file(entry.path().string());
    REQUIRE(file.complete);
    count += met(name, file);
  }
  MESSAGE(count, " met bit for bit: ", part);
  return count;
}

TEST_CASE("convolutions of 16 by 8 bits") {
  const int met = count_files("int16xint8", [](const std::string& name, const vec_file& f) {
    const auto layer = convolution_layer::of(f);
    REQUIRE(layer);
    const integers expected = layer->expected(f);
    REQUIRE(!expected.empty());
    if (name.find("xint32") != name.npos) {
      REQUIRE(layer->by_plan_of<conv_types<i16, i8, i16>, i16, i16>(layer->epilogue()) == expected);
    } else {
      const auto e = requantize<tflite>(
          acc + per_column(layer->wide_bias.data()), cast(per_column(layer->multiplier.data())),
          cast(per_column(layer->shift.data())), layer->range.zero_point, layer->range.low, layer->range.high);
      REQUIRE(layer->by_plan_of<wide_conv_types<i16, i8, i16>, i16, i16>(e) == expected);
    }
    return true;
  });
  CHECK(met > 0);
}

TEST_CASE("a fully connected layer of 16 by 8 bits") {
  const int met = count_files("fc_int16", [](const std::string&, const vec_file& f) {
    const index batch = f.number("INPUT_BATCHES"), depth = f.number("ACCUMULATION_DEPTH"), n = f.number("OUT_CH");
    const auto a = as<i16>(narrowed(f.array({"input"}, std::size_t(batch * depth))));
    const auto b = as<i8>(narrowed(f.array({"weights"}, std::size_t(n * depth))));
    auto bias = f.array({"biases", "bias"}, std::size_t(n));
    bias.resize(std::size_t(n));
    const integers expected = narrowed(f.array({"output_ref", "output"}, std::size_t(batch * n)));
    REQUIRE(!(a.empty() || b.empty() || expected.empty()));
    const tflite policy{std::int32_t(f.number("OUTPUT_MULTIPLIER")), int(f.number("OUTPUT_SHIFT"))};
    const auto e = requantize(acc + per_column(bias.data()), policy, 0, std::int32_t(f.number("OUT_ACTIVATION_MIN")),
                              std::int32_t(f.number("OUT_ACTIVATION_MAX")));
    std::vector<i16> got(expected.size(), 77);
    REQUIRE(gemm<isa_under_test>(view(a.data(), batch, depth), view(b.data(), n, depth).transposed(),
                                 view(got.data(), batch, n), e, in_64_bits)
                .ok());
    REQUIRE(integers(got.begin(), got.end()) == expected);
    return true;
  });
  CHECK(met > 0);
}

TEST_CASE("products of batches of 16 by 16 bits") {
  const int met = count_files("_s16", [](const std::string& name, const vec_file& f) {
    if (name.find("batch_matmul") == name.npos) return false;
    const auto product = batched_product<i16>::of(f);
    REQUIRE(product);
    product->check(in_64_bits);
    return true;
  });
  CHECK(met > 0);
}

}  // namespace
}  // namespace ashlar::test
