// SPDX-License-Identifier: Apache-2.0
//
// cuda/simt_tile.cuh: how the threads of a block share a tile of C, each element of which one thread sums alone.
//
//   block  bm x bn  =  warps of wm x wn  =  lanes of tm x tn elements, in strips of V = 16 bytes along both sides
//
//   row i of a thread:  its warp's first row + V * (its lane row + lane_rows * (i / V)) + i % V        columns likewise
//
// So the strips that the lanes of a warp read for one k lie side by side in shared memory: 16-byte reads without
// conflicts, each strip of A read once for a lane row, each of B once for a lane column.
//
// Depends on: core/config.hpp, unroll.cuh.   Used by: simt_panel.cuh, simt_block.cuh, simt_choose.cuh.
#pragma once

#include <ashlar/core/config.hpp>
#include <ashlar/cuda/unroll.cuh>

namespace ashlar::cuda::detail {

/// Elements in 16 bytes.
template <class T>
inline constexpr int strip = 16 / int(sizeof(T));

/// k is copied to shared memory in slabs of this many: 32 bytes of a row of f32, the unit of DRAM.
inline constexpr int slab = 8;

/// The extents of a block and of a warp, the k of one stage, the stages of the ring, the blocks an SM shall hold.
struct simt_shape {
  int bm, bn, bk;
  int wm, wn;
  int lane_rows;  // 4 or 8
  int stages;
  int resident;
  int unrolled = 64;  // k of a stage whose steps are written out, an even number
};

/// A shape as a type.
template <simt_shape S>
struct simt_tile {
  static constexpr int bm = S.bm, bn = S.bn, bk = S.bk, stages = S.stages, resident = S.resident;
  static constexpr int unrolled = S.unrolled;
  static constexpr int lane_rows = S.lane_rows, lane_cols = 32 / S.lane_rows;
  static constexpr int warps_n = S.bn / S.wn, threads = 32 * (S.bm / S.wm) * warps_n;
  static constexpr int tm = S.wm / lane_rows, tn = S.wn / lane_cols;

  static_assert(S.bm % S.wm == 0 && S.bn % S.wn == 0 && S.bk % slab == 0 && S.stages >= 2);
  static_assert(S.lane_rows == 4 || S.lane_rows == 8);
  static_assert(threads >= bm && threads % bm == 0 && threads >= bn && threads % bn == 0, "simt_panel.cuh walks so");

  /// A thread's first row and column within the tile. Two neighbouring lanes share a strip of B, the next two another:
  /// in that order the hardware serves both sides of a warp with the fewest passes.
  static ASHLAR_INLINE constexpr int first_row(int thread, int v) {
    const int lane = thread % 32, warp = thread / 32;
    return warp / warps_n * S.wm + (lane / (2 * lane_cols) * 2 + lane % 2) * v;
  }
  static ASHLAR_INLINE constexpr int first_col(int thread, int v) {
    const int lane = thread % 32, warp = thread / 32;
    return warp % warps_n * S.wn + lane / 2 % lane_cols * v;
  }
  /// From a thread's first row to its i-th, from its first column to its j-th.
  static ASHLAR_INLINE constexpr int row_offset(int i, int v) { return i / v * (lane_rows * v) + i % v; }
  static ASHLAR_INLINE constexpr int col_offset(int j, int v) { return j / v * (lane_cols * v) + j % v; }
};

/// The ring: `stages` k tiles of A and of B, both with k as the slow index. A strip of padding at the end of a row lets
/// the lanes of a warp write 8 k of 4 rows of A without conflicts.
template <class Tile, class T>
struct simt_shared {
  static constexpr int a_pitch = Tile::bm + strip<T>, b_pitch = Tile::bn + strip<T>;
  static constexpr int a_stage = Tile::bk * a_pitch, b_stage = Tile::bk * b_pitch;

  alignas(16) T a[Tile::stages * a_stage];
  alignas(16) T b[Tile::stages * b_stage];
};

}  // namespace ashlar::cuda::detail
