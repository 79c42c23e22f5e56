// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/half_test.cpp: products of bf16, f16, e4m3, e5m2 and e2m1 equal the reference bit for bit, subnormal
// numbers, infinities and NaN among them; conversions of every 16-bit pattern; packed and not, between guard pages.
#include <doctest/doctest.h>

#include <ashlar/isa/half.hpp>
#include <bit>

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
