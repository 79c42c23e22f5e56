// SPDX-License-Identifier: Apache-2.0
//
// cuda/simt_window.cuh: what a block works on: which tile of C of which problem of the batch.
//
//   block number  ->  tile_order: matrix of the batch, row and column of tiles  ->  pointers, and what of the tile
//   exists
//
// Depends on: batch.cuh, tile_order.cuh, simt_panel.cuh, core/view.hpp.   Used by: simt_block.cuh, simt_gemm.cuh.
#pragma once

#include <ashlar/core/view.hpp>
#include <ashlar/cuda/batch.cuh>
#include <ashlar/cuda/simt_panel.cuh>
#include <ashlar/cuda/tile_order.cuh>

namespace ashlar::cuda::detail {

/// The arguments of a launch.
template <class A, class B, class C, class E>
struct simt_problem {
  A a;
  B b;
  C c;
  E e;
  batch_strides batch;
  index first;       // the problem of block 0
  tile_order order;  // of the problems from there on
  bool strips_of_c;  // rows of C are contiguous, and every strip of V elements is aligned
};

/// Tiles of so many products of tiles_m x tiles_n tiles, less than 2^31 in all; in groups of 8 rows of tiles.
ASHLAR_HOST_INLINE constexpr tile_order simt_order(index tiles_m, index tiles_n, index problems) {
  return {int(tiles_m), int(tiles_n), tiles_m < 8 ? int(tiles_m) : 8, int(problems)};
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
  const tile_place at = p.order[block];
  const index n = p.first + at.batch, row = index(at.m) * Tile::bm, col = index(at.n) * Tile::bn;
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
