// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/affine_test.cpp: numbers to integers and back, and the scale of a range, by their definitions.
#include <ashlar/quant.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

#include "support/cases.hpp"

namespace ashlar::test {
namespace {

constexpr float infinite = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

TEST_CASE("a number to the nearest integer, halves to even, within its range") {
  for_each_case(scaled(100000), [](random& r) {
    const affine a{std::ldexp(1 + std::fabs(r.value<float>()), int(r.between(-12, 4))),
                   std::int32_t(r.between(-200, 200))};
    const float x = r.value<float>() * 100;
    const double steps = std::nearbyint(double(x / a.scale)) + a.zero_point;
    REQUIRE(quantized<std::int8_t>(x, a) == std::int8_t(std::clamp(steps, -128.0, 127.0)));
    REQUIRE(quantized<std::uint8_t>(x, a) == std::uint8_t(std::clamp(steps, 0.0, 255.0)));
    REQUIRE(quantized(x, a, -8, 7) == std::int32_t(std::clamp(steps, -8.0, 7.0)));
  });
  CHECK(quantized<std::int8_t>(infinite, {1, 5}) == 127);
  CHECK(quantized<std::int8_t>(-infinite, {1, 5}) == -128);
  CHECK(quantized<std::int8_t>(nan, {1, 5}) == 5);
}

TEST_CASE("there and back is within half a step") {
  for_each_case(scaled(100000), [](random& r) {
    const float least = -std::fabs(r.value<float>()), most = std::fabs(r.value<float>());
    const affine a = affine_of(least, most, -128, 127);
    const float x = least + (most - least) * std::fabs(r.value<float>());
    const float back = dequantized(quantized<std::int8_t>(x, a), a);
    REQUIRE(std::fabs(back - x) <= a.scale * (1 + 1e-4f));  // half a step for x, half for the zero point at the ends
    REQUIRE(dequantized(a.zero_point, a) == 0);
  });
}

TEST_CASE("ranges without width, and on one side of zero") {
  CHECK(affine_of(0, 0, 0, 255) == affine{1, 0});
  CHECK(affine_of(nan, nan, -128, 127) == affine{1, 0});
  CHECK(affine_of(2, 5, 0, 255) == affine{5.0f / 255, 0});
  CHECK(affine_of(-5, -2, 0, 255) == affine{5.0f / 255, 255});
}

static_assert(quantized<std::uint8_t>(1.5f, {1, 0}) == 2 && quantized<std::uint8_t>(2.5f, {1, 0}) == 2);
static_assert(quantized<std::int8_t>(1e30f, {0.5f, 0}) == 127 && quantized(0.4f, {0.1f, 3}, -8, 7) == 7);
static_assert(dequantized(7, {0.5f, 3}) == 2.0f && affine_of(-1, 1, 0, 2) == affine{1, 1});

}  // namespace
}  // namespace ashlar::test
