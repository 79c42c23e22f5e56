// SPDX-License-Identifier: Apache-2.0
//
// cuda/raster.cuh: in which order blocks take the tiles of C, so that those at work together share rows and columns in
// L2.
//
//   group of 2 rows of tiles:   0 2 4 6        all columns of a group first, its rows innermost;
//                               1 3 5 7        the last group has the rows that are left
//                               8 9 ...
//
// Depends on: core/config.hpp.   Used by: the GEMM kernels.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::cuda::detail {

struct tile_index {
  int m, n;
};

/// Tiles of C: rows, columns, and how many rows of them make a group.
struct raster_shape {
  int m, n, group;
  ASHLAR_INLINE constexpr index count() const { return index(m) * n; }
};

ASHLAR_INLINE constexpr index ceil_div(index a, index b) { return (a + b - 1) / b; }

/// The tile that is taken as number i: a permutation of all tiles.
ASHLAR_INLINE constexpr tile_index raster(const raster_shape& s, index i) {
  const index per_group = index(s.group) * s.n;
  const index first = i / per_group * s.group;
  const index rows = s.m - first < s.group ? s.m - first : s.group;
  const index rest = i % per_group;
  return {int(first + rest % rows), int(rest / rows)};
}

/// The group with which `at_once` blocks touch least of A and B: g tiles of m rows and at_once / g of n columns.
/// After DeepGEMM's rule; a power of two up to 16.
ASHLAR_INLINE constexpr int raster_group(int m, int n, index at_once) {
  int best = 1;
  index least = m + at_once * n;
  for (int g = 2; g <= 16; g *= 2) {
    const index touched = index(g) * m + ceil_div(at_once, g) * n;
    if (touched < least) least = touched, best = g;
  }
  return best;
}

}  // namespace ashlar::cuda::detail
