// SPDX-License-Identifier: Apache-2.0
//
// pack/panels.hpp: B in panels of NR columns, so that the micro-kernel reads it as one sequential stream.
//
//   panel p, step k, column j  ->  elements[(p * K + k) * NR + j]             columns past N are zero
//
// A panel holds all of K: the K blocks of the loop are parts of it, so a blob does not depend on the blocking.
//
// Depends on: pack/copy_block.hpp.   Used by: gemm/packed_weights.hpp.
#pragma once

#include <ashlar/pack/copy_block.hpp>

namespace ashlar {

/// Elements of the panels of a K x N matrix, the zero columns of the last one included.
ASHLAR_INLINE constexpr index panel_elements(index k, index n, index nr) { return (n + nr - 1) / nr * nr * k; }

/// B -> panels. `out` holds panel_elements(b.rows, b.cols, nr).
template <class T, class Isa>
void pack_panels(const strided_block<T>& b, T* out, index nr) {
  for (index j = 0; j < b.cols; j += nr) {
    const strided_block<T> part{b.data + j * b.col_stride, b.row_stride, b.col_stride, b.rows,
                                b.cols - j < nr ? b.cols - j : nr};
    block_copy<T, Isa>::run(part, out + j * b.rows, nr, nr);
  }
}

/// The element B(k, j) of panels.
template <class T>
ASHLAR_INLINE constexpr const T& panel_element(const T* panels, index k_extent, index nr, index k, index j) {
  return panels[(j / nr * k_extent + k) * nr + j % nr];
}

}  // namespace ashlar
