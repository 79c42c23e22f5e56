// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/fixed_extents_test.cpp: products with constant extents equal the reference and stay inside their operands.
//
// Depends on: gemm.hpp, reference.hpp, support/.
#include <ashlar/gemm.hpp>
#include <ashlar/reference.hpp>
#include <cstring>
#include <vector>

#include <doctest/doctest.h>

#include "support/guarded_matrix.hpp"
#include "support/isa.hpp"

namespace ashlar::test {
namespace {

using Isa = isa_under_test;

// The same with nothing in its type, for the reference.
template <class T, index... Static>
matrix_view<const T> any(const matrix_view<const T, Static...>& v) {
  return {v.data(), v.rows(), v.cols(), v.row_stride(), v.col_stride()};
}

// Runs gemm into `c` and compares with the reference applied to a copy; true when a bit differs.
template <index M, index N, class T, class A, class B, class C, class E>
bool differs(const A& a, const B& b, const C& c, const E& e) {
  std::vector<T> expected(std::size_t(M * N)), got(std::size_t(M * N));
  const auto copy = [&](std::vector<T>& to) {
    for (index i = 0; i < M; ++i)
      for (index j = 0; j < N; ++j) to[std::size_t(i * N + j)] = c(i, j);
  };
  copy(expected);
  reference::gemm(any(a), any(b), view(expected.data(), M, N), e);
  REQUIRE(gemm<Isa>(a, b, c, e).ok());
  copy(got);
  return std::memcmp(got.data(), expected.data(), got.size() * sizeof(T)) != 0;
}

template <class T, index M, index N, index K>
void check_shape(placement where) {
  random r(M * 1000003 + N * 1009 + K);
  guarded_matrix<T> A(M, K, K, 1, where), B(K, N, N, 1, where), C(M, N, N, 1, where), D(M, N, 1, M, where);
  for (auto* x : {&A, &B, &C, &D}) x->each([&](T& v) { v = T(r.between(-999, 999)) / 128; });
  const auto a = view<M, K>((const T*)A.view().data());
  const auto b = view<K, N>((const T*)B.view().data());
  const auto c = view<M, N>(C.view().data());
  INFO("m ", M, ", n ", N, ", k ", K);
  CHECK_FALSE(differs<M, N, T>(a, b, c, T(0.5) * acc + T(2) * dst));
  CHECK_FALSE(differs<M, N, T>(a, b, column_major<M, N>(D.view().data()), acc));
  CHECK(gemm_workspace_bytes<Isa>(a, b, c) <= gemm_workspace_bytes<Isa>(a, b, view(c.data(), M, N)));
}

template <class T, index M, index N, index K>
void check_both_sides() {
  check_shape<T, M, N, K>(placement::at_start);
  check_shape<T, M, N, K>(placement::at_end);
}

}  // namespace

// Every shape is code of its own, and a sanitizer makes much of it: few shapes, each with an edge of another kind.
TEST_CASE("constant extents give the bits of the reference") {
  check_both_sides<float, 1, 1, 1>();
  check_both_sides<float, 5, 7, 11>();
  check_both_sides<float, 16, 16, 16>();
  check_both_sides<float, 17, 33, 5>();
  check_both_sides<double, 8, 8, 8>();
  check_both_sides<double, 17, 24, 3>();
}

}  // namespace ashlar::test
