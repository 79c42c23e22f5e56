// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_operands.cuh: where the tiles of A and B are in memory: what distinguishes a matrix product from a convolution.
//
//   matrices       A and B are matrices, k runs along one of their axes
//   pixels         A's rows are pixels of dst, its k are (tap, channel) of src: the accelerator's im2col mode finds them;
//                  B is the filter of the tap
//
// A cursor is one thread's place in the k of one tile: it loads a stage of A and of B and goes on. The rest of the kernel
// does not know which of them it runs.
//
// Depends on: ptx.cuh, tile_order.cuh.   Used by: sm90_gemm.cuh, sm90_launch.cuh, sm90_conv.cuh.
#pragma once

#include <ashlar/cuda/ptx.cuh>
#include <ashlar/cuda/tile_order.cuh>

namespace ashlar::cuda::detail {

struct box_place {
  int x, y, z;
};

template <bool MnA, bool MnB>
struct matrices {
  static constexpr bool mn_a = MnA, mn_b = MnB;

  struct work {
    int a_step, b_step;  // 1: every matrix of the batch has its own A, B; 0: one for all
  };

  struct cursor {
    int row, col, a_batch, b_batch;
    int k = 0, step;

    template <class Block>
    __device__ __forceinline__ cursor(const Block& block, const work& w, const tile_place& p)
        : row(block.row_of(p)), col(block.col_of(p)), a_batch(p.batch * w.a_step), b_batch(p.batch * w.b_step), step(Block::bk) {}
    template <class Block>
    __device__ __forceinline__ void load_a(const Block& block, const CUtensorMap& map, std::uint32_t slot) const {
      block.load_a(map, slot, [this](int i) { return MnA ? box_place{row + i, k, a_batch} : box_place{k, row + i, a_batch}; });
    }
    template <class Block>
    __device__ __forceinline__ void load_b(const Block& block, const CUtensorMap& map, std::uint32_t slot) const {
      block.load_b(map, slot, [this](int i) { return MnB ? box_place{col + i, k, b_batch} : box_place{k, col + i, b_batch}; });
    }
    __device__ __forceinline__ void advance() { k += step; }
  };
};

/// MnB: the filters are contiguous along B's columns and not along k, as in the gradient of src.
template <bool MnB>
struct pixels {
  static constexpr bool mn_a = false, mn_b = MnB;

  struct work {
    int dst_w, dst_h;              // pixels of the rows' image
    int stride_w, stride_h;
    int before_w, before_h;
    int dilation_w, dilation_h;
    int kernel_w, taps;
    int channels;                  // k of one tap
    bool mirrored;                 // tap t meets pixels at (last tap - t) * dilation
  };

  struct cursor {
    const work& w;
    int col, x, y, image;          // of src: the pixel that meets tap 0
    int channel = 0, tap = 0, tap_x = 0, tap_y = 0;
    int step;

    template <class Block>
    __device__ __forceinline__ cursor(const Block& block, const work& given, const tile_place& p)
        : w(given), col(block.col_of(p)), step(Block::bk) {
      static_assert(Block::S.cluster_n == 1, "every block loads its own pixels");
      const int row = block.row_of(p), each = w.dst_w * w.dst_h;
      image = row / each;
      y = row % each / w.dst_w * w.stride_h - w.before_h;
      x = row % w.dst_w * w.stride_w - w.before_w;
    }
    template <class Block>
    __device__ __forceinline__ void load_a(const Block& block, const CUtensorMap& map, std::uint32_t slot) const {
      const int last_x = w.kernel_w - 1, last_y = w.taps / w.kernel_w - 1;
      const int dx = (w.mirrored ? last_x - tap_x : tap_x) * w.dilation_w, dy = (w.mirrored ? last_y - tap_y : tap_y) * w.dilation_h;
      ptx::load_pixels(block.a_tile(slot), map, block.full(slot), channel, x, y, image, std::uint16_t(dx), std::uint16_t(dy));
    }
    template <class Block>
    __device__ __forceinline__ void load_b(const Block& block, const CUtensorMap& map, std::uint32_t slot) const {
      block.load_b(map, slot, [this](int i) { return MnB ? box_place{col + i, tap, channel} : box_place{channel, tap, col + i}; });
    }
    __device__ __forceinline__ void advance() {
      if ((channel += step) < w.channels) return;
      channel = 0, ++tap;
      if (++tap_x == w.kernel_w) tap_x = 0, ++tap_y;
    }
  };
};

}  // namespace ashlar::cuda::detail
