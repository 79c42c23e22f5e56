// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_cursor.cuh: which boxes of memory a block loads, and who else gets them.
//
//   cluster_place     a block in its cluster: its tile, the blocks that share its rows, its columns
//   for_each_box      the boxes of one block's part of a tile: where in the tile, and which line of it
//   matrix_cursor     a place in the k of a product's tile
//   pixel_cursor      the same of a convolution: k are (tap, channel), rows are pixels of what is written
//
// Plain functions, tested on the CPU.
//
// Depends on: sm90_tile.cuh, tile_order.cuh.   Used by: sm90_operands.cuh, sm90_gemm.cuh.
#pragma once

#include <ashlar/cuda/sm90_tile.cuh>
#include <ashlar/cuda/tile_order.cuh>
#include <cstdint>

namespace ashlar::cuda::detail {

/// Where a box begins in a matrix of three axes.
struct box_place {
  int x, y, z;
};

/// The first pixel of a walk and its first channel; what a tap adds to every pixel.
struct pixel_place {
  int channel, x, y, image;
  int dx, dy;
};

ASHLAR_HD constexpr std::uint32_t bits_at_steps(int count, int step) {
  return count == 0 ? 0 : bits_at_steps(count - 1, step) << step | 1u;
}

template <sm90_tile S>
struct cluster_place {
  int rank;

  ASHLAR_INLINE constexpr int m() const { return rank % S.cluster_m; }
  ASHLAR_INLINE constexpr int n() const { return rank / S.cluster_m; }
  // The first row and column of this block's tile, in cluster of tiles p.
  ASHLAR_INLINE constexpr int row_of(const tile_place& p) const { return (p.m * S.cluster_m + m()) * S.bm; }
  ASHLAR_INLINE constexpr int col_of(const tile_place& p) const { return (p.n * S.cluster_n + n()) * S.bn; }
  // A bit for each block of the same row (it reads the same A), of the same column (the same B).
  ASHLAR_INLINE constexpr std::uint32_t row_of_blocks() const {
    constexpr std::uint32_t row = bits_at_steps(S.cluster_n, S.cluster_m);
    return row << m();
  }
  ASHLAR_INLINE constexpr std::uint32_t column_of_blocks() const {
    constexpr std::uint32_t column = bits_at_steps(S.cluster_m, 1);
    return column << n() * S.cluster_m;
  }
  ASHLAR_INLINE constexpr bool shares_with(int other) const {
    return other / S.cluster_m == n() || other % S.cluster_m == m();
  }
};

/// load(bytes into the tile, rows or columns into it) for each box of part `part` of Parts of a tile of Lines.
template <bool MnMajor, int Lines, int Parts, class Load>
ASHLAR_INLINE constexpr void for_each_box(int part, int mn_block_bytes, const Load& load) {
  if constexpr (MnMajor) {
    for (int i = part; i < Lines / 64; i += Parts) load(i * mn_block_bytes, 64 * i);
  } else {
    constexpr int lines = Lines / Parts;
    load(part * (lines * 128), part * lines);
  }
}

struct matrix_work {
  int a_step, b_step;  // 1: every matrix of the batch has its own A, B; 0: one for all
};

template <bool MnA, bool MnB>
struct matrix_cursor {
  int row, col, a_batch, b_batch;
  int k = 0, step;

  template <class Place>
  ASHLAR_INLINE constexpr matrix_cursor(const matrix_work& w, const Place& here, const tile_place& p, int bk)
      : row(here.row_of(p)), col(here.col_of(p)), a_batch(p.batch * w.a_step), b_batch(p.batch * w.b_step), step(bk) {}
  // The boxes that begin i rows or columns into the tile.
  ASHLAR_INLINE constexpr box_place a(int i) const {
    return MnA ? box_place{row + i, k, a_batch} : box_place{k, row + i, a_batch};
  }
  ASHLAR_INLINE constexpr box_place b(int i) const {
    return MnB ? box_place{col + i, k, b_batch} : box_place{k, col + i, b_batch};
  }
  ASHLAR_INLINE constexpr void advance() { k += step; }
};

struct pixel_work {
  int dst_w, dst_h;  // pixels of the rows' image
  int stride_w, stride_h;
  int before_w, before_h;
  int dilation_w, dilation_h;
  int kernel_w, taps;
  int channels;   // k of one tap
  bool mirrored;  // tap t meets pixels at (last tap - t) * dilation
};

/// MnB: the filters are contiguous along B's columns and not along k, as in the gradient of src.
template <bool MnB>
struct pixel_cursor {
  const pixel_work* given;
  int col, x, y, image;  // of src: the pixel that meets tap 0
  int channel = 0, tap = 0, tap_x = 0, tap_y = 0;
  int step;

  template <class Place>
  ASHLAR_INLINE constexpr pixel_cursor(const pixel_work& w, const Place& here, const tile_place& p, int bk)
      : given(&w), col(here.col_of(p)), step(bk) {
    const int row = here.row_of(p), each = w.dst_w * w.dst_h;
    image = row / each;
    y = row % each / w.dst_w * w.stride_h - w.before_h;
    x = row % w.dst_w * w.stride_w - w.before_w;
  }
  ASHLAR_INLINE constexpr pixel_place a() const {
    const pixel_work& w = *given;
    const int last_x = w.kernel_w - 1, last_y = w.taps / w.kernel_w - 1;
    const int dx = (w.mirrored ? last_x - tap_x : tap_x) * w.dilation_w,
              dy = (w.mirrored ? last_y - tap_y : tap_y) * w.dilation_h;
    return {channel, x, y, image, dx, dy};
  }
  ASHLAR_INLINE constexpr box_place b(int i) const {
    return MnB ? box_place{col + i, tap, channel} : box_place{channel, tap, col + i};
  }
  ASHLAR_INLINE constexpr void advance() {
    if ((channel += step) < given->channels) return;
    channel = 0, ++tap;
    if (++tap_x == given->kernel_w) tap_x = 0, ++tap_y;
  }
};

}  // namespace ashlar::cuda::detail
