// SPDX-License-Identifier: Apache-2.0
//
// cuda/simt_choose.cuh: which tile a product gets: the one that a small model of the SM says is done first.
//
//   cycles of b blocks on an SM  =  setup  +  k * max( issue, shared memory, L2, latency of the ring, latency of a step
//   ) cycles of the product        =  whole waves of `resident` blocks on every SM, then one of the blocks that are
//   left
//
// Tiles differ in speed alone, never in a bit of the result: each element of C is one sum in the order of k.
//
// Depends on: simt_tile.cuh.   Used by: simt_gemm.cuh, tests.
#pragma once

#include <ashlar/core/config.hpp>
#include <ashlar/cuda/simt_tile.cuh>

namespace ashlar::cuda::detail {

// Measured on an H200 beside cuBLAS (bench/cuda/tune_simt.cu), as its ratio, B of rows / of columns:
//
//                            1024^3          2048^3          4096^3
//     128x128x16/32x64 s2                                    0.936 / 0.903 (47.6, 45.9 TFLOP/s)
//     128x128x8/32x64  s4                                    0.92  / 0.888
//     128x128x8/64x64  s4                                    0.888 / 0.839
//     64x128x16/32x64  s2    0.926 / 0.887
//     64x64x16/32x64   s4    0.938 / 0.954   0.88  / 0.64
//
// 8 x 8 sums a thread beat 8 x 16, which has fewer instructions a sum but half as many warps to hide latency. Two
// blocks on an SM or more: one multiplies while the other waits at its barrier. Within the 48 KB of static memory.
template <int Bytes>
inline constexpr simt_shape simt_shapes[] = {
    {.bm = 128, .bn = 128, .bk = 16, .wm = 32, .wn = 64, .lane_rows = 4, .stages = 2, .resident = 2},
    {.bm = 64, .bn = 64, .bk = 16, .wm = 32, .wn = 64, .lane_rows = 4, .stages = 4, .resident = 6},
    {.bm = 32, .bn = 32, .bk = 8, .wm = 16, .wn = 32, .lane_rows = 4, .stages = 8, .resident = 8},
    {.bm = 16, .bn = 64, .bk = 8, .wm = 16, .wn = 32, .lane_rows = 4, .stages = 8, .resident = 8},
    {.bm = 64, .bn = 16, .bk = 8, .wm = 32, .wn = 16, .lane_rows = 8, .stages = 8, .resident = 8},
};
// A double takes two registers: 8 x 8 sums.
template <>
inline constexpr simt_shape simt_shapes<8>[] = {
    {.bm = 128, .bn = 64, .bk = 8, .wm = 64, .wn = 32, .lane_rows = 8, .stages = 3, .resident = 2},
    {.bm = 64, .bn = 64, .bk = 8, .wm = 32, .wn = 32, .lane_rows = 4, .stages = 4, .resident = 3},
    {.bm = 32, .bn = 32, .bk = 8, .wm = 16, .wn = 32, .lane_rows = 4, .stages = 6, .resident = 8},
    {.bm = 16, .bn = 64, .bk = 8, .wm = 16, .wn = 32, .lane_rows = 4, .stages = 5, .resident = 8},
    {.bm = 64, .bn = 16, .bk = 8, .wm = 32, .wn = 16, .lane_rows = 8, .stages = 5, .resident = 8},
};
inline constexpr int simt_shape_count = 5;

/// What the model knows of an SM, in cycles and bytes per cycle: sm_90, from "Dissecting the NVIDIA Hopper architecture
/// through microbenchmarking", 2024, and its predecessors.
struct simt_machine {
  int multiprocessors = 132;
  int tile_latency = 100;    // of a k tile: the barrier, the first strips, the address of the next copies
  int memory_latency = 700;  // of a copy that misses L2
  int l2_bytes = 40;         // per SM
  int setup = 3000;          // start, the first copies, the epilogue
};

ASHLAR_HOST_INLINE constexpr index most(index a, index b) { return a < b ? b : a; }
ASHLAR_HOST_INLINE constexpr index rounded_up_quotient(index a, index b) { return (a + b - 1) / b; }

/// Cycles that `blocks` blocks take together on one SM; `bytes` of an element.
ASHLAR_HOST_INLINE constexpr index cycles_on_sm(const simt_shape& s, index blocks, index k, int bytes,
                                                const simt_machine& sm) {
  if (blocks == 0) return 0;
  const int warps = s.bm / s.wm * (s.bn / s.wn), tm = s.wm / s.lane_rows, tn = s.wn * s.lane_rows / 32;
  const index reads = (tm + tn) * bytes / 16, sums = index(tm) * tn * bytes / 4;  // f64 sums at half the rate
  const index copies = (s.bm + s.bn) * 4 / (32 * warps);                          // instructions of a thread
  const index step = sums + reads + copies + 1, issue = rounded_up_quotient(blocks * warps, 4) * step;
  const index shared = blocks * warps * reads * 2, l2 = blocks * (s.bm + s.bn) * bytes / sm.l2_bytes;
  const index ring = sm.memory_latency / ((s.stages - 1) * s.bk), warp = step + sm.tile_latency / s.bk;
  return sm.setup + k * most(most(issue, shared), most(most(l2, ring), warp));
}

/// Cycles of `count` products m x n x k.
ASHLAR_HOST_INLINE constexpr index cycles(const simt_shape& s, index m, index n, index k, index count, int bytes,
                                          const simt_machine& sm) {
  const index blocks = rounded_up_quotient(m, s.bm) * rounded_up_quotient(n, s.bn) * count;
  const index wave = index(sm.multiprocessors) * s.resident, waves = blocks / wave;
  const index left = rounded_up_quotient(blocks - waves * wave, sm.multiprocessors);
  return waves * cycles_on_sm(s, s.resident, k, bytes, sm) + cycles_on_sm(s, left, k, bytes, sm);
}

/// The number of the best shape of simt_shapes<Bytes>.
template <int Bytes>
ASHLAR_HOST_INLINE constexpr int best_simt_shape(index m, index n, index k, index count, const simt_machine& sm) {
  int best = 0;
  for (int i = 1; i < simt_shape_count; ++i) {
    const auto time = [&](int shape) { return cycles(simt_shapes<Bytes>[shape], m, n, k, count, Bytes, sm); };
    if (time(i) < time(best)) best = i;
  }
  return best;
}

}  // namespace ashlar::cuda::detail
