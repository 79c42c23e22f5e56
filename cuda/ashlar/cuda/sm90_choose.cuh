// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_choose.cuh: which tile a product on Hopper takes: the one whose last block ends first, by a model.
//
//   cycles = waves * (k blocks * max(matrix unit, L2) + epilogue)
//
// A block of k (128 bytes) costs the matrix unit bm * bn / 32 cycles whatever the element type, and brings bm /
// cluster_n
// + bn / cluster_m lines of 128 bytes through L2, which feeds about 48 bytes a cycle to each of 132 multiprocessors.
//
// Measured on an H200 (bf16, us; the choice of the model in the first column):
//   1024^3 64x128: 6.9   (128x128: 9.6, 128x256: 14.4)          2048^3 128x128: 26.3  (64x128: 31.5, 128x256: 26.9)
//   conv 14x14, 256 to 256 channels 3x3, batch 32: 128x128 16.2 (64x128: 20.7)      7x7, 512: 64x128 18.5
//   (128x128: 25.7) conv 56x56, 64 to 64: 128x64 21.6 (128x128: 40.7)
//
// Depends on: sm90_tile.cuh.   Used by: gemm.cuh, conv.cuh.
#pragma once

#include <ashlar/cuda/sm90_tile.cuh>

namespace ashlar::cuda::detail {

// Clusters of four and more do not pay: an H200 has room for 22 of four, which leaves a third of it idle (0.68 of the
// speed), and for 66 of two. Two consumers on one tile (128 x 256) store while nothing multiplies: 3 to 20 % behind.
inline constexpr sm90_tile sm90_tiles[] = {
    {.bm = 128, .bn = 128, .stages = 6, .cluster_m = 2, .ping_pong = true},
    {.bm = 64, .bn = 128, .stages = 8, .cluster_m = 2, .ping_pong = true},
    {.bm = 128, .bn = 64, .stages = 8, .ping_pong = true},
};
inline constexpr int sm90_tile_count = 3;

constexpr double sm90_cycles(const sm90_tile& t, index m, index n, index batch, index k_blocks, int multiprocessors) {
  const auto blocks = [](index extent, index block) { return (extent + block - 1) / block; };
  const index clusters = blocks(m, t.bm * t.cluster_m) * blocks(n, t.bn * t.cluster_n) * batch;
  const index waves = blocks(clusters, multiprocessors / (t.cluster_m * t.cluster_n));
  const double area = double(t.bm) * t.bn, lines = double(t.bm) / t.cluster_n + double(t.bn) / t.cluster_m;
  const double unit = area / 32, l2 = lines * 128 / 48;
  return double(waves) * (double(k_blocks) * (unit > l2 ? unit : l2) + 1200 * area / (128 * 128));
}

/// The number of a tile of sm90_tiles for C of m x n, `batch` times, and k_blocks blocks of 128 bytes of k.
constexpr int best_sm90_tile(index m, index n, index batch, index k_blocks, int multiprocessors) {
  int best = 0;
  for (int i = 1; i < sm90_tile_count; ++i) {
    const auto cycles = [&](int tile) { return sm90_cycles(sm90_tiles[tile], m, n, batch, k_blocks, multiprocessors); };
    if (cycles(i) < cycles(best)) best = i;
  }
  return best;
}

/// f.operator()<sm90_tile>() for the tile of this number.
template <class F>
auto with_sm90_tile(int number, const F& f) {
  switch (number) {
    case 1:
      return f.template operator()<sm90_tiles[1]>();
    case 2:
      return f.template operator()<sm90_tiles[2]>();
    default:
      return f.template operator()<sm90_tiles[0]>();
  }
}

}  // namespace ashlar::cuda::detail
