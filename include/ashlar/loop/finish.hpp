// SPDX-License-Identifier: Apache-2.0
//
// loop/finish.hpp: expressions over rows in memory: the epilogue of a dst that has no contiguous columns, and the
// prologue.
//
// The tile applies epilogues in registers; here are the two places that cannot: a dst with strided columns (gathered
// and scattered a vector at a time) and rows of A that were copied and are transformed while they are in L1.
//
// Depends on: epilogue/, isa/, tile/.   Used by: loop/contract.hpp.
#pragma once

#include <algorithm>

#include <ashlar/epilogue.hpp>
#include <ashlar/epilogue/output.hpp>
#include <ashlar/epilogue/prologue.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/tile/finish_rows.hpp>

namespace ashlar {

/// dst(i, j) = e(acc(i, j)) for a block that stands `at` a place of the whole dst; any strides of dst.
template <class O, class E, class D, class T = typename O::value_type>
[[gnu::noinline]] void finish_strided(const E& e, const T* sum, index acc_stride, index rows, index cols, D* target,
                                      index row_stride, index column_stride, const epilogue_place& at) {
  using out = output<O, D>;
  D gathered[O::max_lanes] = {}, finished[O::max_lanes];
  for (index i = 0; i < rows; ++i) {
    for (index j = 0; j < cols; j += O::lanes()) {
      const index n = std::min(O::lanes(), cols - j);
      D* to = target + i * row_stride + j * column_stride;
      if constexpr (reads_dst<E>) {
        for (index l = 0; l < n; ++l) gathered[l] = to[l * column_stride];
      }
      const typename out::template place<false> here{at.row + i * at.row_step, at.col + j, n, gathered};
      const auto sums = O::load_n(sum + i * acc_stride + j, n);
      out::store(finished, e.eval(typename out::context{}, out::seen(e, sums, here), here));
      for (index l = 0; l < n; ++l) to[l * column_stride] = finished[l];
    }
  }
}

/// row(i, k) = e(row(i, k)) in place, rows i0.. and columns k0.. of the whole matrix: the prologue.
template <class O, class E, class T = typename O::value_type>
[[gnu::noinline]] void apply_rows(const E& e, T* data, index stride, index rows, index cols, index i0, index k0) {
  for (index i = 0; i < rows; ++i) {
    for (index k = 0; k < cols; k += O::lanes()) {
      const index n = std::min(O::lanes(), cols - k);
      T* p = data + i * stride + k;
      const position<T, false> at{i0 + i, k0 + k, n, p};
      O::store_n(p, e.eval(math<O>{}, O::load_n(p, n), at), n);
    }
  }
}

}  // namespace ashlar
