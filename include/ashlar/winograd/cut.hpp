// SPDX-License-Identifier: Apache-2.0
//
// winograd/cut.hpp: how a Winograd convolution is cut into blocks: a plain value, computed from the geometry, the
// algorithm's tile and the cache sizes.
//
//   for each group of channels, group of tiles, part of the output channels          one task; tasks never wait
//     copy what a segment of tiles reads, channels innermost                         where src is not so
//     V[point][tile][plane of the kernel][channel] = transformed source tiles
//     for each block of output channels                                              V and M stay in L2
//       for each point, panel of NR output channels of the block                     U: one sequential stream
//         M[point][tile][NR] = V[point] x U[block][point][panel]                     tiles of MR rows: the micro-kernel
//       dst = epilogue(transformed M)                                                a segment at a time, in planes
//
// Rows of V and M are an odd number of cache lines apart, and so are points: rows of a tile, and the points that a
// transform touches at once, then lie on different sets of L1 whatever the number of channels.
//
// Depends on: conv/geometry.hpp, loop/blocking.hpp.   Used by: winograd/kernel.hpp.
#pragma once

#include <algorithm>

#include <ashlar/conv/geometry.hpp>
#include <ashlar/loop/blocking.hpp>

namespace ashlar {

/// What the cut needs to know of the algorithm and the micro-kernel.
struct winograd_shape {
  index m_h, m_w;  // outputs of a tile
  index points;
  index mr, nr, lanes;  // of the register tile
  index element_bytes;  // of a sum, and of a unit of channels
  index group = 1;      // channels of a unit
};

/// What the views of a run say: is src copied, for the order of its channels or a prologue; is dst in planes?
struct winograd_layout {
  bool copies = false, planes = false;
};

struct winograd_cut {
  index rows, columns;    // tiles of an image (a plane of it)
  index tiles;            // of the whole batch
  index group, groups;    // tiles that are transformed together
  index channels, terms;  // units of channels; the same of all planes of the kernel: a sum's length
  index block;            // output channels of a block, a multiple of NR
  index part, parts;      // output channels of a task, a multiple of the block
  index v_tile, v_point;  // distances in V, in units of channels
  index m_tile, m_point;  // in M
  index zeros;            // elements that stand for a pixel outside the image
  index u_block;          // elements of U for a block of output channels
  index u_group;          // for a group of channels
  bool copies, planes;    // of the layout
  index segment;          // tiles side by side in a row that are copied, or finished, together
  index source;           // elements of a segment's copy of a plane of src
  index sums, finished;   // of a segment's sums, and of them transposed

  ASHLAR_INLINE constexpr index tasks(const conv_geometry& g) const { return g.groups * groups * parts; }
  friend constexpr bool operator==(const winograd_cut&, const winograd_cut&) = default;
};

namespace detail {

ASHLAR_INLINE constexpr index odd_lines(index elements, index element_bytes) {
  const index line = 64 / element_bytes;
  return (ceil_div(elements, line) | 1) * line;
}

// Output channels of a block: 64, so that the products of a group never leave L2; the same for every geometry, for it
// is part of the packed format.
ASHLAR_INLINE constexpr index filter_block(index nr) { return multiple(64, nr); }

ASHLAR_INLINE constexpr index tile_bytes(const winograd_cut& b, const winograd_shape& s) {
  return s.points * (b.v_tile + b.m_tile) * s.element_bytes;
}

// Tiles of a group. U of few channels stays in L2, V and M beside it (224 x 224 x 64, F(4x4): 14 tiles 265 % of the FMA
// peak, 28 tiles 255 %); a longer U is streamed once a group, from L3 or from memory: two or four register tiles' work
// for each byte of it (28 x 28 x 512, F(4x4): 28 tiles 290 %, 56 tiles 313 %).
ASHLAR_INLINE constexpr index group_size(const winograd_cut& b, const winograd_shape& s, const cache_sizes& c) {
  if (b.tiles == 0) return 1;  // of an empty batch
  const index u = b.u_group * s.element_bytes;
  const index beside = (c.l2 - u) / tile_bytes(b, s) / s.mr * s.mr,
              alone = c.l2 * 5 / 8 / tile_bytes(b, s) / s.mr * s.mr;
  const index most = u <= c.l2 * 5 / 8 ? std::max(beside, s.mr)
                     : u <= 4 * c.l2   ? std::max(alone, 2 * s.mr)
                                       : std::max(alone, 4 * s.mr);
  return ceil_div(b.tiles, ceil_div(b.tiles, most));
}

// More tasks for more workers: groups of at least a register tile first, then parts of the output channels, each of
// which transforms the source again.
template <class Unit = this_unit>
constexpr void split(winograd_cut& b, const conv_geometry& g, const winograd_shape& s, index wanted) {
  const index blocks = ceil_div(g.group_filters(), b.block);
  while (b.tasks(g) < wanted) {
    if (b.group > 2 * s.mr) {
      b.group = std::min(b.group - 1, ceil_div(b.tiles, b.groups + 1));
      b.groups = ceil_div(b.tiles, b.group);
    } else if (b.part > b.block) {
      b.part = std::min(b.part - b.block, ceil_div(blocks, b.parts + 1) * b.block);
      b.parts = ceil_div(g.group_filters(), b.part);
    } else {
      break;
    }
  }
}

// Segments whose pixels, of src or of dst, take a quarter of L2.
template <class Unit = this_unit>
constexpr void cut_segments(winograd_cut& b, const conv_geometry& g, const winograd_shape& s, index widest,
                            const cache_sizes& c) {
  const index line = 64 / s.element_bytes, rows = s.m_h + g.kernel.h - 1;
  const index source = b.copies ? rows * s.m_w * g.group_channels() : 0;
  const index sums = b.planes ? s.m_h * s.m_w * (b.m_tile + widest / s.m_h) : 0;
  const index most = source + sums == 0 ? b.columns : c.l2 / 4 / ((source + sums) * s.element_bytes);
  b.segment = std::max<index>(1, std::min({b.columns, b.group, most}));
  const index columns = b.segment * s.m_w;
  if (b.copies) b.source = multiple(rows * (columns + g.kernel.w - 1) * g.group_channels(), line);
  if (b.planes) {
    b.sums = s.m_h * columns * b.m_tile;
    b.finished = widest * multiple(columns, 32) + multiple(s.lanes, line);
  }
}

}  // namespace detail

/// Cuts the convolution for `workers` concurrent workers and the given caches.
template <class Unit = detail::this_unit>
constexpr winograd_cut cut(const conv_geometry& g, const winograd_shape& s, const winograd_layout& l, index workers,
                           const cache_sizes& c) {
  winograd_cut b{};
  b.rows = ceil_div(g.dst.h, s.m_h), b.columns = ceil_div(g.dst.w, s.m_w);
  b.tiles = g.batch * g.dst.d * b.rows * b.columns;
  b.block = detail::filter_block(s.nr);
  b.part = std::max(b.block, multiple(g.group_filters(), b.block)), b.parts = 1;
  b.channels = ceil_div(g.group_channels(), s.group), b.terms = g.kernel.d * b.channels;
  const index widest = std::min(b.block, multiple(g.group_filters(), s.nr));
  b.v_tile = detail::odd_lines(b.terms - b.channels + multiple(b.channels, s.lanes), s.element_bytes);
  b.m_tile = detail::odd_lines(widest, s.element_bytes);
  b.u_block = b.block * s.points * b.terms;
  b.u_group = multiple(g.group_filters(), s.nr) * s.points * b.terms;
  b.zeros = multiple(b.channels, std::max<index>(s.lanes, 64 / s.element_bytes));
  b.group = detail::group_size(b, s, c);
  b.groups = ceil_div(b.tiles, b.group);
  detail::split(b, g, s, workers > 1 ? 3 * workers : 1);
  b.v_point = detail::odd_lines(b.group * b.v_tile, s.element_bytes);
  b.m_point = detail::odd_lines(b.group * b.m_tile, s.element_bytes);
  b.copies = l.copies, b.planes = l.planes;
  detail::cut_segments(b, g, s, widest, c);
  return b;
}

/// Elements of one worker's workspace.
ASHLAR_INLINE constexpr index workspace_elements(const winograd_cut& b, const winograd_shape& s) {
  return b.zeros + s.points * (b.v_point + b.m_point) + b.source + b.sums + b.finished;
}

}  // namespace ashlar
