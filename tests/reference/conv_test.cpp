// SPDX-License-Identifier: Apache-2.0
//
// tests/reference/conv_test.cpp: the specification of convolution against sums done by hand, in constant evaluation.
#include <doctest/doctest.h>
#include <ashlar/conv/problem.hpp>
#include <ashlar/reference.hpp>

namespace ashlar::test {
namespace {

// 1-D: {1, 2, 3, 4} * {10, 1}, padded on the left by one element of value 5, stride 2.
constexpr bool one_dimension() {
  const float src[4] = {1, 2, 3, 4}, weights[2] = {10, 1};
  float dst[2] = {};
  const auto g =
      detail::geometry_of(conv1d{.src = {1, 4, 1}, .weights = {1, 2, 1}, .stride = {2}, .padding = {.before = {1}}})
          .value();
  reference::convolution<float>(g, nwc(src, 1, 4, 1), ohwi(weights, 1, 1, 2, 1), nwc(dst, 1, 2, 1), acc + 100, 5.f);
  return g.dst == triple{1, 1, 2} && dst[0] == 50 + 1 + 100 && dst[1] == 20 + 3 + 100;
}
static_assert(one_dimension());

// Two groups, two filters each; NCHW in, NHWC out; a filter in PyTorch's order; another image added.
constexpr bool groups() {
  const double src[8] = {1, 2, 3, 4, 5, 6, 7, 8};            // channel 0: {1 2; 3 4}, channel 1: {5 6; 7 8}
  const double weights[8] = {1, 2, 3, 4, 1, 10, 100, 1000};  // filters of 1 x 2: (1 2) (3 4) | (1 10) (100 1000)
  double dst[8] = {}, shortcut[8] = {1, 0, 0, 0, 0, 0, 0, 0.5};
  const auto g = detail::geometry_of(conv2d{.src = {1, 2, 2, 2}, .weights = {4, 1, 2, 1}, .groups = 2}).value();
  reference::convolution<double>(g, nchw(src, 1, 2, 2, 2), oihw(weights, 4, 1, 1, 2), nhwc(dst, 1, 2, 1, 4),
                                 acc + elements(nhwc(shortcut, 1, 2, 1, 4)));
  const double expected[8] = {6, 11, 65, 6500, 11, 25, 87, 8700.5};
  for (int i = 0; i < 8; ++i) {
    if (dst[i] != expected[i]) return false;
  }
  return true;
}
static_assert(groups());

// A pixel's number within its own image, whatever the batch.
constexpr bool per_image() {
  const float src[4] = {1, 1, 1, 1}, weights[1] = {1}, pixel[2] = {10, 20};
  float dst[4] = {};
  const auto g = detail::geometry_of(conv1d{.src = {2, 2, 1}, .weights = {1, 1, 1}}).value();
  reference::convolution<float>(g, nwc(src, 2, 2, 1), ohwi(weights, 1, 1, 1, 1), nwc(dst, 2, 2, 1),
                                acc + per_row(pixel) + elements(nwc(src, 2, 2, 1)));
  return dst[0] == 12 && dst[1] == 22 && dst[2] == 12 && dst[3] == 22;
}
static_assert(per_image());

TEST_CASE("the reference convolution gives in a program what it gives the compiler") {
  CHECK(one_dimension());
  CHECK(groups());
  CHECK(per_image());
}

}  // namespace
}  // namespace ashlar::test
