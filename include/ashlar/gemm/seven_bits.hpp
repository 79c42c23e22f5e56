// SPDX-License-Identifier: Apache-2.0
//
// gemm/seven_bits.hpp: signed bytes within [-64, 64], which an ISA may multiply with instructions that saturate
// otherwise (isa/dot.hpp, seven_bit_dot_ops): are these?
//
// Packed weights say so by their group; other operands are looked at before they are multiplied, a byte once for every
// row of A.
//
// Depends on: core/view.hpp, pack/copy_block.hpp, isa/dot.hpp.   Used by: gemm/{packed_weights,kernel,gemm}.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <utility>

#include <ashlar/core/config.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/pack/copy_block.hpp>

namespace ashlar::detail {

/// Is there another product of bytes TA by such TB?
template <class TA, class TB, class Isa>
inline constexpr bool has_seven_bits =
    std::same_as<TB, std::int8_t> && std::integral<TA> && sizeof(TA) == 1 && seven_bit_dot_ops<Isa>::group > 0;

/// Are `count` numbers from p on?
template <class Unit = this_unit>
bool within_seven_bits(const std::int8_t* p, index count) {
  typedef std::uint8_t bytes __attribute__((vector_size(32)));
  bytes outside = {};
  index i = 0;
  for (; i + 32 <= count; i += 32) {
    bytes x;
    std::memcpy(&x, p + i, sizeof x);
    outside |= (x + std::uint8_t(64) > std::uint8_t(128)) & 1;
  }
  std::uint64_t words[4];
  std::memcpy(words, &outside, sizeof words);
  bool all = (words[0] | words[1] | words[2] | words[3]) == 0;
  for (; i < count; ++i) all = all && p[i] >= -64 && p[i] <= 64;
  return all;
}

/// Are all elements of b?
template <class Unit = this_unit>
bool within_seven_bits(strided_block<std::int8_t> b) {
  if (b.row_stride == 1) std::swap(b.rows, b.cols), std::swap(b.row_stride, b.col_stride);
  for (index i = 0; i < b.rows; ++i) {
    const std::int8_t* const row = b.data + i * b.row_stride;
    if (b.col_stride == 1) {
      if (!within_seven_bits(row, b.cols)) return false;
    } else {
      for (index j = 0; j < b.cols; ++j)
        if (!within_seven_bits(row + j * b.col_stride, 1)) return false;
    }
  }
  return true;
}

}  // namespace ashlar::detail
