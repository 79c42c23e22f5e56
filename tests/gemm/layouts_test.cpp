// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/layouts_test.cpp: how the operands lie in memory changes nothing: transposed, apart, reversed, repeated,
// packed, with strides known at compile time or not, in any cut into blocks.
#include <doctest/doctest.h>

#include "gemm/executors.hpp"
#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

template <class T>
index default_nr() {
  return default_tile<T, isa_t>.nv * ops_under_test<T>::lanes();
}

layout any_layout(random& r, layout last) { return layout(r.between(0, int(last))); }

// Caches from absurdly small to ordinary, and more workers than work: every cut there is.
cache_sizes any_caches(random& r) {
  return {r.pick<index>({1, 1 << 12, 1 << 15}), r.pick<index>({1, 1 << 13, 1 << 15, 1 << 17, 1 << 20})};
}

template <class T>
gemm_shape any_shape(random& r) {
  const index nr = default_nr<T>();
  gemm_shape s{r.between(1, 40), ragged(r, ops_under_test<T>::lanes(), r.pick<index>({nr, 2 * nr, 4 * nr})),
               r.pick<index>({1, 2, 5, 16, 63, 64, 65, 100, 200, 513, 600})};
  s.a = any_layout(r, last_read), s.b = any_layout(r, last_read), s.c = any_layout(r, last_written);
  return within(s, 300000);
}

TEST_CASE_TEMPLATE("any layout of A, B and C", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(1500, 60), [](random& r) {
    const gemm_shape s = any_shape<T>(r);
    const cache_sizes caches = any_caches(r);
    const on_executor<one_thread> executor{{r.pick<index>({1, 1, 2, 5, 30})}};
    CAPTURE(caches.l2);
    at_both_ends<T>(r, s, [&](problem<T>& p) { REQUIRE(p.template differs<isa_t>(caches, executor) == ""); });
  });
}

TEST_CASE_TEMPLATE("packed weights stand for any B", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(700, 40), [](random& r) {
    const gemm_shape s = any_shape<T>(r);
    const cache_sizes caches = any_caches(r);
    const on_executor<one_thread> executor{{r.pick<index>({1, 1, 3})}};
    at_both_ends<T>(r, s, [&](problem<T>& p) {
      const std::size_t bytes = packed_weights_bytes<T, isa_t>(s.k, s.n);
      guarded_bytes storage((bytes + 63) / 64 * 64, placement::at_end);  // aligned, and its end is at the page's
      const auto w = pack_weights<isa_t>(p.B.read(), {storage.data(), bytes});
      REQUIRE(w.ok());
      REQUIRE(p.template differs_with<isa_t>(p.A.read(), p.A.read(), w.value(), caches, executor) == "");
    });
  });
}

// The same with nothing in its type: what is not about types need not compile for each of them.
template <class T, index... Static>
matrix_view<const T> any(const matrix_view<T, Static...>& v) {
  return {v.data(), v.rows(), v.cols(), v.row_stride(), v.col_stride()};
}

// Types with constant strides and extents, const or not, through the same call.
template <index M, index N, index K, class T>
void static_extents(random& r) {
  std::vector<T> a(M * K), b(K * N), c(M * N + 1, poison<T>()), expected(M * N);
  for (T& x : a) x = r.value<T>();
  for (T& x : b) x = r.value<T>();
  const auto check = [&](const auto& A, const auto& B, const auto& C) {
    reference::gemm(any(A), any(B), view(expected.data(), M, N));
    REQUIRE(gemm<isa_t>(A, B, C).ok());
    REQUIRE(first_difference<T>(C, expected) == "");
    REQUIRE(same_bits(c.back(), poison<T>()));
  };
  const T *const pa = a.data(), *const pb = b.data();
  check(view<M, K>(pa), view<K, N>(pb), view<M, N>(c.data()));
  check(view<M, K>(a.data()), view<K, N>(pb, N), view<M, N>(c.data(), N));
  check(column_major<M, K>(pa), view<K, N>(pb), view<M, N>(c.data()));
  check(view<M, K>(pa), column_major<K, N>(pb), view<M, N>(c.data()));
  check(transposed(view<K, M>(pa)), transposed(view<N, K>(pb)), column_major<M, N>(c.data()));
  check(view<M, K>(pa), view<K, N>(pb), column_major<M, N>(c.data()));
}

TEST_CASE_TEMPLATE("extents and strides in the type", T, ASHLAR_TEST_FLOATS) {
  random r(seed());
  static_extents<16, 16, 16, T>(r);  // straight-line code
  static_extents<29, 3, 100, T>(r);
  if constexpr (std::same_as<T, float>) {
    static_extents<1, 1, 1, T>(r);
    static_extents<5, 33, 7, T>(r);
    static_extents<1, 70, 90, T>(r);
    static_extents<70, 1, 90, T>(r);
  }
}

TEST_CASE_TEMPLATE("larger problems", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(60, 2), [](random& r) {
    gemm_shape s{r.between(1, 300), r.between(1, 300), r.between(1, 700)};
    if (r.chance(25)) s.n = r.between(1025, 2500), s.m = r.between(1, 20);  // several blocks of columns
    s.a = any_layout(r, layout::columns_apart), s.b = any_layout(r, layout::columns_apart);
    s.c = any_layout(r, layout::scattered);
    problem<T> p(r, within(s, 4000000), placement::at_end);
    REQUIRE(p.template differs<isa_t>(detail::default_caches<isa_t>(), on_executor<one_thread>{{1}}) == "");
  });
}

// Rows a multiple of 4096 bytes apart are copied.
TEST_CASE_TEMPLATE("rows of A that evict each other", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(20, 3), [](random& r) {
    const gemm_shape s{r.between(5, 30), 4 * default_nr<T>() + r.between(0, 9), r.between(64, 140)};
    at_both_ends<T>(r, within(s, 1000000), [&](problem<T>& p) {
      guarded_matrix<T> apart(p.shape.m, p.shape.k, index(4096 / sizeof(T)), 1, placement::at_end);
      for (index i = 0; i < p.shape.m; ++i)
        for (index k = 0; k < p.shape.k; ++k) apart.view()(i, k) = p.A.view()(i, k);
      REQUIRE(p.template differs_with<isa_t>(apart.read(), p.A.read(), p.B.read()) == "");
    });
  });
}

// Panels of B whose rows are so far apart are copied several at a time; those that B ends with are fewer, the last one
// ragged.
TEST_CASE_TEMPLATE("rows of B that evict each other", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(20, 3), [](random& r) {
    const index columns = index(4096 / sizeof(T)), nr = default_nr<T>();
    const gemm_shape s{r.between(30, 60), columns - r.between(0, std::min(6 * nr, columns / 2)), r.between(100, 150)};
    problem<T> p(r, s, placement::at_end);
    guarded_matrix<T> apart(s.k, s.n, columns, 1, placement::at_end);
    for (index k = 0; k < s.k; ++k)
      for (index j = 0; j < s.n; ++j) apart.view()(k, j) = p.B.view()(k, j);
    const cache_sizes small{32 * 1024, 64 * 1024};
    REQUIRE(p.template differs_with<isa_t>(p.A.read(), p.A.read(), apart.read(), small) == "");
    REQUIRE(p.template differs_with<isa_t>(p.A.read(), p.A.read(), apart.read()) == "");
  });
}

// Every width up to two panels and a bit, by epilogues that read dst and that do not.
TEST_CASE_TEMPLATE("columns that do not fill a vector", T, ASHLAR_TEST_FLOATS) {
  random r(20261127);
  for (index n = 1; n <= 2 * default_nr<T>() + 3; ++n) {
    for (const index m : {index(1), r.between(2, 8), r.between(9, 60)}) {
      at_both_ends<T>(r, {m, n, r.between(1, 40)}, [&](problem<T>& p) {
        REQUIRE(p.template differs<isa_t>() == "");
        REQUIRE(p.template differs<isa_t>(T(2) * acc + T(3) * dst) == "");
      });
    }
  }
}

}  // namespace
}  // namespace ashlar::test
