// SPDX-License-Identifier: Apache-2.0
//
// conv/problem.hpp: a convolution as its user says it, and the geometry that is made of it, or what is wrong with it.
//
//   conv2d{.src = {1, 56, 56, 64}, .weights = {64, 3, 3, 64}, .padding = same}
//
// Depends on: conv/geometry.hpp.   Used by: conv/plan.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstddef>
#include <limits>

#include <ashlar/conv/geometry.hpp>

namespace ashlar {

namespace detail {
template <std::size_t N>
ASHLAR_HOST_INLINE constexpr std::array<index, N> ones() {
  std::array<index, N> a{};
  for (index& x : a) x = 1;
  return a;
}
}  // namespace detail

/// How far the image is extended, a number a dimension: [depth,] [height,] width.
template <int Rank>
struct conv_padding {
  std::array<index, Rank> before{}, after{};
  bool same = false;  // before and after are chosen so that dst is src / stride, rounded up; the odd one is after
};

/// .padding = same: dst has src / stride pixels, rounded up (TensorFlow's SAME).
struct same_padding {
  template <int Rank>
  ASHLAR_INLINE constexpr operator conv_padding<Rank>() const {
    return {.same = true};
  }
};
inline constexpr same_padding same{};

/// A convolution of Rank spatial dimensions. Extents are in this order whatever the layout in memory.
///
///     src       {batch, [depth,] [height,] width, channels}
///     weights   {output channels, [depth,] [height,] width, channels of a group}
template <int Rank>
struct conv_problem {
  static_assert(Rank >= 1 && Rank <= 3);
  std::array<index, Rank + 2> src;
  std::array<index, Rank + 2> weights;
  std::array<index, Rank> stride = detail::ones<Rank>();
  std::array<index, Rank> dilation = detail::ones<Rank>();
  conv_padding<Rank> padding{};
  index groups = 1;
};
using conv1d = conv_problem<1>;
using conv2d = conv_problem<2>;
using conv3d = conv_problem<3>;

/// A transposed convolution of Rank spatial dimensions: the gradient of a convolution with respect to its source.
///
///     src       {batch, [depth,] [height,] width, channels}
///     weights   {channels of src, [depth,] [height,] width, output channels of a group}
///     dst       (src - 1) * stride - before - after + (weights - 1) * dilation + 1 + output_padding
template <int Rank>
struct conv_transpose_problem {
  static_assert(Rank >= 1 && Rank <= 3);
  std::array<index, Rank + 2> src;
  std::array<index, Rank + 2> weights;
  std::array<index, Rank> stride = detail::ones<Rank>();
  std::array<index, Rank> dilation = detail::ones<Rank>();
  conv_padding<Rank> padding{};              // taken away from dst; `same` is not for this
  std::array<index, Rank> output_padding{};  // less than the stride: pixels of dst at its far end
  index groups = 1;
};
using conv_transpose1d = conv_transpose_problem<1>;
using conv_transpose2d = conv_transpose_problem<2>;
using conv_transpose3d = conv_transpose_problem<3>;

namespace detail {

// One spatial dimension of a problem.
struct conv_axis {
  index src, kernel, stride, dilation, before, after, dst;
};

inline constexpr index most_extent = index(1) << 40;  // so that sums and products of two stay within 64 bits

template <class Unit = this_unit>
[[gnu::cold, gnu::noinline]] status conv_error(errc code, const char* axis, const char* what, index value,
                                               const char* rule) {
  return status::error(code, "plan_conv: %s of %s is %" PRId64 "; it must %s", what, axis, value, rule);
}

// Computes before, after and dst, or says what is wrong.
template <class Unit = this_unit>
constexpr status complete(conv_axis& x, bool same, const char* name) {
  if (x.src < 0) return conv_error(errc::negative_extent, name, "src", x.src, "not be negative");
  if (x.kernel < 1) return conv_error(errc::bad_geometry, name, "weights", x.kernel, "be at least 1");
  if (x.stride < 1) return conv_error(errc::bad_geometry, name, "stride", x.stride, "be at least 1");
  if (x.dilation < 1) return conv_error(errc::bad_geometry, name, "dilation", x.dilation, "be at least 1");
  for (index v : {x.src, x.kernel, x.stride, x.dilation}) {
    if (v > most_extent) return conv_error(errc::overflow, name, "an extent", v, "be at most 2^40");
  }
  index span = 0;
  if (!checked_multiply(x.kernel - 1, x.dilation, &span) || span >= most_extent) {
    return conv_error(errc::overflow, name, "dilation", x.dilation, "keep the kernel's span below 2^40");
  }
  ++span;
  if (same) {
    const index total = x.src == 0 ? 0 : std::max<index>(0, (ceil_div(x.src, x.stride) - 1) * x.stride + span - x.src);
    x.before = total / 2, x.after = total - x.before;
  }
  if (x.before < 0) return conv_error(errc::bad_geometry, name, "padding before", x.before, "not be negative");
  if (x.after < 0) return conv_error(errc::bad_geometry, name, "padding after", x.after, "not be negative");
  for (index v : {x.before, x.after}) {
    if (v > most_extent) return conv_error(errc::overflow, name, "padding", v, "be at most 2^40");
  }
  const index padded = x.src + x.before + x.after;
  if (span > padded) {
    return status::error(errc::bad_geometry,
                         "plan_conv: %s of weights is %" PRId64 " (%" PRId64 " with dilation %" PRId64
                         ") but src with its padding has only %" PRId64,
                         name, x.kernel, span, x.dilation, padded);
  }
  x.dst = (padded - span) / x.stride + 1;
  return {};
}

template <class Unit = this_unit>
constexpr status check_channels(const conv_geometry& g, index group_channels) {
  if (g.batch < 0) return conv_error(errc::negative_extent, "batch", "src", g.batch, "not be negative");
  if (g.groups < 1) return conv_error(errc::bad_geometry, "groups", "the number", g.groups, "be at least 1");
  if (g.channels < 1) return conv_error(errc::bad_geometry, "channels", "src", g.channels, "be at least 1");
  if (g.filters < 1) return conv_error(errc::bad_geometry, "output channels", "weights", g.filters, "be at least 1");
  if (g.channels % g.groups != 0) {
    return status::error(errc::bad_geometry,
                         "plan_conv: src has %" PRId64 " channels, which %" PRId64 " groups do not divide", g.channels,
                         g.groups);
  }
  if (g.filters % g.groups != 0) {
    return status::error(errc::bad_geometry,
                         "plan_conv: weights have %" PRId64 " output channels, which %" PRId64 " groups do not divide",
                         g.filters, g.groups);
  }
  if (group_channels != g.channels / g.groups) {
    return status::error(errc::shape_mismatch,
                         "plan_conv: weights have %" PRId64 " channels but src has %" PRId64 " in %" PRId64
                         " groups, which makes %" PRId64,
                         group_channels, g.channels, g.groups, g.channels / g.groups);
  }
  return {};
}

// Do the images and the weights have fewer than 2^60 elements?
template <class Unit = this_unit>
constexpr status check_sizes(const conv_geometry& g) {
  const auto elements = [](index n, const triple& t, index c) { return checked_index(n) * t.d * t.h * t.w * c * 8; };
  const struct {
    const char* name;
    checked_index bytes;
  } all[] = {{"src", elements(g.batch, g.src, g.channels)},
             {"weights", elements(g.filters, g.kernel, g.group_channels())},
             {"dst", elements(g.batch, g.dst, g.filters)},
             {"padded src", elements(1,
                                     {g.src.d + g.before.d + g.after.d, g.src.h + g.before.h + g.after.h,
                                      g.src.w + g.before.w + g.after.w},
                                     g.channels)}};
  for (const auto& x : all) {
    if (!x.bytes.ok()) return status::error(errc::overflow, "plan_conv: %s has more than 2^60 elements", x.name);
  }
  return {};
}

/// The geometry of a problem, or the field that makes none.
template <int Rank, class Unit = this_unit>
constexpr result<conv_geometry> geometry_of(const conv_problem<Rank>& p) {
  constexpr const char* names[] = {"depth", "height", "width"};
  conv_geometry g{};
  g.batch = p.src[0], g.groups = p.groups, g.channels = p.src[Rank + 1], g.filters = p.weights[0];
  if (status s = check_channels(g, p.weights[Rank + 1]); !s.ok()) return s;
  conv_axis axes[3] = {{1, 1, 1, 1, 0, 0, 1}, {1, 1, 1, 1, 0, 0, 1}, {1, 1, 1, 1, 0, 0, 1}};
  for (int i = 0; i < Rank; ++i) {
    const auto a = std::size_t(i);
    axes[3 - Rank + i] = {
        p.src[a + 1], p.weights[a + 1], p.stride[a], p.dilation[a], p.padding.before[a], p.padding.after[a], 0};
    if (status s = complete(axes[3 - Rank + i], p.padding.same, names[3 - Rank + i]); !s.ok()) return s;
  }
  const auto all = [&](index conv_axis::* member) { return triple{axes[0].*member, axes[1].*member, axes[2].*member}; };
  g.src = all(&conv_axis::src), g.kernel = all(&conv_axis::kernel), g.stride = all(&conv_axis::stride);
  g.dilation = all(&conv_axis::dilation), g.before = all(&conv_axis::before), g.after = all(&conv_axis::after);
  g.dst = all(&conv_axis::dst);
  if (status s = check_sizes(g); !s.ok()) return s;
  return g;
}

// One axis: the extent of dst, or what is wrong. Products of numbers below 2^40 are checked.
template <class Unit = this_unit>
constexpr status transposed_extent(const conv_axis& x, index output_padding, const char* name, index* dst) {
  for (index v : {x.src, x.kernel, x.stride, x.dilation, x.before, x.after}) {
    if (v > most_extent) return conv_error(errc::overflow, name, "an extent", v, "be at most 2^40");
  }
  if (x.src < 1) return conv_error(errc::bad_geometry, name, "src", x.src, "be at least 1");
  if (x.kernel < 1) return conv_error(errc::bad_geometry, name, "weights", x.kernel, "be at least 1");
  if (x.stride < 1) return conv_error(errc::bad_geometry, name, "stride", x.stride, "be at least 1");
  if (x.dilation < 1) return conv_error(errc::bad_geometry, name, "dilation", x.dilation, "be at least 1");
  if (output_padding < 0 || output_padding >= x.stride) {
    return status::error(errc::bad_geometry,
                         "plan_conv: output_padding of %s is %" PRId64
                         "; it must not be negative and be less than the "
                         "stride, %" PRId64,
                         name, output_padding, x.stride);
  }
  const checked_index size = checked_index(x.src - 1) * x.stride + checked_index(x.kernel - 1) * x.dilation + 1 +
                             output_padding + -x.before + -x.after;
  if (!size.ok() || size.value() > most_extent) {
    return conv_error(errc::overflow, name, "stride", x.stride, "keep dst below 2^40");
  }
  if (size.value() < 1) {
    return status::error(errc::bad_geometry,
                         "plan_conv: %s of dst would be %" PRId64 ": padding %" PRId64 " and %" PRId64
                         " takes all of it",
                         name, size.value(), x.before, x.after);
  }
  *dst = size.value();
  return {};
}

/// The geometry of the convolution whose gradient a transposed one is.
template <int Rank, class Unit = this_unit>
constexpr result<conv_geometry> geometry_of(const conv_transpose_problem<Rank>& p) {
  constexpr const char* names[] = {"depth", "height", "width"};
  conv_problem<Rank> forward{};
  if (p.groups < 1) return conv_error(errc::bad_geometry, "groups", "the number", p.groups, "be at least 1");
  if (p.padding.same) {
    return status::error(errc::bad_geometry,
                         "plan_conv: padding of a transposed convolution is `same`; it must be numbers: dst of several "
                         "sizes have this src");
  }
  index channels = 0;
  if (!checked_multiply(p.weights[Rank + 1], p.groups, &channels)) {
    return conv_error(errc::overflow, "groups", "the number", p.groups, "keep the output channels within 64 bits");
  }
  if (p.src[Rank + 1] != p.weights[0]) {
    return status::error(errc::shape_mismatch,
                         "plan_conv: weights are for %" PRId64 " channels of src but src has %" PRId64, p.weights[0],
                         p.src[Rank + 1]);
  }
  forward.src[0] = p.src[0], forward.src[Rank + 1] = channels;
  forward.weights = p.weights, forward.stride = p.stride, forward.dilation = p.dilation, forward.padding = p.padding;
  forward.groups = p.groups;
  for (std::size_t i = 0; i < Rank; ++i) {
    const conv_axis x{
        p.src[i + 1], p.weights[i + 1], p.stride[i], p.dilation[i], p.padding.before[i], p.padding.after[i], 0};
    const status s = transposed_extent(x, p.output_padding[i], names[3 - Rank + int(i)], &forward.src[i + 1]);
    if (!s.ok()) return s;
  }
  return geometry_of(forward);
}

}  // namespace detail
}  // namespace ashlar
