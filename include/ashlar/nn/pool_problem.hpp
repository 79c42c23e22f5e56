// SPDX-License-Identifier: Apache-2.0
//
// nn/pool_problem.hpp: a pooling as its user says it, and the geometry that is made of it, or what is wrong with it.
//
//   pool2d{.src = {8, 56, 56, 64}, .window = {3, 3}, .stride = {2, 2}, .padding = same}
//
// The geometry is a convolution's: a group a channel, the window in the place of the kernel.
//
// Depends on: conv/problem.hpp.   Used by: nn/pool.hpp.
#pragma once

#include <array>
#include <cinttypes>
#include <cstddef>

#include <ashlar/conv/problem.hpp>

namespace ashlar {

/// A pooling over windows of Rank spatial dimensions. Extents are in this order whatever the layout in memory.
///
///     src      {batch, [depth,] [height,] width, channels}
///     window   {[depth,] [height,] width}
///     dst      (src + before + after - (window - 1) * dilation - 1) / stride + 1
///
/// Stride and dilation are 1 unless said otherwise, as in a convolution.
template <int Rank>
struct pool_problem {
  static_assert(Rank >= 1 && Rank <= 3);
  std::array<index, Rank + 2> src;
  std::array<index, Rank> window;
  std::array<index, Rank> stride = detail::ones<Rank>();
  std::array<index, Rank> dilation = detail::ones<Rank>();
  conv_padding<Rank> padding{};
  bool count_include_pad = false;  // average: does an element of the padding count as a zero?
};
using pool1d = pool_problem<1>;
using pool2d = pool_problem<2>;
using pool3d = pool_problem<3>;

namespace detail {

// One spatial dimension: computes before, after and dst, or says what is wrong. `kernel` is the window.
template <class Unit = this_unit>
constexpr status complete_pool(conv_axis& x, bool same, const char* axis) {
  const struct {
    const char* field;
    index value, least;
  } all[] = {{"src", x.src, 0},           {"window", x.kernel, 1},         {"stride", x.stride, 1},
             {"dilation", x.dilation, 1}, {"padding before", x.before, 0}, {"padding after", x.after, 0}};
  for (const auto& f : all) {
    if (f.value < f.least) {
      return status::error(f.value == x.src && x.src < 0 ? errc::negative_extent : errc::bad_geometry,
                           "plan_pool: %s of %s is %" PRId64 "; it must be at least %" PRId64, axis, f.field, f.value,
                           f.least);
    }
    if (f.value > most_extent) {
      return status::error(errc::overflow, "plan_pool: %s of %s is %" PRId64 "; it must be at most 2^40", axis, f.field,
                           f.value);
    }
  }
  index span = 0;
  if (!checked_multiply(x.kernel - 1, x.dilation, &span) || ++span > most_extent) {
    return status::error(errc::overflow,
                         "plan_pool: %s of window is %" PRId64 " with dilation %" PRId64 "; it must span at most 2^40",
                         axis, x.kernel, x.dilation);
  }
  if (!same && span > x.src + x.before + x.after) {
    return status::error(errc::bad_geometry,
                         "plan_pool: %s of window is %" PRId64 " (%" PRId64 " with dilation %" PRId64
                         ") but src with its padding has only %" PRId64,
                         axis, x.kernel, span, x.dilation, x.src + x.before + x.after);
  }
  return complete(x, same, axis);
}

template <class Unit = this_unit>
constexpr status check_pool_sizes(const conv_geometry& g) {
  const auto too_large = [&](const triple& t) {
    return !(checked_index(g.batch) * t.d * t.h * t.w * g.channels * 8).ok();
  };
  const char* const what = too_large(g.src) ? "src" : too_large(g.dst) ? "dst" : nullptr;
  if (what) return status::error(errc::overflow, "plan_pool: %s has more than 2^60 elements", what);
  return {};
}

/// The geometry of a pooling, or the field that makes none.
template <int Rank, class Unit = this_unit>
constexpr result<conv_geometry> geometry_of(const pool_problem<Rank>& p) {
  constexpr const char* names[] = {"depth", "height", "width"};
  conv_geometry g{};
  g.batch = p.src[0], g.groups = g.channels = g.filters = p.src[Rank + 1];
  if (g.batch < 0) {
    return status::error(errc::negative_extent, "plan_pool: src has a batch of %" PRId64 "; it must not be negative",
                         g.batch);
  }
  if (g.channels < 1) {
    return status::error(errc::bad_geometry, "plan_pool: src has %" PRId64 " channels; it must have at least 1",
                         g.channels);
  }
  conv_axis axes[3] = {{1, 1, 1, 1, 0, 0, 1}, {1, 1, 1, 1, 0, 0, 1}, {1, 1, 1, 1, 0, 0, 1}};
  for (int i = 0; i < Rank; ++i) {
    const auto a = std::size_t(i);
    conv_axis& x = axes[3 - Rank + i];
    x = {p.src[a + 1], p.window[a], p.stride[a], p.dilation[a], p.padding.before[a], p.padding.after[a], 0};
    if (status s = complete_pool(x, p.padding.same, names[3 - Rank + i]); !s.ok()) return s;
  }
  const auto all = [&](index conv_axis::* member) { return triple{axes[0].*member, axes[1].*member, axes[2].*member}; };
  g.src = all(&conv_axis::src), g.kernel = all(&conv_axis::kernel), g.stride = all(&conv_axis::stride);
  g.dilation = all(&conv_axis::dilation), g.before = all(&conv_axis::before), g.after = all(&conv_axis::after);
  g.dst = all(&conv_axis::dst);
  if (status s = check_pool_sizes(g); !s.ok()) return s;
  return g;
}

}  // namespace detail
}  // namespace ashlar
