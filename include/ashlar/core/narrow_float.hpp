// SPDX-License-Identifier: Apache-2.0
//
// core/narrow_float.hpp: floating-point numbers of 4 to 16 bits, as they are stored: bf16, f16, e4m3, e5m2, e2m1.
//
//   sign 1 | exponent E | fraction F         value = (-1)^s 2^(e - bias) 1.f,  bias = 2^(E - 1) - 1;  e = 0: subnormal
//
// They are storage: arithmetic is done in float, to which every one converts exactly.
//
// Depends on: core/config.hpp.   Used by: cuda/, epilogue/, loop/, reference/.
#pragma once

#include <ashlar/core/config.hpp>
#include <cstdint>
#include <type_traits>

namespace ashlar {

/// A number of 1 + Exponent + Fraction bits. Infinity says whether the type has infinities: without them the largest
/// exponent is one of ordinary numbers and NaN is all ones; 4 bits have no NaN either, and stand in the low half of a
/// byte, the other half of which is 0 where they are written and ignored where they are read.
///
///     bf16 x(1.5f);   float y = float(x);   x.bits == 0x3FC0
///
/// From float: to nearest, ties to even; beyond the largest number 16-bit types go to infinity and smaller ones stay at
/// the largest (the `satfinite` of PTX); NaN becomes the positive number of all ones. Subnormal numbers are kept.
///
/// Sources: IEEE 754 binary16; "OCP 8-bit Floating Point Specification", 2023; "OCP Microscaling Formats", 2023 (e2m1).
template <int Exponent, int Fraction, bool Infinity = true>
struct narrow_float {
  using storage = std::conditional_t<(Exponent + Fraction > 7), std::uint16_t, std::uint8_t>;
  static constexpr int exponent_bits = Exponent;
  static constexpr int fraction_bits = Fraction;
  static constexpr int bias = (1 << (Exponent - 1)) - 1;

  storage bits;

  constexpr narrow_float() = default;
  ASHLAR_INLINE constexpr explicit narrow_float(float x) : bits(rounded(__builtin_bit_cast(std::uint32_t, x))) {}
  ASHLAR_INLINE static constexpr narrow_float from_bits(storage b) {
    narrow_float x(0.0f);
    x.bits = b;
    return x;
  }

  ASHLAR_INLINE constexpr explicit operator float() const {
    const std::uint32_t magnitude = bits & (sign - 1u), s = std::uint32_t(bits & sign) << (32 - width);
    return __builtin_bit_cast(float, s | widened(magnitude));
  }

 private:
  static constexpr int width = 1 + Exponent + Fraction;
  static constexpr int shift = 23 - Fraction;
  static constexpr std::uint32_t sign = 1u << (width - 1);
  static constexpr std::uint32_t infinity = ((1u << Exponent) - 1) << Fraction;
  static constexpr std::uint32_t nan = sign - 1;  // of 4 bits a number
  static constexpr std::uint32_t largest = Infinity ? infinity - 1 : width > 4 ? nan - 1 : nan;
  static constexpr std::uint32_t overflow = width > 8 ? infinity : largest;
  static constexpr std::uint32_t rebias = std::uint32_t(127 - bias) << 23;

  ASHLAR_INLINE static constexpr std::uint32_t widened(std::uint32_t m) {
    if (m > largest) return 0x7F800000u | (m << shift & 0x7FFFFFu);
    if (m >> Fraction != 0 || rebias == 0) return (m << shift) + rebias;
    // A subnormal is m units of the last place: a product of two powers of two, exact in float.
    constexpr float unit = __builtin_bit_cast(float, std::uint32_t(128 - bias - Fraction) << 23);
    return __builtin_bit_cast(std::uint32_t, float(m) * unit);
  }

  // x >> n to nearest, ties to even; n < 32.
  ASHLAR_INLINE static constexpr std::uint32_t shifted(std::uint32_t x, std::uint32_t n) {
    return (x + ((1u << (n - 1)) - 1) + (x >> n & 1)) >> n;
  }
  ASHLAR_INLINE static constexpr storage rounded(std::uint32_t x) {
    const std::uint32_t m = x & 0x7FFFFFFFu, s = x >> 31 << (width - 1);
    if (m > 0x7F800000u) return storage(nan);
    const std::uint32_t exponent = m >> 23, smallest = 128 - bias;  // of a normal number
    std::uint32_t r = 0;
    if (rebias == 0 || exponent >= smallest) {
      r = shifted(m - rebias, shift);
    } else if (smallest - exponent + shift < 26) {
      r = shifted((m & 0x7FFFFFu) | 0x800000u, smallest - exponent + shift);
    }
    return storage(s | (r > largest ? overflow : r));
  }
};

using bf16 = narrow_float<8, 7>;         // the upper half of a float
using f16 = narrow_float<5, 10>;         // IEEE 754 binary16
using e5m2 = narrow_float<5, 2>;         // 8 bits, the exponent range of f16
using e4m3 = narrow_float<4, 3, false>;  // 8 bits, up to 448
using e2m1 = narrow_float<2, 1, false>;  // 4 bits: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives

namespace detail {
template <class T>
inline constexpr bool is_narrow_float = false;
template <int E, int F, bool I>
inline constexpr bool is_narrow_float<narrow_float<E, F, I>> = true;
}  // namespace detail

/// bf16, f16, e4m3, e5m2 or e2m1.
template <class T>
concept narrow_floating_point = detail::is_narrow_float<std::remove_cv_t<T>>;

/// Option of gemm, pack_weights and plans: products of bf16 by bf16 by the ISA's own instruction where it has one
/// (vdpbf16ps: two in a lane, BFMMLA: four for each of an f32 multiply-add), whose rounding is its own: the result
/// differs from the reference's, and from one ISA to another, by at most
///
///     K 2^-23 / (1 - K 2^-23) sum |A| |B|  +  2^-126 (sum |A| + sum |B| + 2 K)
///
/// the second term because subnormal numbers count as zeros. Elsewhere it changes nothing.
///     gemm(A_bf16, B_bf16, C, native_rounding)
struct native_rounding_option {};
inline constexpr native_rounding_option native_rounding{};

namespace detail {
template <class T>
concept float_or_narrow = std::is_same_v<T, float> || narrow_floating_point<T>;
}

/// A, B and C of a product of float and narrow floating-point types, at least one of them narrow.
template <class TA, class TB, class TC>
concept narrow_floats = detail::float_or_narrow<TA> && detail::float_or_narrow<TB> && detail::float_or_narrow<TC> &&
                        (narrow_floating_point<TA> || narrow_floating_point<TB> || narrow_floating_point<TC>);

}  // namespace ashlar
