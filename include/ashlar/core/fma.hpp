// SPDX-License-Identifier: Apache-2.0
//
// core/fma.hpp: a * b + c in one rounding, at run time and in constant evaluation: the one operation of the reference.
//
// Compilers differ in what they fold (clang 14 folds no fma, g++ none that is infinite, NaN or subnormal), so constant
// evaluation computes the result in integers:
//
//   p = ma * mb, exact in 128 bits;  align p and mc with their top bits at 125, the lost part of the smaller ORed into
//   bit 0 (a sticky bit: the larger is even, so the sum lies on the right side of every rounding boundary);  add or
//   subtract;  round to nearest, ties to even, at the last bit that the result's exponent allows.
//
// Depends on: core/config.hpp.   Used by: isa/scalar, reference/.
#pragma once

#include <ashlar/core/config.hpp>
#include <cstdint>

namespace ashlar {

namespace detail {

__extension__ using uint128 = unsigned __int128;

template <class T>
struct ieee;
template <>
struct ieee<float> {
  using bits = std::uint32_t;
  static constexpr int mantissa = 23;
  static constexpr int bias = 127;
};
template <>
struct ieee<double> {
  using bits = std::uint64_t;
  static constexpr int mantissa = 52;
  static constexpr int bias = 1023;
};

// x is not zero. The builtin and not std::countl_zero, which doubles the steps of a constant evaluation.
ASHLAR_HD constexpr int leading_zeros(uint128 x) {
  const auto high = static_cast<std::uint64_t>(x >> 64);
  return high != 0 ? __builtin_clzll(high) : 64 + __builtin_clzll(static_cast<std::uint64_t>(x));
}

// significand * 2^exponent
struct scaled {
  uint128 significand;
  int exponent;
};

// The same value with its top bit at 125: two bits of room above. The significand is not zero and has 106 bits at most.
ASHLAR_HD constexpr scaled to_bit_125(scaled x) {
  const int shift = leading_zeros(x.significand) - 2;
  return {x.significand << shift, x.exponent - shift};
}

template <class T>
ASHLAR_HD constexpr scaled magnitude(typename ieee<T>::bits b) {
  constexpr int m = ieee<T>::mantissa;
  const std::uint64_t fraction = b & ((std::uint64_t(1) << m) - 1);
  const int exponent = static_cast<int>((b >> m) & (2 * ieee<T>::bias + 1));
  if (exponent == 0) return {fraction, 1 - ieee<T>::bias - m};
  return {fraction | (std::uint64_t(1) << m), exponent - ieee<T>::bias - m};
}

// The bits of x rounded to nearest even, without sign. x is not zero.
template <class T>
ASHLAR_HD constexpr std::uint64_t round_magnitude(scaled x) {
  constexpr int m = ieee<T>::mantissa;
  constexpr int lowest = 1 - ieee<T>::bias - m;  // exponent of the last bit of a subnormal
  constexpr std::uint64_t infinity = std::uint64_t(2 * ieee<T>::bias + 1) << m;
  constexpr std::uint64_t half = std::uint64_t(1) << 63;

  const int zeros = leading_zeros(x.significand);
  const uint128 s = x.significand << zeros;
  const int top = x.exponent - zeros + 127;  // exponent of the leading bit
  if (top > ieee<T>::bias) return infinity;
  const int last = top - m > lowest ? top - m : lowest;  // exponent of the last bit kept
  const std::uint64_t high = static_cast<std::uint64_t>(s >> 64) | (static_cast<std::uint64_t>(s) != 0);
  const int drop = last - (top - 63);
  if (drop > 64) return 0;
  const std::uint64_t kept = drop == 64 ? 0 : high >> drop;
  const std::uint64_t rest = drop == 64 ? high : high << (64 - drop);
  const bool up = rest > half || (rest == half && (kept & 1) != 0);
  // A normal significand carries its leading bit into the exponent field; so does a round up, as far as infinity.
  return (static_cast<std::uint64_t>(last - lowest) << m) + kept + up;
}

struct signed_magnitude {
  bool negative;
  scaled value;  // zero significand: exact cancellation
};

// Both normalised by to_bit_125.
ASHLAR_HD constexpr signed_magnitude add_sticky(bool negative_a, scaled a, bool negative_b, scaled b) {
  const bool b_larger = b.exponent > a.exponent || (b.exponent == a.exponent && b.significand > a.significand);
  const scaled& large = b_larger ? b : a;
  const scaled& small = b_larger ? a : b;
  const int shift = large.exponent - small.exponent;
  const uint128 aligned = shift > 126 ? 0 : small.significand >> shift;
  const bool lost = shift > 126 || (aligned << shift) != small.significand;
  const uint128 addend = aligned | lost;
  const uint128 sum = negative_a == negative_b ? large.significand + addend : large.significand - addend;
  return {b_larger ? negative_b : negative_a, {sum, large.exponent}};
}

// The algorithm at the head of this file; usable at run time too, where the tests compare it with the hardware.
template <class T>
ASHLAR_HD constexpr T soft_fma(T a, T b, T c) {
  using bits = typename ieee<T>::bits;
  constexpr int m = ieee<T>::mantissa;
  constexpr bits sign = bits(1) << (m + (sizeof(T) == 4 ? 8 : 11));
  constexpr bits infinity = bits(2 * ieee<T>::bias + 1) << m;
  constexpr T nan = __builtin_bit_cast(T, static_cast<bits>(infinity | (bits(1) << (m - 1))));

  const bits ua = __builtin_bit_cast(bits, a), ub = __builtin_bit_cast(bits, b), uc = __builtin_bit_cast(bits, c);
  const bits ma = ua & ~sign, mb = ub & ~sign, mc = uc & ~sign;
  const bits product_sign = (ua ^ ub) & sign, addend_sign = uc & sign;

  if (ma >= infinity || mb >= infinity || mc >= infinity) {
    if (ma > infinity || mb > infinity || mc > infinity) return nan;
    if (ma < infinity && mb < infinity) return c;
    if (ma == 0 || mb == 0 || (mc == infinity && product_sign != addend_sign)) return nan;
    return __builtin_bit_cast(T, static_cast<bits>(product_sign | infinity));
  }
  if (ma == 0 || mb == 0) {
    if (mc != 0) return c;
    return __builtin_bit_cast(T, static_cast<bits>(product_sign & addend_sign));
  }

  const scaled x = magnitude<T>(ma), y = magnitude<T>(mb);
  const scaled product = to_bit_125({x.significand * y.significand, x.exponent + y.exponent});
  if (mc == 0) return __builtin_bit_cast(T, static_cast<bits>(product_sign | round_magnitude<T>(product)));
  const scaled addend = to_bit_125(magnitude<T>(mc));
  const signed_magnitude sum = add_sticky(product_sign != 0, product, addend_sign != 0, addend);
  if (sum.value.significand == 0) return T(0);
  return __builtin_bit_cast(T, static_cast<bits>((sum.negative ? sign : 0) | round_magnitude<T>(sum.value)));
}

}  // namespace detail

/// a * b + c, rounded once, to nearest even: IEEE 754 fusedMultiplyAdd.
///
///     constexpr float r = ashlar::fma(2.0f, 3.0f, 1.0f);      // 7
///
/// Equal bits at run time (the hardware's or libm's fma) and in constant evaluation, subnormals and infinities
/// included; a NaN result is quiet, its sign and payload are not specified. Changes no memory.
ASHLAR_INLINE constexpr float fma(float a, float b, float c) {
  return __builtin_is_constant_evaluated() ? detail::soft_fma(a, b, c) : __builtin_fmaf(a, b, c);
}

/// The same in double precision.
ASHLAR_INLINE constexpr double fma(double a, double b, double c) {
  return __builtin_is_constant_evaluated() ? detail::soft_fma(a, b, c) : __builtin_fma(a, b, c);
}

}  // namespace ashlar
