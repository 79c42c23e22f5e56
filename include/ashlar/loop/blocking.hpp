// SPDX-License-Identifier: Apache-2.0
//
// loop/blocking.hpp: how a contraction is cut into blocks: a plain value, computed from the extents and the cache
// sizes.
//
//   for each block of dst, MC x NC                    one task of the executor; tasks never wait for each other
//     for each K block, KC                            accumulators rest in dst or in the workspace between K blocks
//       copy MC x KC of A to rows                     where A is not already good rows
//       for each panel of NR columns
//         copy KC x NR of B to a panel                where B is not already panels or good rows
//         for each tile of MR rows                    the micro-kernel
//
// Depends on: isa/, tile/shape.hpp.   Used by: loop/contract.hpp, gemm/.
#pragma once

#include <algorithm>
#include <limits>

#include <ashlar/core/checked.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/tile/shape.hpp>

namespace ashlar {

/// The least multiple of b that is not below a; extents here have been checked.
ASHLAR_INLINE constexpr index multiple(index a, index b) { return ceil_div(a, b) * b; }

/// Rows in as few tiles as they need, as even as they can be: 17 rows are 9 + 8, not 14 + 3. The first `larger` tiles
/// have `step` rows more than `least`, the others `least`; `rest` rows are left, a tile of their own.
struct even_tiles {
  index count, least, larger, step = 1, rest = 0;
  ASHLAR_INLINE constexpr index height(index tile) const { return least + (tile < larger ? step : 0); }
  ASHLAR_INLINE constexpr index first_row(index tile) const {
    return tile * least + (tile < larger ? tile : larger) * step;
  }
};

/// One and two tiles, where the time of a call counts, come without a division.
ASHLAR_INLINE constexpr even_tiles evenly(index rows, index most) {
  const index count = rows <= most ? 1 : rows <= 2 * most ? 2 : ceil_div(rows, most);
  const index least = count == 1 ? rows : count == 2 ? rows / 2 : rows / count;
  return {count, least, rows - least * count};
}

/// The same where every tile starts at a multiple of `step`, which is at most `most`.
ASHLAR_INLINE constexpr even_tiles evenly(index rows, index most, index step) {
  if (step == 1 || rows <= most) return evenly(rows, most);
  const even_tiles t = evenly(rows / step, most / step);
  return {t.count, t.least * step, t.larger, step, rows % step};
}

/// a * b, or the largest index when that is more: extents of views that repeat elements have no other bound.
ASHLAR_INLINE constexpr index saturated_product(index a, index b) {
  index product = 0;
  return checked_multiply(a, b, &product) ? product : std::numeric_limits<index>::max();
}

/// What the blocking depends on.
struct contraction_shape {
  index m, n, k;
  index element_bytes;
  index a_row_stride, a_k_stride;
  bool a_transformed;  // a prologue: A must be copied
  bool b_packed;       // panels exist already
  index b_k_stride, b_column_stride;
  bool b_edges;             // a ragged last panel must be copied even where others are read in place (no masked loads)
  bool dst_contiguous;      // dst has contiguous columns
  bool dst_read;            // the epilogue reads dst
  index rows_together = 1;  // where A is copied
};

/// The cut. Two contractions with equal blocking walk memory alike; the result never depends on it.
struct blocking {
  index mc, nc, kc;
  index ma;               // rows of A that L2 holds at a time, part of MC
  index height;           // rows of a tile, at most MR
  bool copy_a;            // rows of A are copied to the workspace
  bool copy_b;            // panels of B are copied to the workspace (else read in place)
  index strip;            // panels that are copied together, row by row of B
  index panels;           // panel buffers: all of NC where several MA parts read them, else a strip
  bool streams;           // B comes from memory and few tiles use it: fetch well ahead
  bool own_accumulators;  // partial sums rest in the workspace, since dst cannot hold them
  index a_stride;         // of copied rows
  index m_blocks, n_blocks;
  ASHLAR_INLINE constexpr index tasks() const { return m_blocks * n_blocks; }
  friend constexpr bool operator==(const blocking&, const blocking&) = default;
};

/// The cache facts that blocking reads, in bytes; as an option of gemm the caller's own, by default those of the ISA
/// (isa::facts). The result does not depend on them.  gemm(A, B, C, cache_sizes{48 * 1024, 2 * 1024 * 1024})
struct cache_sizes {
  index l1, l2;
};

namespace detail {

// So little that waking other workers costs more than they would do.
ASHLAR_INLINE constexpr bool little_work(index m, index n, index k) {
  return saturated_product(saturated_product(m, n), k) <= 96 * 96 * 96;
}

// The rows of A in use take 7/16 of L2; the panel of B that they meet, the lines of dst and what is fetched ahead have
// the rest.
ASHLAR_INLINE constexpr index rows_share(const cache_sizes& c) { return c.l2 * 7 / 16; }

// Rows at a distance of a multiple of 4 KiB, or nearly so, fall on one set of L1: more of them than ways evict each
// other.
constexpr index l1_ways = 8;
ASHLAR_INLINE constexpr bool aliases(index stride, index element_bytes) {
  const index bytes = stride * element_bytes, offset = bytes & 4095;
  return (bytes > 2048 || bytes < -2048) && (offset < 64 || offset > 4096 - 64);
}

// The distance of copied rows of so many elements: whole cache lines, and not a multiple of 4 KiB.
ASHLAR_INLINE constexpr index row_distance(index elements, index element_bytes) {
  const index distance = multiple(elements, 16);
  return aliases(distance, element_bytes) ? distance + 16 : distance;
}

// Rows of A are read in place where they can be; copying rows that evict each other pays from a few panels on.
ASHLAR_INLINE constexpr bool copies_a(const contraction_shape& s, index nr) {
  if (s.a_transformed || s.a_k_stride != 1) return true;
  return aliases(s.a_row_stride, s.element_bytes) && s.m > l1_ways && s.k >= 64 && s.n >= 8 * nr;
}

ASHLAR_INLINE constexpr index bytes_of_b(const contraction_shape& s) {
  return saturated_product(saturated_product(s.k, s.n), s.element_bytes);
}

// Does B come from memory, with too few rows of A to make up for it? A tall B of few columns is a stream by itself.
ASHLAR_INLINE constexpr bool streams_b(const contraction_shape& s, index mr, index nr, const cache_sizes& c) {
  return s.m <= (s.b_packed ? 2 : 4) * mr && bytes_of_b(s) > c.l2 && (s.b_packed || s.n > 4 * nr);
}

// A panel read by few row tiles is read in place (128 x 768 x 3072: 0.83 copied, 0.90 of the peak in place), and so is
// what lies like one.
ASHLAR_INLINE constexpr bool copies_b(const contraction_shape& s, index mr, index nr, bool streams) {
  if (s.b_packed) return false;
  if (s.b_column_stride != 1) return true;
  if (s.n <= nr && s.b_k_stride >= 0 && s.b_k_stride <= nr) return false;
  const index tiles = ceil_div(s.m, mr);
  const index bytes = bytes_of_b(s);
  return !streams && tiles > (bytes <= 32 * 1024                       ? 64
                              : bytes <= 256 * 1024                    ? 8
                              : aliases(s.b_k_stride, s.element_bytes) ? 2
                                                                       : 12);
}

// Panels to copy together. Rows that evict each other cannot be fetched while tiles are computed, so that to visit each
// for a single line costs: 32 x 4096 x 4096 takes 1.27 times as long with panels copied one by one.
ASHLAR_INLINE constexpr index strip_of(const contraction_shape& s) {
  return s.b_column_stride == 1 && aliases(s.b_k_stride, s.element_bytes) ? 4 : 1;
}

// KC: as long as eight tiles of rows still fit L2's share, for every K block costs a pass over the accumulators, which
// come from memory again (KC 256 -> 1024: 3 % of the peak); a panel of B streams from L2 just as well as from L1.
ASHLAR_INLINE constexpr index k_block(index k, index mr, const contraction_shape& s, const cache_sizes& c) {
  if (k <= 64) return std::max<index>(k, 1);
  const index most = std::max<index>(64, rows_share(c) / (8 * mr * s.element_bytes) / 16 * 16);
  if (k <= most + most / 4) return std::max<index>(k, 1);
  return multiple(ceil_div(k, ceil_div(k, most)), 16);
}

// KC where B streams. Packed panels: all of K for one tile, else chunks that stay in L2 until the last tile has read
// them. Rows in place: so few that each is a stream of its own, along the columns, while the accumulators rest in L2;
// for a single row, whose tiles cost little beside their calls, eight where rows evict each other or no cache has them.
ASHLAR_INLINE constexpr index streaming_k_block(index mr, const contraction_shape& s, const cache_sizes& c) {
  const bool one_tile = s.m <= mr;
  if (!s.b_packed) {
    const index one_row = aliases(s.b_k_stride, s.element_bytes) || bytes_of_b(s) > 64 * c.l2 ? 8 : 32;
    return s.k <= 64 ? s.k : std::min<index>(s.k, s.m == 1 ? one_row : s.m <= 2 * mr ? 64 : 128);
  }
  if (one_tile && s.m * s.k * s.element_bytes <= rows_share(c)) return s.k;
  return std::min<index>(s.k, 512);
}

// More tasks for more workers. Every block copies its own rows and panels, so the side that repeats no copy is split,
// while it is several tiles long; else the longer side.
constexpr void split(blocking& b, const contraction_shape& s, index mr, index nr, index wanted) {
  while (b.tasks() < wanted) {
    const index rows = ceil_div(s.m, b.m_blocks), cols = ceil_div(s.n, b.n_blocks);
    const bool free_columns = b.copy_b && !b.copy_a && cols > 4 * nr;
    const bool free_rows = b.copy_a && !b.copy_b && rows > 4 * mr;
    if (cols > nr && (free_columns || rows <= mr || (!free_rows && cols >= rows))) {
      ++b.n_blocks;
    } else if (rows > mr) {
      ++b.m_blocks;
    } else {
      break;
    }
  }
}

}  // namespace detail

namespace detail {

// In how many parts of at most `most` is an extent, and what is it in whole steps, at least one? A small product would
// spend a fifth of its time on the divisions.
ASHLAR_INLINE constexpr index parts(index extent, index most) { return extent <= most ? 1 : ceil_div(extent, most); }
ASHLAR_INLINE constexpr index whole(index extent, index step) { return extent <= step ? step : multiple(extent, step); }

// Rows of A that L2's share holds, for as many as there are.
ASHLAR_INLINE constexpr index rows_held(index kc, index mr, const contraction_shape& s, const cache_sizes& c) {
  if (saturated_product(saturated_product(s.m, kc), s.element_bytes) <= rows_share(c)) return whole(s.m, mr);
  return std::max<index>(mr, rows_share(c) / (kc * s.element_bytes) / mr * mr);
}

// Rows and columns of a block, at most. Accumulators in the workspace are to fill L2, which bounds small k; those that
// rest between streams of B are to stay in it.
ASHLAR_INLINE constexpr index most_rows(const blocking& b, index mr, const contraction_shape& s, const cache_sizes& c) {
  if (!b.own_accumulators) return s.m <= 4096 ? 4096 : multiple(4096, mr);
  return std::min(b.ma, std::max(mr, c.l2 / (1024 * s.element_bytes) / mr * mr));
}
ASHLAR_INLINE constexpr index most_columns(const blocking& b, index mr, index nr, const contraction_shape& s,
                                           const cache_sizes& c) {
  if (!b.streams || b.kc >= s.k) return b.own_accumulators ? 1024 : 2048;
  return std::max<index>(nr, c.l2 / 4 / (std::min(s.m, 4 * mr) * s.element_bytes));
}

}  // namespace detail

/// Cuts the contraction for tiles of mr x nr, `lanes` concurrent workers and the given caches.
template <class Unit = detail::this_unit>
constexpr blocking cut(const contraction_shape& s, index mr, index nr, index lanes, cache_sizes c) {
  blocking b{};
  b.streams = detail::streams_b(s, mr, nr, c);
  b.copy_a = detail::copies_a(s, nr);
  b.copy_b = detail::copies_b(s, mr, nr, b.streams);
  const bool crowded = !b.copy_a && detail::aliases(s.a_row_stride, s.element_bytes);
  b.height = crowded ? std::min(mr, detail::l1_ways) : mr;
  b.kc = b.streams && !b.copy_b ? detail::streaming_k_block(mr, s, c) : detail::k_block(s.k, mr, s, c);
  b.kc = std::max<index>(b.kc, 1);
  b.own_accumulators = !s.dst_contiguous || (s.dst_read && b.kc < s.k);
  b.a_stride = detail::row_distance(b.kc, s.element_bytes);
  b.ma = detail::rows_held(b.kc, mr, s, c);
  b.m_blocks = detail::parts(s.m, detail::most_rows(b, mr, s, c));
  b.n_blocks = detail::parts(s.n, detail::most_columns(b, mr, nr, s, c));
  detail::split(b, s, mr, nr, lanes > 1 ? 2 * lanes : 1);
  b.mc = detail::whole(b.m_blocks == 1 ? s.m : ceil_div(s.m, b.m_blocks), mr);
  b.nc = detail::whole(b.n_blocks == 1 ? s.n : ceil_div(s.n, b.n_blocks), nr);
  b.m_blocks = detail::parts(s.m, b.mc);
  b.n_blocks = detail::parts(s.n, b.nc);
  b.ma = b.ma >= b.mc ? b.mc : multiple(ceil_div(b.mc, ceil_div(b.mc, b.ma)), mr);
  const index edge = s.b_edges && !s.b_packed ? 1 : 0;
  b.strip = b.copy_b ? detail::strip_of(s) : 1;
  b.panels = !b.copy_b ? edge : b.ma < b.mc ? b.nc / nr : b.strip == 1 ? 1 : std::min(b.strip, b.nc / nr);
  return b;
}

/// Workspace of one worker, in elements and each part rounded to whole cache lines.
ASHLAR_INLINE constexpr index workspace_elements(const blocking& b, const contraction_shape& s, index nr) {
  const index line = 64 / s.element_bytes;
  const index rows = std::min(b.mc, s.m);
  const index a = b.copy_a ? multiple(multiple(std::min(b.ma, rows), s.rows_together) * b.a_stride, line) : 0;
  const index panel = b.panels * multiple(b.kc * nr, line);
  const index sums = b.own_accumulators ? multiple(rows * multiple(std::min(b.nc, s.n), nr), line) : 0;
  return a + panel + sums;
}

}  // namespace ashlar
