// SPDX-License-Identifier: Apache-2.0
//
// epilogue/conversion.hpp: numbers from one arithmetic type to another, defined for every value, the same bits on every
// ISA and in constant evaluation.
//
//   converted<To>(x)     static_cast<To>(x); a floating-point x beyond an integer type goes to its nearer end, NaN to 0
//   there_and_back       T -> U -> T of a vector:
//     U holds T          nothing to do
//     floating to int    truncate, then clamp to the ends of U: in floating point, for what is left is a number of T
//     int to fewer bits  add, mask, subtract
//     else               lane by lane (double or int32 through float)
//
// Depends on: isa/ops.hpp, isa/rounded.hpp, core/narrow_float.hpp.   Used by: epilogue/math.hpp, epilogue/cast.hpp.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/isa/ops.hpp>
#include <ashlar/isa/rounded.hpp>
#include <concepts>
#include <limits>
#include <type_traits>

namespace ashlar {

/// A type that numbers can be rounded to: float, double, any integer type; not bool.
template <class U>
concept castable = std::is_arithmetic_v<U> && !std::same_as<U, bool>;

namespace detail {

// The ends of the integers U in T. The upper one is 2^n - 1, rounded to 2^n where T has fewer bits.
template <class T, class U>
inline constexpr T lower_end = static_cast<T>(std::numeric_limits<U>::min());
template <class T, class U>
inline constexpr T upper_end = static_cast<T>(std::numeric_limits<U>::max());

template <std::integral To, std::floating_point From>
ASHLAR_INLINE constexpr To saturated(From x) {
  constexpr From beyond = static_cast<From>(std::numeric_limits<To>::max() / 2 + 1) * 2;  // 2^n, exactly
  if (x >= beyond) return std::numeric_limits<To>::max();
  if (x < lower_end<From, To>) return std::numeric_limits<To>::min();
  return x == x ? static_cast<To>(x) : To(0);
}

// In constant evaluation an overflow is an error and not infinity, so it is spelled out: from half an ulp above the
// largest number on, as the tie goes to even.
template <std::floating_point To, std::floating_point From>
ASHLAR_INLINE constexpr To narrowed(From x) {
  using limits = std::numeric_limits<To>;
  if (__builtin_is_constant_evaluated()) {
    constexpr From epsilon = limits::epsilon(), largest = limits::max();
    constexpr From beyond = largest + largest / (2 - epsilon) * (epsilon / 2);
    if (x >= beyond) return limits::infinity();
    if (x <= -beyond) return -limits::infinity();
    if (x > largest) return limits::max();
    if (x < -largest) return limits::lowest();
  }
  return static_cast<To>(x);
}

/// x in the type To: static_cast<To>(x) to nearest even; floating point to an integer type truncates, goes to the
/// nearer end when outside, and from NaN to 0; integer to integer wraps.
template <castable To, class From>
  requires(std::is_arithmetic_v<From> || narrow_floating_point<From>)
ASHLAR_INLINE constexpr To converted(From x) {
  if constexpr (narrow_floating_point<From>) {
    return converted<To>(float(x));
  } else if constexpr (std::integral<To> && std::floating_point<From>) {
    return saturated<To>(x);
  } else if constexpr (std::floating_point<To> && std::floating_point<From> && sizeof(To) < sizeof(From)) {
    return narrowed<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

// T -> U -> T changes no value: U has the digits, or as many bits to wrap in.
template <class U, class T>
inline constexpr bool holds = std::floating_point<U> ? std::numeric_limits<U>::digits >= std::numeric_limits<T>::digits
                                                     : std::integral<T> && sizeof(U) >= sizeof(T);

/// converted<T>(converted<U>(x)) of every lane.
template <simd_ops O, castable U>
struct there_and_back {
  using T = typename O::value_type;
  using vec = typename O::vec;

  static ASHLAR_INLINE constexpr vec of(const vec& x) {
    if constexpr (holds<U, T>) {
      return x;
    } else if constexpr (std::floating_point<U>) {
      return by_lane(x);
    } else if constexpr (std::floating_point<T>) {
      return truncated(x);
    } else {
      return wrapped(x);
    }
  }

 private:
  // The first max makes NaN 0; the sign goes by select and subtraction, so that -0 becomes +0.
  static ASHLAR_INLINE constexpr vec truncated(const vec& x) {
    const vec a = O::max(O::abs(x), O::zero());
    const vec nearest = O::round_even(a);
    const vec whole = O::select_gt(nearest, a, O::sub(nearest, O::broadcast(T(1))), nearest);
    const vec both = O::select_gt(O::zero(), x, O::sub(O::zero(), whole), whole);
    return O::min(O::broadcast(upper_end<T, U>), O::max(O::broadcast(lower_end<T, U>), both));
  }

  // The low bits of x, as U reads them: unsigned, or signed by an offset of half their range.
  static ASHLAR_INLINE constexpr vec wrapped(const vec& x) {
    const vec mask = O::broadcast(static_cast<T>(std::numeric_limits<std::make_unsigned_t<U>>::max()));
    if constexpr (std::signed_integral<U>) {
      const vec half = O::broadcast(static_cast<T>(static_cast<T>(std::numeric_limits<U>::max()) + 1));
      return O::sub(O::bit_and(O::add(x, half), mask), half);
    } else {
      return O::bit_and(x, mask);
    }
  }

  static ASHLAR_INLINE constexpr vec by_lane(const vec& x) {
    T lanes[O::max_lanes] = {};
    O::store(lanes, x);
    for (index l = 0; l < O::lanes(); ++l) lanes[l] = converted<T>(kept(converted<U>(lanes[l])));
    return O::load(lanes);
  }

  // g++ 12 makes vectors of this loop and then takes double -> float -> double for no change at all.
  static ASHLAR_INLINE constexpr U kept(U x) { return __builtin_is_constant_evaluated() ? x : rounded(x); }
};

}  // namespace detail
}  // namespace ashlar
