// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/onnx_test.cpp: published calls of QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear on integers
// of 2 to 16 bits and floating-point numbers of 4 and 8: one scale for all, for each element of an axis, or for each
// block of one.
//
//   ASHLAR_VECTORS     the folder with onnx_node/, a string; CMake's variable of this name
#include <doctest/doctest.h>
#include <ashlar/core/narrow_float.hpp>
#include <ashlar/quant.hpp>
#include <cmath>
#include <filesystem>

#include "support/onnx_file.hpp"

namespace ashlar::test {
namespace {

// "uint4" -> 0 to 15. Nothing for a type that is no integer.
bool range_of(const std::string& type, output_range& range) {
  const bool is_signed = type.rfind("int", 0) == 0;
  if (!is_signed && type.rfind("uint", 0) != 0) return false;
  const int bits = std::stoi(type.substr(is_signed ? 3 : 4));
  range.low = is_signed ? -(1 << (bits - 1)) : 0, range.high = range.low + ((1 << bits) - 1);
  return true;
}

// The affine of element `at` of x: that of all, of its place on the axis, or of its block.
affine affine_at(const onnx_call& call, std::size_t at) {
  const onnx_array &x = call.array("input_0"), &scale = call.array("input_1");
  std::size_t place = 0;
  if (scale.numbers.size() > 1) {
    const index rank = index(x.extents.size()), given = std::stoll(call.word("axis", "1"));
    const auto axis = std::size_t(given < 0 ? given + rank : given);
    std::size_t inner = 1;
    for (std::size_t i = axis + 1; i < x.extents.size(); ++i) inner *= std::size_t(x.extents[i]);
    const auto extent = std::size_t(x.extents[axis]);
    const std::size_t on_axis = at / inner % extent;
    if (const std::size_t block = std::stoul(call.word("block_size", "0")); block == 0) {
      place = on_axis;
    } else {
      const std::size_t blocks = (extent + block - 1) / block;
      place = (at / inner / extent * blocks + on_axis / block) * inner + at % inner;
    }
  }
  const double zero = call.has("input_2") ? call.array("input_2").numbers.at(scale.numbers.size() > 1 ? place : 0) : 0;
  return {float(scale.numbers.at(place)), std::int32_t(zero)};
}

void require_close(double got, double want) {
  if (std::isnan(want) || std::isinf(want)) {
    REQUIRE((std::isnan(want) ? std::isnan(got) : got == want));
  } else {
    REQUIRE(std::fabs(got - want) <= 1e-7 + 1e-3 * std::fabs(want));
  }
}

// Floating-point numbers of the type N, as bits; their zero points are 0 everywhere, and make +0 of -0.
template <class N>
void meet_floats(const onnx_call& call) {
  const onnx_array &x = call.array("input_0"), &y = call.array("output_0");
  for (std::size_t i = 0; i < y.numbers.size(); ++i) {
    const affine a = affine_at(call, i);
    REQUIRE(a.zero_point == 0);
    if (call.op == "DequantizeLinear") {
      require_close(double(float(N::from_bits(std::uint8_t(x.numbers[i]))) * a.scale), y.numbers[i]);
    } else {
      REQUIRE(N(float(x.numbers[i]) / a.scale + 0.0f).bits == y.numbers[i]);
    }
  }
}

// False: neither integers nor one of our types.
bool meets(const onnx_call& call) {
  const onnx_array &x = call.array("input_0"), &y = call.array("output_0");
  output_range range;
  const std::string& type = call.op == "DequantizeLinear" ? x.type : y.type;
  if (type == "float8e4m3fn") return meet_floats<e4m3>(call), true;
  if (type == "float8e5m2") return meet_floats<e5m2>(call), true;
  if (type == "float4e2m1") return meet_floats<e2m1>(call), true;
  if (call.op == "DequantizeLinear") {
    if (!range_of(x.type, range)) return false;
    for (std::size_t i = 0; i < y.numbers.size(); ++i) {
      require_close(double(dequantized(std::int32_t(x.numbers[i]), affine_at(call, i))), y.numbers[i]);
    }
    return true;
  }
  if (!range_of(y.type, range)) return false;
  const bool dynamic = call.op == "DynamicQuantizeLinear";
  affine a;
  if (dynamic) {
    const auto [least, most] = std::minmax_element(x.numbers.begin(), x.numbers.end());
    a = affine_of(float(*least), float(*most), range.low, range.high);
    require_close(double(a.scale), call.scalar("output_1"));
    REQUIRE(a.zero_point == call.scalar("output_2"));
  }
  for (std::size_t i = 0; i < y.numbers.size(); ++i) {
    REQUIRE(quantized(float(x.numbers[i]), dynamic ? a : affine_at(call, i), range.low, range.high) == y.numbers[i]);
  }
  return true;
}

TEST_CASE("calls of ONNX operators") {
  int met = 0;
  std::string left;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(ASHLAR_VECTORS) / "onnx_node")) {
    const onnx_call call(entry.path().string());
    const std::string name = entry.path().stem().string();
    INFO(name);
    if (call.op.find("quantizeLinear") == call.op.npos && call.op.find("QuantizeLinear") == call.op.npos) continue;
    REQUIRE(call.complete);
    if (meets(call)) {
      ++met;
    } else {
      left += " " + name;
    }
  }
  MESSAGE(met, " calls met; of other types:", left);
  CHECK(met > 0);
  CHECK(left == "");
}

}  // namespace
}  // namespace ashlar::test
