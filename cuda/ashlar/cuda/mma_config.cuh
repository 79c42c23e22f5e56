// SPDX-License-Identifier: Apache-2.0
//
// cuda/mma_config.cuh: the tiles that blocks of mma_block.cuh may take, what follows from them, and which one to take.
//
//   block     M x N of C, KBytes of k a stage        warp     WarpM x WarpN of it        lane    2 WarpM WarpN / 64
//   sums
//
// Depends on: mma_element.cuh, fragment.cuh, tile_copy.cuh.   Used by: mma_block.cuh, mma_gemm.cuh.
#pragma once

#include <ashlar/cuda/fragment.cuh>
#include <ashlar/cuda/mma_element.cuh>
#include <ashlar/cuda/tile_copy.cuh>
#include <concepts>
#include <type_traits>

namespace ashlar::cuda::detail {

template <int M, int N, int KBytes, int WarpM, int WarpN, int Stages, int Resident>
struct mma_tile {
  static constexpr int m = M, n = N, k_bytes = KBytes, warp_m = WarpM, warp_n = WarpN, stages = Stages;
  static constexpr int resident = Resident;  // blocks on a multiprocessor that registers must allow
  static constexpr int threads = M / WarpM * (N / WarpN) * 32;
};

/// The tiles for one kind of elements, from the largest down, and the one for staged operands.
template <class Large, class Middle, class Small, class Staged>
struct tile_set {
  using large = Large;
  using middle = Middle;
  using small = Small;
  using staged = Staged;
};

// 64 x 64 a warp: 128 sums, 48 registers of fragments; smaller where C has too few tiles. Staged: one chunk of A and
// one of B a thread, whose elements take up to 32 registers while they are on their way.
using common_tiles = tile_set<mma_tile<128, 256, 64, 64, 64, 4, 1>, mma_tile<128, 128, 64, 64, 64, 4, 2>,
                              mma_tile<64, 64, 128, 32, 32, 3, 4>, mma_tile<64, 64, 64, 32, 16, 4, 2>>;

// sm_90 has FP8 in wgmma alone: its mma.sync of FP8 is one of f16 in disguise, and takes registers for both.
using float8_tiles = tile_set<mma_tile<128, 128, 64, 64, 32, 4, 1>, mma_tile<128, 64, 64, 64, 32, 4, 1>,
                              mma_tile<64, 64, 128, 32, 32, 3, 2>, mma_tile<64, 64, 64, 32, 16, 4, 1>>;

template <class X>
struct tiles_for
    : std::type_identity<std::conditional_t<
          mma_element<X>::size == 1 && std::same_as<typename mma_element<X>::sum, float>, float8_tiles, common_tiles>> {
};
template <class X>
using tiles_of = typename tiles_for<X>::type;

/// How a matrix comes into shared memory.
enum class route { direct_k, direct_mn, staged };

template <class X, class Y, route A, route B, class Tile>
struct mma_config : Tile {
  using x = X;
  using y = Y;
  static constexpr int size = mma_element<X>::size;
  static constexpr int capability = mma_element<X>::capability;
  static constexpr int k = Tile::k_bytes / size;    // of a stage
  static constexpr int steps = Tile::k_bytes / 32;  // instructions along it
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

ASHLAR_INLINE constexpr index ceil_div(index a, index b) { return (a + b - 1) / b; }

/// The group of tile_order.cuh with which `at_once` blocks touch least of A and B: g tiles of m rows and at_once / g of
/// n columns. After DeepGEMM's rule; a power of two up to 16.
ASHLAR_INLINE constexpr int tile_group(int m, int n, index at_once) {
  int best = 1;
  index least = m + at_once * n;
  for (int g = 2; g <= 16; g *= 2) {
    const index touched = index(g) * m + ceil_div(at_once, g) * n;
    if (touched < least) least = touched, best = g;
  }
  return best;
}

/// The time of a tile's multiplications, in products of the largest tile's rate. Rates from the bytes of shared memory
/// that a warp reads per product: 32 x 32 a warp needs twice as many as 64 x 64; not measured yet.
template <class Tile>
ASHLAR_INLINE constexpr double tile_time() {
  return Tile::m * Tile::n * (Tile::warp_m * Tile::warp_n >= 2048 ? 1.0 : 1.0 / 0.6);
}

/// The time of C in tiles, on the busiest multiprocessor: waves times the time of a tile.
template <class Tile>
ASHLAR_INLINE constexpr double waves_time(index m, index n, index count, int multiprocessors) {
  const double blocks = double(ceil_div(m, Tile::m)) * double(ceil_div(n, Tile::n)) * double(count);
  return double(ceil_div(index(blocks), multiprocessors)) * tile_time<Tile>();
}

enum class tile_choice { large, middle, small };

/// The tile with which C is done first; the larger if equal.
template <class Tiles>
ASHLAR_INLINE constexpr tile_choice select_tile(index m, index n, index count, int multiprocessors) {
  const double large = waves_time<typename Tiles::large>(m, n, count, multiprocessors);
  const double middle = waves_time<typename Tiles::middle>(m, n, count, multiprocessors);
  const double small = waves_time<typename Tiles::small>(m, n, count, multiprocessors);
  if (large <= middle && large <= small) return tile_choice::large;
  return middle <= small ? tile_choice::middle : tile_choice::small;
}

}  // namespace ashlar::cuda::detail
