// SPDX-License-Identifier: Apache-2.0
//
// cuda/dmma_block.cuh: a tile of C in double by the tensor cores: for each element one chain of fused multiply-adds in
// the order of k, and so the bits of reference::gemm.
//
//   m8n8k4 and m16n8k16 of f64 add one product after the other, each sum rounded once: bench/cuda/probe_dmma.cu found
//   every element of random tiles equal to the chain, subnormals and mixed signs among them. Tiles along k follow one
//   another in the same registers, and what pads the last one changes nothing: dmma_copy.cuh.
//
//   stage t % Stages holds tile t along k; all of them are on their way or there
//   per tile:   16 rows of A at a time     the next 16 -> registers  |  mma with those at hand
//               before the last 16         wait until tile t + 1 is there; one barrier: nobody reads tile t any more
//               after them                 tile t + Stages starts into the stage of tile t
//
// Depends on: dmma_config.cuh, dmma_store.cuh, mma_block.cuh.   Used by: dmma_gemm.cuh.
#pragma once

#include <ashlar/cuda/dmma_config.cuh>
#include <ashlar/cuda/dmma_store.cuh>
#include <ashlar/cuda/mma_block.cuh>

namespace ashlar::cuda::detail {

/// A warp's rows of A or columns of B in the stages, in eights.
template <class Tile, class Warp>
class warp_doubles {
  using parts = double_parts<Tile>;

 public:
  ASHLAR_DEVICE warp_doubles(int lane, int first) {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < parts::count; ++i) offsets_[i] = std::uint32_t(parts::variable(lane, first, i));
  }
  ASHLAR_DEVICE double load(std::uint32_t tile, int eight, int i) const {
    return Warp::load_double(tile + offsets_[parts::number(eight, i)] + std::uint32_t(parts::fixed(eight, i)));
  }

 private:
  std::uint32_t offsets_[parts::count];
};

/// The fragments at hand: all of B's of a stage, 16 rows of A and the next 16.
template <class Config, class Warp>
class double_fragments {
 public:
  static constexpr int pairs = Config::eights_m / 2;

  ASHLAR_DEVICE explicit double_fragments(int thread)
      : from_a_(thread % 32, Config::warp_row(thread / 32)), from_b_(thread % 32, Config::warp_column(thread / 32)) {}

  ASHLAR_DEVICE void load_first(std::uint32_t stage) {
    ASHLAR_UNROLL_ALL
    for (int j = 0; j < Config::eights_n; ++j) load_b(j, stage);
    load_a(0, stage);
  }
  /// Rows 16 pair and on.
  ASHLAR_DEVICE void load_a(int pair, std::uint32_t stage) {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < 8; ++i) a_[pair & 1][i] = from_a_.load(stage, 2 * pair + (i & 1), i >> 1);
  }
  /// Multiplies them; Last: every fragment of B is replaced by that of stage `next` when it has been multiplied.
  template <bool Last>
  ASHLAR_DEVICE void multiply(typename Config::sums& sum, int pair, std::uint32_t next) {
    ASHLAR_UNROLL_ALL
    for (int j = 0; j < Config::eights_n; ++j) {
      Warp::multiply(sum.at[2 * pair][j], sum.at[2 * pair + 1][j], a_[pair & 1], b_[j]);
      if constexpr (Last) load_b(j, next);
    }
  }

 private:
  ASHLAR_DEVICE void load_b(int j, std::uint32_t stage) {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < 4; ++i) b_[j][i] = from_b_.load(stage + Config::tile_a::bytes, j, i);
  }

  double a_[2][8], b_[Config::eights_n][4];
  warp_doubles<typename Config::tile_a, Warp> from_a_;
  warp_doubles<typename Config::tile_b, Warp> from_b_;
};

/// B's elements of `stage` from its `rest`-th k on become -0.
template <class Config, class Warp>
ASHLAR_DEVICE void pad_with_negative_zeros(std::uint32_t stage, int rest) {
  using tile = typename Config::tile_b;
  ASHLAR_UNROLL_BY(1)
  for (int i = Warp::thread() + rest * tile::mn; i < tile::k * tile::mn; i += Config::threads) {
    const int offset = double_offset<tile>(i % tile::mn, i / tile::mn);
    Warp::store_double(stage + std::uint32_t(Config::tile_a::bytes + offset), -0.0);
  }
  Warp::barrier();
}

/// sum += A's rows times B's columns, k in order.
template <class Config, class Warp, class CopyA, class CopyB>
ASHLAR_DEVICE void multiply_doubles(typename Config::sums& sum, CopyA& copy_a, CopyB& copy_b, int k) {
  constexpr int stages = Config::stages, last_pair = double_fragments<Config, Warp>::pairs - 1;
  const int tiles = int(ceil_div(k, Config::k)), rest = k % Config::k;
  const auto stage = [](int s) { return Warp::shared() + std::uint32_t(s * Config::stage_bytes); };
  const auto fetch = [&](int s, int t) {
    if (t < tiles) copy_a.fetch(stage(s)), copy_b.fetch(stage(s) + Config::tile_a::bytes);
    Warp::commit();
  };
  const auto pad = [&](int s, int t) {
    if (rest != 0 && t == tiles - 1) pad_with_negative_zeros<Config, Warp>(stage(s), rest);
  };
  ASHLAR_UNROLL_BY(1)
  for (int s = 0; s < stages; ++s) fetch(s, s);
  Warp::template wait<stages - 1>();
  Warp::barrier();
  pad(0, 0);
  double_fragments<Config, Warp> fragments(Warp::thread());
  fragments.load_first(stage(0));
  int read = 0;
  ASHLAR_UNROLL_BY(1)
  for (int t = 0; t < tiles; ++t) {
    ASHLAR_UNROLL_ALL
    for (int pair = 0; pair < last_pair; ++pair) {
      fragments.load_a(pair + 1, stage(read));
      fragments.template multiply<false>(sum, pair, 0);
    }
    const int write = read;
    read = read + 1 == stages ? 0 : read + 1;
    Warp::template wait<stages - 2>();
    Warp::barrier();
    pad(read, t + 1);
    fragments.load_a(0, stage(read));
    fragments.template multiply<true>(sum, last_pair, stage(read));
    fetch(write, t + stages);
  }
}

template <class Config, class Warp, class Arguments>
  requires std::same_as<typename Config::x, double>
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
  multiply_doubles<Config, Warp>(sum, copy_a, copy_b, a.k);
  store_doubles<Config, Warp>(sum, c, p.e, m0, n0);
}

}  // namespace ashlar::cuda::detail
