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
#include <cstdint>

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

/// n / divisor for 0 <= n < 2^31 as a product: with s = ceil(log2 d) and m = ceil(2^(31 + s) / d) < 2^32, m * d exceeds
/// 2^(31 + s) by less than 2^s, and so n * m / 2^(31 + s) exceeds n / d by less than 1 / d.
struct fast_divisor {
  int divisor = 1;
  std::uint32_t factor = std::uint32_t(1) << 31;
  int shift = 31;

  constexpr fast_divisor() = default;
  constexpr explicit fast_divisor(int d) : divisor(d) {
    while ((std::uint64_t(1) << (shift - 31)) < std::uint64_t(d)) ++shift;
    factor = std::uint32_t(((std::uint64_t(1) << shift) + std::uint64_t(d) - 1) / std::uint64_t(d));
  }
  ASHLAR_INLINE constexpr int quotient(int n) const {
    return static_cast<int>(static_cast<std::uint64_t>(static_cast<std::uint32_t>(n)) * factor >> shift);
  }
  /// n becomes the remainder.
  ASHLAR_INLINE constexpr int take(int& n) const {
    const int q = quotient(n);
    n -= q * divisor;
    return q;
  }
};

struct depthwise_cut {
  int vectors;  // of a pixel
  fast_divisor lanes, slices;
  int units_of_block;  // strips of one slice in a block
  int strips_of_row;
  fast_divisor strips_of_band, bands, row_groups;  // the last band may be narrower
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
  const int lanes = depthwise_lanes(c.vectors), slices = int(parts(c.vectors, lanes));
  c.strips_of_row = int(parts(g.dst.w, s.columns));
  const int band = depthwise_band(c.strips_of_row), bands = int(parts(c.strips_of_row, band));
  const int row_groups = int(parts(g.dst.h, s.rows));
  c.lanes = fast_divisor(lanes), c.slices = fast_divisor(slices), c.strips_of_band = fast_divisor(band);
  c.bands = fast_divisor(bands), c.row_groups = fast_divisor(row_groups);
  c.units_of_block = depthwise_threads / lanes;
  c.units = g.batch * bands * band * row_groups;
  c.blocks = parts(c.units, c.units_of_block) * slices;
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
  p.lane = thread;
  const int unit_in_block = c.lanes.take(p.lane);
  p.slice = block;
  const int unit = c.slices.take(p.slice) * c.units_of_block + unit_in_block;  // less than units + 256: 31 bits
  p.vector = p.slice * c.lanes.divisor + p.lane;
  int strip_in_band = unit, band = 0;
  p.row_group = c.strips_of_band.take(strip_in_band);
  band = c.row_groups.take(p.row_group);
  p.n = c.bands.take(band);
  p.strip = band * c.strips_of_band.divisor + strip_in_band;
  p.exists = unit_in_block < c.units_of_block && p.vector < c.vectors && unit < c.units && p.strip < c.strips_of_row;
  return p;
}

}  // namespace ashlar::cuda::detail
