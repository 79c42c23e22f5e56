// SPDX-License-Identifier: Apache-2.0
//
// cuda/dmma_copy.cuh: a tile of doubles of any strides to shared memory, 8 bytes at a time, in the background; and what
// lies beyond k.
//
// Zeros there would not keep the sum: -0 + (+0)(+0) is +0. The copies of A and B write +0; in the last stage of B they
// become -0 before it is read, so that what is added is (+0)(-0) = -0, and x + -0 is x, for every x.
//
// Depends on: tile_copy.cuh.   Used by: dmma_config.cuh.
#pragma once

#include <ashlar/cuda/tile_copy.cuh>

namespace ashlar::cuda::detail {

/// direct_copy's functions, for any strides and 8-byte alignment; into major::k.
template <class Tile, int Threads, class Warp>
class element_copy {
  static constexpr int passes = Tile::mn * Tile::k / Threads;
  static_assert(Tile::order == major::k && Tile::size == 8 && passes * Threads == Tile::mn * Tile::k);

 public:
  static constexpr major order = major::k;

  ASHLAR_DEVICE element_copy(const operand<double>& x, int mn0, int thread) : x_(x), mn0_(mn0), thread_(thread) {
    const auto distance = [](index s) { return s < 0 ? -s : s; };
    along_mn_ = distance(x.mn_stride) < distance(x.k_stride);
  }

  ASHLAR_DEVICE void fetch(std::uint32_t stage) {
    ASHLAR_UNROLL_BY(1)
    for (int i = thread_; i < passes * Threads; i += Threads) {  // neighbouring threads take neighbours in memory
      const int mn = along_mn_ ? i % Tile::mn : i / Tile::k, k = along_mn_ ? i / Tile::mn : i % Tile::k;
      const bool present = mn0_ + mn < x_.mn && k0_ + k < x_.k;
      const index from = present ? (mn0_ + mn) * x_.mn_stride + (k0_ + k) * x_.k_stride : 0;
      Warp::copy_double(stage + std::uint32_t(Tile::offset(mn, k >> 1) + 8 * (k & 1)), x_.data + from, present);
    }
    k0_ += Tile::k;
  }
  ASHLAR_DEVICE void settle(std::uint32_t) {}

 private:
  operand<double> x_;
  int mn0_, thread_, k0_ = 0;
  bool along_mn_;
};

}  // namespace ashlar::cuda::detail
