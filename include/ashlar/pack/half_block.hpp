// SPDX-License-Identifier: Apache-2.0
//
// pack/half_block.hpp: blocks of bf16, f16 and other narrow floating-point numbers, or of float beside them: rows of A
// become floats, panels of B keep their type. Integers become the numbers that their sums are kept in.
//
// Depends on: isa/{half,byte_loads}.hpp, pack/copy_block.hpp.   Used by: loop/half_format.hpp, gemm/packed_weights.hpp.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstring>

#include <ashlar/isa.hpp>
#include <ashlar/isa/byte_loads.hpp>
#include <ashlar/isa/half.hpp>
#include <ashlar/pack/copy_block.hpp>

namespace ashlar {

namespace detail {

// Does a vector of bytes of T become one of floats in two instructions?
template <class T, class To, class Isa>
inline constexpr bool loads_bytes = [] {
  if constexpr (std::integral<T> && std::same_as<To, float>) {
    return byte_load<T, Isa>::is_instruction;
  } else {
    return false;
  }
}();
template <class Isa, class T>
ASHLAR_INLINE void load_bytes(const T* in, index count, float* out) {
  using O = ops<float, Isa>;
  index i = 0;
  for (; i + O::lanes() <= count; i += O::lanes()) O::store(out + i, O::from_int(byte_load<T, Isa>::of(in + i)));
  for (; i < count; ++i) out[i] = float(in[i]);
}

}  // namespace detail

/// out[i * ld + k] = To(A(i, k)), zero for a.cols <= k < padded. To: float or double.
template <class Isa, class T, class To>
[[gnu::noinline]] void copy_widened(const strided_block<T>& a, To* out, index ld, index padded) {
  for (index i = 0; i < a.rows; ++i, out += ld) {
    const T* in = a.data + i * a.row_stride;
    if (a.col_stride == 1) {
      if constexpr (detail::loads_bytes<T, To, Isa>) {
        detail::load_bytes<Isa>(in, a.cols, out);
      } else {
        widened<T, Isa>(in, a.cols, out);
      }
    } else {
      for (index k = 0; k < a.cols; ++k) out[k] = To(in[k * a.col_stride]);
    }
    for (index k = a.cols; k < padded; ++k) out[k] = 0;
  }
}

/// out[k * ld + j] = x(k, j), zero for x.cols <= j < padded: a panel of B, or rows of A as they are.
template <class Isa, class T>
[[gnu::noinline]] void copy_half_rows(const strided_block<T>& x, T* out, index ld, index padded) {
  for (index k = 0; k < x.rows; ++k, out += ld) {
    const T* in = x.data + k * x.row_stride;
    if (x.col_stride == 1) {
      std::memcpy(static_cast<void*>(out), in, std::size_t(x.cols) * sizeof(T));
    } else {
      for (index j = 0; j < x.cols; ++j) out[j] = in[j * x.col_stride];
    }
    if (x.cols < padded) {
      std::memset(static_cast<void*>(out + x.cols), 0, std::size_t(padded - x.cols) * sizeof(T));
    }
  }
}

}  // namespace ashlar
