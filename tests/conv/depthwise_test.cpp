// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/depthwise_test.cpp: depthwise convolution equals a plain loop bit for bit: any geometry, any layout.
#include <doctest/doctest.h>

#include <ashlar/conv/depthwise.hpp>

#include "conv/problem.hpp"

namespace ashlar::test {
namespace {

template <class T>
using kernel = depthwise_kernel<T, isa_under_test>;

// Channels: tails of a vector, several vectors, and pixels a multiple of 2 KiB apart.
template <class T>
index channels(random& r) {
  const index lanes = ops<T, isa_under_test>::lanes();
  return r.chance(20) ? r.pick<index>({4 * lanes, 1024 / index(sizeof(T)), 2048 / index(sizeof(T))})
                      : r.between(1, 3 * lanes + 1);
}

// A kernel that has tiles of its own, on images of about their size.
template <class T>
conv_geometry square(random& r) {
  const index k = r.pick<index>({3, 5, 7}), s = r.between(1, 2), c = channels<T>(r);
  conv_geometry g{r.between(1, 2), c, c, c, {}, {1, k, k}, {1, s, s}, {1, 1, 1}, {}, {}, {}};
  g.src = {1, r.between(1, 12), r.between(1, 40)};
  g.before = {0, r.between(0, k - 1), r.between(0, k - 1)};
  g.after = {0, r.between(0, k - 1), r.between(0, k - 1)};
  return g;
}

// Anything, several filters a channel included.
template <class T>
conv_geometry any(random& r) {
  const index c = channels<T>(r) % 40 + 1, multiplier = r.chance(50) ? 1 : r.between(2, 3);
  const auto numbers = [&](index low, index high) {
    return triple{r.between(low, high), r.between(low, high), r.between(low, high)};
  };
  conv_geometry g{r.between(1, 2), c, c, c * multiplier, {}, numbers(1, 3), numbers(1, 3), numbers(1, 3), {}, {}, {}};
  g.src = {r.between(1, 4), r.between(1, 8), r.between(1, 30)};
  g.before = numbers(0, 3), g.after = numbers(0, 3);
  if (r.chance(60)) g.src.d = g.kernel.d = g.stride.d = g.dilation.d = 1, g.before.d = g.after.d = 0;
  return g;
}

template <class T>
void layouts(conv_geometry (*make)(random&), index cases) {
  for_each_case(cases, [&](random& r) {
    conv_geometry g = make(r);
    while (!complete(g)) g = make(r);
    const auto layout = [&] { return image_layout(r.between(0, 4)); };
    const image_layout src = layout(), dst = r.chance(70) ? src : layout();
    REQUIRE(differs<kernel<T>, T>(r, g, src, dst) == "");
  });
}

TEST_CASE_TEMPLATE("kernels with tiles of their own", T, ASHLAR_TEST_FLOATS) {
  layouts<T>(&square<T>, scaled(400, 40));
}
TEST_CASE_TEMPLATE("any kernel, stride, dilation, padding, multiplier", T, ASHLAR_TEST_FLOATS) {
  layouts<T>(&any<T>, scaled(600, 60));
}

}  // namespace
}  // namespace ashlar::test
