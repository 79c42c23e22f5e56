// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/half_test.cpp: products of bf16, f16, e4m3, e5m2 and e2m1 equal the reference bit for bit, subnormal
// numbers, infinities and NaN among them, by the ISA's own products or by conversions; conversions of every 16-bit
// pattern; packed and not, between guard pages.
#include <doctest/doctest.h>

#include <algorithm>
#include <ashlar/isa/half.hpp>
#include <ashlar/loop/native_half_format.hpp>
#include <bit>
#include <cmath>
#include <utility>

#include "gemm/executors.hpp"

#include "gemm/mixed_problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

TEST_CASE("bf16, and small caches: sums rest as floats between K blocks") {
  mixed_problems<bf16, bf16, bf16>(300, [](random&, auto& p) {
    for (const cache_sizes& caches : {detail::default_caches<isa_t>(), cache_sizes{1, 1}})
      REQUIRE(p.differs(p.B.read(), relu(acc) + dst, no_zeros{}, caches) == "");
  });
}

TEST_CASE("f16 to float, packed") {
  mixed_problems<f16, f16, float>(300, [](random&, auto& p) {
    const auto storage = aligned_buffer::make(packed_weights_bytes<f16, isa_t>(p.shape.k, p.shape.n));
    REQUIRE(pack_weights<isa_t>(p.B.read(), storage.span()).ok());
    const auto w = open_weights<f16>(storage.span()).value();
    for (index k = 0; k < p.shape.k; ++k)
      for (index j = 0; j < p.shape.n; ++j) REQUIRE(w(k, j).bits == p.B.view()(k, j).bits);
    REQUIRE(p.differs(w, acc * 2, no_zeros{}) == "");
  });
}

TEST_CASE_TEMPLATE("as they are in blocks; the same weights through a prologue and for another semiring", N, f16,
                   bf16) {
  mixed_problems<N, N, N>(100, [](random&, auto& p) {
    const one_thread three{3};
    REQUIRE(p.differs(p.B.read(), relu(acc) + dst, no_zeros{}, cache_sizes{1, 1}, on(three)) == "");
  });
  mixed_problems<N, N, float>(60, [](random&, auto& p) {
    const index m = p.shape.m, n = p.shape.n, k = p.shape.k;
    const auto A = p.A.read(), B = p.B.read();
    const auto storage = aligned_buffer::make(packed_weights_bytes<N, isa_t>(k, n));
    const auto w = pack_weights<isa_t>(B, storage.span()).value();
    REQUIRE(p.differs(w, acc, no_zeros{}) == "");
    std::vector<float> twice, want(std::size_t(m * n)), got(want);
    for (index i = 0; i < m; ++i)
      for (index j = 0; j < k; ++j) twice.push_back(float(A(i, j)) * 0.1f);
    reference::gemm(view<const float>(twice.data(), m, k), B, view(want.data(), m, n));
    REQUIRE(gemm<isa_t>(transform(A, acc * 0.1f), w, view(got.data(), m, n)).ok());
    for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(same_bits(got[i], want[i]));
    REQUIRE(gemm<isa::scalar>(A, B, view(want.data(), m, n), max_plus{}).ok());
    REQUIRE(gemm<isa_t>(A, w, view(got.data(), m, n), max_plus{}).ok());
    for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(same_bits(got[i], want[i]));
  });
}

// Sums that round, cancel, are subnormal or overflow.
[[maybe_unused]] float near_product(random& r, float product) {
  const auto bits = std::uint32_t(r.bits()), size = std::bit_cast<std::uint32_t>(product);
  if (r.chance(20)) return std::bit_cast<float>((size ^ 0x80000000u) + (bits & 3));
  if (r.chance(20)) return std::bit_cast<float>(bits & 0x807fffffu);
  if (r.chance(20)) return std::bit_cast<float>(bits);
  const int exponent = std::clamp(std::ilogb(product), -150, 128);
  return std::ldexp(float(std::int32_t(bits)), exponent - 31 + int(r.between(-30, 30)));
}

template <class N>
void check_products() {
  using O = half_dot_ops<N, isa_t>;
  random r(1);
  for (std::uint32_t x = 0; x < 65536; ++x) {
    std::uint16_t a[8];
    N b[8];
    float sums[8], got[16];
    for (std::uint16_t& bits : a) bits = std::uint16_t(r.bits());
    for (N& y : b) y = N::from_bits(std::uint16_t(r.chance(30) ? r.bits() & 0x83ff : r.bits()));
    b[x % 8] = N::from_bits(std::uint16_t(x));
    const float factor = float(N::from_bits(a[5]));
    for (int l = 0; l < 8; ++l) sums[l] = near_product(r, float(b[l]) * factor);
    constexpr bool alternate = alternates_columns<O, 2>;
    const auto all = O::broadcast_load(a + 5), row = O::load(a), two = O::load_two(b);
    auto left = O::load(sums), right = O::load(sums + 4);
    if constexpr (alternate) column_pairs<O>::from_rows(std::integer_sequence<int, 0, 1>{}, left, right);
    auto left_lane = O::template fma_lane<5>(left, two, row),
         right_lane = O::second::template fma_lane<5>(right, two, row);
    left = O::dot(left, all, two), right = O::second::dot(right, all, two);
    if constexpr (alternate) {
      column_pairs<O>::to_rows(std::integer_sequence<int, 0, 1, 2, 3>{}, left, right, left_lane, right_lane);
    }
    O::store(got, left), O::store(got + 4, right), O::store(got + 8, left_lane), O::store(got + 12, right_lane);
    for (int l = 0; l < 16; ++l) REQUIRE(same_bits(got[l], std::fma(factor, float(b[l % 8]), sums[l % 8])));
  }
}

TEST_CASE_TEMPLATE("the ISA's own product, every number: one rounding of the exact sum", N, f16, bf16) {
  if constexpr (multiplies_halves<N, isa_t>) check_products<N>();
}

TEST_CASE("float by bf16 weights; bytes") {
  const auto check = [](random&, auto& p) { REQUIRE(p.differs(p.B.read(), acc, no_zeros{}) == ""); };
  mixed_problems<float, bf16, f16>(200, check);
  mixed_problems<e4m3, e5m2, float>(60, check);
  mixed_problems<bf16, e2m1, float>(60, check);
}

TEST_CASE_TEMPLATE("every 16-bit number becomes its float, and rounds back to itself", N, bf16, f16) {
  std::vector<N> all(65536), back(65536);
  std::vector<float> floats(65536);
  for (std::uint32_t i = 0; i < 65536; ++i) all[i] = N::from_bits(std::uint16_t(i));
  widened<N, isa_t>(all.data(), 65536, floats.data());
  narrowed<N, isa_t>(floats.data(), 65536, back.data());
  for (std::uint32_t i = 0; i < 65536; ++i) {
    REQUIRE(std::bit_cast<std::uint32_t>(floats[i]) == std::bit_cast<std::uint32_t>(float(all[i])));
    REQUIRE(back[i].bits == N(floats[i]).bits);
  }
}

TEST_CASE_TEMPLATE("floats round as the scalar conversion rounds them", N, bf16, f16) {
  for_each_case(scaled(20000), [](random& r) {
    float x[24];
    N y[24];
    for (float& v : x) {
      const auto bits = std::uint32_t(r.bits());
      v = r.chance(50) ? std::bit_cast<float>(bits) : std::bit_cast<float>((bits & 0x87ffffffu) | 0x30000000u);
      if (r.chance(30)) v = std::bit_cast<float>(std::bit_cast<std::uint32_t>(v) & 0xfffff000u);  // ties
    }
    narrowed<N, isa_t>(x, 24, y);
    for (int i = 0; i < 24; ++i) REQUIRE(y[i].bits == N(x[i]).bits);
  });
}

}  // namespace
}  // namespace ashlar::test
