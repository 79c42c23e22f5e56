// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/native_bf16_test.cpp: products of bf16 by the ISA's own instruction: small integers exactly, everything
// else within the stated bound; packed and not, between guard pages. Where the ISA has no instruction, the reference's
// bits.
#include <doctest/doctest.h>

#include <algorithm>
#include <ashlar/loop/bf16_format.hpp>
#include <cmath>

#include "gemm/executors.hpp"
#include "gemm/mixed_problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

template <class F>
void native_problems(index count, const F& f) {
  mixed_problems<bf16, bf16, float>(count, f);
}

// Products and sums of these are exact in float, in any order.
template <class M>
void fill_integers(const M& m, random& r) {
  m.each([&](bf16& x) { x = bf16(float(r.between(-16, 16))); });
}

TEST_CASE("small integers: the bits of the reference, every layout, tail and block of K") {
  native_problems(300, [](random& r, auto& p) {
    fill_integers(p.A, r), fill_integers(p.B, r);
    REQUIRE(p.differs(p.B.read(), acc, no_zeros{}, native_rounding) == "");
    const one_thread three{3};
    REQUIRE(p.differs(p.B.read(), acc, no_zeros{}, native_rounding, cache_sizes{1, 1}, on(three)) == "");
  });
}

TEST_CASE("packed for it, and unpacked to the input; bf16 stored") {
  mixed_problems<bf16, bf16, bf16>(200, [](random& r, auto& p) {
    fill_integers(p.A, r), fill_integers(p.B, r);
    const auto storage = aligned_buffer::make(packed_weights_bytes<bf16, isa_t>(p.shape.k, p.shape.n));
    REQUIRE(pack_weights<isa_t>(p.B.read(), storage.span(), native_rounding).ok());
    const auto w = open_weights<bf16>(storage.span()).value();
    for (index k = 0; k < p.shape.k; ++k)
      for (index j = 0; j < p.shape.n; ++j) REQUIRE(w(k, j).bits == p.B.view()(k, j).bits);
    REQUIRE(p.differs(w, relu(acc * 2) + dst, no_zeros{}, native_rounding) == "");
  });
}

TEST_CASE("any numbers: neither blocks nor packing nor workers change a bit") {
  native_problems(100, [](random&, auto& p) {
    const index m = p.shape.m, n = p.shape.n, k = p.shape.k;
    std::vector<float> whole(std::size_t(m * n)), other(whole);
    std::vector<bf16> a(std::size_t(m * k)), b(std::size_t(k * n));
    for (bf16& x : a) x = bf16(std::sin(float(&x - a.data())));
    for (bf16& x : b) x = bf16(std::cos(float(&x - b.data())));
    const auto A = view<const bf16>(a.data(), m, k), B = view<const bf16>(b.data(), k, n);
    REQUIRE(gemm<isa_t>(A, B, view(whole.data(), m, n), native_rounding).ok());
    const one_thread three{3};
    REQUIRE(gemm<isa_t>(A, B, view(other.data(), m, n), native_rounding, cache_sizes{1, 1}, on(three)).ok());
    REQUIRE(other == whole);
    const auto storage = aligned_buffer::make(packed_weights_bytes<bf16, isa_t>(k, n));
    const auto w = pack_weights<isa_t>(B, storage.span(), native_rounding).value();
    REQUIRE(gemm<isa_t>(A, w, view(other.data(), m, n), native_rounding).ok());
    REQUIRE(other == whole);
  });
}

TEST_CASE("any numbers: within the bound of the exact sum") {
  native_problems(200, [](random& r, auto& p) {
    const int least = int(r.pick<index>({0, -10, -60, -132}));  // the last: subnormal numbers, too
    const auto fill = [&](bf16& x) {
      x = bf16(std::ldexp(float(r.between(-255, 255)) / 128, int(r.between(least, std::min(-least, 60)))));
    };
    p.A.each(fill), p.B.each(fill);
    REQUIRE(gemm<isa_t>(p.A.read(), p.B.read(), p.C.view(), native_rounding).ok());
    const auto a = p.A.read();
    const auto b = p.B.read();
    for (index i = 0; i < p.shape.m; ++i)
      for (index j = 0; j < p.shape.n; ++j) {
        double sum = 0, size = 0, small = 0;
        for (index k = 0; k < p.shape.k; ++k) {
          const double x = double(float(a(i, k))), y = double(float(b(k, j)));
          sum += x * y, size += std::abs(x * y), small += std::abs(x) + std::abs(y) + 2;
        }
        const double n = double(p.shape.k) * 0x1p-23;
        const double bound = n / (1 - n) * size + 0x1p-126 * small + 0x1p-50 * size;  // the last: of `sum` itself
        REQUIRE(std::abs(double(p.C.view()(i, j)) - sum) <= bound);
      }
  });
}

TEST_CASE("where the ISA has no instruction for it, the reference's bits") {
  if constexpr (!multiplies_bf16<isa_t>) {
    native_problems(100,
                    [](random&, auto& p) { REQUIRE(p.differs(p.B.read(), acc, no_zeros{}, native_rounding) == ""); });
  }
}

TEST_CASE("weights packed one way are refused the other way, by number") {
  if constexpr (multiplies_bf16<isa_t>) {
    std::vector<bf16> a(64, bf16(1.0f)), b(64, bf16(1.0f));
    std::vector<float> c(64, 7.0f);
    const auto storage = aligned_buffer::make(packed_weights_bytes<bf16, isa_t>(8, 8));
    const auto A = view<const bf16>(a.data(), 8, 8), B = view<const bf16>(b.data(), 8, 8);
    const auto plain = pack_weights<isa_t>(B, storage.span()).value();
    CHECK(gemm<isa_t>(A, plain, view(c.data(), 8, 8), native_rounding).code() == errc::wrong_blob);
    const auto grouped = pack_weights<isa_t>(B, storage.span(), native_rounding).value();
    CHECK(gemm<isa_t>(A, grouped, view(c.data(), 8, 8)).code() == errc::wrong_blob);
    CHECK(c == std::vector<float>(64, 7.0f));
    CHECK(gemm<isa_t>(A, grouped, view(c.data(), 8, 8), native_rounding).ok());
    CHECK(c == std::vector<float>(64, 8.0f));
  }
}

}  // namespace
}  // namespace ashlar::test
