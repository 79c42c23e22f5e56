// SPDX-License-Identifier: Apache-2.0
//
// winograd/exact.hpp: Winograd's short correlations in whole numbers, and how large these become.
//
//   2^t q y  =  A'^T [ (G' g) . (B'^T d) ]        q odd
//
// Rows of B^T and G are made whole, without a common factor, columns of A^T divided by the same; A^T is then whole
// times a factor of its own, the one above. Modulo 2^32 the right side is right whatever happens between: times the
// inverse of q it is 2^t y, and a shift by t gives y where y is of 32 - t bits. Only t takes room away from y.
//
// t is the points' doing. A denominator of G is the product of det(p, p') over the other points, p = a / b as (a, b),
// infinity as (1, 0), and det is even where a and b are both like a' and b' modulo 2: three classes there are, 0, 1 and
// infinity. Up to six points stand two in a class by 0 and 2, 1 and -1, infinity and -1/2, with dets of 2: F(2, 3),
// F(3, 3) and F(4, 3) are all 2 q times too large (the textbook's 0, +-1, +-2 make F(4, 3) 8 q times too large).
//
// Depends on: winograd/algorithm.hpp.   Used by: winograd/format.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <ashlar/winograd/algorithm.hpp>

namespace ashlar {

/// The points of exact algorithms with A multiplies, where the algorithm has no points of its own.
template <int A>
struct small_points {
  static_assert(A <= 10, "small_points: an exact algorithm of more than ten multiplies has points of its own");
  static constexpr auto finite = [] {
    constexpr std::array<rational, 9> all{rational(0),    rational(1),  rational(-1),   rational(2), rational(-1, 2),
                                          rational(1, 2), rational(-2), rational(1, 3), rational(3)};
    std::array<rational, unsigned(A - 1)> first{};
    std::copy_n(all.begin(), A - 1, first.begin());
    return first;
  }();
};

namespace detail {

consteval int128 least_common_multiple(int128 a, int128 b) {
  return exact_product(a / greatest_common_divisor(a, b), b);
}

// The three matrices of F(M, R) in whole numbers.
template <int M, int R>
struct whole_matrices {
  static constexpr int a = M + R - 1;
  rational_matrix<M, a> output;
  rational_matrix<a, R> weights;
  rational_matrix<a, a> input;
  rational factor = 1;

  template <class F>
  consteval whole_matrices(F, int most) : output(F::output), weights(F::weights), input(F::input) {
    for (int i = 0; i < a; ++i) scale_column(i, rational(1) / (make_whole(input, i) * make_whole(weights, i)));
    int128 common = 1;
    for (const auto& row : output.entries)
      for (const rational& x : row) common = least_common_multiple(common, x.den);
    factor = common;
    for (int i = 0; i < a; ++i) scale_column(i, factor), exchange(i, most);
  }

 private:
  // Scales row i of m, and says by what.
  template <int Cols>
  static consteval rational make_whole(rational_matrix<a, Cols>& m, int i) {
    int128 num = 0, den = 1;
    for (int k = 0; k < Cols; ++k) {
      num = greatest_common_divisor(num, m(i, k).num), den = least_common_multiple(den, m(i, k).den);
    }
    const rational scale(den, num);
    for (int k = 0; k < Cols; ++k) m(i, k) = m(i, k) * scale;
    return scale;
  }
  consteval void scale_column(int i, const rational& x) {
    for (int k = 0; k < M; ++k) output(k, i) = output(k, i) * x;
  }
  // From the column of A^T to the row of G, which is applied once, as much as keeps the row's sizes within `most`.
  consteval void exchange(int i, int most) {
    int128 common = 0, sum = 0;
    for (int k = 0; k < M; ++k) common = greatest_common_divisor(common, output(k, i).num);
    for (int k = 0; k < R; ++k) sum += weights(i, k).num < 0 ? -weights(i, k).num : weights(i, k).num;
    int128 x = std::max<int128>(most / sum, 1);
    while (common % x != 0) --x;
    scale_column(i, rational(1, x));
    for (int k = 0; k < R; ++k) weights(i, k) = weights(i, k) * rational(x);
  }
};

// F with small_points in the place of the default ones, which are made for roundings.
template <class F>
struct with_small_points {
  using type = F;
};
template <int M, int R>
struct with_small_points<cook_toom<M, R, default_points<M + R - 1>>> {
  using type = cook_toom<M, R, small_points<M + R - 1>>;
};

}  // namespace detail

/// F, a cook_toom, in whole numbers: `factor` times what F computes. Rows of G whose sizes sum up to Most or less stay
/// so.
template <class F, int Most>
struct exact_axis {
  static constexpr int m = F::m, r = F::r, a = F::a;
  static constexpr detail::whole_matrices<m, r> matrices{F{}, Most};
  static constexpr const rational_matrix<m, a>& output = matrices.output;
  static constexpr const rational_matrix<a, r>& weights = matrices.weights;
  static constexpr const rational_matrix<a, a>& input = matrices.input;
  static constexpr rational factor = matrices.factor;
  static constexpr bool any_order = true;
};

/// Numbers from `least` <= 0 to `most` >= 0.
struct number_range {
  int least, most;
  [[nodiscard]] constexpr int size() const { return std::max(-least, most); }
};

namespace detail {

// The largest size of an element of V x H^T, for numbers x of the range.
template <int Rows, int Cols, int Rows2, int Cols2>
consteval double largest_transformed(const rational_matrix<Rows, Cols>& v, const rational_matrix<Rows2, Cols2>& h,
                                     const number_range& x) {
  struct sums {
    double plus = 0, minus = 0;
    consteval void add(const rational& y) { (y.num > 0 ? plus : minus) += (y.num > 0 ? y : -y).template to<double>(); }
  };
  double most = 0;
  for (int i = 0; i < Rows; ++i) {
    sums p;
    for (int k = 0; k < Cols; ++k) p.add(v(i, k));
    for (int j = 0; j < Rows2; ++j) {
      sums q;
      for (int k = 0; k < Cols2; ++k) q.add(h(j, k));
      const double plus = p.plus * q.plus + p.minus * q.minus, minus = p.plus * q.minus + p.minus * q.plus;
      most = std::max({most, plus * x.most - minus * x.least, minus * x.most - plus * x.least});
    }
  }
  return most;
}

// V x H^T of ones.
template <int Rows, int Cols, int Rows2, int Cols2>
consteval auto transformed_ones(const rational_matrix<Rows, Cols>& v, const rational_matrix<Rows2, Cols2>& h) {
  const auto sum = [](const auto& row) consteval {
    rational all;
    for (const rational& x : row) all = all + x;
    return all;
  };
  std::array<int, unsigned(Rows * Rows2)> y{};
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Rows2; ++j)
      y[unsigned(i * Rows2 + j)] = (sum(v.entries[unsigned(i)]) * sum(h.entries[unsigned(j)])).template to<int>();
  return y;
}

// x with q x = 1 modulo 2^32: Newton's steps double the bits that are right, three of them to begin with.
consteval std::uint32_t inverse_of(std::uint32_t q) {
  std::uint32_t x = q;
  for (int i = 0; i < 4; ++i) x *= 2 - q * x;
  return x;
}

}  // namespace detail

/// A, a winograd<...>, of numbers from two ranges as products of 16-bit numbers: is it exact, and how far?
///
///     using exact = exact_winograd_of<f4x4_3x3, number_range{0, 255}, number_range{-128, 127}>;
///     static_assert(exact::fits && exact::shift == 2 && exact::most_terms == 1827);
template <class A, number_range Src, number_range Weights>
struct exact_winograd_of {
  // Of both axes' rows of G: their sizes, multiplied, times a weight's are a 16-bit number.
  static constexpr int most_of_row = [] {
    int most = 1;
    while ((most + 1) * (most + 1) * Weights.size() < 1 << 15) ++most;
    return most;
  }();
  using vertical = exact_axis<typename detail::with_small_points<typename A::vertical>::type, most_of_row>;
  using horizontal = exact_axis<typename detail::with_small_points<typename A::horizontal>::type, most_of_row>;
  using type = winograd<vertical, horizontal>;

  static constexpr double largest_src = detail::largest_transformed(vertical::input, horizontal::input, Src);
  static constexpr double largest_weight = detail::largest_transformed(vertical::weights, horizontal::weights, Weights);

  /// What each point makes of pixels that are all 1: 0 for most of them.
  static constexpr auto ones = detail::transformed_ones(vertical::input, horizontal::input);

  /// The sums are 2^shift q times too large; the inverse of q.
  static constexpr int shift = [] {
    int t = 0;
    for (detail::int128 x = (vertical::factor * horizontal::factor).num; x % 2 == 0; x /= 2) ++t;
    return t;
  }();
  static constexpr std::uint32_t inverse =
      detail::inverse_of(std::uint32_t((vertical::factor * horizontal::factor).num >> shift));

  /// The longest sum of products of taps whose 2^shift-fold 32 bits hold, whatever the numbers are; 0: none.
  static constexpr index most_terms = shift > 31 ? 0
                                                 : index(0x1p31 / double(index(1) << shift) /
                                                         (double(type::taps) * Src.size() * Weights.size()));
  /// Do 16 bits hold what is multiplied?
  static constexpr bool fits = largest_src < 0x1p15 && largest_weight < 0x1p15;
};

/// The same of bytes. Src less its zero point, one of its numbers, is within 0 and 255 or -255 and 0, or between: what
/// is transformed has the same size in all of these.
template <class Weight, class A>
using exact_bytes =
    exact_winograd_of<A, number_range{0, 255},
                      number_range{std::numeric_limits<Weight>::min(), std::numeric_limits<Weight>::max()}>;

}  // namespace ashlar
