// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/wide_test.cpp: 64-bit sums of products of 8- and 16-bit integers equal the reference, extreme values
// everywhere among them, in every layout, between guard pages; their epilogues, and what is refused.
#include <doctest/doctest.h>

#include <ashlar/gemm.hpp>
#include <ashlar/quant.hpp>
#include <cstring>

#include "gemm/mixed_problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;
using i8 = std::int8_t;
using i16 = std::int16_t;
using u16 = std::uint16_t;
using i64 = std::int64_t;
constexpr with_sums<i64> in_64_bits{};

static_assert(wide_rescaling<tflite> && wide_rescaling<single_rounding> && !wide_rescaling<onnx>);
static_assert(most_wide_terms<i16, i16> == index(1) << 23 && most_wide_terms<i16, i8> == index(1) << 31);
static_assert(most_wide_terms<u16, u16> == index(1) << 21);

TEST_CASE("16-bit numbers to 64 bits") {
  mixed_problems<i16, i16, i64>(300, [](random&, auto& p) {
    for (const cache_sizes& caches : {detail::default_caches<isa_t>(), cache_sizes{1, 1}})
      REQUIRE(p.differs(p.B.read(), acc, wide(), in_64_bits, caches) == "");
  });
  mixed_problems<u16, i8, i64>(200, [](random& r, auto& p) {
    const cache_sizes caches = r.pick({detail::default_caches<isa_t>(), cache_sizes{1, 1}});
    REQUIRE(p.differs(p.B.read(), max(acc, dst) * 3 - dst, wide(), in_64_bits, caches) == "");
  });
}

TEST_CASE("16 by 8 bits, requantized for each channel") {
  mixed_problems<i16, i8, i16>(300, [](random& r, auto& p) {
    const auto n = std::size_t(p.shape.n);
    std::vector<i64> bias(n);
    std::vector<std::int32_t> multipliers(n), shifts(n);
    for (i64& b : bias) b = i64(r.bits()) >> r.between(20, 60);
    for (std::int32_t& x : multipliers) x = std::int32_t(r.bits() >> 34 | 1u << 30);
    for (std::int32_t& x : shifts) x = std::int32_t(r.between(-31, 7));
    const auto e = requantize<tflite>(acc + per_column(bias.data()), cast(per_column(multipliers.data())),
                                      cast(per_column(shifts.data())), 0, -32768, 32767);
    REQUIRE(p.differs(p.B.read(), e, wide(), in_64_bits) == "");
    const tflite one{1342580370, -9};
    REQUIRE(p.differs(p.B.read(), requantize(acc + 5, one, -3, -30000, 30000), wide(), in_64_bits) == "");
  });
}

TEST_CASE("a sum that 32 bits do not hold; one that a double might not") {
  constexpr index k = 100000;
  const std::vector<i16> a(k, -32768), b(k, -32768);
  i64 c = 0;
  REQUIRE(gemm<isa_t>(view(a.data(), 1, k), view(b.data(), k, 1), view(&c, 1, 1), in_64_bits).ok());
  CHECK(c == i64(k) << 30);
  const index most = index(1) << 23;
  const matrix_view<const i16> row(a.data(), 1, most + 1, 0, 0), column(b.data(), most + 1, 1, 0, 0);
  const status s = gemm<isa_t>(row, column, view(&c, 1, 1), in_64_bits);
  CHECK(s.code() == errc::overflow);
  CHECK(std::strstr(s.message(), "8388609") != nullptr);
  CHECK(std::strstr(s.message(), "8388608") != nullptr);
  CHECK(c == i64(k) << 30);
  const auto two = [&](index g) {
    return gemm_problem{g == 0 ? view(a.data(), 1, 2) : row, g == 0 ? view(b.data(), 2, 1) : column, view(&c, 1, 1)};
  };
  const status batched = gemm_each<isa_t>(2, two, in_64_bits);
  CHECK(batched.code() == errc::overflow);
  CHECK(std::strstr(batched.message(), "problem 1: gemm: K is 8388609") != nullptr);
  CHECK(c == i64(k) << 30);
  REQUIRE(gemm_each<isa_t>(1, two, in_64_bits).ok());
  CHECK(c == i64(2) << 30);
}

// x * m / 2^(15 - shift) to the nearest, by division.
TEST_CASE("the policy of 64-bit sums") {
  for_each_case(scaled(20000), [](random& r) {
    const i64 x = i64(r.bits()) >> r.between(17, 60);
    const tflite p{std::int32_t(r.bits() >> 34 | 1u << 30), int(r.between(-31, 0))};
    const i64 m = p.multiplier >= 0x7fff0000 ? 32767 : (p.multiplier + 32768) / 65536;
    const i64 unit = i64(1) << (15 - p.shift), twice = 2 * x * m + unit;
    const i64 want = twice / (2 * unit) - (twice % (2 * unit) < 0);
    REQUIRE(p(x) == std::int32_t(want));
    REQUIRE(single_rounding{p.multiplier, p.shift}(x) == p(x));
  });
}

}  // namespace
}  // namespace ashlar::test
