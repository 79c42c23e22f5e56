// SPDX-License-Identifier: Apache-2.0
//
// cuda/mma_config.cuh: the tiles that blocks of mma_block.cuh may take, what follows from them, and which one to take.
//
//   block     M x N of C, KBytes of k a stage        warp     WarpM x WarpN of it        lane    2 WarpM WarpN / 64 sums
//
// Depends on: mma_element.cuh, fragment.cuh, tile_copy.cuh, raster.cuh.   Used by: mma_block.cuh, mma_gemm.cuh.
#pragma once

#include <ashlar/cuda/fragment.cuh>
#include <ashlar/cuda/mma_element.cuh>
#include <ashlar/cuda/raster.cuh>
#include <ashlar/cuda/tile_copy.cuh>
#include <type_traits>

namespace ashlar::cuda::detail {

template <int M, int N, int KBytes, int WarpM, int WarpN, int Stages, int Resident>
struct mma_tile {
  static constexpr int m = M, n = N, k_bytes = KBytes, warp_m = WarpM, warp_n = WarpN, stages = Stages;
  static constexpr int resident = Resident;  // blocks on a multiprocessor that registers must allow
  static constexpr int threads = M / WarpM * (N / WarpN) * 32;
};

// 64 x 64 a warp: 128 sums, 64 registers of fragments in two sets; smaller where C has too few tiles.
using large_tile = mma_tile<128, 256, 64, 64, 64, 4, 1>;
using middle_tile = mma_tile<128, 128, 64, 64, 64, 4, 2>;
using small_tile = mma_tile<64, 64, 128, 32, 32, 3, 4>;
// One chunk of A and one of B a thread: their elements take up to 32 registers while they are on their way.
using staged_tile = mma_tile<64, 64, 64, 32, 16, 4, 2>;

/// How a matrix comes into shared memory.
enum class route { direct_k, direct_mn, staged };

template <class X, class Y, route A, route B, class Tile>
struct mma_config : Tile {
  using x = X;
  using y = Y;
  static constexpr int size = mma_element<X>::size;
  static constexpr int capability = mma_element<X>::capability;
  static constexpr int k = Tile::k_bytes / size;     // of a stage
  static constexpr int steps = Tile::k_bytes / 32;   // instructions along it
  static constexpr int blocks_m = Tile::warp_m / 16, blocks_n = Tile::warp_n / 16;

  using tile_a = shared_tile<size, A == route::direct_mn ? major::mn : major::k, Tile::m, Tile::k_bytes>;
  using tile_b = shared_tile<size, B == route::direct_mn ? major::mn : major::k, Tile::n, Tile::k_bytes>;
  static constexpr int stage_bytes = tile_a::bytes + tile_b::bytes;
  static constexpr int shared_bytes = Tile::stages * stage_bytes;
  static_assert(steps % 2 == 0, "fragments change places every step");

  template <class T, route R, class Shared, class Warp>
  using copy = std::conditional_t<R == route::staged, staged_copy<T, Shared, Tile::threads, Warp>,
                                  direct_copy<T, Shared, Tile::threads, Warp>>;
  template <class Warp>
  using copy_a = copy<typename mma_element<X>::stored, A, tile_a, Warp>;
  template <class Warp>
  using copy_b = copy<typename mma_element<Y>::stored, B, tile_b, Warp>;

  /// A lane's part of the tile of its warp: blocks of 16 x 16, halves of 16 x 8.
  struct sums {
    typename mma_element<X>::sum at[blocks_m][blocks_n][2][4];
  };

  static ASHLAR_INLINE constexpr int warp_row(int warp) { return warp % (Tile::m / Tile::warp_m) * Tile::warp_m; }
  static ASHLAR_INLINE constexpr int warp_column(int warp) { return warp / (Tile::m / Tile::warp_m) * Tile::warp_n; }
};

/// A tile as the choice sees it; rate: products a cycle beside the largest tile's, in percent.
struct tile_cost {
  int m, n, rate;
};

/// From the largest down. Rates from the bytes of shared memory that a warp reads per product: 64 x 64 a warp needs half
/// of what 32 x 32 needs; not measured yet.
inline constexpr tile_cost mma_tiles[] = {
    {large_tile::m, large_tile::n, 100}, {middle_tile::m, middle_tile::n, 95}, {small_tile::m, small_tile::n, 60}};

/// The tile with which the busiest multiprocessor is done first: waves times the time of a tile; the larger if equal.
ASHLAR_INLINE constexpr int select_tile(index m, index n, index count, int multiprocessors) {
  constexpr tile_cost tiles[] = {mma_tiles[0], mma_tiles[1], mma_tiles[2]};
  int best = 0;
  double least = 0;
  for (int i = 0; i < 3; ++i) {
    const tile_cost& t = tiles[i];
    const double blocks = double(ceil_div(m, t.m)) * double(ceil_div(n, t.n)) * double(count);
    const double waves = double(ceil_div(index(blocks), multiprocessors));
    const double time = waves * t.m * t.n / t.rate;
    if (i == 0 || time < least) least = time, best = i;
  }
  return best;
}

}  // namespace ashlar::cuda::detail
