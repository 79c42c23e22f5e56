// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/sm90_maps_test.cpp: the maps of the Hopper kernel, proved by the compiler where it can: the swizzle, the
// descriptors, the accumulators, the ring, the order of the tiles, the choice of a tile.
//
// Depends on: cuda/, support/.   See also: boxes_test.cpp (what the accelerator reads), sm90_replay_test.cpp (all of
// it).
#include <doctest/doctest.h>

#include <ashlar/cuda/ring.cuh>
#include <ashlar/cuda/sm90_choose.cuh>
#include <ashlar/cuda/sm90_elements.cuh>
#include <ashlar/cuda/sm90_layout.cuh>
#include <ashlar/cuda/tile_order.cuh>
#include <initializer_list>
#include <vector>

namespace ashlar::test {
namespace {

using namespace cuda::detail;
using cuda::sm90_tile;

// ---- the swizzle

// Does every byte of block `number` stay in its block, at a place of its own?
constexpr bool is_bijective(std::uint32_t number) {
  bool taken[swizzle_block] = {};
  for (std::uint32_t i = 0; i < swizzle_block; ++i) {
    const std::uint32_t at = swizzled(number * swizzle_block + i);
    if (at / swizzle_block != number || taken[at % swizzle_block]) return false;
    taken[at % swizzle_block] = true;
  }
  return true;
}
static_assert(is_bijective(0) && is_bijective(1) && is_bijective(7) && is_bijective(200));

// Piece j of line i lies at place j ^ (i mod 8) of the same line, whole.
static_assert([] {
  for (std::uint32_t line = 0; line < 64; ++line) {
    for (std::uint32_t byte = 0; byte < swizzle_line; ++byte) {
      const std::uint32_t expected = line * swizzle_line + (byte / 16 ^ line % 8) * 16 + byte % 16;
      if (swizzled(line * swizzle_line + byte) != expected) return false;
    }
  }
  return true;
}());

// Eight lines at one place of k meet 32 banks, from whichever line on.
static_assert([] {
  for (std::uint32_t first = 0; first < 16; ++first) {
    for (std::uint32_t piece = 0; piece < 8; ++piece) {
      std::uint32_t banks = 0;
      for (std::uint32_t line = first; line < first + 8; ++line) {
        for (std::uint32_t word = 0; word < 4; ++word) {
          banks |= 1u << swizzled(line * swizzle_line + piece * 16 + word * 4) / 4 % 32;
        }
      }
      if (banks != 0xFFFFFFFFu) return false;
    }
  }
  return true;
}());

// ---- descriptors: PTX ISA, "Matrix Descriptor Format"

constexpr std::uint32_t field(std::uint64_t d, int first, int bits) {
  return std::uint32_t(d >> first & ((std::uint64_t(1) << bits) - 1));
}
constexpr bool describes(std::uint32_t address, std::uint32_t lines, std::uint32_t blocks) {
  const std::uint64_t d = matrix_descriptor(address, lines, blocks);
  return field(d, 0, 14) == address / 16 && field(d, 16, 14) == blocks / 16 && field(d, 32, 14) == lines / 16 &&
         field(d, 62, 2) == 1 &&  // 128-byte swizzle
         field(d, 49, 3) == 0 && field(d, 14, 2) == 0 && field(d, 30, 2) == 0 && field(d, 46, 3) == 0 &&
         field(d, 52, 10) == 0;
}
static_assert(describes(0, 1024, 8192) && describes(1024, 1024, 4096) && describes(226 * 1024, 1024, 8192));
// A step within a tile is added to the descriptor: the last address of shared memory must not carry out of its field.
static_assert(field(matrix_descriptor(226 * 1024, 1024, 8192) + (1023 >> 4), 14, 2) == 0);
static_assert(matrix_descriptor(2048 + 32, 1024, 0) == matrix_descriptor(2048, 1024, 0) + 2);

// ---- accumulators

template <int N>
constexpr bool covers_the_tile() {
  std::uint32_t taken[64][N / 32] = {};
  for (int thread = 0; thread < 128; ++thread) {
    for (int i = 0; i < N / 2; ++i) {
      const fragment_place p = accumulator_place(thread, i);
      if (p.row < 0 || p.row >= 64 || p.col < 0 || p.col >= N) return false;
      std::uint32_t& word = taken[p.row][p.col / 32];
      if (word >> p.col % 32 & 1) return false;
      word |= 1u << p.col % 32;
    }
  }
  return true;
}
static_assert(covers_the_tile<64>() && covers_the_tile<128>() && covers_the_tile<192>() && covers_the_tile<256>());

// PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk16", D: some of its corners, typed in.
constexpr bool lies(int thread, int i, int row, int col) {
  const fragment_place p = accumulator_place(thread, i);
  return p.row == row && p.col == col;
}
static_assert(lies(0, 0, 0, 0) && lies(0, 1, 0, 1) && lies(0, 2, 8, 0) && lies(0, 3, 8, 1) && lies(0, 4, 0, 8));
static_assert(lies(1, 0, 0, 2) && lies(3, 1, 0, 7) && lies(4, 0, 1, 0) && lies(31, 3, 15, 7) && lies(32, 0, 16, 0));
static_assert(lies(127, 127, 63, 255));

// stmatrix.x4: thread `lane` gives elements (lane / 4, 2 * (lane mod 4) + 0, 1) of each of four 8 x 8 matrices; row r
// of matrix m goes to the address of lane 8 m + r. These are accumulators i + 2 m and i + 2 m + 1.
static_assert([] {
  for (int i = 0; i < 128; i += 8) {
    for (int thread = 0; thread < 128; ++thread) {
      for (int matrix = 0; matrix < 4; ++matrix) {
        const fragment_place to = stored_matrix_row(8 * matrix + thread % 32 / 4);
        for (int j = 0; j < 2; ++j) {
          const fragment_place from = accumulator_place(thread, i + 2 * matrix + j);
          if (from.row != thread / 32 * 16 + to.row || from.col != i * 2 + to.col + 2 * (thread % 4) + j) return false;
        }
      }
    }
  }
  return true;
}());

// The eight lines of each matrix of stmatrix meet 32 banks.
static_assert([] {
  for (int matrix = 0; matrix < 4; ++matrix) {
    std::uint32_t banks = 0;
    for (int lane = 8 * matrix; lane < 8 * matrix + 8; ++lane) {
      const fragment_place p = stored_matrix_row(lane);
      for (std::uint32_t word = 0; word < 4; ++word)
        banks |= 1u << (swizzled(std::uint32_t(p.row * 128 + p.col * 2)) / 4 + word) % 32;
    }
    if (banks != 0xFFFFFFFFu) return false;
  }
  return true;
}());

// ---- the ring and the order of the tiles

template <int Stages>
constexpr bool advances() {
  for (std::uint32_t from = 0; from < 2 * Stages; ++from) {
    ring<Stages> start;
    for (std::uint32_t i = 0; i < from; ++i) start.advance();
    if (start.slot != from % Stages || start.phase != from / Stages % 2) return false;
    ring<Stages> one_by_one = start;
    for (std::uint32_t n = 0; n < 5 * Stages; ++n, one_by_one.advance()) {
      ring<Stages> at_once = start;
      at_once.advance(n);
      if (at_once.slot != one_by_one.slot || at_once.phase != one_by_one.phase) return false;
    }
  }
  return true;
}
static_assert(advances<1>() && advances<2>() && advances<3>() && advances<4>() && advances<6>() && advances<8>());

bool is_permutation(const tile_order& order) {
  std::vector<bool> seen(std::size_t(order.count()));
  for (int i = 0; i < order.count(); ++i) {
    const tile_place p = order[i];
    if (p.m < 0 || p.m >= order.rows || p.n < 0 || p.n >= order.cols || p.batch < 0 || p.batch >= order.batch)
      return false;
    const auto here = std::size_t((p.batch * order.rows + p.m) * order.cols + p.n);
    if (seen[here]) return false;
    seen[here] = true;
  }
  return true;
}

// ---- the choice: what was measured (sm90_choose.cuh), on 132 multiprocessors

constexpr bool takes(int bm, int bn, index m, index n, index k_blocks, index batch = 1) {
  const sm90_tile& t = sm90_tiles[best_sm90_tile(m, n, batch, k_blocks, 132)];
  return t.bm == bm && t.bn == bn;
}
static_assert(takes(64, 128, 1024, 1024, 16), "1024^3");
static_assert(takes(128, 128, 2048, 2048, 32), "2048^3");
static_assert(takes(128, 128, 32 * 14 * 14, 256, 9 * 4), "14 x 14, 256 to 256 channels 3 x 3, batch 32");
static_assert(takes(64, 128, 32 * 7 * 7, 512, 9 * 8), "7 x 7, 512 to 512");
static_assert(takes(128, 64, 32 * 56 * 56, 64, 9), "56 x 56, 64 to 64");
static_assert(takes(128, 128, 8192, 8192, 128) && takes(128, 128, 1024, 1024, 16, 64), "many tiles: the larger");

// Every tile that is chosen from is one that a kernel can have.
template <int... I>
constexpr bool possible(std::integer_sequence<int, I...>) {
  return ((sm90_geometry<sm90_tiles[I]>::shared_bytes <= sm90_shared_limit) && ...);
}
static_assert(possible(std::make_integer_sequence<int, sm90_tile_count>{}) && sm90_tile_count == std::size(sm90_tiles));

// A tile begins on a whole block of the swizzle, and so does each part that one block of a cluster loads.
template <int... I>
constexpr bool aligned(std::integer_sequence<int, I...>) {
  const auto is = [](const auto g, const sm90_tile& s) {
    return g.stage_bytes % swizzle_block == 0 && g.a_bytes % swizzle_block == 0 && g.staging % swizzle_block == 0 &&
           g.a_bytes / s.cluster_n % swizzle_block == 0 && g.b_bytes / s.cluster_m % swizzle_block == 0;
  };
  return (is(sm90_geometry<sm90_tiles[I]>{}, sm90_tiles[I]) && ...);
}
static_assert(aligned(std::make_integer_sequence<int, sm90_tile_count>{}));

template <class In>
inline constexpr bool one_line_is_whole_instructions = 128 / int(sizeof(In)) % k_of_instruction<In> == 0;
static_assert(one_line_is_whole_instructions<bf16> && one_line_is_whole_instructions<cuda::tf32> &&
              one_line_is_whole_instructions<std::int8_t> && k_of_instruction<bf16> == 16 &&
              k_of_instruction<cuda::tf32> == 8 && k_of_instruction<e4m3> == 32);

}  // namespace

TEST_CASE("every tile is taken once, in groups of any height") {
  for (const int rows : {1, 2, 3, 5, 7, 8, 13, 31}) {
    for (const int cols : {1, 2, 3, 7, 12, 17}) {
      for (const int group : {1, 2, 3, 8, 16, 64}) {
        for (const int batch : {1, 3}) {
          CAPTURE(rows);
          CAPTURE(cols);
          CAPTURE(group);
          REQUIRE(is_permutation({rows, cols, group, batch}));
        }
      }
    }
  }
}

TEST_CASE("tiles of a group of rows come before those of the next, and column by column") {
  const tile_order order{5, 4, 2, 1};
  const auto is = [&](int t, int m, int n) { return order[t].m == m && order[t].n == n; };
  CHECK((is(0, 0, 0) && is(1, 1, 0) && is(2, 0, 1) && is(7, 1, 3) && is(8, 2, 0)));
  CHECK((is(16, 4, 0) && is(17, 4, 1) && is(19, 4, 3)));
}

TEST_CASE("with_sm90_tile names the tile of the number") {
  for (int i = 0; i < sm90_tile_count; ++i) {
    const auto [bm, bn] = with_sm90_tile(i, []<sm90_tile S>() { return std::pair(S.bm, S.bn); });
    CHECK((bm == sm90_tiles[i].bm && bn == sm90_tiles[i].bn));
  }
}

}  // namespace ashlar::test
