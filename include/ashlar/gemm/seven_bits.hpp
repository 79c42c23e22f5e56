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

/// The least and the greatest of `count` numbers from p on, W at a time, in each of W lanes; the last W of them lie
/// against the end.
template <class T, int W>
struct extremes {
  typedef T vec __attribute__((vector_size(W * sizeof(T))));
  ASHLAR_INLINE extremes(const T* p, index count) {
    std::memcpy(&least, p + count - W, sizeof least);
    most = least;
    for (index i = 0; i + W < count; i += W) {
      vec x;
      std::memcpy(&x, p + i, sizeof x);
      least = x < least ? x : least;
      most = x > most ? x : most;
    }
  }
  ASHLAR_INLINE bool within(T low, T high) const {
    bool all = true;
    for (int i = 0; i < W; ++i) all = all && least[i] >= low && most[i] <= high;
    return all;
  }
  vec least, most;
};

/// Are `count` numbers from p on?
template <class Unit = this_unit>
bool within_seven_bits(const std::int8_t* p, index count) {
  if (count >= 32) return extremes<std::int8_t, 32>(p, count).within(-64, 64);
  if (count >= 8) return extremes<std::int8_t, 8>(p, count).within(-64, 64);
  bool all = true;
  for (index i = 0; i < count; ++i) all = all && p[i] >= -64 && p[i] <= 64;
  return all;
}

/// Are all elements of b?
template <class Unit = this_unit>
bool within_seven_bits(strided_block<std::int8_t> b) {
  if (b.row_stride == 1) std::swap(b.rows, b.cols), std::swap(b.row_stride, b.col_stride);
  if (b.col_stride == 1 && b.row_stride == b.cols) return within_seven_bits(b.data, b.rows * b.cols);
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
