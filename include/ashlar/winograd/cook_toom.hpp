// SPDX-License-Identifier: Apache-2.0
//
// winograd/cook_toom.hpp: the matrices of Winograd's short correlations F(m, r), derived from a list of points.
//
//   y = A^T [ (G g) . (B^T d) ]        y_i = sum over j < r of g_j d_(i+j),  0 <= i < m;     a = m + r - 1 multiplies
//
// Cook and Toom multiply polynomials of r and m coefficients by their values at a points: s = V^-1 [ (E_r g) . (E_m x)
// ] with Vandermonde matrices. Transposing the map from x to s (Winograd; Tellegen) gives the correlation:
//
//   A^T = E_m^T             column i: 1, p_i, p_i^2 ...                       infinity: the last unit vector
//   B^T = V^-T              row i: coefficients of prod over j != i of (x - p_j)             infinity: of all (x - p_j)
//   G   = E_r               row i: 1, p_i, p_i^2 ...  over prod over j != i of (p_i - p_j)   infinity: the last unit
//   vector
//
// The denominators stand in G, which is applied once, when the weights are packed; A^T and B^T are then binary
// fractions, exact in a float, with ones where the vectors want them.
//
// Depends on: winograd/rational.hpp.   Used by: winograd/transform.hpp, winograd/error_bound.hpp, cuda/.
#pragma once

#include <ashlar/winograd/rational.hpp>

namespace ashlar {

/// The finite points of an algorithm with A multiplies; infinity is always the last one. Another choice is any struct
/// with a member `finite` like these.
///
/// Chosen among pairs +-p of eighths (and zero) for the least error: they minimise, over the outputs i, the largest
/// sum over points of A(i, p)^2 |G_p|^2 |B_p|^2, which is the growth of the variance of the rounding errors of the
/// products (error_bound.hpp). F(4, 3): 7.8, where 0, +-1, +-2 give 31; F(6, 3): 46 with these; pairs without zero win
/// wherever the number of points allows it: F(3, 3) 3.4 against 5.3, F(5, 3) 18 against 28.
template <int A>
struct default_points;

template <>
struct default_points<1> {
  static constexpr std::array<rational, 0> finite{};
};
template <>
struct default_points<2> {
  static constexpr std::array<rational, 1> finite{rational(0)};
};
template <>
struct default_points<3> {
  static constexpr std::array<rational, 2> finite{rational(5, 8), rational(-5, 8)};
};
template <>
struct default_points<4> {
  static constexpr std::array<rational, 3> finite{rational(0), rational(1), rational(-1)};
};
template <>
struct default_points<5> {
  static constexpr std::array<rational, 4> finite{rational(3, 8), rational(-3, 8), rational(5, 4), rational(-5, 4)};
};
template <>
struct default_points<6> {
  static constexpr std::array<rational, 5> finite{rational(0), rational(5, 8), rational(-5, 8), rational(13, 8),
                                                  rational(-13, 8)};
};
template <>
struct default_points<7> {
  static constexpr std::array<rational, 6> finite{rational(1, 4),  rational(-1, 4), rational(7, 8),
                                                  rational(-7, 8), rational(7, 4),  rational(-7, 4)};
};
template <>
struct default_points<8> {
  static constexpr std::array<rational, 7> finite{rational(0),  rational(1, 2), rational(-1, 2), rational(1),
                                                  rational(-1), rational(2),    rational(-2)};
};
template <>
struct default_points<9> {
  static constexpr std::array<rational, 8> finite{rational(1, 4), rational(-1, 4), rational(3, 4), rational(-3, 4),
                                                  rational(1),    rational(-1),    rational(5, 2), rational(-5, 2)};
};
template <>
struct default_points<10> {
  static constexpr std::array<rational, 9> finite{rational(0),     rational(1, 2),  rational(-1, 2),
                                                  rational(3, 4),  rational(-3, 4), rational(5, 4),
                                                  rational(-5, 4), rational(5, 2),  rational(-5, 2)};
};

namespace detail {

// Row i: the coefficients of the product of (x - p_j) over all finite points but the i-th (none is left out for the
// last row, infinity's).
template <int A, class Points>
consteval rational_matrix<A, A> input_matrix(const Points& p) {
  rational_matrix<A, A> b;
  for (int i = 0; i < A; ++i) {
    b(i, 0) = 1;
    int degree = 0;
    for (int j = 0; j < A - 1; ++j) {
      if (j == i) continue;
      for (int k = ++degree; k >= 0; --k) b(i, k) = (k > 0 ? b(i, k - 1) : rational()) - p[unsigned(j)] * b(i, k);
    }
  }
  return b;
}

template <int A, int R, class Points>
consteval rational_matrix<A, R> weights_matrix(const Points& p) {
  rational_matrix<A, R> g;
  for (int i = 0; i < A - 1; ++i) {
    rational denominator = 1;
    for (int j = 0; j < A - 1; ++j)
      if (j != i) denominator = denominator * (p[unsigned(i)] - p[unsigned(j)]);
    for (int k = 0; k < R; ++k) g(i, k) = power(p[unsigned(i)], k) / denominator;
  }
  g(A - 1, R - 1) = 1;
  return g;
}

template <int A, int M, class Points>
consteval rational_matrix<M, A> output_matrix(const Points& p) {
  rational_matrix<M, A> t;
  for (int k = 0; k < M; ++k)
    for (int i = 0; i < A - 1; ++i) t(k, i) = power(p[unsigned(i)], k);
  t(M - 1, A - 1) = 1;
  return t;
}

}  // namespace detail

/// F(M, R): M outputs of a correlation with R taps in M + R - 1 multiplies.
///
///     using f43 = cook_toom<4, 3>;           f43::output  A^T (4 x 6),  f43::weights  G (6 x 3),  f43::input  B^T (6 x
///     6)
///
/// R = 1 (an axis without a kernel) and M = 1 are the identity and the plain sum, apart from the points.
/// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015; Winograd, "Arithmetic Complexity
/// of Computations", 1980.
template <int M, int R, class Points = default_points<M + R - 1>>
struct cook_toom {
  static_assert(M >= 1 && R >= 1);
  static constexpr int m = M, r = R, a = M + R - 1;
  static_assert(Points::finite.size() == unsigned(a - 1), "F(m, r) takes m + r - 2 finite points");

  static constexpr rational_matrix<m, a> output = detail::output_matrix<a, m>(Points::finite);
  static constexpr rational_matrix<a, r> weights = detail::weights_matrix<a, r>(Points::finite);
  static constexpr rational_matrix<a, a> input = detail::input_matrix<a>(Points::finite);
};

}  // namespace ashlar
