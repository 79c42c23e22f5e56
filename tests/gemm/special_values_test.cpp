// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/special_values_test.cpp: NaN, infinities, subnormals and signed zeros go where the reference takes them;
// zero extents write what the reference writes.
#include <doctest/doctest.h>

#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

gemm_shape any_shape(random& r, index lanes) {
  gemm_shape s{r.between(1, 20), ragged(r, lanes, 2 * lanes), r.between(1, 12)};
  s.a = r.pick({layout::rows, layout::columns}), s.b = r.pick({layout::rows, layout::columns});
  s.c = r.pick({layout::rows, layout::columns, layout::scattered});
  return s;
}

// A few special values among ones, so that most sums are not NaN.
template <class T>
void sprinkle(const guarded_matrix<T>& m, random& r, const std::vector<T>& values, index percent) {
  m.each([&](T& x) { x = r.chance(percent) ? values[std::size_t(r.between(0, index(values.size()) - 1))] : T(1); });
}

TEST_CASE_TEMPLATE("special values propagate as in the reference", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(800, 60), [](random& r) {
    at_both_ends<T>(r, any_shape(r, ops_under_test<T>::lanes()), [&](problem<T>& p) {
      const index percent = r.pick<index>({3, 10, 50, 100});
      sprinkle(p.A, r, special_values<T>(), percent), sprinkle(p.B, r, special_values<T>(), percent);
      sprinkle(p.C, r, special_values<T>(), 50);
      REQUIRE(p.template differs<isa_t>() == "");
      sprinkle(p.C, r, special_values<T>(), 50);
      REQUIRE(p.template differs<isa_t>(relu(T(-1) * acc + T(2) * dst)) == "");
    });
  });
}

TEST_CASE_TEMPLATE("signed zeros and subnormals alone", T, ASHLAR_TEST_FLOATS) {
  using limits = std::numeric_limits<T>;
  const std::vector<T> values{T(0),          T(-0.0),           limits::denorm_min(), -limits::denorm_min(),
                              limits::min(), -limits::min() / 2};
  for_each_case(scaled(300, 30), [&](random& r) {
    at_both_ends<T>(r, any_shape(r, ops_under_test<T>::lanes()), [&](problem<T>& p) {
      sprinkle(p.A, r, values, 100), sprinkle(p.B, r, values, r.pick<index>({30, 100})), sprinkle(p.C, r, values, 100);
      REQUIRE(p.template differs<isa_t>() == "");
      REQUIRE(p.template differs<isa_t>(relu(T(-1) * acc + T(2) * dst)) == "");
    });
  });
}

TEST_CASE_TEMPLATE("no rows or no columns: nothing is written", T, ASHLAR_TEST_FLOATS) {
  random r(seed());
  for (const gemm_shape& s : {gemm_shape{0, 5, 3}, {5, 0, 3}, {0, 0, 3}, {0, 0, 0}, {0, 5, 0}, {5, 0, 0}}) {
    for (layout l : {layout::rows, layout::columns, layout::scattered}) {
      gemm_shape laid = s;
      laid.c = l;
      problem<T> p(r, laid, placement::at_end);
      REQUIRE(p.template differs<isa_t>() == "");
      T unused = poison<T>();
      REQUIRE(gemm<isa_t>(view<const T>(nullptr, s.m, s.k), p.B.read(), view(&unused, s.m, s.n)).ok() ==
              (s.m * s.k == 0));
      REQUIRE(same_bits(unused, poison<T>()));
    }
  }
}

TEST_CASE_TEMPLATE("k = 0: the epilogue of zero", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(200, 20), [](random& r) {
    gemm_shape s = any_shape(r, ops_under_test<T>::lanes());
    s.k = 0, s.a = layout(r.between(0, int(last_read))), s.b = layout(r.between(0, int(last_read)));
    at_both_ends<T>(r, s, [&](problem<T>& p) {
      REQUIRE(p.template differs<isa_t>() == "");
      p.C.fill(r);
      REQUIRE(p.template differs<isa_t>(relu(T(-1) * acc + T(2) * dst)) == "");
      const matrix_view<const T> no_a(nullptr, s.m, 0, r.pick<index>({0, 7}), 1), no_b(nullptr, 0, s.n, s.n, 1);
      REQUIRE(p.template differs_with<isa_t>(no_a, no_a, no_b) == "");
    });
  });
}

}  // namespace
}  // namespace ashlar::test
