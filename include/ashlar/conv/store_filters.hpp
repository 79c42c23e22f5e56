// SPDX-License-Identifier: Apache-2.0
//
// conv/store_filters.hpp: one tap of the gradient of some weights, from sums to weights of any layout.
//
// Depends on: core/image.hpp, pack/copy_block.hpp.   Used by: conv/{weights_plan,winograd_weights}.hpp.
#pragma once

#include <ashlar/core/image.hpp>
#include <ashlar/pack/copy_block.hpp>

namespace ashlar {

/// to[k * step.k + c * step.c] = sums of filter k and channel c: rows of `sums` are filters, columns channels.
template <class T, class Isa>
void store_filters(const strided_block<T>& sums, T* to, const filter_axes& step) {
  const strided_block<T> transposed{sums.data, sums.col_stride, sums.row_stride, sums.cols, sums.rows};
  if (step.c == 1) return block_copy<T, Isa>::run(sums, to, step.k, sums.cols);
  if (step.k == 1) return block_copy<T, Isa>::run(transposed, to, step.c, sums.rows);
  for (index k = 0; k < sums.rows; ++k)
    for (index c = 0; c < sums.cols; ++c)
      to[k * step.k + c * step.c] = sums.data[k * sums.row_stride + c * sums.col_stride];
}

}  // namespace ashlar
