// SPDX-License-Identifier: Apache-2.0
//
// isa/scalar.hpp: ops<T, isa::scalar>: one lane of plain C++. The definition of every operation, usable in constant
// evaluation; the other ISAs are tested against it bit for bit.
//
// Depends on: isa/ops.hpp, isa/rounded.hpp, core/fma.hpp.   Used by: reference/, tests, the fallback ISA.
#pragma once

#include <ashlar/core/fma.hpp>
#include <ashlar/isa/ops.hpp>
#include <ashlar/isa/rounded.hpp>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace ashlar {

namespace detail {

// What all element types share: memory, order.
template <class T>
struct scalar_ops {
  using value_type = T;
  using isa_type = isa::scalar;
  using vec = T;

  static constexpr index max_lanes = 1;
  static constexpr bool masked_memory = false;
  static ASHLAR_INLINE constexpr index lanes() { return 1; }

  static ASHLAR_INLINE constexpr T zero() { return T(0); }
  static ASHLAR_INLINE constexpr T broadcast(T x) { return x; }
  static ASHLAR_INLINE constexpr T broadcast_load(const T* p) { return *p; }
  static ASHLAR_INLINE constexpr T load(const T* p) { return *p; }
  static ASHLAR_INLINE constexpr void store(T* p, T x) { *p = x; }
  static ASHLAR_INLINE constexpr T load_n(const T* p, index n) { return n > 0 ? *p : T(0); }
  static ASHLAR_INLINE constexpr void store_n(T* p, T x, index n) {
    if (n > 0) *p = x;
  }

  static ASHLAR_INLINE constexpr T min(T a, T b) { return a < b ? a : b; }
  static ASHLAR_INLINE constexpr T max(T a, T b) { return a > b ? a : b; }
  static ASHLAR_INLINE constexpr T select_gt(T a, T b, T x, T y) { return a > b ? x : y; }
};

template <class T>
struct scalar_integer_ops : scalar_ops<T> {
  // Wraps: at least `unsigned`, so that promotion to int cannot overflow either.
  using wide = std::common_type_t<std::make_unsigned_t<T>, unsigned>;

  static ASHLAR_INLINE constexpr T add(T a, T b) { return static_cast<T>(static_cast<wide>(a) + static_cast<wide>(b)); }
  static ASHLAR_INLINE constexpr T sub(T a, T b) { return static_cast<T>(static_cast<wide>(a) - static_cast<wide>(b)); }
  static ASHLAR_INLINE constexpr T mul(T a, T b) { return static_cast<T>(static_cast<wide>(a) * static_cast<wide>(b)); }
  static ASHLAR_INLINE constexpr T fma(T a, T b, T c) { return add(mul(a, b), c); }
  static ASHLAR_INLINE constexpr T bit_and(T a, T b) { return static_cast<T>(a & b); }
  static ASHLAR_INLINE constexpr T bit_or(T a, T b) { return static_cast<T>(a | b); }

  static ASHLAR_INLINE constexpr T shift_left(T x, T n) { return static_cast<T>(static_cast<wide>(x) << n); }
  static ASHLAR_INLINE constexpr T shift_right(T x, T n) { return static_cast<T>(x >> n); }
  static ASHLAR_INLINE constexpr T doubling_high_product(T a, T b)
    requires std::same_as<T, std::int32_t>
  {
    const std::int64_t product = (std::int64_t(a) * b + (std::int64_t(1) << 30)) >> 31;
    return product > std::numeric_limits<T>::max() ? std::numeric_limits<T>::max() : static_cast<T>(product);
  }
  static ASHLAR_INLINE constexpr T to_int(float y)
    requires std::same_as<T, std::int32_t>
  {
    if (y >= 0x1p31f) return std::numeric_limits<T>::max();
    if (y < -0x1p31f) return std::numeric_limits<T>::min();
    return y == y ? static_cast<T>(y) : 0;
  }
};

template <class T>
struct scalar_float_ops : scalar_ops<T> {
  static_assert(std::numeric_limits<T>::is_iec559 && (sizeof(T) == 4 || sizeof(T) == 8));
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr int fraction = std::numeric_limits<T>::digits - 1;
  static constexpr int bias = std::numeric_limits<T>::max_exponent - 1;
  static constexpr bits sign = bits(1) << (8 * sizeof(T) - 1);
  static constexpr T integral = static_cast<T>(bits(1) << fraction);  // 2^23, 2^52: from here on all are integers

  static ASHLAR_INLINE constexpr T add(T a, T b) { return a + b; }
  static ASHLAR_INLINE constexpr T sub(T a, T b) { return a - b; }
  static ASHLAR_INLINE constexpr T mul(T a, T b) {
    return __builtin_is_constant_evaluated() ? a * b : detail::rounded(a * b);
  }
  static ASHLAR_INLINE constexpr T div(T a, T b) { return a / b; }
  static ASHLAR_INLINE constexpr T min(T a, T b) { return scalar_ops<T>::min(a, unknown(b)); }
  static ASHLAR_INLINE constexpr T max(T a, T b) { return scalar_ops<T>::max(a, unknown(b)); }
  static ASHLAR_INLINE constexpr T fma(T a, T b, T c) { return ashlar::fma(a, b, c); }

  static ASHLAR_INLINE constexpr T from_int(std::int32_t x)
    requires(sizeof(T) == 4)
  {
    return static_cast<T>(x);
  }
  static ASHLAR_INLINE constexpr T abs(T x) { return from_bits(to_bits(x) & ~sign); }
  static ASHLAR_INLINE constexpr T neg(T x) { return from_bits(to_bits(x) ^ sign); }
  static ASHLAR_INLINE constexpr T copysign(T magnitude, T s) {
    return from_bits((to_bits(magnitude) & ~sign) | (to_bits(s) & sign));
  }
  static ASHLAR_INLINE constexpr T round_even(T x) {
    const T a = abs(x);
    return a < integral ? copysign((a + integral) - integral, x) : x;
  }
  // k + bias lands in the low bits of the sum's fraction; the shift moves it to the exponent and drops the rest.
  static ASHLAR_INLINE constexpr T pow2(T k) { return from_bits(to_bits(k + (integral + T(bias))) << fraction); }

 private:
  // Else clang for 64-bit ARM, told that b is 0, makes "a > 0 ? a : 0" FMAXNM, which keeps a signaling NaN.
  static ASHLAR_INLINE constexpr T unknown(T x) { return __builtin_is_constant_evaluated() ? x : detail::rounded(x); }
  static ASHLAR_INLINE constexpr bits to_bits(T x) { return __builtin_bit_cast(bits, x); }
  static ASHLAR_INLINE constexpr T from_bits(bits x) { return __builtin_bit_cast(T, x); }
};

}  // namespace detail

template <std::floating_point T>
struct ops<T, isa::scalar> : detail::scalar_float_ops<T> {};

template <std::integral T>
struct ops<T, isa::scalar> : detail::scalar_integer_ops<T> {};

static_assert(float_ops<ops<float, isa::scalar>> && float_ops<ops<double, isa::scalar>>);
static_assert(integer_ops<ops<std::int32_t, isa::scalar>> && integer_ops<ops<std::uint32_t, isa::scalar>>);

}  // namespace ashlar
