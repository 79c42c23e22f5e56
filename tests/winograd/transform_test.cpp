// SPDX-License-Identifier: Apache-2.0
//
// tests/winograd/transform_test.cpp: the straight-line transforms are the matrices, exactly; they take the operations
// that sharing leaves; and they give the bits of the scalar ISA.
#include <doctest/doctest.h>

#include <ashlar/winograd/cook_toom.hpp>
#include <ashlar/winograd/exact.hpp>
#include <ashlar/winograd/transform.hpp>
#include <vector>

#include "support/cases.hpp"
#include "support/isa.hpp"

namespace ashlar::test {
namespace {

using f11 = cook_toom<1, 1>;
using f23 = cook_toom<2, 3>;
using f33 = cook_toom<3, 3>;
using f43 = cook_toom<4, 3>;
using f63 = cook_toom<6, 3>;
using f25 = cook_toom<2, 5>;
using f27 = cook_toom<2, 7>;

static_assert(plan_of<input_of<f23>>.operations() == 4 && plan_of<output_of<f23>>.operations() == 4);
static_assert(plan_of<input_of<f43>>.operations() == 12 && plan_of<output_of<f43>>.operations() == 12);
static_assert(plan_of<input_of<f63>>.operations() == 24 && plan_of<output_of<f63>>.operations() == 20);
static_assert(plan_of<input_of<f11>>.operations() == 0);

// In whole numbers.
template <class F>
using whole = typename exact_bytes<std::int8_t, winograd<F>>::vertical;
using w23 = whole<f23>;
using w33 = whole<f33>;
using w43 = whole<f43>;
using w63 = whole<f63>;
using w45 = whole<cook_toom<4, 5>>;

static_assert(plan_of<input_of<w23>>.operations() == 4 && plan_of<output_of<w23>>.operations() == 4);
static_assert(plan_of<input_of<w33>>.operations() == 9 && plan_of<output_of<w33>>.operations() == 7);
static_assert(plan_of<input_of<w43>>.operations() == 15 && plan_of<output_of<w43>>.operations() == 12);

// V x H^T of columns of vectors in memory: element (k, c) at x[(k * cols + c) * lanes].
template <class T, class Isa, class V, class H>
void apply(const T* x, T* y) {
  using O = ops<T, Isa>;
  using map = linear_map<O, H>;
  const index lanes = O::lanes();
  tile_transform<O, V, H>::run(
      [&](auto k, auto c) { return O::load(x + (k * map::cols + c) * lanes); },
      [&](auto r, auto q, const typename O::vec& v) { O::store(y + (r * map::rows + q) * lanes, v); });
}

// The entries as numbers that run time can index.
template <class Matrix, std::size_t... I>
constexpr auto numbers(std::index_sequence<I...>) {
  constexpr int cols = Matrix::value.cols;
  return std::array<double, sizeof...(I)>{Matrix::value(int(I) / cols, int(I) % cols).template to<double>()...};
}
template <class Matrix>
inline constexpr auto entries =
    numbers<Matrix>(std::make_index_sequence<std::size_t(Matrix::value.rows* Matrix::value.cols)>{});

// Every unit tile gives the product of a column of V and one of H; binary fractions are exact in a double.
template <class V, class H>
void is_the_matrix() {
  constexpr int vr = V::value.rows, vc = V::value.cols, hr = H::value.rows, hc = H::value.cols;
  for (int unit = 0; unit < vc * hc; ++unit) {
    std::array<double, vc * hc> x{};
    std::array<double, vr * hr> y{};
    x[std::size_t(unit)] = 1;
    apply<double, isa::scalar, V, H>(x.data(), y.data());
    for (int r = 0; r < vr; ++r)
      for (int q = 0; q < hr; ++q) {
        const double expected =
            entries<V>[std::size_t(r * vc + unit / hc)] * entries<H>[std::size_t(q * hc + unit % hc)];
        CAPTURE(r);
        CAPTURE(q);
        CAPTURE(unit);
        REQUIRE(y[std::size_t(r * hr + q)] == expected);
      }
  }
}

TEST_CASE_TEMPLATE("a transform is the product with its matrices", F, f11, f23, f33, f43, f63, f25, f27, w23, w33, w43,
                   w63, w45) {
  is_the_matrix<input_of<F>, input_of<F>>();
  is_the_matrix<output_of<F>, output_of<F>>();
}
// Every coefficient of the code, too, is whole: 32- and 16-bit numbers are multiplied by it.
template <class Matrix>
consteval bool is_whole() {
  for (const auto& sum : plan_of<Matrix>.whole)
    for (const auto& term : sum.terms)
      if (term.coefficient.den != 1) return false;
  for (const rational& x : plan_of<Matrix>.factor)
    if (x.den != 1) return false;
  return true;
}
template <class F>
inline constexpr bool all_whole = is_whole<input_of<F>>() && is_whole<output_of<F>>() && is_whole<weights_of<F>>();
static_assert(all_whole<w23> && all_whole<w33> && all_whole<w43> && all_whole<w63> && all_whole<w45>);

TEST_CASE("axes may differ") {
  is_the_matrix<input_of<f11>, input_of<f43>>();
  is_the_matrix<output_of<f27>, output_of<f11>>();
  is_the_matrix<input_of<f23>, input_of<f63>>();
}

template <class T, class V, class H>
void same_as_scalar() {
  constexpr int in = V::value.cols * H::value.cols, out = V::value.rows * H::value.rows;
  const index lanes = ops<T, isa_under_test>::lanes();
  random r(seed());
  std::vector<T> x(std::size_t(in * lanes)), y(std::size_t(out * lanes));
  for (T& v : x) v = r.value<T>();
  apply<T, isa_under_test, V, H>(x.data(), y.data());
  for (index lane = 0; lane < lanes; ++lane) {
    std::vector<T> one(std::size_t(in), T(0)), expected(std::size_t(out), T(0));
    for (index i = 0; i < in; ++i) one[std::size_t(i)] = x[std::size_t(i * lanes + lane)];
    apply<T, isa::scalar, V, H>(one.data(), expected.data());
    for (index i = 0; i < out; ++i) REQUIRE(bits(y[std::size_t(i * lanes + lane)]) == bits(expected[std::size_t(i)]));
  }
}

TEST_CASE_TEMPLATE("every ISA gives the bits of the scalar one", T, ASHLAR_TEST_FLOATS) {
  same_as_scalar<T, input_of<f23>, input_of<f23>>();
  same_as_scalar<T, output_of<f23>, output_of<f23>>();
  same_as_scalar<T, input_of<f43>, input_of<f33>>();
  same_as_scalar<T, output_of<f43>, output_of<f33>>();
  same_as_scalar<T, input_of<f63>, input_of<f63>>();
  same_as_scalar<T, output_of<f63>, output_of<f63>>();
  same_as_scalar<T, input_of<f11>, input_of<f27>>();
}

}  // namespace
}  // namespace ashlar::test
