// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/batched_test.cpp: batches at strides, by pointers and grouped equal one reference::gemm each, whoever runs
// them.
//
// Depends on: gemm.hpp, reference.hpp, support/.
#include <ashlar/core/executors/thread_pool.hpp>
#include <ashlar/gemm.hpp>
#include <ashlar/reference.hpp>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "gemm/executors.hpp"
#include "gemm/problem.hpp"
#include "support/isa.hpp"

namespace ashlar::test {
namespace {

using Isa = isa_under_test;

std::vector<float> numbers(index count, unsigned seed) {
  std::vector<float> v(static_cast<std::size_t>(count));
  for (float& x : v) x = float(int((seed = seed * 1664525u + 1013904223u) >> 16) % 2001 - 1000) / 256;
  return v;
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct batch {
  index m = 5, n = 19, k = 7, count = 6;
  std::vector<float> a = numbers(m * k * count, 1), b = numbers(k * n * count, 2);
  std::vector<float> c = numbers(m * n * count, 3), expected = c;

  auto A(index p) const { return view(a.data() + p * m * k, m, k); }
  auto B(index p) const { return view(b.data() + p * k * n, k, n); }
  auto C(index p) { return view(c.data() + p * m * n, m, n); }
  template <class E>
  void expect(const E& e, bool one_b = false) {
    for (index p = 0; p < count; ++p)
      reference::gemm(A(p), B(one_b ? 0 : p), view(expected.data() + p * m * n, m, n), e);
  }
};

}  // namespace

TEST_CASE("a strided batch equals the reference of each problem, on any executor") {
  const auto e = 0.5f * acc + 2.0f * dst;
  for (index threads : {1, 2, 4, 9}) {  // fewer and more than problems
    batch x;
    thread_pool pool(threads);
    x.expect(e);
    const status s = gemm_batched<Isa>(x.A(0), x.m * x.k, x.B(0), x.k * x.n, x.C(0), x.m * x.n, x.count, e, on(pool));
    REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
    CHECK(same(x.c, x.expected));
  }
}

TEST_CASE("stride 0 shares B") {
  batch x;
  x.expect(relu(acc), true);
  REQUIRE(gemm_batched<Isa>(x.A(0), x.m * x.k, x.B(0), 0, x.C(0), x.m * x.n, x.count, relu(acc)).ok());
  CHECK(same(x.c, x.expected));
}

TEST_CASE("pointer arrays, in any order") {
  batch x;
  x.expect(acc);
  std::vector<const float*> a, b;
  std::vector<float*> c;
  for (index p = x.count; p-- > 0;) a.push_back(x.A(p).data()), b.push_back(x.B(p).data()), c.push_back(x.C(p).data());
  REQUIRE(gemm_batched<Isa>(x.A(0), a, x.B(0), b, x.C(0), c).ok());
  CHECK(same(x.c, x.expected));
  b.pop_back();
  const status s = gemm_batched<Isa>(x.A(0), a, x.B(0), b, x.C(0), c);
  CHECK(std::string(s.message()) == "gemm_batched: 6 pointers for A, 5 for B, 6 for C: they must be as many");
}

TEST_CASE("a group of different shapes, with exactly the scratch it asks for") {
  batch x;
  using V = matrix_view<const float, dynamic, dynamic, dynamic, 1>;
  using W = matrix_view<float, dynamic, dynamic, dynamic, 1>;
  std::vector<gemm_problem<V, V, W>> group;
  std::vector<float> expected = x.c;
  for (index p = 0; p < x.count; ++p) {
    const index m = x.m - p % 3, n = x.n - 3 * p, k = x.k - p;
    group.push_back({x.A(p).block(0, 0, m, k), x.B(p).block(0, 0, k, n), x.C(p).block(0, 0, m, n)});
    reference::gemm(group.back().a, group.back().b, view(expected.data() + p * x.m * x.n, m, n, x.n));
  }
  const cache_sizes tiny{64, 256};  // everything is cut and copied
  thread_pool pool(3);
  const auto problem = [&](index p) { return group[std::size_t(p)]; };
  const std::size_t bytes = gemm_each_workspace_bytes<Isa>(x.count, problem, tiny, on(pool));
  aligned_buffer memory = aligned_buffer::make(bytes);
  REQUIRE(gemm_each<Isa>(x.count, problem, tiny, on(pool), scratch(memory.span())).ok());
  CHECK(same(x.c, expected));
  if (bytes > 0) {
    const status s = gemm_each<Isa>(x.count, problem, tiny, on(pool), scratch(memory.span().first(bytes - 1)));
    CHECK(s.code() == errc::workspace_too_small);
  }
  REQUIRE(gemm_grouped<Isa>(group).ok());
  CHECK(same(x.c, expected));
}

// Any shapes and layouts, zero extents among them, each operand between guard pages.
TEST_CASE_TEMPLATE("a group of random problems, whoever runs it in whatever order", T, ASHLAR_TEST_FLOATS) {
  thread_pool pool(3);
  for_each_case(scaled(150, 15), [&](random& r) {
    std::deque<problem<T>> group;
    std::vector<std::vector<T>> expected;
    for (index left = r.between(1, 6); left > 0; --left) {
      const auto any = [&](layout last) { return layout(r.between(0, int(last))); };
      const gemm_shape s{r.between(0, 20), r.between(0, 40), r.between(0, 30),
                         any(last_read),   any(last_read),   any(last_written)};
      auto& p = group.emplace_back(r, s, r.pick({placement::at_end, placement::at_start}));
      p.C.fill(r);
      p.C.each([&, &e = expected.emplace_back()](T& x) { e.push_back(x); });
      reference::gemm(p.A.read(), p.B.read(), view(expected.back().data(), s.m, s.n), relu(acc) - dst);
    }
    std::vector<decltype(group[0].C.snapshot())> before;
    for (auto& p : group) before.push_back(p.C.snapshot());
    const auto given = [&](index i) {
      auto& p = group[std::size_t(i)];
      return gemm_problem{p.A.read(), p.B.read(), p.C.view()};
    };
    const auto run = [&](const auto& executor) {
      return gemm_each<Isa>(index(group.size()), given, relu(acc) - dst, cache_sizes{256, 2048}, on(executor));
    };
    const status s = r.chance(50) ? r.chance(50) ? gemm_each<Isa>(index(group.size()), given, relu(acc) - dst, on(pool))
                                                 : run(one_thread{r.between(1, 7)})
                                  : run(in_reverse{r.between(1, 7)});
    REQUIRE_MESSAGE(s.ok(), std::string(s.message()));
    for (std::size_t i = 0; i < group.size(); ++i) {
      INFO(describe(group[i].shape));
      REQUIRE(first_difference(group[i].C.view(), expected[i]) == "");
      REQUIRE_FALSE(group[i].C.changed(before[i], true));
    }
  });
}

TEST_CASE("an epilogue that reads C behind dst's back is refused") {
  std::vector<float> a = numbers(64 * 3000, 1), b = numbers(3000 * 64, 2), c(64 * 64), before = c;
  const auto A = view((const float*)a.data(), 64, 3000), B = view((const float*)b.data(), 3000, 64);
  const auto C = view(c.data(), 64, 64);
  const status s = gemm<Isa>(A, B, C, acc + elements(C));
  CHECK(s.code() == errc::aliasing);
  CHECK(std::string(s.message()).ends_with("write dst to read C's old value"));
  CHECK(gemm<Isa>(A, B, C, acc * per_column((const float*)c.data() + 4032)).code() == errc::aliasing);
  CHECK(gemm<Isa>(A, B, C, relu(acc - per_row((const float*)c.data() + 4095))).code() == errc::aliasing);
  CHECK(same(c, before));
  CHECK(gemm<Isa>(A, B, C, acc + dst + per_row((const float*)a.data())).ok());
}

TEST_CASE("one wrong problem: its number is named and nothing is written") {
  batch x;
  const std::vector<float> before = x.c;
  const auto problem = [&](index p) {
    return gemm_problem{x.A(p), x.B(p), p == 4 ? x.C(p).block(0, 0, 4, x.n) : x.C(p).block(0, 0, 5, x.n)};
  };
  const status s = gemm_each<Isa>(x.count, problem);
  CHECK(s.code() == errc::shape_mismatch);
  CHECK(std::string(s.message()).starts_with("problem 4: gemm: C is 4 x 19 but A is 5 x 7"));
  CHECK(same(x.c, before));
  CHECK(gemm_batched<Isa>(x.A(0), 0, x.B(0), 0, x.C(0), x.n, 2).code() == errc::aliasing);
  const auto overlapping = [&](index m, index n, index ld, index stride, index count) {
    return std::string(gemm_batched<Isa>(x.A(0).block(0, 0, m, 7), 0, x.B(0).block(0, 0, 7, n), 0,
                                         view(x.c.data(), m, n, ld), stride, count)
                           .message());
  };
  CHECK(overlapping(4, 10, 30, 15, 3) ==
        "gemm_batched: C is 4 x 10 with strides 30 and 1, and 15 elements on: problems 0 and 2 overlap");
  CHECK(overlapping(4, 10, 30, 15, 2) == "");
  CHECK(overlapping(4, 10, 31, 10, 3) == "");
  CHECK(same({x.c.begin() + 125, x.c.end()}, {before.begin() + 125, before.end()}));
  CHECK(std::string(gemm_batched<Isa>(x.A(0), INT64_MAX / 2, x.B(0), 0, x.C(0), x.m * x.n, 5).message()) ==
        "gemm_batched: 5 of A lie 4611686018427387903 elements apart: offsets exceed 64 bits");
  CHECK(gemm_batched<Isa>(x.A(0), 0, x.B(0), 0, x.C(0), INT64_MIN, 2).code() == errc::overflow);
  CHECK(gemm_each<Isa>(-1, problem).code() == errc::negative_extent);
  CHECK(gemm_each<Isa>(0, problem).ok());
}

}  // namespace ashlar::test
