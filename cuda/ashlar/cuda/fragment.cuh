// SPDX-License-Identifier: Apache-2.0
//
// cuda/fragment.cuh: which lane of a warp holds what: the fragments of mma.sync, and what a lane reads to get them.
//
// All instructions take 32 bytes of k a step (16 of f16 and bf16, 8 of tf32, 32 of 8-bit types), and so A and B come in
// one shape, a block of 16 rows of A (columns of B) x 32 bytes of k in four registers of a lane, g = lane / 4, q = lane
// % 4:
//
//   row g + 8 upper,  byte 4q + b + 16 beyond of k    in byte b of register   upper + 2 beyond   of A: an operand as it
//   is
//                                                                             beyond + 2 upper   of B: two, of 8
//                                                                             columns
//
// An instruction wants B in an even register and the next: in A's order ptxas moves every one of them there.
//
// How a block is read from a shared tile:
//   major::k               ldmatrix, a chunk being 16 bytes of k
//   major::mn, 16 bits     ldmatrix.trans, a chunk being 8 rows
//   major::mn, 32 bits     four 32-bit loads
//   major::mn, 8 bits      ldmatrix.trans moves pairs of bytes: a lane gets rows 2g and 2g + 1 of two k, and with the
//   lines
//                          k = 4q, 4q + 1 in one matrix and 4q + 2, 4q + 3 in the next, two byte permutations make of
//                          two registers the four k of row 2g and those of row 2g + 1. These take the places of rows g
//                          and g + 8: such a block is *interleaved*, and so are the rows (columns) of its accumulators.
//
// Source: PTX ISA, "Matrix Fragments for mma.m16n8k16 / m16n8k8 / m16n8k32", "ldmatrix".
//
// Depends on: shared_tile.cuh.   Used by: mma_block.cuh, mma_store.cuh.
#pragma once

#include <ashlar/cuda/shared_tile.cuh>

namespace ashlar::cuda::detail {

template <class Tile>
inline constexpr bool interleaved = Tile::order == major::mn && Tile::size == 1;

template <class Tile>
inline constexpr bool loads_words = Tile::order == major::mn && Tile::size == 4;

enum class side { a, b };

/// The register of the part `upper`, `beyond`.
template <side Side>
ASHLAR_INLINE constexpr int block_register(int upper, int beyond) {
  return Side == side::a ? upper + 2 * beyond : beyond + 2 * upper;
}

/// Where lane's row of ldmatrix lies, for block `block` (16 rows) and step `step` (32 bytes of k). The matrices come in
/// the order of the registers; interleaved blocks, whose registers are made of two each, in the order  k, k + 2, k +
/// 16, k + 18.
template <class Tile, side Side>
ASHLAR_INLINE constexpr chunk_place matrix_row(int lane, int block, int step) {
  const int row = lane & 7, low = lane >> 3 & 1, high = lane >> 4;
  const int upper = Side == side::a ? low : high, beyond = Side == side::a ? high : low;
  if constexpr (interleaved<Tile>) {
    return {32 * step + 16 * high + 4 * (row >> 1) + 2 * low + (row & 1), block};
  } else if constexpr (Tile::order == major::k) {
    return {16 * block + 8 * upper + row, 2 * step + beyond};
  } else {
    return {16 * step + 8 * beyond + row, 2 * block + upper};
  }
}

template <class Tile, side Side>
ASHLAR_INLINE constexpr int matrix_row_offset(int lane, int block, int step) {
  const chunk_place at = matrix_row<Tile, Side>(lane, block, step);
  return Tile::offset(at.line, at.chunk);
}

/// Where the number of part `upper`, `beyond` lies, for 32-bit loads.
template <class Tile>
ASHLAR_INLINE constexpr int word_offset(int lane, int block, int step, int upper, int beyond) {
  const int mn = 16 * block + (lane >> 2) + 8 * upper;
  return Tile::offset(8 * step + (lane & 3) + 4 * beyond, mn >> 2) + 4 * (mn & 3);
}

/// The same places in two parts, for a warp whose first block is `first`: one that a lane computes once, of which it
/// has a few, and one that is a constant of the instruction. `first` is even where blocks are read by words.
template <class Tile, int Blocks>
struct block_parts {
  static constexpr int count = Tile::order == major::k ? Tile::k * Tile::size / 32 : loads_words<Tile> ? 4 : Blocks;

  static ASHLAR_INLINE constexpr int number(int block, int step, int upper) {
    if constexpr (Tile::order == major::k) return step;
    return loads_words<Tile> ? 2 * (block & 1) + upper : block;
  }
  static ASHLAR_INLINE constexpr int fixed(int block, int step, int beyond) {
    if constexpr (Tile::order == major::k) return 16 * block * Tile::line;
    const int pairs = loads_words<Tile> ? block >> 1 : 0;  // of blocks, 128 bytes of a line
    const int lines = 32 / Tile::size * step + (loads_words<Tile> ? 4 * beyond : 0);
    return lines * Tile::line + 128 * pairs;
  }
  template <side Side>
  static ASHLAR_INLINE constexpr int variable(int lane, int first, int number) {
    if constexpr (loads_words<Tile>) {
      return word_offset<Tile>(lane, first + (number >> 1), 0, number & 1, 0);
    } else if constexpr (Tile::order == major::k) {
      return matrix_row_offset<Tile, Side>(lane, first, number);
    } else {
      return matrix_row_offset<Tile, Side>(lane, first + number, 0);
    }
  }
};

// A lane has four accumulators of 16 rows x 8 columns, i = 0..3: row g + 8 (i / 2), column 2q + i % 2.

/// The row of accumulators i and i + 1 (i even) in its 16.
template <bool Interleaved>
ASHLAR_INLINE constexpr int accumulator_row(int lane, int i) {
  const int g = lane >> 2, upper = i >> 1;
  return Interleaved ? 2 * g + upper : g + 8 * upper;
}

/// The column of accumulator i of half h of a block of B in its 16.
template <bool Interleaved>
ASHLAR_INLINE constexpr int accumulator_column(int lane, int h, int i) {
  const int c = 2 * (lane & 3) + (i & 1);
  return Interleaved ? 2 * c + h : 8 * h + c;
}

}  // namespace ashlar::cuda::detail
