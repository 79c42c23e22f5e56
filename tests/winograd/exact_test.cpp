// SPDX-License-Identifier: Apache-2.0
//
// tests/winograd/exact_test.cpp: the matrices in whole numbers compute a multiple of the correlation, in exact
// arithmetic; how large numbers become, and how much room is left for sums: while this file compiles.
#include <doctest/doctest.h>

#include <ashlar/winograd/exact.hpp>
#include <utility>

namespace ashlar::test {
namespace {

using u8 = std::uint8_t;
using s8 = std::int8_t;

template <int Rows, int Cols>
consteval bool is_whole(const rational_matrix<Rows, Cols>& m) {
  for (const auto& row : m.entries)
    for (const rational& x : row)
      if (x.den != 1) return false;
  return true;
}

// y_i of the unit vectors g = e_j and d = e_k is the factor where k = i + j, else 0. One tap at a time, as in
// matrices_test.cpp.
template <class F, int J>
consteval bool tap_is_right() {
  for (int i = 0; i < F::m; ++i)
    for (int k = 0; k < F::a; ++k) {
      rational y;
      for (int p = 0; p < F::a; ++p) y = y + F::output(i, p) * F::weights(p, J) * F::input(p, k);
      if (!(y == (k == i + J ? F::factor : rational()))) return false;
    }
  return true;
}
template <class F, int... J>
consteval bool correlates(std::integer_sequence<int, J...>) {
  return (tap_is_right<F, J>() && ...);
}
template <class F>
consteval bool is_right() {
  return is_whole(F::output) && is_whole(F::weights) && is_whole(F::input) &&
         correlates<F>(std::make_integer_sequence<int, F::r>{});
}
// Both axes; a product of the factors is what sums are too large by.
template <class A, class Weight = s8>
consteval bool is_right(int factor, int shift, index most_terms) {
  using exact = exact_bytes<Weight, A>;
  const rational f = exact::vertical::factor * exact::horizontal::factor;
  return is_right<typename exact::vertical>() && is_right<typename exact::horizontal>() && exact::fits &&
         f == rational(factor) && exact::shift == shift && exact::most_terms == most_terms &&
         std::uint32_t(factor >> shift) * exact::inverse == 1;
}

struct textbook {
  static constexpr std::array<rational, 5> finite{rational(0), rational(1), rational(-1), rational(2), rational(-2)};
};
using identity = cook_toom<1, 1>;
using textbook_4x4 = winograd<cook_toom<4, 3, textbook>>;

// 2^(31 - t) over 9 products of at most 255 * 128, or 255 * 255.
static_assert(is_right<f2x2_3x3>(4, 2, 1827) && is_right<f2x2_3x3, u8>(4, 2, 917));
static_assert(is_right<f3x3_3x3>(36, 2, 1827) && is_right<f3x3_3x3, u8>(36, 2, 917));
static_assert(is_right<f4x4_3x3>(900, 2, 1827) && is_right<f4x4_3x3, u8>(900, 2, 917));
static_assert(is_right<textbook_4x4>(576, 6, 114) && is_right<textbook_4x4, u8>(576, 6, 57));
// Other kernels, rows and columns, rectangles.
static_assert(is_right<winograd<cook_toom<2, 2>>>(1, 0, 16448) && is_right<winograd<cook_toom<3, 2>>>(4, 2, 4112));
static_assert(is_right<winograd<identity, cook_toom<4, 3>>>(30, 1, 10965));
static_assert(is_right<winograd<cook_toom<2, 5>, identity>>(30, 1, 6579));
static_assert(is_right<winograd<cook_toom<2, 3>, cook_toom<3, 2>>>(4, 2, 2741));

// The largest sizes of what is multiplied, which conv/exact_winograd_test.cpp reaches: of 16 bits, or refused.
template <class A, class Weight = s8>
consteval bool reaches(double src, double weight) {
  return exact_bytes<Weight, A>::largest_src == src && exact_bytes<Weight, A>::largest_weight == weight;
}
static_assert(reaches<f2x2_3x3>(1020, 1152) && reaches<f3x3_3x3>(4590, 128 * 81) && reaches<f4x4_3x3>(24990, 28800));
static_assert(reaches<f2x2_3x3, u8>(1020, 2295) && reaches<textbook_4x4>(17340, 128 * 144));
static_assert(!exact_bytes<s8, f5x5_3x3>::fits && !exact_bytes<s8, f6x6_3x3>::fits);
static_assert(!exact_bytes<s8, winograd<cook_toom<2, 5>>>::fits);

TEST_CASE("the matrices are right: the compiler has checked them") {
  CHECK(is_right<exact_bytes<s8, f4x4_3x3>::vertical>());
}

}  // namespace
}  // namespace ashlar::test
