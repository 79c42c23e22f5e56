// SPDX-License-Identifier: Apache-2.0
//
// cuda/dmma_store.cuh: the sums of a warp in double, finished and stored: pairs of a row, 64 bytes of it by four lanes.
//
// A long epilogue is there once for a row of the lane: the sums move up by a row after each turn, for registers have no
// index.
//
// Depends on: epilogue.cuh, device_code.cuh.   Used by: dmma_block.cuh.
#pragma once

#include <ashlar/cuda/device_code.cuh>
#include <ashlar/cuda/epilogue.cuh>
#include <ashlar/cuda/unroll.cuh>
#include <cstdint>

namespace ashlar::cuda::detail {

/// Two elements of a row, the first in an even column.
template <class D>
struct alignas(2 * sizeof(D)) element_pair_of {
  D v[2];
};

/// May such pairs be stored at once?
template <any_matrix C>
ASHLAR_INLINE bool stores_pairs(const C& c) {
  using D = typename C::value_type;
  return c.col_stride() == 1 && reinterpret_cast<std::uintptr_t>(c.data()) % (2 * sizeof(D)) == 0 &&
         (c.row_stride() % 2 == 0 || c.rows() == 1);
}

/// A row of the lane, which may lie below C; its first pair is in column `column`.
template <int N, class C, class E>
ASHLAR_DEVICE void store_row(const double (&sum)[N][2], const C& c, const E& e, index row, index column, bool pairs) {
  using D = typename C::value_type;
  if (row >= c.rows()) return;
  ASHLAR_UNROLL_ALL
  for (int j = 0; j < N; ++j) {
    const index first = column + 8 * j;
    element_pair_of<D> out;
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < 2; ++i) out.v[i] = stored<D>(finished(e, sum[j][i], c, row, first + i));
    if (pairs && first + 1 < c.cols()) {
      *reinterpret_cast<element_pair_of<D>*>(c.pointer(row, first)) = out;
    } else {
      ASHLAR_UNROLL_ALL
      for (int i = 0; i < 2; ++i) {
        if (first + i < c.cols()) *c.pointer(row, first + i) = out.v[i];
      }
    }
  }
}

template <int M, int N>
ASHLAR_DEVICE void move_rows_up(double (&sum)[M][N][2]) {
  ASHLAR_UNROLL_ALL
  for (int r = 0; r + 1 < M; ++r) {
    ASHLAR_UNROLL_ALL
    for (int j = 0; j < N; ++j) sum[r][j][0] = sum[r + 1][j][0], sum[r][j][1] = sum[r + 1][j][1];
  }
}

/// The block's tile of C, whose first element is (m0, n0).
template <class Config, class Warp, class C, class E>
ASHLAR_DEVICE void store_doubles(typename Config::sums& sum, const C& c, const E& e, int m0, int n0) {
  const int warp = Warp::thread() / 32, lane = Warp::thread() % 32;
  const index row = m0 + Config::warp_row(warp) + lane / 4, column = n0 + Config::warp_column(warp) + lane % 4 * 2;
  const bool pairs = stores_pairs(c);
  if constexpr (runs_long<E>) {
    ASHLAR_UNROLL_BY(1)
    for (int r = 0; r < Config::eights_m; ++r) {
      store_row(sum.at[0], c, e, row + 8 * r, column, pairs);
      move_rows_up(sum.at);
    }
  } else {
    ASHLAR_UNROLL_ALL
    for (int r = 0; r < Config::eights_m; ++r) store_row(sum.at[r], c, e, row + 8 * r, column, pairs);
  }
}

}  // namespace ashlar::cuda::detail
