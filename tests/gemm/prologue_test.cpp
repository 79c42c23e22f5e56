// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/prologue_test.cpp: transform(A, expression) is gemm with the transformed matrix: every element once, in
// its row and column of A, whatever the layouts and the blocks.
#include <doctest/doctest.h>

#include "gemm/executors.hpp"
#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

// The prologue by its definition: the element is acc, at its place in A.
template <class T, class E>
std::vector<T> transformed(const matrix_view<const T>& a, const E& e) {
  std::vector<T> out;
  for (index i = 0; i < a.rows(); ++i) {
    for (index k = 0; k < a.cols(); ++k) {
      out.push_back(e.eval(math<ops<T, isa::scalar>>{}, a(i, k), position<T, true>{i, k, 1, a.pointer(i, k)}));
    }
  }
  return out;
}

template <class T, class Make>
void equals_reference(const Make& make) {
  for_each_case(scaled(150, 12), [&](random& r) {
    gemm_shape s{r.between(1, 30), ragged(r, ops_under_test<T>::lanes(), 2 * ops_under_test<T>::lanes()),
                 r.pick<index>({0, 1, 5, 64, 90, 200, 530})};
    s.a = layout(r.between(0, int(last_read))), s.b = r.pick({layout::rows, layout::columns});
    s.c = layout(r.between(0, int(last_written)));
    const cache_sizes caches{1, r.pick<index>({1, 1 << 18})};
    const on_executor<one_thread> executor{{r.pick<index>({1, 4})}};
    at_both_ends<T>(r, within(s, 200000), [&](problem<T>& p) {
      guarded_matrix<T> row(1, p.shape.m, p.shape.m, 1, placement::at_end),
          column(1, p.shape.k, p.shape.k, 1, placement::at_end),
          full(p.shape.m, p.shape.k, p.shape.k + 2, 1, placement::at_end);
      row.fill(r), column.fill(r), full.fill(r);
      const auto e = make(row.view().data(), column.view().data(), full.read());
      const std::vector<T> a = transformed(p.A.read(), e);
      REQUIRE(p.template differs_with<isa_t>(transform(p.A.read(), e), view(a.data(), p.shape.m, p.shape.k), p.B.read(),
                                             caches, executor, with_tile<tile_shape{2, 1, 1}>{}) == "");
    });
  });
}

TEST_CASE_TEMPLATE("normalisation: a number per row and per column", T, ASHLAR_TEST_FLOATS) {
  equals_reference<T>(
      [](const T* row, const T* column, const auto&) { return (acc - per_row(row)) * per_column(column); });
}

TEST_CASE("an activation under a mask of A's shape") {
  equals_reference<float>([](const float*, const float*, const auto& full) { return silu(acc) * elements(full); });
}

TEST_CASE("operands of another element type") {
  const std::vector<std::int8_t> zero_points = [] {
    std::vector<std::int8_t> v(600);
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::int8_t(i * 37);
    return v;
  }();
  equals_reference<float>([&](const float* row, const float*, const auto&) {
    return (acc - cast(per_column(zero_points.data()))) * cast<std::int8_t>(per_row(row) * 100);
  });
}

TEST_CASE("with packed weights and an epilogue") {
  for_each_case(scaled(60, 8), [](random& r) {
    problem<float> p(r, {r.between(1, 20), r.between(1, 70), r.between(1, 200)}, placement::at_end);
    auto storage = aligned_buffer::make(packed_weights_bytes<float, isa_t>(p.shape.k, p.shape.n));
    const auto w = pack_weights<isa_t>(p.B.read(), storage.span());
    REQUIRE(w.ok());
    const auto e = tanh(acc);
    const std::vector<float> a = transformed(p.A.read(), e);
    REQUIRE(p.differs_with<isa_t>(transform(p.A.read(), e), view(a.data(), p.shape.m, p.shape.k), w.value(), relu(acc),
                                  cache_sizes{1, 1}) == "");
  });
}

}  // namespace
}  // namespace ashlar::test
