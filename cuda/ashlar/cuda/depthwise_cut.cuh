// SPDX-License-Identifier: Apache-2.0
//
// cuda/depthwise_cut.cuh: a depthwise convolution as strips: who computes what.
//
//   strip    `rows` x `columns` of dst's pixels, 16 bytes of channels: one thread
//   slice    `lanes` of these vectors side by side: the channels of one block, whose filters it keeps in shared memory
//   band     `strips` strips of a row; units run along a band's row, then down its rows, then through bands and images
//
// So a block covers about as many rows as strips of a row, and what its neighbours above and below read again is small:
// 32 strips of 4 columns in bands of 4 read (18 / 16) * (10 / 8) of what they write. Blocks of one place follow one
// another through the slices and share the sectors of memory between them.
//
// Depends on: conv/geometry.hpp.   Used by: depthwise_strip.cuh, depthwise_conv.cuh.
#pragma once

#include <ashlar/conv/geometry.hpp>

namespace ashlar::cuda::detail {

/// What is known at compile time: window x window taps, and the strip of one thread.
struct depthwise_shape {
  int window, stride, columns, rows;
  bool ahead;    // the next line of src is loaded before this one is summed: more registers
  int resident;  // blocks of a multiprocessor at once: their registers

  ASHLAR_INLINE constexpr int taps() const { return window * window; }
  ASHLAR_INLINE constexpr int inputs() const { return (columns - 1) * stride + window; }  // of a line
  ASHLAR_INLINE constexpr int lines() const { return (rows - 1) * stride + window; }
};

inline constexpr int depthwise_threads = 256;
inline constexpr int most_lanes = 16;

struct depthwise_cut {
  int vectors;  // of a pixel
  int lanes, slices;
  int units_of_block;                        // strips of one slice in a block
  int strips_of_row, strips_of_band, bands;  // the last band may be narrower
  int row_groups;
  index units, blocks;
};

/// The number of lanes that leaves the fewest threads idle: vectors beyond the last, threads beyond the last whole
/// unit. 128 bytes where it hardly matters, and whole sectors of 32.
constexpr int depthwise_lanes(index vectors) {
  int best = 0;
  double most = 0;
  for (const int lanes : {8, 4, 16, 6, 12, 10, 14, 2, 9, 7, 5, 3, 11, 13, 15, 1}) {
    const double work = double(depthwise_threads / lanes) / double((vectors + lanes - 1) / lanes);
    if (work > 1.03 * most) best = lanes, most = work;
  }
  return best;
}

/// Strips of a band: a row of few, or the width that divides the row best, from about the square of a block on.
constexpr int depthwise_band(index strips) {
  if (strips <= 8) return int(strips);
  int best = 4;
  for (const int width : {4, 5, 6, 7, 8, 3}) {
    if ((strips + width - 1) / width * width < (strips + best - 1) / best * best) best = width;
  }
  return best;
}

constexpr depthwise_cut cut_depthwise(const conv_geometry& g, const depthwise_shape& s, int channels_of_vector) {
  const auto parts = [](index n, index of) { return (n + of - 1) / of; };
  depthwise_cut c{};
  c.vectors = int(g.channels / channels_of_vector);
  c.lanes = depthwise_lanes(c.vectors), c.slices = int(parts(c.vectors, c.lanes));
  c.units_of_block = depthwise_threads / c.lanes;
  c.strips_of_row = int(parts(g.dst.w, s.columns)), c.strips_of_band = depthwise_band(c.strips_of_row);
  c.bands = int(parts(c.strips_of_row, c.strips_of_band));
  c.row_groups = int(parts(g.dst.h, s.rows));
  c.units = g.batch * c.bands * c.strips_of_band * c.row_groups;
  c.blocks = parts(c.units, c.units_of_block) * c.slices;
  return c;
}

/// The strip of a thread.
struct strip_place {
  bool exists;
  int slice, lane, vector;
  index n;
  int strip, row_group;
};

ASHLAR_INLINE constexpr strip_place place_of_strip(const depthwise_cut& c, int block, int thread) {
  strip_place p{};
  const int unit_in_block = thread / c.lanes;
  p.lane = thread - unit_in_block * c.lanes;
  const int group = block / c.slices;
  p.slice = block - group * c.slices;
  p.vector = p.slice * c.lanes + p.lane;
  const int unit = group * c.units_of_block + unit_in_block;  // less than units + 256: 31 bits
  int rest = unit / c.strips_of_band;
  const int strip_in_band = unit - rest * c.strips_of_band;
  p.row_group = rest % c.row_groups, rest /= c.row_groups;
  p.strip = rest % c.bands * c.strips_of_band + strip_in_band;
  p.n = rest / c.bands;
  p.exists = unit_in_block < c.units_of_block && p.vector < c.vectors && unit < c.units && p.strip < c.strips_of_row;
  return p;
}

}  // namespace ashlar::cuda::detail
