// SPDX-License-Identifier: Apache-2.0
//
// quant/affine.hpp: real numbers as integers and back: x = scale * (q - zero_point), and the scale of a range.
//
//   quantized(x, a, low, high)     to the nearest integer, halves to even, within [low, high]
//   dequantized(q, a)              one rounded product
//   affine_of(least, most, ...)    the scale and zero point that reach from least to most, zero included
//
// The rules are ONNX's. These functions are the specification.
//
// Depends on: core/config.hpp, epilogue/conversion.hpp, isa/scalar.hpp.   Used by: users, through <ashlar/quant.hpp>.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>

#include <ashlar/core/config.hpp>
#include <ashlar/epilogue/conversion.hpp>
#include <ashlar/isa/scalar.hpp>

namespace ashlar {

/// An integer q stands for scale * (q - zero_point). scale is positive.
struct affine {
  float scale = 1;
  std::int32_t zero_point = 0;
  friend constexpr bool operator==(const affine&, const affine&) = default;
};

/// min(max(round(x / scale) + zero_point, low), high): one rounded quotient, then to the nearest integer, halves to
/// even; the sum does not wrap. NaN counts as 0.
///
///     quantized(0.4f, {0.1f, 3}, -8, 7)                          // 4 bits: 7
///
/// Source: ONNX QuantizeLinear.
ASHLAR_INLINE constexpr std::int32_t quantized(float x, const affine& a, std::int32_t low, std::int32_t high) {
  using O = ops<float, isa::scalar>;
  const auto steps = detail::converted<std::int32_t>(O::round_even(O::div(x, a.scale)));
  return std::int32_t(std::clamp<std::int64_t>(std::int64_t(steps) + a.zero_point, low, high));
}

/// The same within U's own range.   quantized<std::uint8_t>(x, {0.1f, 128})
template <std::integral U>
  requires(sizeof(U) <= 2 || std::same_as<U, std::int32_t>)
ASHLAR_INLINE constexpr U quantized(float x, const affine& a) {
  return static_cast<U>(quantized(x, a, std::numeric_limits<U>::min(), std::numeric_limits<U>::max()));
}

/// scale * (q - zero_point): the difference without wrapping, rounded to a float, then one rounded product.
///
/// Source: ONNX DequantizeLinear.
ASHLAR_INLINE constexpr float dequantized(std::int32_t q, const affine& a) {
  return float(std::int64_t(q) - a.zero_point) * a.scale;
}

/// The affine that maps [min(least, 0), max(most, 0)] to the integers [low, high]: scale = width / (high - low), zero
/// point = low - least / scale, to the nearest integer, within [low, high]. A width of 0, or NaN, gives a scale of 1.
///
///     const affine a = affine_of(smallest, largest, 0, 255);      // dynamic quantization to std::uint8_t
///
/// Source: ONNX DynamicQuantizeLinear.
ASHLAR_INLINE constexpr affine affine_of(float least, float most, std::int32_t low, std::int32_t high) {
  const float from = least < 0 ? least : 0, to = most > 0 ? most : 0;
  const float scale = (to - from) / float(std::int64_t(high) - low);
  if (!(scale > 0)) return {1, std::clamp(0, low, high)};
  return {scale, quantized(float(low) - from / scale, {1, 0}, low, high)};
}

}  // namespace ashlar
