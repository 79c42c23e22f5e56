// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/half_test.cpp: products of bf16, f16, e4m3, e5m2 and e2m1 equal the reference bit for bit, subnormal
// numbers, infinities and NaN among them, by the ISA's own products or by conversions; conversions of every 16-bit
// pattern; packed and not, between guard pages.
#include <doctest/doctest.h>

#include <ashlar/isa/half.hpp>
#include <ashlar/loop/f16_format.hpp>
#include <bit>
#include <cmath>

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

TEST_CASE(
    "f16 as they are, small caches, three workers; the same weights through a prologue and for another semiring") {
  mixed_problems<f16, f16, f16>(200, [](random&, auto& p) {
    const one_thread three{3};
    REQUIRE(p.differs(p.B.read(), relu(acc) + dst, no_zeros{}, cache_sizes{1, 1}, on(three)) == "");
  });
  mixed_problems<f16, f16, float>(60, [](random&, auto& p) {
    const index m = p.shape.m, n = p.shape.n, k = p.shape.k;
    const auto A = p.A.read(), B = p.B.read();
    const auto storage = aligned_buffer::make(packed_weights_bytes<f16, isa_t>(k, n));
    const auto w = pack_weights<isa_t>(B, storage.span()).value();
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
float near_product(random& r, float product) {
  const auto bits = std::uint32_t(r.bits()), size = std::bit_cast<std::uint32_t>(product);
  if (r.chance(20)) return std::bit_cast<float>((size ^ 0x80000000u) + (bits & 3));
  if (r.chance(20)) return std::bit_cast<float>(bits & 0x807fffffu);
  if (r.chance(20)) return std::bit_cast<float>(bits);
  return std::ldexp(float(std::int32_t(bits)), std::ilogb(product) - 31 + int(r.between(-30, 30)));
}

template <class O>
void check_products() {
  random r(1);
  for (std::uint32_t x = 0; x < 65536; ++x) {
    std::uint16_t a[8];
    f16 b[4];
    float sums[4], got[8];
    for (std::uint16_t& bits : a) bits = std::uint16_t(r.bits());
    for (f16& y : b) y = f16::from_bits(std::uint16_t(r.chance(30) ? r.bits() & 0x83ff : r.bits()));
    b[x % 4] = f16::from_bits(std::uint16_t(x));
    for (int l = 0; l < 4; ++l) sums[l] = near_product(r, float(b[l]) * float(f16::from_bits(a[l % 2 == 0 ? l : 5])));
    O::store(got, O::dot(O::load(sums), O::load(a), O::load(b)));
    O::store(got + 4, O::template fma_lane<5>(O::load(sums), O::load(b), O::load(a)));
    for (int l = 0; l < 8; ++l) {
      const float want = std::fma(float(f16::from_bits(a[l < 4 ? l : 5])), float(b[l % 4]), sums[l % 4]);
      REQUIRE(same_bits(got[l], want));
    }
  }
}

TEST_CASE("the ISA's own product of f16, every number: one rounding of the exact sum") {
  if constexpr (multiplies_f16<isa_t>) check_products<f16_dot_ops<isa_t>>();
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
