// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/epilogue_test.cpp: what the epilogue sees is the same on every path: in registers, after several K blocks,
// for a column-major C that is solved transposed, for a C with strided columns; dst is its old value, and unread when
// its factor is 0.
#include <doctest/doctest.h>

#include "gemm/executors.hpp"
#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;
using small_tile = with_tile<tile_shape{2, 1, 1}>;  // few kernels: this file is about expressions

gemm_shape any_shape(random& r, index lanes) {
  gemm_shape s{r.between(1, 24), ragged(r, lanes, 2 * lanes), r.pick<index>({0, 1, 3, 30, 90, 200, 530})};
  s.a = r.pick({layout::rows, layout::columns}), s.b = r.pick({layout::rows, layout::columns, layout::rows_apart});
  s.c = layout(r.between(0, int(last_written)));
  return within(s, 100000);
}

// make(v) is the expression; v(m, n) a guarded matrix of the operand's shape, of random values.
template <class T, class Make>
void equals_reference(index count, const Make& make) {
  for_each_case(scaled(count, 12), [&](random& r) {
    const cache_sizes caches{1, r.pick<index>({1, 1, 1 << 18})};
    const on_executor<one_thread> executor{{r.pick<index>({1, 1, 3})}};
    at_both_ends<T>(r, any_shape(r, ops_under_test<T>::lanes()), [&](problem<T>& p) {
      p.C.fill(r);
      REQUIRE(p.template differs<isa_t>(make(p, r), caches, executor, small_tile{}) == "");
    });
  });
}
template <class T, class E>
void equals_reference(const E& e) {
  equals_reference<T>(60, [&](const problem<T>&, random&) { return e; });
}

// Operands that live as long as the list; each alone between guard pages.
template <class T>
struct operand_list {
  std::vector<guarded_matrix<T>> all;
  explicit operand_list() { all.reserve(8); }
  const matrix_view<T>& add(index m, index n, index rs, index cs, random& r) {
    all.emplace_back(m, n, rs, cs, r.pick({placement::at_end, placement::at_start}));
    all.back().fill(r);
    return all.back().view();
  }
  const T* vector(index n, random& r) { return add(1, n, n, 1, r).data(); }
};

TEST_CASE_TEMPLATE("alpha and beta", T, ASHLAR_TEST_FLOATS) {
  equals_reference<T>(T(1.5) * acc + T(-0.25) * dst);
  equals_reference<T>(max(acc, dst) * 3 - 1);
}

TEST_CASE_TEMPLATE("per row, per column, elements of any layout", T, ASHLAR_TEST_FLOATS) {
  operand_list<T> operands;
  equals_reference<T>(150, [&](const problem<T>& p, random& r) {
    operands.all.clear();
    return relu(acc + per_column(operands.vector(p.shape.n, r))) * per_row(operands.vector(p.shape.m, r));
  });
  equals_reference<T>(150, [&](const problem<T>& p, random& r) {
    operands.all.clear();
    const stride_pair s = strides_of(layout(r.between(0, int(last_read))), p.shape.m, p.shape.n, r);
    const matrix_view<T>& v = operands.add(p.shape.m, p.shape.n, s.row, s.col, r);
    const auto row_major = operands.add(p.shape.m, p.shape.n, p.shape.n, 1, r).data();
    return acc * elements(v) + elements(view(row_major, p.shape.m, p.shape.n));
  });
}

TEST_CASE_TEMPLATE("operands of another element type", T, ASHLAR_TEST_FLOATS, std::int32_t) {
  using wide = std::conditional_t<std::same_as<T, double>, std::int64_t, double>;
  operand_list<wide> vectors;
  operand_list<std::int8_t> matrices;
  equals_reference<T>(60, [&](const problem<T>& p, random& r) {
    vectors.all.clear(), matrices.all.clear();
    const stride_pair s = strides_of(layout(r.between(0, int(last_read))), p.shape.m, p.shape.n, r);
    const matrix_view<std::int8_t>& v = matrices.add(p.shape.m, p.shape.n, s.row, s.col, r);
    const auto scaled = acc * cast(per_column(vectors.vector(p.shape.n, r)));
    return scaled + cast(per_row(vectors.vector(p.shape.m, r))) - cast(elements(v));
  });
}

TEST_CASE_TEMPLATE("values through another type", T, ASHLAR_TEST_FLOATS, std::int32_t) {
  equals_reference<T>(cast<std::int8_t>(acc * 50) + cast<std::uint16_t>(dst));
  equals_reference<T>(cast<float>(max(acc, dst) * 3));
}

// Named, as CUDA wants it, and with everything that an epilogue can read.
struct gated {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x, const V& gate, const V& old) const {
    return m.fma(x, m.sigmoid(gate), m.mul(old, m.constant(typename M::value_type(0.5))));
  }
};

TEST_CASE("a user's lambda") {
  equals_reference<float>(fn([](auto m, auto x) { return m.mul(x, m.sub(x, m.constant(1))); }, acc));
}

TEST_CASE_TEMPLATE("a user's function of everything that can be read", T, ASHLAR_TEST_FLOATS) {
  operand_list<T> operands;
  equals_reference<T>(100, [&](const problem<T>& p, random& r) {
    operands.all.clear();
    return fn(gated(), acc, per_column(operands.vector(p.shape.n, r)), dst);
  });
}

TEST_CASE("the default tile") {
  using T = float;
  for_each_case(scaled(200, 10), [](random& r) {
    gemm_shape s{r.between(1, 40), ragged(r, ops_under_test<T>::lanes(), 4 * ops_under_test<T>::lanes()),
                 r.between(0, 300)};
    s.c = r.pick({layout::rows, layout::columns, layout::scattered});
    s.b = r.pick({layout::rows, layout::columns});
    operand_list<T> operands;
    at_both_ends<T>(r, within(s, 300000), [&](problem<T>& p) {
      p.C.fill(r);
      const auto e = relu(T(0.75) * acc + per_column(operands.vector(s.n, r))) + T(0.5) * dst;
      REQUIRE(p.differs<isa_t>(e, cache_sizes{1, 1}) == "");
    });
  });
}

TEST_CASE_TEMPLATE("beta = 0 does not read C: NaN there does not spread", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(100, 10), [](random& r) {
    at_both_ends<T>(r, any_shape(r, ops_under_test<T>::lanes()), [&](problem<T>& p) {
      p.C.each([](T& x) { x = poison<T>(); });
      REQUIRE(p.template differs<isa_t>(T(2) * acc + T(0) * dst, cache_sizes{1, 1}, small_tile{}) == "");
      p.C.each([](T& x) { REQUIRE(x == x); });
    });
  });
}

}  // namespace
}  // namespace ashlar::test
