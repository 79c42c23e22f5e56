// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/rescale_test.cpp: each rounding rule against its definition in wider arithmetic, at the ends of every
// range, and in constant evaluation.
#include <ashlar/quant.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

#include "support/cases.hpp"

namespace ashlar::test {
namespace {

using wide = __int128;
constexpr std::int32_t least = std::numeric_limits<std::int32_t>::min(),
                       most = std::numeric_limits<std::int32_t>::max();

// Sums of every magnitude, and those at which rules differ.
std::int32_t any_sum(random& r) {
  if (r.chance(20))
    return r.pick<std::int32_t>({0, 1, -1, 2, -2, 3, -3, most, most - 1, least, least + 1, 1 << 30, -(1 << 30)});
  return std::int32_t(r.bits()) >> r.between(0, 31);
}
std::int32_t any_multiplier(random& r) {
  if (r.chance(20)) return r.pick<std::int32_t>({1 << 30, most, (1 << 30) + 1, (1 << 30) | (1 << 29)});
  return std::int32_t((std::uint32_t(r.bits()) & (most >> 1)) | 1u << 30);
}

// The nearest integer of p / 2^n; halves upwards, or away from zero.
wide halves_up(wide p, int n) {
  const wide step = wide(1) << n, twice = 2 * p + step;  // floor(p / step + 1/2)
  const wide q = twice / (2 * step);
  return q - (twice % (2 * step) < 0);
}
wide halves_away(wide p, int n) {
  const wide size = p < 0 ? -p : p, q = (2 * size + (wide(1) << n)) >> (n + 1);
  return p < 0 ? -q : q;
}
wide saturated(wide x) { return x < least ? least : x > most ? most : x; }

TEST_CASE("tflite rounds twice") {
  for_each_case(scaled(200000), [](random& r) {
    const tflite policy{any_multiplier(r), int(r.between(-31, 30))};
    const std::int32_t x = any_sum(r);
    const auto y = std::int32_t(std::uint64_t(std::int64_t(x)) << std::max(policy.shift, 0));
    const wide high = saturated(halves_up(wide(y) * policy.multiplier, 31));
    REQUIRE(policy(x) == halves_away(high, std::max(-policy.shift, 0)));
  });
}

TEST_CASE("the product that does not fit, and every multiplier at least") {
  CHECK(detail::scalar_int::doubling_high_product(least, least) == most);
  CHECK(tflite{least, 0}(least) == most);
  CHECK(tflite{most, 0}(least) == -most);
}

TEST_CASE("single_rounding rounds once") {
  for_each_case(scaled(200000), [](random& r) {
    const single_rounding policy{any_multiplier(r), int(r.between(-31, 30))};
    const std::int32_t x = any_sum(r);
    REQUIRE(policy(x) == saturated(halves_up(wide(x) * policy.multiplier, 31 - policy.shift)));
  });
}

TEST_CASE("gemmlowp wraps in 32 bits") {
  for_each_case(scaled(200000), [](random& r) {
    const gemmlowp policy{any_sum(r), any_sum(r), int(r.between(0, 31))};
    const std::int32_t x = any_sum(r);
    const wide half = policy.shift > 0 ? wide(1) << (policy.shift - 1) : 0;
    const auto kept = std::int32_t(std::uint32_t((wide(x) + policy.offset) * policy.multiplier + half));
    REQUIRE(policy(x) == kept >> policy.shift);
  });
}

TEST_CASE("onnx rounds halves to even, ncnn away from zero") {
  for_each_case(scaled(200000), [](random& r) {
    const float scale = r.chance(50) ? std::ldexp(1.0f, int(r.between(-24, 2))) : std::fabs(r.value<float>());
    const std::int32_t x = any_sum(r);
    const float product = float(x) * scale;
    const auto saturate = [](double y) { return std::int32_t(std::clamp(y, double(least), double(most))); };
    REQUIRE(onnx{scale}(x) == saturate(std::nearbyint(double(product))));
    REQUIRE(ncnn{scale}(x) == saturate(std::round(double(product))));
  });
  CHECK(onnx{0.5f}(1) == 0);
  CHECK(onnx{0.5f}(3) == 2);
  CHECK(ncnn{0.5f}(1) == 1);
  CHECK(ncnn{0.5f}(-3) == -2);
  CHECK(ncnn{0.49999997f}(1) == 0);
  CHECK(onnx{std::numeric_limits<float>::quiet_NaN()}(1) == 0);
  CHECK(ncnn{std::numeric_limits<float>::infinity()}(-1) == least);
}

TEST_CASE("power_of_two rounds halves upwards, and multiplies by a negative shift") {
  for_each_case(scaled(100000), [](random& r) {
    const int shift = int(r.between(0, 31));
    const std::int32_t x = any_sum(r);
    REQUIRE(power_of_two{shift}(x) == halves_up(x, shift));
    REQUIRE(power_of_two{-shift}(x) == std::int32_t(std::uint64_t(std::int64_t(x)) << shift));
  });
}

TEST_CASE("the zero point does not wrap, and the range is kept") {
  constexpr power_of_two same{0};
  CHECK(requantized<std::int8_t>(most, same, most) == 127);
  CHECK(requantized<std::int8_t>(least, same, least) == -128);
  CHECK(requantized<std::uint8_t>(-5, same, 3) == 0);
  CHECK(requantized<std::uint8_t>(300, same, 0, 10, 200) == 200);
  CHECK(requantized<std::int8_t>(-300, same, 0, -127, 127) == -127);
  CHECK(requantized<std::int16_t>(40000, same, -10000) == 30000);
  CHECK(requantized<std::int32_t>(most, same, 1) == most);
}

TEST_CASE("a real factor becomes multiplier and shift") {
  for_each_case(scaled(100000), [](random& r) {
    const double factor = std::ldexp(0.5 + std::fabs(r.value<double>()) / 2, int(r.between(-31, 29)));
    int exponent = 0;
    auto q = std::llround(std::frexp(factor, &exponent) * 0x1p31);
    if (q == std::int64_t(1) << 31) q /= 2, ++exponent;
    const tflite got = quantized_multiplier(factor);
    REQUIRE(got.multiplier == q);
    REQUIRE(got.shift == exponent);
  });
  for (double nothing : {0.0, -1.0, 0x1p-33, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK(quantized_multiplier(nothing).multiplier == 0);
    CHECK(quantized_multiplier(nothing)(most) == 0);
  }
  CHECK(quantized_multiplier(0x1p40).shift == 30);
  CHECK(quantized_multiplier(std::nextafter(0x1p30, 0.0)).multiplier == most);
}

// The reference is constexpr.
static_assert(tflite{1 << 30, 0}(3) == 2 && tflite{1 << 30, 0}(-3) == -1);    // 1.5, -1.5: halves upwards
static_assert(tflite{1 << 30, -1}(6) == 2 && tflite{1 << 30, -1}(-6) == -2);  // 3 / 2 away from zero
static_assert(single_rounding{1 << 30, -1}(6) == 2 && single_rounding{1 << 30, -1}(-6) == -1);  // 1.5 upwards
static_assert(onnx{0.5f}(5) == 2 && ncnn{0.5f}(5) == 3 && ncnn{0.5f}(-5) == -3);
static_assert(gemmlowp{1, 3, 2}(4) == 4 && power_of_two{1}(-3) == -1);
static_assert(quantized_multiplier(0.75).multiplier == 3 << 29 && quantized_multiplier(0.75).shift == 0);
static_assert(rescaling<tflite> && rescaling<onnx> && !rescaling<int>);

}  // namespace
}  // namespace ashlar::test
