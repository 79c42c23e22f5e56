// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/grouped_test.cpp: convolution in small groups equals a plain loop bit for bit.
#include <doctest/doctest.h>

#include <ashlar/conv/grouped.hpp>

#include "conv/problem.hpp"

namespace ashlar::test {
namespace {

template <class T>
conv_geometry small_groups(random& r) {
  const index filters = r.pick<index>({1, 2, 4, 8, 16}), channels = r.chance(60) ? filters : r.between(1, 9);
  const index groups = r.between(1, 9);
  const auto numbers = [&](index low, index high) {
    return triple{r.between(low, high), r.between(low, high), r.between(low, high)};
  };
  conv_geometry g{1,  groups, groups * channels, groups * filters, {}, numbers(1, 3), numbers(1, 3), numbers(1, 2), {},
                  {}, {}};
  g.src = {r.between(1, 3), r.between(1, 6), r.between(1, 20)};
  g.before = numbers(0, 2), g.after = numbers(0, 2);
  if (r.chance(60)) g.src.d = g.kernel.d = g.stride.d = g.dilation.d = 1, g.before.d = g.after.d = 0;
  return g;
}

TEST_CASE_TEMPLATE("several groups in a vector, or several vectors in a group", T, ASHLAR_TEST_FLOATS) {
  using kernel = grouped_kernel<T, isa_under_test>;
  for_each_case(scaled(600, 60), [&](random& r) {
    conv_geometry g = small_groups<T>(r);
    while (!complete(g) || !kernel::serves(g)) g = small_groups<T>(r);
    const auto layout = [&] { return r.pick({image_layout::channels_last, image_layout::channels_last_apart}); };
    REQUIRE(differs<kernel, T>(r, g, layout(), layout()) == "");
  });
}

}  // namespace
}  // namespace ashlar::test
