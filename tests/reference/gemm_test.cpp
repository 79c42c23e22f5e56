// SPDX-License-Identifier: Apache-2.0
//
// reference::gemm is the definition, so it is held to hand-computed cases: in constant evaluation, and at run time with
// the same bits.
#include <doctest/doctest.h>

#include <array>
#include <ashlar/reference.hpp>
#include <cstdint>
#include <limits>

namespace ashlar::test {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();

constexpr std::array<float, 4> product() {
  const float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 0, 0, 1, 1, -1}, bias[2] = {10, 20};
  std::array<float, 4> c = {100, 100, 100, 100};
  reference::gemm(view(a, 2, 3), view(b, 3, 2), view(c.data(), 2, 2), acc + per_column(bias) + 0.5f * dst);
  return c;
}
static_assert(product() == std::array<float, 4>{64, 69, 70, 69});

// Strides: a column-major A, a transposed B, a C with gaps.
constexpr std::array<double, 6> strided() {
  const double a[4] = {1, 3, 2, 4}, b[4] = {5, 7, 6, 8};
  std::array<double, 6> c = {};
  reference::gemm(column_major(a, 2, 2), transposed(view(b, 2, 2)), view(c.data(), 2, 2, 3));
  return c;
}
static_assert(strided() == std::array<double, 6>{19, 22, 0, 43, 50, 0});

// One fused step per k, k increasing: the product of the second step is not rounded before it is added.
constexpr float fused() {
  const float a[2] = {-1, 1 + 0x1p-23f}, b[2] = {1, 1 - 0x1p-23f};
  float c[1] = {};
  reference::gemm(view(a, 1, 2), view(b, 2, 1), view(c, 1, 1));
  return c[0];
}
static_assert(fused() == -0x1p-46f);

constexpr float empty_sum() {
  float c[1] = {7};
  reference::gemm(view(static_cast<const float*>(nullptr), 1, 0), view(static_cast<const float*>(nullptr), 0, 1),
                  view(c, 1, 1), acc + 1);
  return c[0];
}
static_assert(empty_sum() == 1);

constexpr std::array<float, 9> shortest_paths() {
  const float edge[9] = {0, 1, inf, inf, 0, 2, 5, inf, 0};
  std::array<float, 9> two = {};
  reference::gemm(view(edge, 3, 3), view(edge, 3, 3), view(two.data(), 3, 3), acc, min_plus{});
  return two;
}
static_assert(shortest_paths() == std::array<float, 9>{0, 1, 3, 7, 0, 2, 5, 6, 0});

template <class T, class Semiring>
constexpr T of_two(T a0, T b0, T a1, T b1) {
  const T a[2] = {a0, a1}, b[2] = {b0, b1};
  T c[1] = {};
  reference::gemm(view(a, 1, 2), view(b, 2, 1), view(c, 1, 1), acc, Semiring{});
  return c[0];
}
static_assert(of_two<float, max_plus>(1, 2, 3, -5) == 3 && of_two<std::int32_t, max_plus>(-9, 2, -3, -5) == -7);
static_assert(of_two<std::int32_t, min_plus>(-9, 2, -3, -5) == -8);
static_assert(of_two<std::uint32_t, or_and>(0b1100, 0b0110, 0b1, 0b11) == 0b101);
static_assert(of_two<std::int32_t, plus_times>(1 << 30, 4, 3, 5) == 15);  // wraps

// A semiring of the user.
struct max_times {
  template <class O>
  static constexpr typename O::vec zero() {
    return O::zero();
  }
  template <class O>
  static constexpr typename O::vec accumulate(typename O::vec a, typename O::vec b, typename O::vec acc) {
    return O::max(O::mul(a, b), acc);
  }
};
static_assert(semiring<max_times> && semiring<plus_times> && semiring<or_and> && !semiring<float>);
static_assert(!semiring_on<or_and, ops<float, isa::scalar>>);
static_assert(of_two<double, max_times>(2, 3, 4, 1) == 6);

TEST_CASE("run time has the bits of constant evaluation") {
  constexpr auto at_compile_time = product();
  CHECK(product() == at_compile_time);
  CHECK(fused() == -0x1p-46f);
  CHECK(of_two<float, min_plus>(inf, -inf, 1, 2) == 3);  // a sum that is NaN counts for nothing
}

}  // namespace
}  // namespace ashlar::test
