// SPDX-License-Identifier: Apache-2.0
//
// Expressions: values on the ISA under test against plain formulas on scalars, whole vectors and partial ones beside
// guard pages; what is read, what fits, what transposing does; types.
#include <doctest/doctest.h>

#include <ashlar/core/view.hpp>
#include <ashlar/epilogue.hpp>

#include "support/guard.hpp"
#include "support/isa.hpp"

namespace ashlar::test {
namespace {

// A 5 x cols problem with every operand of an expression; memory that ends at a guard page.
template <class T>
struct problem {
  using V = ops<T, isa_under_test>;
  static constexpr index rows = 5;

  explicit problem(index n) : cols(n), pages(static_cast<std::size_t>(8 * rows * V::max_lanes + 64) * sizeof(T)) {
    std::mt19937_64 random(7);
    auto fill = [&](T* p, index count) {
      for (index i = 0; i < count; ++i) p[i] = T(int(random() % 2001) - 1000) / 250;
      return p;
    };
    T* p = pages.template last<T>(static_cast<std::size_t>(n));
    column_bias = fill(p, n);
    row_bias = fill(p -= rows, rows);
    accumulators = fill(p -= rows * n, rows * n);
    old = fill(p -= rows * n, rows * n);
    gate = fill(p -= rows * n, rows * n);
  }

  // e on row i, a vector at a time: whole vectors with position<T, true>, the rest with position<T, false>.
  template <class E>
  std::vector<T> evaluate(const E& e, index i) const {
    std::vector<T> result(static_cast<std::size_t>(cols));
    const math<V> m;
    const T* row = accumulators + i * cols;
    index j = 0;
    for (; j + V::lanes() <= cols; j += V::lanes()) {
      V::store(&result[std::size_t(j)],
               e.eval(m, V::load(row + j), position<T, true>{i, j, V::lanes(), old + i * cols + j}));
    }
    if (j < cols) {
      const index n = cols - j;
      V::store_n(&result[std::size_t(j)],
                 e.eval(m, V::load_n(row + j, n), position<T, false>{i, j, n, old + i * cols + j}), n);
    }
    return result;
  }

  // f(i, j, acc, dst) is the expected value, exactly.
  template <class E, class F>
  void check(const char* what, const E& e, F f) const {
    for (index i = 0; i < rows; ++i) {
      const std::vector<T> result = evaluate(e, i);
      for (index j = 0; j < cols; ++j) {
        const T expected = f(i, j, accumulators[i * cols + j], old[i * cols + j]);
        INFO(what << " at " << i << ", " << j << " of " << cols);
        CHECK(same(result[std::size_t(j)], expected));
      }
    }
  }

  index cols;
  guarded_pages pages;
  T *column_bias, *row_bias, *accumulators, *old, *gate;
};

struct square {
  template <class M, class V>
  constexpr auto operator()(M m, V x) const {
    return m.mul(x, x);
  }
};

TEST_CASE_TEMPLATE("values", T, ASHLAR_TEST_FLOATS) {
  using S = math<ops<T, isa::scalar>>;
  const index lanes = ops<T, isa_under_test>::lanes();
  for (index n : {index(1), index(2), lanes - 1, lanes, lanes + 1, 2 * lanes - 1, 2 * lanes + 1}) {
    if (n <= 0) continue;
    const problem<T> p(n);
    const T third = T(1) / 3;
    p.check("acc", acc, [](index, index, T a, T) { return a; });
    p.check("acc + dst", acc + dst, [](index, index, T a, T d) { return a + d; });
    p.check("a * acc + b * dst", third * acc + dst * 2,
            [&](index, index, T a, T d) { return S::add(S::mul(third, a), S::mul(2, d)); });
    p.check("bias", acc - per_column(p.column_bias), [&](index, index j, T a, T) { return a - p.column_bias[j]; });
    p.check("row", per_row(p.row_bias) * acc, [&](index i, index, T a, T) { return p.row_bias[i] * a; });
    p.check("division", 1 / (acc + 5.5) / 3, [](index, index, T a, T) { return 1 / (a + T(5.5)) / 3; });
    p.check("elements", silu(acc) * elements(view(p.gate, p.rows, n)),
            [&](index i, index j, T a, T) { return S::silu(a) * p.gate[i * n + j]; });
    p.check("elements, reversed rows", acc + elements(view(p.gate + (p.rows - 1) * n, p.rows, n, -n, 1)),
            [&](index i, index j, T a, T) { return a + p.gate[(p.rows - 1 - i) * n + j]; });
    p.check("elements by columns", acc + elements(column_major(p.gate, p.rows, n)),
            [&](index i, index j, T a, T) { return a + p.gate[j * p.rows + i]; });
    p.check("functions", relu(max(-acc, 0.25) - clamp(acc, -1, 1)) + min(abs(acc), 2) + leaky_relu(acc, 0.5),
            [](index, index, T a, T) {
              return S::relu(S::max(-a, T(0.25)) - S::clamp(a, -1, 1)) + S::min(S::abs(a), 2) +
                     S::leaky_relu(a, T(0.5));
            });
    p.check("transcendentals",
            exp(acc) + tanh(acc) * sigmoid(acc) + erf(acc) * gelu(acc) + gelu_tanh(acc) - elu(acc) +
                hardswish(acc) * hardsigmoid(acc),
            [](index, index, T a, T) {
              T sum = S::add(S::exp(a), S::mul(S::tanh(a), S::sigmoid(a)));
              sum = S::add(S::add(sum, S::mul(S::erf(a), S::gelu_erf(a))), S::gelu_tanh(a));
              return S::add(sum - S::elu(a, 1), S::mul(S::hardswish(a), S::hardsigmoid(a)));
            });
    p.check("fn of one", fn(square{}, acc + 1), [](index, index, T a, T) { return (a + 1) * (a + 1); });
    p.check("fn of three", fn([](auto m, auto x, auto y, auto z) { return m.fma(x, y, z); }, acc, dst, 3),
            [](index, index, T a, T d) { return S::fma(a, d, 3); });
  }
}

TEST_CASE_TEMPLATE("a zero times dst does not read dst", T, ASHLAR_TEST_FLOATS) {
  const problem<T> p(2 * ops<T, isa_under_test>::lanes() + 1);
  const index count = p.rows * p.cols;
  for (index i = 0; i < count; ++i) p.old[i] = std::numeric_limits<T>::quiet_NaN();
  for (T beta : {T(0), T(-0.0)}) {
    p.check("beta first", acc + beta * dst, [](index, index, T a, T) { return a + 0; });
    p.check("beta last", acc + dst * beta, [](index, index, T a, T) { return a + 0; });
  }
  p.check("beta = 1", acc + 1 * dst, [](index, index, T, T d) { return d; });
}

TEST_CASE("transposing exchanges rows and columns") {
  const problem<float> p(3);
  const auto e =
      transposed((acc + per_column(p.row_bias)) * per_row(p.column_bias) - elements(view(p.gate, p.cols, p.rows)));
  p.check("transposed", e, [&](index i, index j, float a, float) {
    return math<ops<float, isa::scalar>>::mul(a + p.row_bias[i], p.column_bias[j]) - p.gate[j * p.rows + i];
  });
}

TEST_CASE("fits") {
  float x[12] = {};
  const auto e = relu(acc + per_row(x)) * elements(view(x, 3, 4));
  CHECK(fits(e, 3, 4));
  CHECK_FALSE(fits(e, 4, 3));
  CHECK(fits(transposed(e), 4, 3));
  CHECK(fits(acc * 2 + dst, 1000, 1));
  CHECK_FALSE(fits(e + elements(view(x, 4, 3)), 3, 4));
}

// Types: literal, trivially copyable, leaves without operands empty; what is read is known from the type.
template <class E>
constexpr bool plain = std::is_trivially_copyable_v<E> && expression<E>;

constexpr float number[2] = {1, 2};
constexpr auto literal = clamp(relu(acc * 2 + per_column(number)) - per_row(number) / 3, 0, 6) + fn(square{}, dst);
static_assert(plain<decltype(literal)> && plain<decltype(-acc)> && plain<decltype(elements(view<1, 2>(number)))>);
static_assert(std::is_empty_v<decltype(acc)> && std::is_empty_v<decltype(dst)>);
static_assert(reads_dst<decltype(literal)> && reads_dst<decltype(0 * dst)> && !reads_dst<decltype(relu(acc) * 2)>);
static_assert(!expression<float> && !expression<const float*> && expression<const decltype(acc)&>);

constexpr float evaluated(float x, float old) {
  return literal.eval(math<ops<float, isa::scalar>>{}, x, position<float, true>{1, 1, 1, &old});
}
static_assert(evaluated(1, 3) == 4 - 2.0f / 3 + 9);

// The bits of the functions, the same in constant evaluation and on every machine.
using pinned = math<ops<float, isa::scalar>>;
static_assert(std::bit_cast<std::uint32_t>(pinned::exp(1)) == 0x402df854);
static_assert(pinned::tanh(0.5f) == 0x1.d9353cp-2f && pinned::erf(0.5f) == 0x1.0a7ef6p-1f);
static_assert(pinned::sigmoid(-1) == 0x1.136562p-2f && pinned::exp(-200) == 0 && pinned::silu(0) == 0);
static_assert(math<ops<double, isa::scalar>>::exp(1) == 0x1.5bf0a8b145769p+1);

}  // namespace
}  // namespace ashlar::test
