// SPDX-License-Identifier: Apache-2.0
//
// conv/implicit_cut.hpp: how a dense convolution is cut into blocks: a plain value, computed from the geometry, the
// layout and the cache sizes.
//
//   for each block of output rows and columns of an image    one task, with a range of panels; tasks never wait
//     for each group
//       copy the source rows that the block needs            where they are padded, strided or not channel-last
//       for each panel of NR output channels
//         for each block of segments (taps)                  sums rest in the workspace between them
//           for each tile of MR pixels of each output row    the micro-kernel: segments x channels steps
//         finish                                             where dst has no contiguous channels
//
// A segment is a tap (d, r, s) and its channels or, where a row of taps reads consecutive memory, (d, r) with all of
// its s and channels: three channels make one long segment of a kernel row. Where channels lie in blocks that are read
// in place, a tap and a block of its channels. The order of the sum is the same.
//
// Depends on: conv/geometry.hpp, loop/blocking.hpp.   Used by: conv/implicit.hpp, conv/plan.hpp.
#pragma once

#include <algorithm>

#include <ashlar/conv/geometry.hpp>
#include <ashlar/loop/blocking.hpp>

namespace ashlar {

/// What the cut depends on beside the geometry.
struct conv_layout {
  index element_bytes;
  image_axes src;       // strides
  bool dst_contiguous;  // channels of dst lie side by side, at least those of a vector
  bool copied;          // a prologue, or blocks that channels of a group do not fill: the source must be copied
  index blocks = 1;     // of channels of a group, where they are read in place
};

struct implicit_cut {
  bool copies;            // source rows are copied to the workspace, with their padding
  triple source;          // distances of planes, rows and pixels as the tile reads them, in elements
  index segments, depth;  // the sum of a group: segments * depth terms
  index blocks;           // segments of a tap: blocks of channels of a source that is read in place
  index segment_block;    // segments between which sums rest
  index rows, columns;    // of a block of dst
  index row_blocks, column_blocks;
  index panels;  // of a group
  index panel_block, panel_blocks;
  bool own_sums;  // sums go to the workspace: between blocks of segments, and for a strided dst
  bool strided_dst;
  index source_elements, sum_elements, finish_elements;  // of the workspace
  index offsets;                                         // segments, as bytes of the workspace need them

  ASHLAR_INLINE constexpr index tasks(const conv_geometry& g) const {
    return g.batch * g.dst.d * row_blocks * column_blocks * panel_blocks;
  }
  friend constexpr bool operator==(const implicit_cut&, const implicit_cut&) = default;
};

namespace detail {

// Pixels a tile reads are `distance` elements apart: do more of them fall on one set of L1 than it has ways?
ASHLAR_INLINE constexpr bool crowded(index distance, index element_bytes, index pixels) {
  return aliases(distance, element_bytes) && pixels > l1_ways;
}

ASHLAR_INLINE constexpr bool copies_source(const conv_geometry& g, const conv_layout& l) {
  return l.copied || g.padded() || l.src.c != 1 || crowded(l.src.w * g.stride.w, l.element_bytes, g.dst.w);
}

// The distance of copied pixels: dense, so that a row of taps is one segment, unless they fall on one set.
ASHLAR_INLINE constexpr index copied_pixel(const conv_geometry& g, const conv_layout& l) {
  const index channels = g.group_channels();
  return crowded(channels * g.stride.w, l.element_bytes, g.dst.w) ? channels + 64 / l.element_bytes : channels;
}

struct block_extents {
  index rows, columns;
};

// Bytes of the caches that a pixel of a block takes: of the source as the tile reads it, and of a panel's sums.
struct pixel_bytes {
  index source, sums;
};

// A block of dst whose source takes its share of L2 and whose sums no more than half of that: whole rows as long as one
// fits, else a part of one row.
ASHLAR_INLINE constexpr block_extents conv_block(const conv_geometry& g, const pixel_bytes& p, index share) {
  const auto fits = [&](index rows, index columns) {
    const index in_rows = span_of(rows, g.stride.h, g.kernel.h, g.dilation.h) * g.kernel.d;
    const index in_columns = span_of(columns, g.stride.w, g.kernel.w, g.dilation.w);
    return saturated_product(saturated_product(in_rows, in_columns), p.source) <= share &&
           saturated_product(saturated_product(rows, columns), p.sums) <= share / 2;
  };
  block_extents b{g.dst.h, g.dst.w};
  while (b.rows > 1 && !fits(b.rows, b.columns)) b.rows -= ceil_div(b.rows, 8);
  while (b.columns > 64 && !fits(b.rows, b.columns)) b.columns = multiple(ceil_div(b.columns, 2), 16);
  return {ceil_div(g.dst.h, ceil_div(g.dst.h, b.rows)), ceil_div(g.dst.w, ceil_div(g.dst.w, b.columns))};
}

// More tasks for more workers: fewer rows each, or a part of the panels where rows are few.
template <class Unit = this_unit>
constexpr void split(implicit_cut& b, const conv_geometry& g, index wanted) {
  while (b.tasks(g) < wanted) {
    if (b.rows > 4 || (b.rows > 1 && b.panel_block == 1)) {
      b.rows = ceil_div(b.rows, 2);
      b.row_blocks = ceil_div(g.dst.h, b.rows);
    } else if (b.panel_block > 1) {
      b.panel_block = ceil_div(b.panel_block, 2);
      b.panel_blocks = ceil_div(b.panels, b.panel_block);
    } else {
      break;
    }
  }
}

}  // namespace detail

/// Cuts the convolution for panels of nr columns, `lanes` concurrent workers and the given caches. g is reduced
/// (conv/reduce.hpp), with at least one element of dst.
template <class Unit = detail::this_unit>
constexpr implicit_cut cut(const conv_geometry& g, const conv_layout& l, index nr, index lanes, cache_sizes c) {
  implicit_cut b{};
  b.copies = g.taps() > 0 && detail::copies_source(g, l);
  const index pixel = b.copies ? detail::copied_pixel(g, l) : l.src.w;
  const index depth = g.taps() * g.group_channels(), panel_bytes = nr * l.element_bytes;
  b.strided_dst = !l.dst_contiguous;
  b.own_sums = b.strided_dst || depth * panel_bytes > c.l2 / 2;
  const detail::block_extents block = detail::conv_block(
      g, {g.group_channels() * l.element_bytes, b.own_sums ? panel_bytes : 0}, detail::rows_share(c));
  b.rows = block.rows, b.columns = block.columns;
  b.row_blocks = ceil_div(g.dst.h, b.rows), b.column_blocks = ceil_div(g.dst.w, b.columns);
  b.panels = ceil_div(g.group_filters(), nr);
  b.panel_block = b.panels, b.panel_blocks = 1;
  detail::split(b, g, lanes > 1 ? 4 * lanes : 1);

  const index in_rows = detail::span_of(b.rows, g.stride.h, g.kernel.h, g.dilation.h);
  const index in_columns = detail::span_of(b.columns, g.stride.w, g.kernel.w, g.dilation.w);
  b.source =
      b.copies ? triple{in_rows * in_columns * pixel, in_columns * pixel, pixel} : triple{l.src.d, l.src.h, l.src.w};
  b.blocks = b.copies ? 1 : l.blocks;
  const bool merges = b.blocks == 1 && g.dilation.w == 1 && pixel == g.group_channels();
  b.segments = g.kernel.d * g.kernel.h * (merges ? 1 : g.kernel.w) * b.blocks;
  b.depth = g.group_channels() / b.blocks * (merges ? g.kernel.w : 1);
  b.segment_block = std::max<index>(1, b.segments);
  if (b.segments * b.depth * panel_bytes > c.l2 / 2) {
    const index fit = std::max<index>(1, c.l2 / 2 / (b.depth * panel_bytes));
    b.segment_block = ceil_div(b.segments, ceil_div(b.segments, fit));
  }

  const index line = 64 / l.element_bytes;
  b.source_elements = b.copies ? multiple(g.kernel.d * b.source.d, line) : 0;
  b.sum_elements = b.own_sums ? b.rows * b.columns * nr : 0;
  b.finish_elements = b.strided_dst ? nr * multiple(b.columns, 32) + 4 * nr : 0;
  b.offsets = multiple(b.segments * index(sizeof(index)), 64) / l.element_bytes;
  return b;
}

/// Elements of one worker's workspace.
ASHLAR_INLINE constexpr index workspace_elements(const implicit_cut& b) {
  return b.offsets + b.source_elements + b.sum_elements + b.finish_elements;
}

}  // namespace ashlar
