// SPDX-License-Identifier: Apache-2.0
//
// pack/half_block.hpp: blocks of bf16, f16 and other narrow floating-point numbers, or of float beside them: rows of A
// become floats, panels of B keep their type. Integers become the numbers that their sums are kept in.
//
// Depends on: isa/half.hpp, pack/copy_block.hpp.   Used by: loop/half_format.hpp, gemm/packed_weights.hpp.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstring>

#include <ashlar/isa.hpp>
#include <ashlar/isa/half.hpp>
#include <ashlar/pack/copy_block.hpp>

namespace ashlar {

/// out[i * ld + k] = To(A(i, k)), zero for a.cols <= k < padded. To: float or double.
template <class Isa, class T, class To>
[[gnu::noinline]] void copy_widened(const strided_block<T>& a, To* out, index ld, index padded) {
  for (index i = 0; i < a.rows; ++i, out += ld) {
    const T* in = a.data + i * a.row_stride;
    if (a.col_stride == 1) {
      widened<T, Isa>(in, a.cols, out);
    } else {
      for (index k = 0; k < a.cols; ++k) out[k] = To(in[k * a.col_stride]);
    }
    for (index k = a.cols; k < padded; ++k) out[k] = 0;
  }
}

/// out[k * nr + j] = B(k, j), zero for b.cols <= j < nr.
template <class Isa, class T>
[[gnu::noinline]] void copy_half_panel(const strided_block<T>& b, T* out, index nr) {
  for (index k = 0; k < b.rows; ++k, out += nr) {
    const T* in = b.data + k * b.row_stride;
    if (b.col_stride == 1) {
      std::memcpy(static_cast<void*>(out), in, std::size_t(b.cols) * sizeof(T));
    } else {
      for (index j = 0; j < b.cols; ++j) out[j] = in[j * b.col_stride];
    }
    if (b.cols < nr) std::memset(static_cast<void*>(out + b.cols), 0, std::size_t(nr - b.cols) * sizeof(T));
  }
}

}  // namespace ashlar
