// SPDX-License-Identifier: Apache-2.0
//
// tile/operands.hpp: what one call of a micro-kernel works on: addresses, strides, extents.
//
// Depends on: core/config.hpp.   Used by: tile/{register_tile,tile_sums}.hpp, loop/, conv/.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar {

/// What one call of a tile works on. Strides in elements; every pointer is to the tile's own first element.
/// A and B: what the tile multiplies in one step (dot products: units of several k); T: sums; D: elements of dst.
template <class A, class B = A, class T = A, class D = T>
struct tile_operands {
  using a_type = A;
  using b_type = B;
  using dst_type = D;

  index k;     // steps of this K block
  const A* a;  // row r, step k at a[r * a_stride + k]
  index a_stride;
  const B* b;  // step k at b[k * b_stride], NV vectors; readable in full unless the ISA masks memory
  index b_stride;
  index b_group;          // from one panel to the next, in a tile wider than a panel
  const char* prefetch;   // what is needed next: each step fetches as many lines as a step of B has towards L2
  index prefetch_stride;  // bytes
  T* partial;             // accumulators between K blocks
  index partial_stride;
  D* dst;
  index dst_stride;
  index row, col;  // of the tile's first element in the whole dst: the epilogue's coordinates
  index n;         // columns that exist, more than (NV - 1) vectors of them
  bool resume;     // a later K block: start from partial
  bool last;       // the last K block: apply the epilogue and store dst
};

/// A sum over segments, one after the other: each has k steps, rows of A at an offset of its own from `a` and, where
/// the last one's end, the next steps of B. What a kernel tap is to a convolution.
template <class A, class B = A, class T = A, class D = T>
struct segmented_operands : tile_operands<A, B, T, D> {
  index segments;
  const index* a_offset;  // of each segment, in elements
  index row_step;         // from a row of the tile to the next in the epilogue's coordinates
  index dst_vector;       // from a vector of a row of dst to the next: a vector, or a block of channels
};

template <class Operands>
inline constexpr bool is_segmented = false;
template <class A, class B, class T, class D>
inline constexpr bool is_segmented<segmented_operands<A, B, T, D>> = true;

/// Of the epilogue's rows, how many a row of the tile is.
template <class A, class B, class T, class D>
ASHLAR_INLINE constexpr index row_step(const tile_operands<A, B, T, D>&) {
  return 1;
}
template <class A, class B, class T, class D>
ASHLAR_INLINE constexpr index row_step(const segmented_operands<A, B, T, D>& x) {
  return x.row_step;
}

/// From a vector of a row of dst to the next, where one has so many lanes.
template <class A, class B, class T, class D>
ASHLAR_INLINE constexpr index dst_vector(const tile_operands<A, B, T, D>&, index lanes) {
  return lanes;
}
template <class A, class B, class T, class D>
ASHLAR_INLINE constexpr index dst_vector(const segmented_operands<A, B, T, D>& x, index) {
  return x.dst_vector;
}

}  // namespace ashlar
