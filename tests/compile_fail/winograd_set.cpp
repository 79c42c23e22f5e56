// SPDX-License-Identifier: Apache-2.0
// expect: winograd_set: two algorithms of the same tile and kernel: a plan could not tell them by name
// isa: avx2
#include <ashlar/conv.hpp>

struct textbook {
  static constexpr std::array<ashlar::rational, 5> finite{
      ashlar::rational(0), ashlar::rational(1), ashlar::rational(-1), ashlar::rational(2), ashlar::rational(-2)};
};

auto plan(const ashlar::conv2d& p) {
  using namespace ashlar;
  using other = winograd<cook_toom<4, 3, textbook>>;
#ifdef MISTAKE
  return plan_conv2d<float>(p, tolerance(1e-4), channels_last, winograd_for<3, 3>, winograd_set<other>{});
#else
  return plan_conv2d<float>(p, tolerance(1e-4), channels_last, winograd_set<f2x2_3x3, other>{});
#endif
}
