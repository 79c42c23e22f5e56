// SPDX-License-Identifier: Apache-2.0
//
// tests/core/narrow_float_test.cpp: every number of 4, 8 and 16 bits is the float that its fields say, and every float
// becomes the nearest: at each number, halfway to the next, and one float to either side of that.
#include <doctest/doctest.h>

#include <ashlar/core/narrow_float.hpp>
#include <cmath>
#include <initializer_list>
#include <limits>

namespace ashlar::test {
namespace {

// Code `magnitude` of a type of these fields; the type's infinities and NaNs as if they were numbers, too.
double value_of(std::uint32_t magnitude, int exponent_bits, int fraction_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1, exponent = int(magnitude >> fraction_bits);
  const double fraction = double(magnitude & ((1u << fraction_bits) - 1)) / double(1u << fraction_bits);
  return exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
}

// Of a type whose numbers end with code `last`, above which values stay (to == last) or go to infinity (to == last +
// 1).
template <class N>
void check_numbers(std::uint32_t last, std::uint32_t to, std::uint32_t sign) {
  const auto number = [](std::uint32_t m) { return value_of(m, N::exponent_bits, N::fraction_bits); };
  const auto becomes = [sign](float x, std::uint32_t m) {
    REQUIRE(N(x).bits == m);
    REQUIRE(N(-x).bits == (m | sign));
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (std::uint32_t m = 0; m <= last; ++m) {
    const auto x = float(number(m));
    CAPTURE(m);
    REQUIRE(float(N::from_bits(typename N::storage(m))) == x);
    REQUIRE(std::signbit(float(N::from_bits(typename N::storage(m | sign)))));
    becomes(x, m);
    const auto halfway = float((number(m) + number(m + 1)) / 2);
    const std::uint32_t next = m == last ? to : m + 1;
    becomes(halfway, m % 2 == 0 ? m : next);
    becomes(std::nextafter(halfway, 0.0f), m);
    becomes(std::nextafter(halfway, infinity), next);
  }
  becomes(infinity, to);
}

TEST_CASE("numbers and what rounds to them") {
  check_numbers<e2m1>(7, 7, 8);
  check_numbers<e4m3>(0x7e, 0x7e, 0x80);
  check_numbers<e5m2>(0x7b, 0x7b, 0x80);
  check_numbers<f16>(0x7bff, 0x7c00, 0x8000);
  CHECK(float(e2m1(1e9f)) == 6);
  CHECK(float(e4m3(1e9f)) == 448);
  CHECK(float(e2m1::from_bits(0xf3)) == 1.5f);
}

TEST_CASE("NaN, and infinity where there is one") {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(e4m3(-nan).bits == 0x7f);
  CHECK(e5m2(nan).bits == 0x7f);
  CHECK(e2m1(nan).bits == 7);
  for (std::uint8_t b : {0x7f, 0xff}) CHECK(std::isnan(float(e4m3::from_bits(b))));
  for (std::uint8_t b : {0x7d, 0x7f, 0xfe}) CHECK(std::isnan(float(e5m2::from_bits(b))));
  CHECK(float(e5m2::from_bits(0xfc)) == -std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace ashlar::test
