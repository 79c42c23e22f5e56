// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/mma_maps_test.cpp: the maps of the mma.sync kernels, proved by the compiler for every tile: that the order
// of tiles is a permutation, that shared tiles are filled once and read without bank conflicts, that fragments cover C.
#include <doctest/doctest.h>

#include <array>
#include <ashlar/cuda/mma_block.cuh>
#include <ashlar/cuda/mma_config.cuh>

namespace ashlar::test {
namespace {

using namespace cuda::detail;

constexpr bool is_permutation(const tile_order& order) {
  bool seen[128] = {};
  for (int i = 0; i < order.count(); ++i) {
    const tile_place t = order[i];
    if (t.m < 0 || t.m >= order.rows || t.n < 0 || t.n >= order.cols || t.batch < 0 || t.batch >= order.batch)
      return false;
    bool& here = seen[(t.batch * order.rows + t.m) * order.cols + t.n];
    if (here) return false;
    here = true;
  }
  return true;
}
static_assert([] {
  for (int m = 1; m <= 8; ++m) {
    for (int n = 1; n <= 8; ++n) {
      for (int group : {1, 2, 3, 8, 16}) {
        if (!is_permutation({m, n, group, 2})) return false;
      }
    }
  }
  return true;
}());
static_assert(tile_group(128, 256, 132) == 16 && tile_group(128, 128, 132) >= 8 && tile_group(128, 128, 1) == 1);

constexpr tile_choice choice(index m, index n, index count = 1) { return select_tile<common_tiles>(m, n, count, 132); }
static_assert(choice(8192, 8192) == tile_choice::large && choice(4096, 4096) == tile_choice::large,
              "many tiles: the largest");
static_assert(choice(64, 64) == tile_choice::small && choice(512, 512) == tile_choice::small, "few: the smallest");
static_assert(choice(1408, 1408) == tile_choice::middle && choice(1024, 1024, 132) == tile_choice::large);
static_assert(choice(1 << 20, 1 << 20, 1000) != tile_choice::small);

// Do accesses of `bytes` at these addresses, which the machine serves together, meet no bank twice?
template <std::size_t N>
constexpr bool free_of_conflicts(const std::array<int, N>& address, int bytes) {
  bool taken[32] = {};
  for (int a : address) {
    for (int b = a / 4; b < (a + bytes) / 4; ++b) {
      if (taken[b % 32]) return false;
      taken[b % 32] = true;
    }
  }
  return true;
}

template <class Tile>
constexpr bool is_bijective() {
  std::array<bool, Tile::bytes / 16> seen{};
  for (int l = 0; l < Tile::lines; ++l) {
    for (int c = 0; c < Tile::chunks; ++c) {
      const int at = Tile::offset(l, c);
      if (at < 0 || at % 16 != 0 || at >= Tile::bytes || seen[std::size_t(at / 16)]) return false;
      seen[std::size_t(at / 16)] = true;
    }
  }
  return true;
}

template <class Tile>
constexpr bool words_without_conflict(int block, int step) {
  for (int part = 0; part < 4; ++part) {
    std::array<int, 32> at{};
    for (int l = 0; l < 32; ++l) at[std::size_t(l)] = word_offset<Tile>(l, block, step, part & 1, part >> 1);
    if (!free_of_conflicts(at, 4)) return false;
  }
  return true;
}
template <class Tile, side Side>
constexpr bool matrices_without_conflict(int block, int step) {
  for (int matrix = 0; matrix < 4; ++matrix) {
    std::array<int, 8> at{};
    for (int r = 0; r < 8; ++r) at[std::size_t(r)] = matrix_row_offset<Tile, Side>(8 * matrix + r, block, step);
    if (!free_of_conflicts(at, 16)) return false;
  }
  return true;
}
template <class Tile>
constexpr bool reads_without_conflict() {
  for (int block = 0; block < Tile::mn / 16; ++block) {
    for (int step = 0; step < Tile::k * Tile::size / 32; ++step) {
      if constexpr (loads_words<Tile>) {
        if (!words_without_conflict<Tile>(block, step)) return false;
      } else {
        if (!matrices_without_conflict<Tile, side::a>(block, step)) return false;
        if (!matrices_without_conflict<Tile, side::b>(block, step)) return false;
      }
    }
  }
  return true;
}

// The places of a warp's blocks in two parts are those places.
template <class Tile, int Blocks, side Side>
constexpr bool parts_add_up(int first, int block, int step) {
  using parts = block_parts<Tile, Blocks>;
  for (int lane = 0; lane < 32; ++lane) {
    for (int part = 0; part < 4; ++part) {
      const int upper = part & 1, beyond = part >> 1, number = parts::number(block, step, upper);
      const int sum = parts::template variable<Side>(lane, first, number) + parts::fixed(block, step, beyond);
      int expected = 0;
      if constexpr (loads_words<Tile>) {
        expected = word_offset<Tile>(lane, first + block, step, upper, beyond);
      } else {
        expected = matrix_row_offset<Tile, Side>(lane, first + block, step);
      }
      if (number >= parts::count || sum != expected) return false;
    }
  }
  return true;
}
template <class Tile, int Blocks>
constexpr bool parts_add_up() {
  for (int first = 0; first < Tile::mn / 16; first += Blocks) {
    for (int block = 0; block < Blocks; ++block) {
      for (int step = 0; step < Tile::k * Tile::size / 32; ++step) {
        if (!parts_add_up<Tile, Blocks, side::a>(first, block, step)) return false;
        if (!parts_add_up<Tile, Blocks, side::b>(first, block, step)) return false;
      }
    }
  }
  return true;
}

// Eight neighbouring threads write 16 bytes each at once.
template <class Tile, int Threads>
constexpr bool copies_without_conflict() {
  for (int first = 0; first < Threads; first += 8) {
    std::array<int, 8> at{};
    for (int t = 0; t < 8; ++t) {
      using plan = copy_plan<Tile, Threads>;
      at[std::size_t(t)] = Tile::offset(plan::line(first + t), plan::chunk(first + t));
    }
    if (!free_of_conflicts(at, 16)) return false;
  }
  return true;
}

template <int Size, major Major, int Mn, int WarpMn, int KBytes, int Threads>
constexpr bool good_tile() {
  using tile = shared_tile<Size, Major, Mn, KBytes>;
  static_assert(is_bijective<tile>());
  static_assert(reads_without_conflict<tile>());
  static_assert(parts_add_up<tile, WarpMn / 16>());
  static_assert(copies_without_conflict<tile, Threads>());
  return true;
}
template <class Tile, int Size>
constexpr bool good_tiles() {
  return good_tile<Size, major::k, Tile::m, Tile::warp_m, Tile::k_bytes, Tile::threads>() &&
         good_tile<Size, major::mn, Tile::m, Tile::warp_m, Tile::k_bytes, Tile::threads>() &&
         good_tile<Size, major::k, Tile::n, Tile::warp_n, Tile::k_bytes, Tile::threads>() &&
         good_tile<Size, major::mn, Tile::n, Tile::warp_n, Tile::k_bytes, Tile::threads>();
}
template <class Tiles, int Size>
constexpr bool good_set() {
  return good_tiles<typename Tiles::large, Size>() && good_tiles<typename Tiles::middle, Size>() &&
         good_tiles<typename Tiles::small, Size>();
}
static_assert(good_set<common_tiles, 1>() && good_set<common_tiles, 2>() && good_set<common_tiles, 4>());
static_assert(good_set<float8_tiles, 1>());

// The strip of the epilogue: 16 lanes write pairs of words, 8 read four words, 32 read one.
template <int Width>
constexpr bool good_strip() {
  using strip = store_strip<Width>;
  for (int half = 0; half < 2; ++half) {
    std::array<int, 16> at{};
    for (int l = 0; l < 16; ++l) {
      const int lane = 16 * half + l;
      at[std::size_t(l)] = strip::offset(accumulator_row<false>(lane, 0), accumulator_column<false>(lane, 0, 0));
    }
    if (!free_of_conflicts(at, 8)) return false;
  }
  for (int pass = 0; pass < 16 * Width / 32; ++pass) {
    std::array<int, 8> at{};
    for (int l = 0; l < 8; ++l)
      at[std::size_t(l)] = strip::offset((8 * pass + l) * 4 / Width % 16, (8 * pass + l) * 4 % Width);
    if (!free_of_conflicts(at, 16)) return false;
  }
  return strip::offset(1, 0) % 16 == 0;
}
static_assert(good_strip<64>() && good_strip<32>());

// Every element of a 16 x 16 block of sums belongs to one register of one lane.
template <bool Rows, bool Columns>
constexpr bool covers_block() {
  bool seen[16][16] = {};
  for (int lane = 0; lane < 32; ++lane) {
    for (int h = 0; h < 2; ++h) {
      for (int i = 0; i < 4; ++i) {
        bool& here = seen[accumulator_row<Rows>(lane, i)][accumulator_column<Columns>(lane, h, i)];
        if (here) return false;
        here = true;
      }
    }
  }
  return true;
}
static_assert(covers_block<false, false>() && covers_block<true, false>() && covers_block<false, true>() &&
              covers_block<true, true>());

TEST_CASE("the maps hold: this file compiles") {}

}  // namespace
}  // namespace ashlar::test
