// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_layout.cuh: where things lie in the shared memory of Hopper's matrix unit: swizzle, descriptors, fragments.
//
//   K-major tile     rows of 128 bytes of k, one below the other                       (k contiguous in memory)
//   MN-major tile    blocks of 64 rows or columns: bk lines of 128 bytes each, block after block
//
// Both are what the tensor memory accelerator writes with its 128-byte swizzle: the 16-byte piece j of line i lies at
// place j ^ (i mod 8), so that eight lines at one place of k meet 32 banks. Plain functions, tested on the CPU.
//
// Source: PTX ISA 8.0 and later, "Asynchronous warpgroup level matrix shared memory layout".
// Depends on: core/config.hpp.   Used by: sm90_gemm.cuh, sm90_store.cuh.
#pragma once

#include <ashlar/core/config.hpp>
#include <cstdint>

namespace ashlar::cuda::detail {

inline constexpr int swizzle_line = 128;        // bytes of a line
inline constexpr int swizzle_block = 1024;      // eight lines: the pattern repeats, and tiles are aligned to it
inline constexpr int instructions_of_line = 4;  // of 32 bytes of k

/// The place of byte `offset` of an unswizzled tile.
ASHLAR_HD constexpr std::uint32_t swizzled(std::uint32_t offset) { return offset ^ (offset >> 3 & 0x70u); }

/// What describes a tile at `address` of shared memory to the matrix unit; strides in bytes.
///
/// K-major: `lines` = bytes from 8 lines to the next 8, `blocks` is not read. MN-major: `lines` = bytes from 8 values
/// of k to the next 8, `blocks` = bytes from one block of 64 to the next.
ASHLAR_HD constexpr std::uint64_t matrix_descriptor(std::uint32_t address, std::uint32_t lines, std::uint32_t blocks) {
  constexpr std::uint64_t swizzle_128 = std::uint64_t(1) << 62;
  return swizzle_128 | std::uint64_t(lines >> 4) << 32 | std::uint64_t(blocks >> 4) << 16 | (address >> 4 & 0x3FFFu);
}

/// A tile of one operand: 64 rows or columns follow 64 others after block_bytes; an instruction takes 32 bytes of k.
template <int ElementBytes, bool MnMajor>
struct operand_layout {
  static constexpr int bk = swizzle_line / ElementBytes;
  static constexpr int block_bytes = MnMajor ? bk * swizzle_line : 64 * swizzle_line;
  static constexpr int step_bytes =
      MnMajor ? bk / instructions_of_line * swizzle_line : swizzle_line / instructions_of_line;

  ASHLAR_HD static constexpr std::uint64_t descriptor(std::uint32_t address) {
    return matrix_descriptor(address, swizzle_block, bk * swizzle_line);
  }
  /// What is added to the descriptor for block `block` of 64, and for instruction `i` of the line.
  ASHLAR_HD static constexpr std::uint32_t to_block(int block) { return std::uint32_t(block * block_bytes) >> 4; }
  ASHLAR_HD static constexpr int to_instruction(int i) { return i * (step_bytes >> 4); }
};

/// Row and column, within the 64 x n tile of a warpgroup, of accumulator `i` of a thread.
struct fragment_place {
  int row, col;
};
ASHLAR_HD constexpr fragment_place accumulator_place(int thread, int i) {
  const int warp = thread / 32, lane = thread % 32;
  return {16 * warp + lane / 4 + 8 * (i / 2 % 2), 8 * (i / 4) + 2 * (lane % 4) + i % 2};
}

/// The address that lane `lane` gives to stmatrix.x4: of row `lane mod 8` of matrix `lane / 8`. The four matrices are
/// rows 0-7 and 8-15 of two neighbouring groups of 8 columns.
ASHLAR_HD constexpr fragment_place stored_matrix_row(int lane) { return {lane % 16, 8 * (lane / 16)}; }

/// Where in a box of 64 lines of 128 bytes thread `thread` stores eight accumulators of 2 bytes from `i` on, by
/// stmatrix.
ASHLAR_HD constexpr std::uint32_t stored_matrix_place(int thread, int i) {
  const fragment_place p = stored_matrix_row(thread % 32);
  return swizzled(std::uint32_t((thread / 32 * 16 + p.row) * swizzle_line + (2 * i + p.col) * 2));
}
/// The same of accumulators i and i + 1 of any size.
ASHLAR_HD constexpr std::uint32_t stored_pair_place(int thread, int i, int element_bytes) {
  const fragment_place p = accumulator_place(thread, i);
  return swizzled(std::uint32_t(p.row * swizzle_line + p.col * element_bytes));
}
/// Element (row, col) of a stored box.
ASHLAR_HD constexpr std::uint32_t stored_place(int row, int col, int element_bytes) {
  return swizzled(std::uint32_t(row * swizzle_line + col * element_bytes));
}

}  // namespace ashlar::cuda::detail
