// SPDX-License-Identifier: Apache-2.0
//
// cuda/epilogue.cuh: the value that is stored for one accumulator: the expression, at (row, col) of C.
//
//   finished(e, acc, C, row, col)   =   e evaluated in the accumulator's type; the caller converts it to C's element
//
// Fragments at the edge reach beyond C. There the expression is evaluated at the nearest element that exists, so that
// its operands stay inside their memory; the caller does not store the value.
//
// Depends on: lane.cuh, epilogue/.   Used by: every GEMM and convolution kernel.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/core/view.hpp>
#include <ashlar/cuda/lane.cuh>
#include <ashlar/epilogue.hpp>

namespace ashlar::cuda::detail {

// Where one accumulator of type T lies in a C of type D.
template <class T, class D>
struct place {
  using value_type = T;
  static constexpr bool full = true;

  index row, col;
  index n;
  const D* dst;

  ASHLAR_INLINE T old_value() const { return T(*dst); }
};

template <class T, class E, any_matrix C>
ASHLAR_INLINE T finished(const E& e, T value, const C& c, index row, index col) {
  using D = typename C::value_type;
  row = row < c.rows() ? row : c.rows() - 1;
  col = col < c.cols() ? col : c.cols() - 1;
  return e.eval(math<ops<T, isa::cuda>>{}, value, place<T, D>{row, col, 1, c.pointer(row, col)});
}

/// x as an element of C: floating point to nearest even, integers keep their low bits.
template <class D, class T>
ASHLAR_INLINE D stored(T x) {
  return static_cast<D>(x);
}

}  // namespace ashlar::cuda::detail
