// SPDX-License-Identifier: Apache-2.0
//
// fma_test.cpp: the integer fma of constant evaluation against std::fma, bit for bit, and the constants themselves.
#include <doctest/doctest.h>
#include <algorithm>
#include <ashlar/core/fma.hpp>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>

#include "support/floats.hpp"

namespace {

using ashlar::detail::ieee;
using ashlar::detail::soft_fma;

template <class T>
using limits = std::numeric_limits<T>;

template <class T>
constexpr auto bits(T x) {
  return std::bit_cast<typename ieee<T>::bits>(x);
}

constexpr bool equal(auto x, auto y) { return x != x ? y != y : bits(x) == bits(y); }

// Ordinary values, one rounding, ties, cancellation.
static_assert(ashlar::fma(2.0f, 3.0f, 1.0f) == 7.0f);
static_assert(ashlar::fma(2.0, 3.0, 1.0) == 7.0);
static_assert(ashlar::fma(1 + 0x1p-23f, 1 - 0x1p-23f, -1.0f) == -0x1p-46f);
static_assert(ashlar::fma(1 + 0x1p-52, 1 - 0x1p-52, -1.0) == -0x1p-104);
static_assert(ashlar::fma(0x1p-24f, 1.0f, 1.0f) == 1.0f);
static_assert(ashlar::fma(0x1p-24f, 1 + 0x1p-23f, 1.0f) == 1 + 0x1p-23f);
static_assert(ashlar::fma(0x1p-24f, 1.0f, 1 + 0x1p-23f) == 1 + 0x1p-22f);
static_assert(ashlar::fma(0x1p-53, 1 + 0x1p-52, 1.0) == 1 + 0x1p-52);
// A double rounding through double would give 1: the sum lies just above a tie.
static_assert(ashlar::fma(0x1p-60f, 0x1p-60f, ashlar::fma(1 + 0x1p-12f, 1 + 0x1p-12f, 0.0f)) == 1 + 0x1p-11f);
// Subnormals, underflow to zero and to the least subnormal, overflow.
static_assert(ashlar::fma(0x1p-149f, 0.5f, 0.0f) == 0.0f);
static_assert(ashlar::fma(0x1p-149f, 0.75f, 0.0f) == 0x1p-149f);
static_assert(ashlar::fma(0x1p-149f, 1.5f, 0.0f) == 0x1p-148f);
static_assert(ashlar::fma(0x1p-149f, 0.5f, 0x1p-149f) == 0x1p-148f);
static_assert(ashlar::fma(0x1p-1074, 0.75, 0.0) == 0x1p-1074);
static_assert(equal(ashlar::fma(-0x1p-149f, 0x1p-149f, 0.0f), -0.0f));
static_assert(ashlar::fma(0x1p-126f, 1 - 0x1p-24f, 0.0f) == 0x1p-126f);
static_assert(ashlar::fma(limits<float>::max(), 1.0f, 0x1p103f) == limits<float>::infinity());
static_assert(ashlar::fma(limits<float>::max(), 1.0f, 0x1.fffffep102f) == limits<float>::max());
static_assert(ashlar::fma(limits<float>::max(), -2.0f, limits<float>::max()) == -limits<float>::max());
static_assert(ashlar::fma(limits<double>::max(), 2.0, 0.0) == limits<double>::infinity());
// Zeros, infinities, NaN.
static_assert(equal(ashlar::fma(1.0f, 1.0f, -1.0f), 0.0f));
static_assert(equal(ashlar::fma(-0.0f, 1.0f, 0.0f), 0.0f));
static_assert(equal(ashlar::fma(-0.0f, 1.0f, -0.0f), -0.0f));
static_assert(ashlar::fma(limits<float>::infinity(), -1.0f, 1.0f) == -limits<float>::infinity());
static_assert(ashlar::fma(0.0f, 1.0f, limits<float>::infinity()) == limits<float>::infinity());
static_assert(bits(ashlar::fma(limits<float>::infinity(), 0.0f, 1.0f)) == 0x7fc00000u);
static_assert(bits(ashlar::fma(limits<float>::infinity(), 1.0f, -limits<float>::infinity())) == 0x7fc00000u);
static_assert(bits(ashlar::fma(1.0, limits<double>::quiet_NaN(), 1.0)) == 0x7ff8000000000000u);

// A reference-like chain fits in the compilers' default budgets for constant evaluation.
constexpr float dot_with_itself(int n) {
  float sum = 0;
  for (int i = 0; i < n; ++i) sum = ashlar::fma(float(i), float(i), sum);
  return sum;
}
static_assert(dot_with_itself(300) == 8955050.0f);

// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled", 2016.
struct random_bits {
  std::uint64_t state;
  std::uint64_t operator()() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717u;
  }
  std::uint64_t below(std::uint64_t n) { return ((*this)() >> 11) % n; }
};

template <class T>
void compare(T a, T b, T c) {
  volatile T va = a, vb = b, vc = c;
  const T expected = std::fma(va, vb, vc), got = soft_fma(a, b, c);
  if (!equal(expected, got)) {
    CAPTURE(bits(a));
    CAPTURE(bits(b));
    CAPTURE(bits(c));
    CHECK(bits(expected) == bits(got));
  }
}

// A number whose exponent field is `exponent` and whose fraction is random, or nearly all zeros or ones.
template <class T>
T number(random_bits& r, std::uint64_t exponent) {
  using word = typename ieee<T>::bits;
  constexpr int m = ieee<T>::mantissa;
  const word all = (word(1) << m) - 1;
  word fraction = static_cast<word>(r()) & all;
  const auto kind = r.below(8);
  if (kind == 0) fraction = 0;
  if (kind == 1) fraction = all;
  if (kind == 2) fraction = word(1) << r.below(m);
  if (kind == 3) fraction = all ^ (word(1) << r.below(m));
  if (kind == 4) fraction &= all << r.below(m);
  const word sign = static_cast<word>(r() >> 63) << (sizeof(T) * 8 - 1);
  return std::bit_cast<T>(static_cast<word>(sign | (static_cast<word>(exponent) << m) | fraction));
}

}  // namespace

TEST_CASE_TEMPLATE("random bit patterns", T, ASHLAR_TEST_FLOATS) {
  using word = typename ieee<T>::bits;
  random_bits r{0x9e3779b97f4a7c15};
  const auto any = [&] { return std::bit_cast<T>(static_cast<word>(r() >> (64 - sizeof(T) * 8))); };
  for (int i = 0; i < 2'000'000; ++i) compare(any(), any(), any());
}

TEST_CASE_TEMPLATE("addend near the product: cancellation, ties and sticky bits", T, ASHLAR_TEST_FLOATS) {
  constexpr std::int64_t bias = ieee<T>::bias, m = ieee<T>::mantissa;
  random_bits r{0xbf58476d1ce4e5b9};
  for (int i = 0; i < 3'000'000; ++i) {
    const auto ea = static_cast<std::int64_t>(r.below(2 * bias + 1)),
               eb = static_cast<std::int64_t>(r.below(2 * bias + 1));
    const std::int64_t ec = ea + eb - bias + static_cast<std::int64_t>(r.below(4 * m)) - 2 * m;
    const T a = number<T>(r, ea), b = number<T>(r, eb);
    compare(a, b, number<T>(r, std::clamp<std::int64_t>(ec, 0, 2 * bias)));
    compare(a, b, T(-(a * b)));
  }
}

TEST_CASE_TEMPLATE("results around the subnormal range", T, ASHLAR_TEST_FLOATS) {
  constexpr std::int64_t bias = ieee<T>::bias, m = ieee<T>::mantissa;
  random_bits r{0x94d049bb133111eb};
  for (int i = 0; i < 3'000'000; ++i) {
    const auto ea = static_cast<std::int64_t>(r.below(bias + 4));
    const std::int64_t eb = bias - ea + static_cast<std::int64_t>(r.below(3 * m)) - 2 * m;
    const T a = number<T>(r, ea), b = number<T>(r, std::clamp<std::int64_t>(eb, 0, 2 * bias));
    compare(a, b, number<T>(r, r.below(4) == 0 ? r.below(m + 4) : r.below(2)));
  }
}

TEST_CASE_TEMPLATE("every combination of special values", T, ASHLAR_TEST_FLOATS) {
  const T values[] = {T(0),
                      T(1),
                      T(3) / 2,
                      limits<T>::min(),
                      limits<T>::denorm_min(),
                      limits<T>::max(),
                      limits<T>::infinity(),
                      limits<T>::quiet_NaN(),
                      limits<T>::min() - limits<T>::denorm_min(),
                      1 + limits<T>::epsilon(),
                      1 - limits<T>::epsilon() / 2,
                      limits<T>::max() / 2};
  for (const T a : values)
    for (const T b : values)
      for (const T c : values)
        for (int signs = 0; signs < 8; ++signs) compare(signs & 1 ? -a : a, signs & 2 ? -b : b, signs & 4 ? -c : c);
}

TEST_CASE("at run time the function is std::fma") {
  volatile float a = 1 + 0x1p-23f, b = 1 - 0x1p-23f, c = -1;
  CHECK(ashlar::fma(a, b, c) == -0x1p-46f);
}
