// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_store.cuh: accumulators of a warpgroup to C: epilogue, conversion, boxes of 64 lines of 128 bytes in shared
// memory, and from there by the tensor memory accelerator, or by plain stores where C is not made for it.
//
// Some boxes are filled and sent together: the accelerator reads them while the next tile is multiplied. With two boxes
// that took turns each waited for the one before the last (1300 cycles a box; 8 KB alone take 100).
//
// Depends on: convert.cuh, ptx.cuh, sm90_layout.cuh, sm90_tile.cuh.   Used by: sm90_gemm.cuh.
#pragma once

#include <ashlar/cuda/convert.cuh>
#include <ashlar/cuda/ptx.cuh>
#include <ashlar/cuda/sm90_layout.cuh>
#include <ashlar/cuda/sm90_tile.cuh>

namespace ashlar::cuda::detail {

/// Stores what one warpgroup holds. C is the matrix of this tile's batch, e the epilogue.
template <class D, int Boxes, class E, class C>
struct sm90_store {
  static constexpr int box_cols = 128 / int(sizeof(D));

  const CUtensorMap& map;
  const C& c;
  const E& e;
  int batch;
  bool boxed;             // by the accelerator
  unsigned char* buffer;  // the boxes of this warpgroup
  int barrier, thread;    // its named barrier; the thread in it

  /// 64 rows for each of Blocks from row `row`, 2 * Count columns from column `col`.
  template <class T, int Blocks, int Count>
  __device__ __forceinline__ void operator()(const T (&acc)[Blocks][Count], index row, index col) const {
    constexpr int across = (2 * Count + box_cols - 1) / box_cols, all = across * Blocks;
    constexpr int together = all < Boxes ? all : Boxes;
    static_assert(all % together == 0, "the boxes of a warpgroup do not divide into groups");
#pragma unroll
    for (int first = 0; first < all; first += together) {
      if (thread == 0) ptx::wait_stores_read();
      ptx::sync_threads(barrier, warpgroup);
#pragma unroll
      for (int j = 0; j < together; ++j) {
        const int i = (first + j) / across, q = (first + j) % across;
        write(acc[i], q, ptx::shared_address(buffer) + j * store_bytes, row + 64 * i, col + q * box_cols);
      }
      ptx::fence_shared();
      ptx::sync_threads(barrier, warpgroup);
#pragma unroll
      for (int j = 0; j < together; ++j) {
        const int i = (first + j) / across, q = (first + j) % across;
        send<2 * Count>(buffer + j * store_bytes, row + 64 * i, col + q * box_cols);
      }
    }
  }

 private:
  template <int Cols>
  __device__ __forceinline__ void send(const unsigned char* box, index row, index col) const {
    if (row >= c.rows() || col >= c.cols()) return;
    if (boxed && Cols % box_cols == 0) {
      if (thread == 0) ptx::store_box(map, ptx::shared_address(box), int(col), int(row), batch);
    } else {
      copy_out<(Cols < box_cols ? Cols : box_cols)>(box, row, col);
    }
  }

  // The value for accumulator i of box q.
  template <class T, int Count>
  __device__ __forceinline__ T value(const T (&acc)[Count], int q, int i, index row, index col) const {
    const fragment_place p = accumulator_place(thread, i);
    return finished(e, acc[q * box_cols / 2 + i], c, row + p.row, col + p.col);
  }

  template <class T, int Count>
  __device__ __forceinline__ void write(const T (&acc)[Count], int q, std::uint32_t box, index row, index col) const {
    constexpr int count = box_cols / 2 < Count ? box_cols / 2 : Count;
    if constexpr (sizeof(D) == 2) {
#pragma unroll
      for (int i = 0; i < count; i += 8) {
        std::uint32_t words[4];
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          words[j] = packed<D>(value(acc, q, i + 2 * j, row, col), value(acc, q, i + 2 * j + 1, row, col));
        }
        ptx::store_matrices(box + stored_matrix_place(thread, i), words);
      }
    } else {
#pragma unroll
      for (int i = 0; i < count; i += 2) {
        const std::uint32_t place = stored_pair_place(thread, i, sizeof(D));
        const pair_word<D> pair =
            packed<D>(ptx::copied(value(acc, q, i, row, col)), ptx::copied(value(acc, q, i + 1, row, col)));
        ptx::store_shared(box + place, pair);
      }
    }
  }

  // Neighbouring threads take neighbouring elements of C's memory.
  template <int Cols>
  __device__ __forceinline__ void copy_out(const unsigned char* box, index row, index col) const {
    const bool by_rows = c.row_stride() == 1;
#pragma unroll 1
    for (int i = thread; i < 64 * Cols; i += warpgroup) {
      const int r = by_rows ? i % 64 : i / Cols, j = by_rows ? i / 64 : i % Cols;
      if (row + r < c.rows() && col + j < c.cols()) {
        *c.pointer(row + r, col + j) = *reinterpret_cast<const D*>(box + stored_place(r, j, sizeof(D)));
      }
    }
  }
};

}  // namespace ashlar::cuda::detail
