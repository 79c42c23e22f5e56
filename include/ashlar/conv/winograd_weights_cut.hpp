// SPDX-License-Identifier: Apache-2.0
//
// conv/winograd_weights_cut.hpp: how the gradient of weights by Winograd is cut into blocks: a plain value.
//
//   for each group, plane of the kernel, block of filters, block of channels         one task
//     for each group of tiles of dy
//       U[point][tile][filter], V[point][tile][channel]                               transformed dy and src
//       M[point][filter][channel] += U[point]^T V[point]                              M stays in the workspace
//     dw = transformed M
//
// Depends on: conv/geometry.hpp, winograd/cut.hpp, loop/blocking.hpp.   Used by: conv/winograd_weights.hpp.
#pragma once

#include <algorithm>

#include <ashlar/conv/geometry.hpp>
#include <ashlar/loop/blocking.hpp>
#include <ashlar/winograd/cut.hpp>

namespace ashlar {

struct winograd_weights_cut {
  index rows, columns;      // tiles of an image of dy (a plane of it)
  index tiles;              // of the whole batch
  index group;              // tiles that are transformed together
  index filters, channels;  // of a block
  index filter_blocks, channel_blocks;
  index u_tile, u_point;  // distances in U, V and M
  index v_tile, v_point;
  index m_filter, m_point;
  index zeros;     // elements that stand for a pixel outside the image
  index segment;   // tiles side by side that are copied together, where channels are not innermost
  index a_filter;  // distance of filters in U[point]^T
  index copy;      // elements of their copy, and of U[point]^T

  ASHLAR_INLINE constexpr index tasks(const conv_geometry& g) const {
    return g.groups * g.kernel.d * filter_blocks * channel_blocks;
  }
};

namespace detail {

// `count` in equal blocks of at most `most`, whole units of `step` but for the last one.
ASHLAR_INLINE constexpr index equal_block(index count, index most, index step) {
  const index blocks = ceil_div(count, std::max(step, most / step * step));
  return std::min(count, multiple(ceil_div(count, blocks), step));
}

// Blocks of filters and channels. Each tile is transformed again for every block, which must have products enough: M
// may come from L3 (AVX2 on Zen 4, F(4x4, 3x3), 128 channels and filters, 28 x 28, eight images: blocks of 32 take 19
// ms, of 128 8.9). Smaller ones where workers would have no task.
template <class Unit = this_unit>
constexpr void cut_block(winograd_weights_cut& b, const conv_geometry& g, const winograd_shape& s, index workers,
                         const cache_sizes& c) {
  index most = 128;
  while (most > s.nr && s.points * most * most * s.element_bytes > 16 * c.l2) most /= 2;
  for (;; most /= 2) {
    b.filters = equal_block(g.group_filters(), most, 1), b.channels = equal_block(g.group_channels(), most, s.nr);
    b.filter_blocks = ceil_div(g.group_filters(), b.filters);
    b.channel_blocks = ceil_div(g.group_channels(), b.channels);
    if (most <= s.nr || workers == 1 || b.tasks(g) >= 2 * workers) return;
  }
}

}  // namespace detail

/// m_h x m_w of the shape: pixels of dy of a tile.
template <class Unit = detail::this_unit>
constexpr winograd_weights_cut cut_winograd_weights(const conv_geometry& g, const winograd_shape& s, index workers,
                                                    const cache_sizes& c) {
  winograd_weights_cut b{};
  const index line = 64 / s.element_bytes;
  b.rows = ceil_div(g.dst.h, s.m_h), b.columns = ceil_div(g.dst.w, s.m_w);
  b.tiles = g.batch * g.dst.d * b.rows * b.columns;
  detail::cut_block(b, g, s, workers, c);
  b.u_tile = detail::odd_lines(multiple(b.filters, s.lanes), s.element_bytes);
  b.v_tile = detail::odd_lines(multiple(b.channels, s.lanes), s.element_bytes);
  b.m_filter = detail::odd_lines(multiple(b.channels, s.lanes), s.element_bytes);
  // All of M comes and goes with each group: U and V of long ones may leave L2, too (256 channels, 14 x 14, as above:
  // 256 KiB of them 19.5 ms, 1 MiB 12.8).
  const index most = c.l2 * 4 / (s.points * (b.u_tile + b.v_tile) * s.element_bytes);
  b.group = std::clamp<index>(most, 1, std::max<index>(1, b.tiles));
  b.group = ceil_div(b.tiles, std::max<index>(1, ceil_div(b.tiles, b.group)));
  b.u_point = detail::odd_lines(b.group * b.u_tile, s.element_bytes);
  b.v_point = detail::odd_lines(b.group * b.v_tile, s.element_bytes);
  b.m_point = detail::odd_lines(b.filters * b.m_filter, s.element_bytes);
  b.zeros = multiple(std::max(b.filters, b.channels), std::max<index>(s.lanes, line));
  const auto copied = [&](index tiles) {
    const index h = s.m_h + g.kernel.h - 1, w = tiles * s.m_w + g.kernel.w - 1;
    return std::max(h * w * b.channels, s.m_h * tiles * s.m_w * b.filters);
  };
  b.segment = std::clamp<index>(c.l2 / 4 / (copied(1) * s.element_bytes), 1, std::min(b.columns, b.group));
  b.a_filter = detail::odd_lines(b.group, s.element_bytes);
  b.copy = multiple(std::max(copied(b.segment), b.filters * b.a_filter), line);
  return b;
}

/// Elements of one worker's workspace.
ASHLAR_INLINE constexpr index workspace_elements(const winograd_weights_cut& b, index points) {
  return 2 * b.zeros + points * (b.u_point + b.v_point + b.m_point) + b.copy;
}

}  // namespace ashlar
