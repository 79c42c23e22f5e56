// SPDX-License-Identifier: Apache-2.0
//
// cuda/mma_block.cuh: what one block of threads does: a tile of C by mma.sync, from a ring of stages in shared memory.
//
//   stage t % Stages holds tile t of A and B along k; Stages - 1 of them are on their way or there
//   per tile:   every 32 bytes of k   fragments of the next 32 -> registers  |  mma with those at hand
//               first of them         tile t + Stages - 1 starts into the stage that tile t - 1 has left
//               last of them          wait until tile t + 1 is there; one barrier for the tile
//
// Depends on: fragment.cuh, tile_copy.cuh, tile_order.cuh, mma_config.cuh, mma_store.cuh.   Used by: mma_gemm.cuh.
#pragma once

#include <ashlar/cuda/batch.cuh>
#include <ashlar/cuda/fragment.cuh>
#include <ashlar/cuda/mma_config.cuh>
#include <ashlar/cuda/mma_element.cuh>
#include <ashlar/cuda/mma_store.cuh>
#include <ashlar/cuda/tile_copy.cuh>
#include <ashlar/cuda/tile_order.cuh>
#include <ashlar/cuda/unroll.cuh>

namespace ashlar::cuda::detail {

/// The blocks of A or B that a warp multiplies: of 16 rows (of A; columns of B) x 32 bytes of k.
template <class Tile, side Side, int Blocks, class Warp>
class warp_blocks {
  using parts = block_parts<Tile, Blocks>;
  using word = std::uint32_t;

 public:
  ASHLAR_DEVICE warp_blocks(int lane, int first) {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < parts::count; ++i) offsets_[i] = word(parts::template variable<Side>(lane, first, i));
  }

  /// Block `block` at step `step` of the tile that begins at `tile`, as an operand of mma.
  ASHLAR_DEVICE void load(word (&x)[4], word tile, int block, int step) const {
    if constexpr (loads_words<Tile>) {
      ASHLAR_UNROLL_ALL
      for (int i = 0; i < 4; ++i) {
        const int upper = i & 1, beyond = i >> 1;
        x[block_register<Side>(upper, beyond)] = Warp::load_word(address(tile, block, step, upper, beyond));
      }
    } else if constexpr (Tile::order == major::k) {
      Warp::load_matrices(x, address(tile, block, step, 0, 0));
    } else {
      Warp::load_transposed(x, address(tile, block, step, 0, 0));
    }
    if constexpr (interleaved<Tile>) separate(x);
    if constexpr (Tile::size == 4) {
      ASHLAR_UNROLL_ALL
      for (int i = 0; i < 4; ++i) x[i] = Warp::rounded_tf32(x[i]);
    }
  }

 private:
  ASHLAR_DEVICE word address(word tile, int block, int step, int upper, int beyond) const {
    return tile + offsets_[parts::number(block, step, upper)] + word(parts::fixed(block, step, beyond));
  }
  // Pairs of bytes of two rows, to the four k of each.
  static ASHLAR_DEVICE void separate(word (&x)[4]) {
    const word pairs[4] = {x[0], x[1], x[2], x[3]};
    ASHLAR_UNROLL_ALL
    for (int beyond = 0; beyond < 2; ++beyond) {
      const word first = pairs[2 * beyond], second = pairs[2 * beyond + 1];
      x[block_register<Side>(0, beyond)] = Warp::template alternate_bytes<false>(first, second);
      x[block_register<Side>(1, beyond)] = Warp::template alternate_bytes<true>(first, second);
    }
  }

  word offsets_[parts::count];
};

/// The fragments of a warp for a step of 32 bytes; of B for the next one too.
///
/// Rows of A are replaced as soon as they have been multiplied: with 64 x 64 sums a warp, two sets of both would leave
/// too few of the 255 registers.
template <class Config, class Warp>
class warp_fragments {
 public:
  ASHLAR_DEVICE explicit warp_fragments(int thread)
      : from_a_(thread % 32, Config::warp_row(thread / 32) / 16),
        from_b_(thread % 32, Config::warp_column(thread / 32) / 16) {}

  /// Step 0 of the first stage; no step is current yet.
  ASHLAR_DEVICE void load_first(std::uint32_t stage) {
    ASHLAR_UNROLL_ALL
    for (int j = 0; j < Config::blocks_n; ++j) load_b(0, j, stage, 0);
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < Config::blocks_m; ++i) load_a(i, stage, 0);
  }

  /// Multiplies the step at hand, of parity `parity`, and loads step `next` of `stage`.
  ASHLAR_DEVICE void multiply_and_load(typename Config::sums& sum, int parity, std::uint32_t stage, int next) {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < Config::blocks_m; ++i) {
      ASHLAR_UNROLL_ALL
      for (int j = i; j < Config::blocks_n; j += Config::blocks_m) load_b(parity ^ 1, j, stage, next);
      multiply_row(sum, i, b_[parity]);
      load_a(i, stage, next);
    }
  }

 private:
  using word = std::uint32_t;

  ASHLAR_DEVICE void load_a(int i, word stage, int step) { from_a_.load(a_[i], stage, i, step); }
  ASHLAR_DEVICE void load_b(int set, int j, word stage, int step) {
    from_b_.load(b_[set][j], stage + Config::tile_a::bytes, j, step);
  }
  ASHLAR_DEVICE void multiply_row(typename Config::sums& sum, int i, const word (&b)[Config::blocks_n][4]) const {
    ASHLAR_UNROLL_ALL
    for (int j = 0; j < Config::blocks_n; ++j) {
      ASHLAR_UNROLL_ALL
      for (int h = 0; h < 2; ++h) {
        Warp::template multiply<typename Config::x, typename Config::y>(sum.at[i][j][h], a_[i], b[j][2 * h],
                                                                        b[j][2 * h + 1]);
      }
    }
  }

  word a_[Config::blocks_m][4], b_[2][Config::blocks_n][4];
  warp_blocks<typename Config::tile_a, side::a, Config::blocks_m, Warp> from_a_;
  warp_blocks<typename Config::tile_b, side::b, Config::blocks_n, Warp> from_b_;
};

/// sum += A's rows times B's columns, `tiles` tiles along k.
template <class Config, class Warp, class CopyA, class CopyB>
ASHLAR_DEVICE void multiply_tiles(typename Config::sums& sum, CopyA& copy_a, CopyB& copy_b, int tiles) {
  constexpr int ahead = Config::stages - 1, steps = Config::steps;
  const auto stage = [](int s) { return Warp::shared() + std::uint32_t(s * Config::stage_bytes); };
  const auto fetch = [&](int s) { copy_a.fetch(stage(s)), copy_b.fetch(stage(s) + Config::tile_a::bytes); };
  const auto settle = [&](int s) { copy_a.settle(stage(s)), copy_b.settle(stage(s) + Config::tile_a::bytes); };
  ASHLAR_UNROLL_BY(1)
  for (int s = 0; s < ahead; ++s) {
    if (s < tiles) fetch(s), settle(s);
    Warp::commit();
  }
  Warp::template wait<ahead - 1>();
  Warp::barrier();
  warp_fragments<Config, Warp> fragments(Warp::thread());
  fragments.load_first(stage(0));
  int read = 0, write = ahead;
  ASHLAR_UNROLL_BY(1)
  for (int t = 0; t < tiles; ++t) {
    const bool more = t + ahead < tiles;
    ASHLAR_UNROLL_ALL
    for (int step = 0; step < steps; ++step) {
      if (step == steps - 1) {
        if (more) settle(write);
        write = read;
        read = read + 1 == Config::stages ? 0 : read + 1;
        Warp::template wait<ahead - 1>();
        Warp::barrier();
      }
      fragments.multiply_and_load(sum, step & 1, stage(read), (step + 1) % steps);
      if (step == 0) {  // behind the loads of step 1: these are needed sooner
        if (more) fetch(write);
        Warp::commit();
      }
    }
  }
  Warp::template wait<0>();
  Warp::barrier();  // the ring is free for the epilogue
}

/// What a kernel is given.
template <class X, class Y, class C, class E>
struct mma_arguments {
  operand<typename mma_element<X>::stored> a;
  operand<typename mma_element<Y>::stored> b;
  C c;
  E e;
  batch_strides batch;
  tile_order tiles;
};

template <class Config, class Warp, class Arguments>
ASHLAR_DEVICE void mma_block(const Arguments& p) {
  const tile_place tile = p.tiles[Warp::block()];
  auto a = p.a;
  auto b = p.b;
  a.data += tile.batch * p.batch.a;
  b.data += tile.batch * p.batch.b;
  const auto c = shifted(p.c, tile.batch * p.batch.c);
  const int m0 = tile.m * Config::m, n0 = tile.n * Config::n;

  typename Config::template copy_a<Warp> copy_a(a, m0, Warp::thread());
  typename Config::template copy_b<Warp> copy_b(b, n0, Warp::thread());
  typename Config::sums sum{};
  multiply_tiles<Config, Warp>(sum, copy_a, copy_b, int(ceil_div(a.k, Config::k)));
  store_tile<Config, Warp>(sum, c, p.e, m0, n0);
}

}  // namespace ashlar::cuda::detail
