// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/narrow_test.cpp: few columns, and few rows times a transposed B: dot products with a lane each, in the
// order of the reference whatever surrounds them.
#include <doctest/doctest.h>

#include "gemm/executors.hpp"
#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

// Whole groups of lanes, one more or less, and sums that end anywhere in a quad or a block of columns.
template <class T>
gemm_shape narrow_shape(random& r) {
  const index lanes = r.pick<index>({4, 8, 16, 32, 64});
  gemm_shape s{lanes + r.between(-1, 2), r.between(1, 9),
               r.pick<index>({0, 1, 8, 15, 16, 17, 24, 31, 40, 64, 67, 200})};
  s.a = r.pick({layout::rows, layout::rows_apart, layout::reversed_rows, layout::same_row});
  s.b = layout(r.between(0, int(last_read)));
  s.c = layout(r.between(0, int(last_written)));
  return s;
}

// The same, seen from the other side: rows exchanged with columns, A with B.
gemm_shape turned(const gemm_shape& s, random& r) {
  gemm_shape t{s.n, s.m, s.k};
  t.a = s.b, t.c = s.c;
  t.b = r.pick({layout::columns, layout::columns_apart, layout::reversed, layout::same_column});
  return t;
}

template <class T, class... Options>
void check(random& r, const gemm_shape& s, const Options&... options) {
  const on_executor<one_thread> executor{{r.pick<index>({1, 1, 2, 30})}};
  at_both_ends<T>(r, s, [&](problem<T>& p) {
    REQUIRE(p.template differs<isa_t>(executor, with_tile<tile_shape{2, 1, 1}>{}, options...) == "");
  });
}

TEST_CASE_TEMPLATE("few columns and few rows", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(600, 60), [](random& r) {
    const gemm_shape s = narrow_shape<T>(r);
    check<T>(r, s);
    check<T>(r, turned(s, r));
  });
}

// Work enough to be divided among workers.
TEST_CASE_TEMPLATE("many groups on several workers", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(12, 2), [](random& r) {
    gemm_shape s{r.between(2000, 4000), r.between(1, 4), r.between(300, 400)};
    s.a = r.pick({layout::rows, layout::rows_apart});
    check<T>(r, s);
    check<T>(r, turned(s, r));
  });
}

TEST_CASE_TEMPLATE("epilogues see the place of each sum, and dst once", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(200, 30), [](random& r) {
    const gemm_shape s = narrow_shape<T>(r), t = turned(s, r);
    std::vector<T> bias(std::size_t(std::max(s.m, s.n)));
    for (T& x : bias) x = r.value<T>();
    const auto e = max(T(2) * acc + per_row(bias.data()), per_column(bias.data())) - T(0.5) * dst;
    check<T>(r, s, e);
    check<T>(r, t, e);
  });
}

TEST_CASE_TEMPLATE("packed weights of few columns", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(200, 30), [](random& r) {
    const gemm_shape s = narrow_shape<T>(r);
    at_both_ends<T>(r, s, [&](problem<T>& p) {
      const auto storage = aligned_buffer::make(packed_weights_bytes<T, isa_t>(s.k, s.n));
      const auto w = pack_weights<isa_t>(p.B.read(), storage.span());
      REQUIRE(w.ok());
      REQUIRE(p.template differs_with<isa_t>(p.A.read(), p.A.read(), w.value()) == "");
    });
  });
}

// a * b != b * a: whoever multiplies in the wrong order is found.
struct minus_plus {
  template <simd_ops O>
  static ASHLAR_INLINE constexpr typename O::vec zero() {
    return O::zero();
  }
  template <simd_ops O>
  static ASHLAR_INLINE constexpr typename O::vec accumulate(const typename O::vec& a, const typename O::vec& b,
                                                            const typename O::vec& acc) {
    return O::add(O::sub(a, b), acc);
  }
};

TEST_CASE_TEMPLATE("semirings", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(200, 30), [](random& r) {
    const gemm_shape s = narrow_shape<T>(r), t = turned(s, r);
    check<T>(r, s, minus_plus{});
    check<T>(r, t, minus_plus{});
    check<T>(r, s, max_plus{});
  });
}

}  // namespace
}  // namespace ashlar::test
