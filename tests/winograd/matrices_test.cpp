// SPDX-License-Identifier: Apache-2.0
//
// tests/winograd/matrices_test.cpp: the generated matrices satisfy the correlation identity exactly, in rational
// arithmetic, while this file compiles.
#include <doctest/doctest.h>

#include <ashlar/winograd/cook_toom.hpp>
#include <utility>

namespace ashlar::test {
namespace {

static_assert(rational(1, 2) + rational(1, 3) == rational(5, 6));
static_assert(rational(6, -4) == rational(-3, 2));
static_assert(rational(2, 3) * rational(9, 4) == rational(3, 2) && rational(1, 3) / rational(-2) == rational(-1, 6));
static_assert(power(rational(-5, 8), 3) == rational(-125, 512) && power(rational(0), 0) == rational(1));
static_assert(rational(13, 8).to<float>() == 1.625f && rational(-1, 3).to<double>() == -1.0 / 3);
static_assert(rational((1 << 24) - 1, 4).exact_in(24) && !rational((1 << 24) + 1).exact_in(24));
static_assert(!rational(1, 3).exact_in(53));

// y_i of the unit vectors g = e_j and d = e_k is 1 where k = i + j, else 0. One tap at a time: clang stops a constant
// evaluation after a million steps.
template <class F>
consteval bool tap_correlates(int j) {
  for (int i = 0; i < F::m; ++i) {
    std::array<rational, F::a> products;
    for (int p = 0; p < F::a; ++p) products[unsigned(p)] = F::output(i, p) * F::weights(p, j);
    for (int k = 0; k < F::a; ++k) {
      rational y;
      for (int p = 0; p < F::a; ++p) y = y + products[unsigned(p)] * F::input(p, k);
      if (!(y == rational(k == i + j ? 1 : 0))) return false;
    }
  }
  return true;
}
template <class F, int J>
inline constexpr bool tap_is_right = tap_correlates<F>(J);
template <class F, int... J>
consteval bool correlates(std::integer_sequence<int, J...>) {
  return (tap_is_right<F, J> && ...);
}
template <class F>
consteval bool correlates() {
  return correlates<F>(std::make_integer_sequence<int, F::r>{});
}

// What run time applies to floats is exact in a float, so only the arithmetic rounds.
template <class F>
consteval bool exact_in_float() {
  for (int i = 0; i < F::a; ++i) {
    for (int k = 0; k < F::a; ++k)
      if (!F::input(i, k).exact_in(24)) return false;
    for (int k = 0; k < F::m; ++k)
      if (!F::output(k, i).exact_in(24)) return false;
  }
  return true;
}

template <int R, int... M>
consteval bool all_right(std::integer_sequence<int, M...>) {
  return ((correlates<cook_toom<M + 1, R>>() && exact_in_float<cook_toom<M + 1, R>>()) && ...);
}
static_assert(all_right<1>(std::make_integer_sequence<int, 8>{}));
static_assert(all_right<2>(std::make_integer_sequence<int, 8>{}));
static_assert(all_right<3>(std::make_integer_sequence<int, 8>{}));
static_assert(all_right<4>(std::make_integer_sequence<int, 7>{}));
static_assert(all_right<5>(std::make_integer_sequence<int, 6>{}));
static_assert(all_right<6>(std::make_integer_sequence<int, 5>{}));
static_assert(all_right<7>(std::make_integer_sequence<int, 4>{}));

// Points of one's own; the textbook's F(2, 3) and F(4, 3).
struct textbook {
  static constexpr std::array<rational, 5> finite{rational(0), rational(1), rational(-1), rational(2), rational(-2)};
};
struct lopsided {
  static constexpr std::array<rational, 4> finite{rational(0), rational(1), rational(3), rational(-1, 2)};
};
static_assert(correlates<cook_toom<4, 3, textbook>>() && correlates<cook_toom<2, 5, textbook>>());
static_assert(correlates<cook_toom<3, 3, lopsided>>() && correlates<cook_toom<1, 5, lopsided>>());
static_assert(cook_toom<2, 3>::input(1, 1) == rational(1) && cook_toom<2, 3>::weights(1, 1) == rational(1, 2));
static_assert(cook_toom<4, 3, textbook>::input(0, 0) == rational(4) &&
              cook_toom<4, 3, textbook>::weights(0, 0) == rational(1, 4) &&
              cook_toom<4, 3, textbook>::output(3, 4) == rational(-8));

TEST_CASE("the matrices are right: the compiler has checked them") { CHECK(correlates<cook_toom<4, 3>>()); }

}  // namespace
}  // namespace ashlar::test
