// SPDX-License-Identifier: Apache-2.0
//
// winograd/rational.hpp: exact fractions, in constant evaluation only: what the transform matrices are derived in.
//
// 128-bit numerator and denominator, always in lowest terms. An overflow calls a function that is not constexpr: the
// expression is then no constant, and the compiler says so. Nothing wraps or rounds.
//
// Depends on: core/config.hpp.   Used by: winograd/cook_toom.hpp, winograd/linear_map.hpp.
#pragma once

#include <array>
#include <ashlar/core/config.hpp>

namespace ashlar {

namespace detail {
__extension__ using int128 = __int128;

void rational_overflow();  // declared only: reaching it ends constant evaluation
void rational_division_by_zero();

consteval int128 greatest_common_divisor(int128 a, int128 b) {
  if (a < 0) a = -a;
  if (b < 0) b = -b;
  while (b != 0) {
    const int128 rest = a % b;
    a = b, b = rest;
  }
  return a;
}
consteval int128 exact_product(int128 a, int128 b) {
  int128 p = 0;
  if (__builtin_mul_overflow(a, b, &p)) rational_overflow();
  return p;
}
consteval int128 exact_sum(int128 a, int128 b) {
  int128 s = 0;
  if (__builtin_add_overflow(a, b, &s)) rational_overflow();
  return s;
}
}  // namespace detail

/// num / den in lowest terms, den > 0.   static_assert(rational(1, 2) + rational(1, 3) == rational(5, 6));
struct rational {
  detail::int128 num = 0, den = 1;

  consteval rational() = default;
  consteval rational(detail::int128 n, detail::int128 d = 1) {
    if (d == 0) detail::rational_division_by_zero();
    const detail::int128 g = detail::greatest_common_divisor(n, d), sign = d < 0 ? -1 : 1;
    num = sign * n / g, den = sign * d / g;
  }

  /// The nearest T, if numerator and denominator are exact in T; rounded at most three times otherwise.
  template <class T>
  consteval T to() const {
    return static_cast<T>(static_cast<T>(num) / static_cast<T>(den));
  }
  /// Is to<T>() the value itself? (A power of two below, few bits above.)
  consteval bool exact_in(int digits) const {
    const detail::int128 size = num < 0 ? -num : num;
    return (den & (den - 1)) == 0 && (size >> digits) == 0;
  }

  friend consteval rational operator-(const rational& a) { return {-a.num, a.den}; }
  friend consteval rational operator+(const rational& a, const rational& b) {
    const detail::int128 g = detail::greatest_common_divisor(a.den, b.den);
    const detail::int128 n =
        detail::exact_sum(detail::exact_product(a.num, b.den / g), detail::exact_product(b.num, a.den / g));
    return {n, detail::exact_product(a.den / g, b.den)};
  }
  friend consteval rational operator-(const rational& a, const rational& b) { return a + -b; }
  friend consteval rational operator*(const rational& a, const rational& b) {
    const rational x(a.num, b.den), y(b.num, a.den);  // what cancels crosswise is gone before the product
    return {detail::exact_product(x.num, y.num), detail::exact_product(x.den, y.den)};
  }
  friend consteval rational operator/(const rational& a, const rational& b) { return a * rational(b.den, b.num); }
  friend consteval bool operator==(const rational& a, const rational& b) { return a.num == b.num && a.den == b.den; }
};

/// x to the power n >= 0; 0^0 = 1.
consteval rational power(const rational& x, int n) {
  rational p = 1;
  for (int i = 0; i < n; ++i) p = p * x;
  return p;
}

/// Rows x Cols fractions.
template <int Rows, int Cols>
struct rational_matrix {
  static constexpr int rows = Rows, cols = Cols;
  std::array<std::array<rational, Cols>, Rows> entries{};

  consteval rational& operator()(int i, int j) { return entries[unsigned(i)][unsigned(j)]; }
  consteval const rational& operator()(int i, int j) const { return entries[unsigned(i)][unsigned(j)]; }
};

}  // namespace ashlar
