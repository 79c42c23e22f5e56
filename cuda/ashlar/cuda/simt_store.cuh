// SPDX-License-Identifier: Apache-2.0
//
// cuda/simt_store.cuh: the sums of a thread, finished and stored: 16 bytes of a row at once where C allows it.
//
// A long epilogue (gelu) is there once for a row of the thread, not once for each of its sums: the sums move up by a
// row after each turn, for registers have no index. That costs tm * tn moves a turn, less than 1 % from k = 1024 on.
//
// Depends on: epilogue.cuh, simt_tile.cuh, simt_window.cuh.   Used by: simt_block.cuh.
#pragma once

#include <ashlar/cuda/epilogue.cuh>
#include <ashlar/cuda/simt_tile.cuh>

namespace ashlar::cuda::detail {

/// N elements that lie together, aligned so that one access moves them.
template <class D, int N>
struct alignas(N * sizeof(D)) aligned_run {
  D v[N];
};

template <class Tile, class T>
struct simt_store {
  static constexpr int tm = Tile::tm, tn = Tile::tn, v = strip<T>;

  /// All that exists of the thread's sums. (row, col): the tile's first element in C.
  template <class C, class E>
  static ASHLAR_INLINE void all(T (&sum)[tm][tn], int thread, const C& c, index row, index col, const E& e,
                                bool strips) {
    row += Tile::first_row(thread, v);
    col += Tile::first_col(thread, v);
    if constexpr (runs_long<E>) {
      ASHLAR_UNROLL_BY(1)
      for (int i = 0; i < tm; ++i) {
        line(sum[0], c, row + Tile::row_offset(i, v), col, e, strips);
        move_up(sum);
      }
    } else {
      ASHLAR_UNROLL_ALL
      for (int i = 0; i < tm; ++i) line(sum[i], c, row + Tile::row_offset(i, v), col, e, strips);
    }
  }

 private:
  static ASHLAR_INLINE void move_up(T (&sum)[tm][tn]) {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i + 1 < tm; ++i) {
      ASHLAR_UNROLL_ALL
      for (int j = 0; j < tn; ++j) sum[i][j] = sum[i + 1][j];
    }
  }

  /// A row of the thread, which may lie below C.
  template <class C, class E>
  static ASHLAR_INLINE void line(const T (&sum)[tn], const C& c, index row, index col, const E& e, bool strips) {
    using D = typename C::value_type;
    if (row >= c.rows()) return;
    ASHLAR_UNROLL_ALL
    for (int j = 0; j < tn; j += v) {
      const index first = col + Tile::col_offset(j, v);
      aligned_run<D, v> out;
      ASHLAR_UNROLL_ALL
      for (int i = 0; i < v; ++i) out.v[i] = stored<D>(finished(e, sum[j + i], c, row, first + i));
      if (strips && first + v <= c.cols()) {
        *reinterpret_cast<aligned_run<D, v>*>(c.pointer(row, first)) = out;
      } else {
        ASHLAR_UNROLL_ALL
        for (int i = 0; i < v; ++i) {
          if (first + i < c.cols()) *c.pointer(row, first + i) = out.v[i];
        }
      }
    }
  }
};

}  // namespace ashlar::cuda::detail
