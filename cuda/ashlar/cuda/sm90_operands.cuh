// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_operands.cuh: where the tiles of A and B are in memory: what distinguishes a matrix product from a
// convolution.
//
//   matrices       A and B are matrices, k runs along one of their axes
//   pixels         A's rows are pixels of dst, its k are (tap, channel) of src: the accelerator's im2col mode finds
//   them;
//                  B is the filter of the tap
//
// A cursor is one thread's place in the k of one tile: it loads a stage of A and of B and goes on. The rest of the
// kernel does not know which of them it runs. The places are sm90_cursor.cuh's; here they are loaded.
//
// Depends on: ptx.cuh, sm90_cursor.cuh.   Used by: sm90_gemm.cuh, sm90_launch.cuh, sm90_conv.cuh.
#pragma once

#include <ashlar/cuda/ptx.cuh>
#include <ashlar/cuda/sm90_cursor.cuh>

namespace ashlar::cuda::detail {

template <bool MnA, bool MnB>
struct matrices {
  static constexpr bool mn_a = MnA, mn_b = MnB;
  using work = matrix_work;

  struct cursor : matrix_cursor<MnA, MnB> {
    template <class Block>
    __device__ __forceinline__ cursor(const Block& block, const work& w, const tile_place& p)
        : matrix_cursor<MnA, MnB>(w, block.place(), p, Block::bk) {}
    template <class Block>
    __device__ __forceinline__ void load_a(const Block& block, const CUtensorMap& map, std::uint32_t slot) const {
      block.load_a(map, slot, [this](int i) { return this->a(i); });
    }
    template <class Block>
    __device__ __forceinline__ void load_b(const Block& block, const CUtensorMap& map, std::uint32_t slot) const {
      block.load_b(map, slot, [this](int i) { return this->b(i); });
    }
  };
};

template <bool MnB>
struct pixels {
  static constexpr bool mn_a = false, mn_b = MnB;
  using work = pixel_work;

  struct cursor : pixel_cursor<MnB> {
    template <class Block>
    __device__ __forceinline__ cursor(const Block& block, const work& w, const tile_place& p)
        : pixel_cursor<MnB>(w, block.place(), p, Block::bk) {
      static_assert(Block::S.cluster_n == 1, "every block loads its own pixels");
    }
    template <class Block>
    __device__ __forceinline__ void load_a(const Block& block, const CUtensorMap& map, std::uint32_t slot) const {
      const pixel_place p = this->a();
      ptx::load_pixels(block.a_tile(slot), map, block.full(slot), p.channel, p.x, p.y, p.image, std::uint16_t(p.dx),
                       std::uint16_t(p.dy));
    }
    template <class Block>
    __device__ __forceinline__ void load_b(const Block& block, const CUtensorMap& map, std::uint32_t slot) const {
      block.load_b(map, slot, [this](int i) { return this->b(i); });
    }
  };
};

}  // namespace ashlar::cuda::detail
