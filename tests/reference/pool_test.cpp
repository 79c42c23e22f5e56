// SPDX-License-Identifier: Apache-2.0
//
// tests/reference/pool_test.cpp: the specification of pooling against windows done by hand, in constant evaluation.
#include <doctest/doctest.h>
#include <ashlar/nn/pool_problem.hpp>
#include <ashlar/reference.hpp>

namespace ashlar::test {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

template <int Rank>
constexpr conv_geometry of(const pool_problem<Rank>& p) {
  return detail::geometry_of(p).value();
}

// Windows of three, two apart, padded on both sides: {_ 1 5} {5 5 2} {2 -0 _}.
constexpr pool1d three{.src = {1, 5, 1}, .window = {3}, .stride = {2}, .padding = {.before = {1}, .after = {1}}};

constexpr bool maximum() {
  const float src[5] = {1, 5, 5, 2, -0.f};
  float dst[3] = {};
  std::int32_t argmax[3] = {};
  reference::max_pool<float>(of(three), nwc(src, 1, 5, 1), nwc(dst, 1, 3, 1), nwc(argmax, 1, 3, 1));
  const float gradient[3] = {10, 20, 40};
  float back[5] = {7, 7, 7, 7, 7};
  reference::max_pool_backward<float>(of(three), nwc(gradient, 1, 3, 1), nwc(argmax, 1, 3, 1), nwc(back, 1, 5, 1));
  return of(three).dst == triple{1, 1, 3} && dst[0] == 5 && dst[1] == 5 && dst[2] == 2 && argmax[0] == 1 &&
         argmax[1] == 1 && argmax[2] == 3 && back[0] == 0 && back[1] == 30 && back[2] == 0 && back[3] == 40;
}
static_assert(maximum());

// The first of equal ones, the last NaN, the first -infinity; nothing inside.
constexpr bool special() {
  const pool1d p{.src = {1, 8, 1}, .window = {4}, .stride = {4}, .padding = {.after = {8}}};
  const float src[8] = {infinity, nan, nan, infinity, -infinity, -infinity, -infinity, -infinity};
  float dst[4] = {};
  std::int32_t argmax[4] = {};
  reference::max_pool<float>(of(p), nwc(src, 1, 8, 1), nwc(dst, 1, 4, 1), nwc(argmax, 1, 4, 1));
  const float zeros[2] = {-0.f, 0.f};
  float zero = 1;
  std::int32_t at = -1;
  reference::max_pool<float>(of(pool1d{.src = {1, 2, 1}, .window = {2}}), nwc(zeros, 1, 2, 1), nwc(&zero, 1, 1, 1),
                             nwc(&at, 1, 1, 1));
  return dst[0] != dst[0] && argmax[0] == 2 && dst[1] == -infinity && argmax[1] == 4 && dst[2] == -infinity &&
         argmax[2] == -1 && argmax[3] == -1 && zero == 0 && at == 0;
}
static_assert(special());

constexpr bool average() {
  const float src[5] = {1, 5, 5, 2, 4};
  float inside[3] = {}, whole[3] = {}, back[5] = {};
  reference::average_pool<float>(of(three), nwc(src, 1, 5, 1), nwc(inside, 1, 3, 1));
  reference::average_pool<float>(of(three), nwc(src, 1, 5, 1), nwc(whole, 1, 3, 1), true);
  const float gradient[3] = {2, 3, 4};
  reference::average_pool_backward<float>(of(three), nwc(gradient, 1, 3, 1), nwc(back, 1, 5, 1));
  return inside[0] == 3 && inside[1] == 4 && inside[2] == 3 && whole[0] == 2 && whole[1] == 4 && whole[2] == 2 &&
         back[0] == 1 && back[1] == 2 && back[2] == 1 && back[3] == 3 && back[4] == 2;
}
static_assert(average());

TEST_CASE("the reference pooling gives in a program what it gives the compiler") {
  CHECK(maximum());
  CHECK(special());
  CHECK(average());
}

}  // namespace
}  // namespace ashlar::test
