// SPDX-License-Identifier: Apache-2.0
//
// cuda/simt_orders.cuh: which order of copies a side gets, from its strides: what its type says, and its alignment.
//
//   x contiguous, every 16 bytes aligned   strips                k contiguous by type   k_fastest
//   x contiguous by type                   x_fastest             otherwise              either
//
// Depends on: simt_panel.cuh, simt_window.cuh.   Used by: simt_gemm.cuh, tests.
#pragma once

#include <ashlar/core/view.hpp>
#include <ashlar/cuda/simt_panel.cuh>
#include <ashlar/cuda/simt_window.cuh>
#include <cstdint>
#include <type_traits>

namespace ashlar::cuda::detail {

/// A side as a launch sees it: element type and constant strides in the type.
template <class X, index AlongX, index AlongK>
struct typed_side {
  simt_side<X> side;
};

template <class A, class B, class C, class E>
auto side_a(const simt_problem<A, B, C, E>& p) {
  return typed_side<typename A::value_type, A::static_row_stride, A::static_col_stride>{
      {p.a.data(), p.a.row_stride(), p.a.col_stride()}};
}
template <class A, class B, class C, class E>
auto side_b(const simt_problem<A, B, C, E>& p) {
  return typed_side<typename B::value_type, B::static_col_stride, B::static_row_stride>{
      {p.b.data(), p.b.col_stride(), p.b.row_stride()}};
}

/// Do all of these count multiples of `bytes`: the address, and the strides in elements of `size` bytes?
inline bool all_aligned(const void* data, index stride, index batch_stride, index size, index bytes) {
  return reinterpret_cast<std::uintptr_t>(data) % std::uintptr_t(bytes) == 0 && stride * size % bytes == 0 &&
         batch_stride * size % bytes == 0;
}

/// May N elements of a row of C be stored at once, from every N-th column on?
template <int N, class C>
bool strips_of_c(const C& c, const batch_strides& batch) {
  constexpr index size = sizeof(typename C::value_type);
  return c.col_stride() == 1 && all_aligned(c.data(), c.row_stride(), batch.count > 1 ? batch.c : 0, size, N * size);
}

/// f(order) for the order of this side. Wide: may it be strips?
template <bool Wide, class T, class X, index AlongX, index AlongK, class F>
auto with_order(const typed_side<X, AlongX, AlongK>& s, index batch_stride, index count, const F& f) {
  if constexpr (Wide && std::is_same_v<T, X> && AlongK != 1 && (AlongX == 1 || AlongX == dynamic)) {
    const bool aligned = all_aligned(s.side.data, s.side.along_k, count > 1 ? batch_stride : 0, sizeof(X), 16);
    if (s.side.along_x == 1 && aligned) return f(strips{});
  }
  if constexpr (AlongK == 1) {
    return f(k_fastest{});
  } else if constexpr (AlongX == 1) {
    return f(x_fastest{});
  } else {
    return f(either{});
  }
}

}  // namespace ashlar::cuda::detail
