// SPDX-License-Identifier: Apache-2.0
//
// cuda/simt_window.cuh: what a block works on: which tile of C of which problem of the batch.
//
//   block number  =  problem * tiles  +  tile;     tiles in groups of 8 rows of them, column after column in a group
//
// so that blocks that run at the same time share rows of A and columns of B in L2.
//
// Depends on: batch.cuh, simt_panel.cuh, core/view.hpp.   Used by: simt_block.cuh, simt_gemm.cuh.
#pragma once

#include <ashlar/core/view.hpp>
#include <ashlar/cuda/batch.cuh>
#include <ashlar/cuda/simt_panel.cuh>

namespace ashlar::cuda::detail {

/// The arguments of a launch.
template <class A, class B, class C, class E>
struct simt_problem {
  A a;
  B b;
  C c;
  E e;
  batch_strides batch;
  index first;           // the problem of block 0
  int tiles_m, tiles_n;  // their product below 2^31
  bool strips_of_c;      // rows of C are contiguous, and every strip of V elements is aligned
};

/// Tile coordinates of the r-th tile.
struct tile_place {
  int row, col;
};
ASHLAR_INLINE constexpr tile_place place_of_tile(int r, int tiles_m, int tiles_n) {
  const int height = tiles_m < 8 ? tiles_m : 8, group = r / (height * tiles_n), first = group * height;
  const int rows = tiles_m - first < height ? tiles_m - first : height;
  const int rest = r - group * (height * tiles_n);
  return {first + rest % rows, rest / rows};
}

/// One tile: its sides, its C and its first element there, how many rows and columns from there on exist.
template <class A, class B, class C>
struct simt_window {
  using a_element = typename A::value_type;
  using b_element = typename B::value_type;

  simt_side<a_element> a;
  simt_side<b_element> b;
  C c;
  index row, col, rows, cols, k;
};

template <class Tile, class A, class B, class C, class E>
ASHLAR_INLINE simt_window<A, B, C> window_of_block(const simt_problem<A, B, C, E>& p, int block) {
  const int tiles = p.tiles_m * p.tiles_n, image = block / tiles;
  const tile_place at = place_of_tile(block - image * tiles, p.tiles_m, p.tiles_n);
  const index n = p.first + image, row = index(at.row) * Tile::bm, col = index(at.col) * Tile::bn;
  const auto* a = p.a.data() + (n * p.batch.a + row * p.a.row_stride());
  const auto* b = p.b.data() + (n * p.batch.b + col * p.b.col_stride());
  const C c(p.c.data() + n * p.batch.c, p.c.rows(), p.c.cols(), p.c.row_stride(), p.c.col_stride());
  return {{a, p.a.row_stride(), p.a.col_stride()},
          {b, p.b.col_stride(), p.b.row_stride()},
          c,
          row,
          col,
          c.rows() - row,
          c.cols() - col,
          p.a.cols()};
}

}  // namespace ashlar::cuda::detail
