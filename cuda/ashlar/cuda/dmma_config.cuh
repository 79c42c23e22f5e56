// SPDX-License-Identifier: Apache-2.0
//
// cuda/dmma_config.cuh: the tiles of double on the tensor cores, and which lane holds what.
//
// A stage is one instruction long: 16 of k, 128 bytes. Of a warp's tile, g = lane / 4, q = lane % 4, a lane holds
//
//   of A    rows 8 r + g,     k = 4 i + q, i = 0..3       of B    columns 8 j + g, the same k
//   of C    rows 8 r + g,     columns 8 j + 2 q + 0, 1    m16n8k16 takes r = 0, 1; m8n8k4 one r and one i
//
// A load moves 8 bytes a lane: half of a warp at once, of four lines 32 bytes, which shared_tile.cuh keeps in different
// banks. 12 kB for 64 x 32 x 16 sums of a warp: 3/8 of what shared memory gives while the tensor cores work.
//
// Source: PTX ISA, "Matrix Fragments for mma.m8n8k4 with .f64", "... mma.m16n8k16 with .f64".
//
// Depends on: mma_config.cuh, dmma_copy.cuh.   Used by: dmma_block.cuh.
#pragma once

#include <ashlar/cuda/dmma_copy.cuh>
#include <ashlar/cuda/mma_config.cuh>

namespace ashlar::cuda::detail {

// 64 x 32 a warp: 128 registers of sums, 64 of fragments. Blocks of four warps, two on a multiprocessor, wait at
// barriers of their own; a block of eight reads less of L2.
template <>
struct tiles_for<double>
    : std::type_identity<tile_set<mma_tile<128, 128, 128, 64, 32, 3, 1>, mma_tile<128, 64, 128, 64, 32, 3, 2>,
                                  mma_tile<64, 64, 128, 32, 32, 3, 3>, mma_tile<128, 64, 128, 64, 32, 3, 2>>> {};

template <route A, route B, class Tile>
struct mma_config<double, double, A, B, Tile> : Tile {
  using x = double;
  using y = double;
  static constexpr int size = 8, capability = mma_element<double>::capability;
  static constexpr int k = Tile::k_bytes / size;                                  // of a stage
  static constexpr int eights_m = Tile::warp_m / 8, eights_n = Tile::warp_n / 8;  // of a warp
  static_assert(k == 16 && eights_m % 4 == 0, "one instruction along k; fragments of A change places every row");

  using tile_a = shared_tile<size, A == route::direct_mn ? major::mn : major::k, Tile::m, Tile::k_bytes>;
  using tile_b = shared_tile<size, B == route::direct_mn ? major::mn : major::k, Tile::n, Tile::k_bytes>;
  static constexpr int stage_bytes = tile_a::bytes + tile_b::bytes;
  static constexpr int shared_bytes = Tile::stages * stage_bytes;

  template <route R, class Shared, class Warp>
  using copy = std::conditional_t<R == route::staged, element_copy<Shared, Tile::threads, Warp>,
                                  direct_copy<double, Shared, Tile::threads, Warp>>;
  template <class Warp>
  using copy_a = copy<A, tile_a, Warp>;
  template <class Warp>
  using copy_b = copy<B, tile_b, Warp>;

  /// A lane's part of the tile of its warp.
  struct sums {
    double at[eights_m][eights_n][2];
  };

  static ASHLAR_INLINE constexpr int warp_row(int warp) { return warp % (Tile::m / Tile::warp_m) * Tile::warp_m; }
  static ASHLAR_INLINE constexpr int warp_column(int warp) { return warp / (Tile::m / Tile::warp_m) * Tile::warp_n; }
};

/// Where element (mn, k) of a shared tile of double lies.
template <class Tile>
ASHLAR_INLINE constexpr int double_offset(int mn, int k) {
  if constexpr (Tile::order == major::k) return Tile::offset(mn, k >> 1) + 8 * (k & 1);
  return Tile::offset(k, mn >> 1) + 8 * (mn & 1);
}

/// The same for a lane, row (column) 8 eight + g beyond `first`, k = 4 i + q, in two parts: a few that it computes
/// once, and a constant of the instruction. `first` is a multiple of 16.
template <class Tile>
struct double_parts {
  static constexpr bool k_major = Tile::order == major::k;
  static constexpr int count = k_major ? 4 : 2;

  static ASHLAR_INLINE constexpr int number(int eight, int i) { return k_major ? i : eight & 1; }
  static ASHLAR_INLINE constexpr int fixed(int eight, int i) {
    return k_major ? 8 * eight * Tile::line : 4 * i * Tile::line + 128 * (eight >> 1);
  }
  static ASHLAR_INLINE constexpr int variable(int lane, int first, int number) {
    const int mn = first + (lane >> 2), k = lane & 3;
    return k_major ? double_offset<Tile>(mn, k + 4 * number) : double_offset<Tile>(mn + 8 * number, k);
  }
};

}  // namespace ashlar::cuda::detail
