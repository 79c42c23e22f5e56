// SPDX-License-Identifier: Apache-2.0
//
// winograd/error_bound.hpp: how far a Winograd convolution can be, and how far it will be, from the exact one.
//
// Every rounding multiplies a partial result by 1 + delta, |delta| <= u. With |z|_p the size of the partial result z in
// terms of the inputs (its coefficients' p-norm), an output (i, j) of a tile gathers, to first order,
//
//   E(p) = in_i k_j + k_i in_j  +  w k_i k_j + wt_i k_j + k_i wt_j  +  (C + 1) / 2 k_i k_j  +  out_i k_j + k_i out_j
//
//   k_i    sum over points of |A(i, q)|^p |G_q|_p^p |B_q|_p^p      the growth of one axis (an output's share of
//   products) in_i   the same with the roundings of row q of B^T x in place of |B_q|: the sum of |z|_p^p over its
//   operations wt_i   the same for G g, where U is computed in T (double); w = 1 where it is rounded to T once (float)
//   out_i  the roundings of row i of A^T m, where m_q has the size |G_q| |B_q|
//
// and (C + 1) / 2 for the sum over C channels, whose c-th partial sum has c terms. Of a kernel with a depth C counts
// the channels of all its planes: they are summed likewise. Of the gradient of weights C counts the tiles, and U is
// computed in T.
//
// Worst case, p = 1:      |dst - exact| <= u C E(1) / (1 - n u) * max|src| * max|weights|,  n the roundings in a row.
// Probable,   p = 2:      |dst - exact| <= lambda u / sqrt(3) sqrt(E(2) / taps) * max|exact|  for all N outputs at once
//                         with probability 1 - risk,  lambda = sqrt(2 ln(2 N / risk)).
//
// The second takes the data to be independent with mean zero: partial results then have their coefficients' 2-norm as
// root mean square, C taps being exact's; and none exceeds its own by more than max|exact| exceeds rms(exact), which
// wants outputs enough (a thousand, say) for their maximum to be typical. Roundings are independent, with mean zero and
// no more spread than the uniform distribution on [-u, u]: errors add up like a random walk, and Hoeffding's inequality
// gives lambda (Higham and Mary, "A New Approach to Probabilistic Rounding Error Analysis", SIAM J. Sci. Comput. 41(5),
// 2019; for Winograd also Barabasz, Anderson, Soodhalter and Gregg, ACM TOMS 46(4), 2020). Measured errors are a fifth
// to a twentieth of it.
//
// Depends on: winograd/algorithm.hpp.   Used by: planners, tests.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include <ashlar/winograd/algorithm.hpp>

namespace ashlar {

/// Bounds of the error of one convolution.
struct winograd_error {
  double absolute;  // worst case: |dst - exact| <= absolute * max|src| * max|weights|, whatever the data
  double worst;     // the same relative to rms(exact), for independent data uniform on [-x, x]
  double probable;  // |dst - exact| <= probable * max|exact| for all outputs at once, but for the risk
};

namespace detail {

/// What a row of a linear map makes of inputs of given sizes, for one norm: the size of its result, and the sum of the
/// sizes of everything that is rounded on the way, each as it reaches the result.
struct row_error {
  double size = 0, rounding = 0;
};

// No part in the deduction of N.
template <int N>
using numbers = std::type_identity_t<std::array<double, N>>;

// |c|^p times the size of the input.
consteval double share(double c, double input, int p) { return p == 1 ? (c < 0 ? -c : c) * input : c * c * input; }

// A sum of terms, in its order of additions; roundings count scale^p times.
template <int Cols>
consteval row_error sum_error(const linear_sum<Cols>& s, const numbers<Cols>& input, int p) {
  row_error e;
  for (int t = 0; t < s.count; ++t) {
    const linear_term& term = s.terms[unsigned(t)];
    const double c = term.coefficient.template to<double>();
    double size = share(c, input[unsigned(term.first)], p);
    if (term.second >= 0) size += share(c, input[unsigned(term.second)], p), e.rounding += size;
    e.size += size;
    if (t > 0 || !(term.coefficient == rational(1))) e.rounding += e.size;
  }
  return e;
}

template <int Rows, int Cols>
consteval std::array<row_error, Rows> map_error(const linear_plan<Rows, Cols>& plan, const numbers<Cols>& input,
                                                int p) {
  std::array<row_error, Rows> all{};
  for (int i = 0; i < Rows; ++i) {
    const int partner = plan.row_partner[unsigned(i)];
    if (partner < 0) {
      all[unsigned(i)] = sum_error(plan.whole[unsigned(i)], input, p);
      continue;
    }
    const row_error even = sum_error(plan.whole[unsigned(i < partner ? i : partner)], input, p);
    const row_error odd = sum_error(plan.whole[unsigned(i < partner ? partner : i)], input, p);
    const double f = plan.factor[unsigned(i)].template to<double>();
    const double size = even.size + share(f, odd.size, p);
    all[unsigned(i)] = {size, even.rounding + share(f, odd.rounding, p) + size};
  }
  return all;
}

/// k, in, wt and out of the head of this file, for every output of an axis.
template <int M>
struct axis_error {
  std::array<double, M> k{}, in{}, wt{}, out{};
};

template <class F>
consteval axis_error<F::m> error_of_axis(int p) {
  std::array<double, F::a> ones_a{}, products{};
  std::array<double, F::r> ones_r{};
  ones_a.fill(1), ones_r.fill(1);
  const auto b = map_error(plan_of<input_of<F>>, ones_a, p);
  const auto g = map_error(plan_of<weights_of<F>>, ones_r, p);
  for (unsigned q = 0; q < F::a; ++q) products[q] = b[q].size * g[q].size;
  const auto t = map_error(plan_of<output_of<F>>, products, p);
  axis_error<F::m> e;
  for (unsigned i = 0; i < F::m; ++i) {
    e.k[i] = t[i].size, e.out[i] = t[i].rounding;
    for (unsigned q = 0; q < F::a; ++q) {
      const double a = F::output(int(i), int(q)).template to<double>();
      e.in[i] += share(a, g[q].size * b[q].rounding, p);
      // The entries of G are rounded as well, and an odd sum's once more when it is divided by its factor.
      e.wt[i] += share(a, (g[q].rounding + 2 * g[q].size) * b[q].size, p);
    }
  }
  return e;
}
template <class F, int P>
inline constexpr axis_error<F::m> axis_error_of = error_of_axis<F>(P);

// The largest E(p) of a tile's outputs.
template <class A, int P>
ASHLAR_INLINE constexpr double largest_error(index channels, bool weights_in_type) {
  constexpr const auto& v = axis_error_of<typename A::vertical, P>;
  constexpr const auto& h = axis_error_of<typename A::horizontal, P>;
  double most = 0;
  for (unsigned i = 0; i < A::vertical::m; ++i)
    for (unsigned j = 0; j < A::horizontal::m; ++j) {
      const double weights = weights_in_type ? v.wt[i] * h.k[j] + v.k[i] * h.wt[j] : v.k[i] * h.k[j];
      const double sum = double(channels + 1) / 2 * v.k[i] * h.k[j];
      most = std::max(most, (v.in[i] + v.out[i]) * h.k[j] + v.k[i] * (h.in[j] + h.out[j]) + weights + sum);
    }
  return most;
}

}  // namespace detail

/// The bounds for T = float or double, Algorithm a winograd<...>, `channels` of a group times planes of the kernel.
///
///     winograd_bound<f4x4_3x3, float>(256).probable          // 9e-6
///
/// outputs, risk: how many elements of dst are to be within the probable bound at once, and with what probability not.
/// weights_in_type: G g is computed in T, as packed weights of double are, and as dy is for the gradient of weights
/// (conv/winograd_weights.hpp).
template <class Algorithm, class T, class Unit = detail::this_unit>
winograd_error winograd_bound(index channels, double outputs = 1e6, double risk = 1e-6,
                              bool weights_in_type = std::is_same_v<T, double>) {
  const double u = double(std::numeric_limits<T>::epsilon()) / 2, c = double(channels);
  const double in_a_row = c + 4.0 * (Algorithm::vertical::a + Algorithm::horizontal::a);
  const double absolute = u * c * detail::largest_error<Algorithm, 1>(channels, weights_in_type) / (1 - in_a_row * u);
  const double lambda = std::sqrt(2 * std::log(2 * outputs / risk));
  const double probable =
      lambda * u * std::sqrt(detail::largest_error<Algorithm, 2>(channels, weights_in_type) / Algorithm::taps / 3);
  return {absolute, absolute * 3 / std::sqrt(c * Algorithm::taps), probable};
}

}  // namespace ashlar
