// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/semiring_test.cpp: other arithmetics through the same tile, packing and blocking; a user's own; and a
// user's own element type.
#include <doctest/doctest.h>

#include <limits>

#include "gemm/executors.hpp"
#include "gemm/problem.hpp"

namespace ashlar::test {

// Neither commutative in a and b nor distributive: only the order that the reference has gives its bits.
struct min_difference {
  template <class O>
  static ASHLAR_INLINE constexpr typename O::vec zero() {
    return O::broadcast(typename O::value_type(1000));
  }
  template <class O>
  static ASHLAR_INLINE constexpr typename O::vec accumulate(const typename O::vec& a, const typename O::vec& b,
                                                            const typename O::vec& acc) {
    return O::min(O::sub(a, b), acc);
  }
};

// Integers modulo a prime, with the operations that a kernel asks for: an element type of the user.
struct residue {
  static constexpr std::uint32_t prime = 65521;
  std::uint32_t value = 0;
  constexpr residue() = default;
  constexpr explicit residue(std::uint32_t v) : value(v % prime) {}
  friend constexpr bool operator==(residue, residue) = default;
};

}  // namespace ashlar::test

namespace ashlar {

template <>
struct ops<test::residue, isa::scalar> {
  using T = test::residue;
  using value_type = T;
  using isa_type = isa::scalar;
  using vec = T;
  static constexpr index max_lanes = 1;
  static constexpr bool masked_memory = false;
  static constexpr index lanes() { return 1; }
  static constexpr T zero() { return T(); }
  static constexpr T broadcast(T x) { return x; }
  static constexpr T broadcast_load(const T* p) { return *p; }
  static constexpr T load(const T* p) { return *p; }
  static constexpr void store(T* p, T x) { *p = x; }
  static constexpr T load_n(const T* p, index n) { return n > 0 ? *p : T(); }
  static constexpr void store_n(T* p, T x, index n) {
    if (n > 0) *p = x;
  }
  static constexpr T add(T a, T b) { return T(a.value + b.value); }
  static constexpr T sub(T a, T b) { return T(a.value + T::prime - b.value); }
  static constexpr T mul(T a, T b) { return T(std::uint32_t(std::uint64_t(a.value) * b.value % T::prime)); }
  static constexpr T fma(T a, T b, T c) { return add(mul(a, b), c); }
  static constexpr T min(T a, T b) { return a.value < b.value ? a : b; }
  static constexpr T max(T a, T b) { return a.value > b.value ? a : b; }
  static constexpr T select_gt(T a, T b, T x, T y) { return a.value > b.value ? x : y; }
};

}  // namespace ashlar

namespace ashlar::test {
namespace {

template <class T>
gemm_shape any_shape(random& r) {
  const index nr = 2 * ops_under_test<T>::lanes();
  gemm_shape s{r.between(1, 30), ragged(r, ops_under_test<T>::lanes(), 2 * nr),
               r.pick<index>({0, 1, 2, 30, 64, 100, 200, 530})};
  s.a = layout(r.between(0, int(last_read))), s.b = layout(r.between(0, int(last_read)));
  s.c = layout(r.between(0, int(last_written)));
  return within(s, 200000);
}

template <class T, class Semiring>
void equals_reference(const Semiring& semiring) {
  for_each_case(scaled(400, 25), [&](random& r) {
    const cache_sizes caches{1, r.pick<index>({1, 1 << 18})};
    const on_executor<one_thread> executor{{r.pick<index>({1, 4})}};
    at_both_ends<T>(r, any_shape<T>(r), [&](problem<T>& p) {
      REQUIRE(p.template differs<isa_under_test>(semiring, with_tile<tile_shape{2, 1, 2}>{}, caches, executor) == "");
    });
  });
}

TEST_CASE_TEMPLATE("min_plus and max_plus", T, ASHLAR_TEST_FLOATS, std::int32_t) {
  equals_reference<T>(min_plus{});
  if constexpr (std::same_as<T, float>) equals_reference<T>(max_plus{});
}

TEST_CASE("or_and") { equals_reference<std::uint32_t>(or_and{}); }

TEST_CASE_TEMPLATE("plus_times of integers wraps", T, std::int32_t, std::uint32_t) {
  equals_reference<T>(plus_times{});
}

TEST_CASE_TEMPLATE("a user's semiring, a and b never exchanged", T, float, std::int32_t) {
  equals_reference<T>(min_difference{});
}

TEST_CASE("shortest paths: min_plus until nothing changes") {
  constexpr index n = 37;
  constexpr float none = std::numeric_limits<float>::infinity();
  std::vector<float> d(n * n, none), next(n * n);
  for (index i = 0; i < n; ++i) d[i * n + i] = 0, d[i * n + (i + 1) % n] = float(i % 3 + 1);  // a ring
  for (int turn = 0; turn < 6; ++turn) {
    REQUIRE(gemm<isa_under_test>(view<const float>(d.data(), n, n), view<const float>(d.data(), n, n),
                                 view(next.data(), n, n), min_plus{})
                .ok());
    d = next;
  }
  for (index i = 0; i < n; ++i) {
    float along = 0;
    for (index step = 0; step < n; along += float((i + step) % n % 3 + 1), ++step)
      CHECK(d[i * n + (i + step) % n] == along);
  }
}

TEST_CASE("no edges: the sum over nothing is the semiring's zero") {
  float c[2] = {1, 2};
  REQUIRE(gemm<isa_under_test>(view<const float>(nullptr, 1, 0), view<const float>(nullptr, 0, 2), view(c, 1, 2),
                               min_plus{})
              .ok());
  CHECK(c[0] == std::numeric_limits<float>::infinity());
  CHECK(c[1] == std::numeric_limits<float>::infinity());
}

TEST_CASE_TEMPLATE("any arithmetic type on isa::scalar", T, std::int64_t, std::int16_t, std::uint16_t) {
  for_each_case(scaled(100, 10), [](random& r) {
    problem<T> p(r, any_shape<float>(r), placement::at_end);
    REQUIRE(p.template differs<isa::scalar>() == "");
  });
}

TEST_CASE("a user's element type on isa::scalar") {
  for_each_case(scaled(100, 10), [](random& r) {
    const gemm_shape s = any_shape<float>(r);
    std::vector<residue> a(s.m * s.k), b(s.k * s.n), c(s.m * s.n), expected(s.m * s.n);
    for (residue& x : a) x = residue(std::uint32_t(r.bits()));
    for (residue& x : b) x = residue(std::uint32_t(r.bits()));
    const auto A = view<const residue>(a.data(), s.m, s.k), B = view<const residue>(b.data(), s.k, s.n);
    reference::gemm(A, B, view(expected.data(), s.m, s.n));
    REQUIRE(gemm<isa::scalar>(A, B, view(c.data(), s.m, s.n), cache_sizes{1, 1}).ok());
    REQUIRE(c == expected);
  });
}

}  // namespace
}  // namespace ashlar::test
