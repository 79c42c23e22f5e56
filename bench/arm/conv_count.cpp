// SPDX-License-Identifier: Apache-2.0
//
// bench/arm/conv_count.cpp: one steady-state call of a convolution between two marks, for counting instructions under
// an emulator.
//
//   conv_count exact|depthwise|winograd|winograd_2x2|winograd_4x4|winograd_6x6 H W C K R [STRIDE]
//
// One image, channels last, f32, an R x R kernel that keeps the size at stride 1. exact: no tolerance. winograd: the
// plan's own choice within 1e-4. depthwise: C channels with K / C filters each. Weights are packed and scratch memory
// is given before the region, and one call comes before it. The result is compared with reference::convolution, in
// every bit, or of Winograd's within 1e-4 of the largest element.
//
// Depends on: <ashlar/conv.hpp>, <ashlar/reference.hpp>, region.hpp.   Used by: count.sh.
#include <algorithm>
#include <ashlar/conv.hpp>
#include <ashlar/reference.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "region.hpp"

namespace {

constexpr double within = 1e-4;

std::vector<float> numbers(ashlar::index count, std::uint32_t seed) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& x : values) {
    seed = seed * 1664525u + 1013904223u;
    x = static_cast<float>(static_cast<std::int32_t>(seed)) / 2147483648.0f;
  }
  return values;
}

struct layer {
  explicit layer(const ashlar::conv_geometry& geometry)
      : g(geometry),
        src(numbers(g.src.h * g.src.w * g.channels, 1)),
        weights(numbers(g.filters * g.taps() * g.group_channels(), 2)) {}

  ashlar::conv_geometry g;
  std::vector<float> src, weights;

  auto image() const { return ashlar::nhwc(src.data(), 1, g.src.h, g.src.w, g.channels); }
  auto dst(float* data) const { return ashlar::nhwc(data, 1, g.dst.h, g.dst.w, g.filters); }
  auto filters() const { return ashlar::ohwi(weights.data(), g.filters, g.kernel.h, g.kernel.w, g.group_channels()); }
  std::size_t dst_count() const { return static_cast<std::size_t>(g.dst.h * g.dst.w * g.filters); }
};

// The call that is counted, after one that is not.
template <class Plan>
ashlar::status counted(const Plan& plan, const layer& x, float* dst) {
  const auto storage = ashlar::aligned_buffer::make(plan.packed_bytes());
  const auto packed = plan.pack(x.filters(), storage.span());
  if (!packed.ok()) return packed.error();
  const auto memory = ashlar::aligned_buffer::make(plan.workspace_bytes(x.image(), x.dst(dst)));
  const ashlar::scratch given(memory.span());
  if (const ashlar::status s = plan.run(x.image(), packed.value(), x.dst(dst), given); !s.ok()) return s;
  bench::set_mark(bench::mark::begin, 0);
  const ashlar::status s = plan.run(x.image(), packed.value(), x.dst(dst), given);
  bench::set_mark(bench::mark::end, 0);
  return s;
}

double largest_error(const std::vector<float>& got, const std::vector<float>& expected) {
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(double(expected[i])));
    error = std::max(error, std::abs(double(got[i]) - double(expected[i])));
  }
  return error / largest;
}

template <class Plan>
int run(const ashlar::result<Plan>& plan, bool exact) {
  if (!plan.ok()) return std::fprintf(stderr, "%s\n", plan.error().message()), 1;
  const layer x(plan.value().geometry());
  std::puts(plan.value().explain().text);
  std::vector<float> got(x.dst_count()), expected(got);
  if (const ashlar::status s = counted(plan.value(), x, got.data()); !s.ok())
    return std::fprintf(stderr, "%s\n", s.message()), 1;
  ashlar::reference::convolution(x.g, x.image(), x.filters(), x.dst(expected.data()));
  const bool same = std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) == 0;
  const bool right = exact ? same : largest_error(got, expected) <= within;
  std::printf("%.0f MAC, %s\n", x.g.multiplies(),
              !right  ? "WRONG"
              : exact ? "equal to the reference"
                      : "within the tolerance");
  return right ? 0 : 1;
}

int run_algorithm(std::string_view name, const ashlar::conv2d& problem) {
  using ashlar::channels_last, ashlar::plan_conv2d;
  if (name == "exact" || name == "depthwise") return run(plan_conv2d<float>(problem, channels_last), true);
  const ashlar::tolerance t(within);
  if (name == "winograd") return run(plan_conv2d<float>(problem, t, channels_last), false);
  for (auto a : {ashlar::conv_algorithm::winograd_2x2, ashlar::conv_algorithm::winograd_4x4,
                 ashlar::conv_algorithm::winograd_6x6})
    if (name == ashlar::name(a)) return run(plan_conv2d<float>(problem, t, channels_last, a), false);
  return std::fprintf(stderr, "conv_count: unknown algorithm\n"), 2;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 7 || count > 8)
    return std::fprintf(stderr, "usage: conv_count exact|depthwise|winograd[_2x2|_4x4|_6x6] H W C K R [STRIDE]\n"), 2;
  const auto number = [&](int i) { return ashlar::index{std::atoll(arguments[i])}; };
  const ashlar::index h = number(2), w = number(3), c = number(4), k = number(5), r = number(6);
  const ashlar::index stride = count == 8 ? number(7) : 1, around = (r - 1) / 2;
  const bool depthwise = !std::strcmp(arguments[1], "depthwise");
  return run_algorithm(arguments[1], {.src = {1, h, w, c},
                                      .weights = {k, r, r, depthwise ? 1 : c},
                                      .stride = {stride, stride},
                                      .padding = {.before = {around, around}, .after = {around, around}},
                                      .groups = depthwise ? c : 1});
}
