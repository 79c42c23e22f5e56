// SPDX-License-Identifier: Apache-2.0
//
// cuda/fragment.cuh: which lane of a warp holds what: the fragments of mma.sync, and what a lane reads to get them.
//
// All instructions take 32 bytes of k a step (16 of f16 and bf16, 8 of tf32, 32 of 8-bit types), and so A and B come in
// one shape, a block of 16 rows of A (columns of B) x 32 bytes of k in four registers of a lane, g = lane / 4, q = lane % 4:
//
//   register i, byte b  ->  row g + 8 (i % 2),  byte 4q + b + 16 (i / 2) of k
//   A block is the operand A as it is; of B, registers 0 and 2 are the operand of columns 0..7, 1 and 3 of columns 8..15.
//
// How it is read from a shared tile:
//   major::k               ldmatrix, a chunk being 16 bytes of k
//   major::mn, 16 bits     ldmatrix.trans, a chunk being 8 rows
//   major::mn, 32 bits     four 32-bit loads
//   major::mn, 8 bits      ldmatrix.trans moves pairs of bytes: a lane gets rows 2g and 2g + 1 of two k, and with the lines
//                          k = 4q, 4q + 1 in one matrix and 4q + 2, 4q + 3 in the next, two byte permutations make of two
//                          registers the four k of row 2g and those of row 2g + 1. These take the places of rows g and
//                          g + 8: such a block is *interleaved*, and so are the rows (columns) of its accumulators.
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

/// Where lane's row of ldmatrix lies, for block `block` (16 rows) and step `step` (32 bytes of k).
template <class Tile>
ASHLAR_INLINE constexpr chunk_place matrix_row(int lane, int block, int step) {
  const int row = lane & 7, upper = lane >> 3 & 1, beyond = lane >> 4;  // of matrices: 1 and 3, 2 and 3
  if constexpr (Tile::order == major::k) {
    return {16 * block + 8 * upper + row, 2 * step + beyond};
  } else if constexpr (Tile::size == 2) {
    return {16 * step + 8 * beyond + row, 2 * block + upper};
  } else {
    return {32 * step + 16 * beyond + 4 * (row >> 1) + 2 * upper + (row & 1), block};
  }
}

template <class Tile>
ASHLAR_INLINE constexpr int matrix_row_offset(int lane, int block, int step) {
  const chunk_place at = matrix_row<Tile>(lane, block, step);
  return Tile::offset(at.line, at.chunk);
}

/// Where the element of register i lies, for 32-bit loads.
template <class Tile>
ASHLAR_INLINE constexpr int word_offset(int lane, int block, int step, int i) {
  const int mn = 16 * block + (lane >> 2) + 8 * (i & 1);
  return Tile::offset(8 * step + (lane & 3) + 4 * (i >> 1), mn >> 2) + 4 * (mn & 3);
}

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
