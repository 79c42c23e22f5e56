// SPDX-License-Identifier: Apache-2.0
//
// loop/direct.hpp: small problems: every operand is read where it is, nothing is cut, copied or divided up.
//
// What a call costs beside the arithmetic decides here: 16 x 16 x 16 is 130 cycles of it. So no plan is made: two loops
// of tiles.
//
// Depends on: loop/contract.hpp.   Used by: gemm/gemm.hpp.
#pragma once

#include <ashlar/loop/contract.hpp>

namespace ashlar {

template <class T, class Isa, tile_shape S, class Semiring, class E>
struct direct_contraction {
  using O = ops<T, Isa>;
  using table = tile_table<T, Isa, S, Semiring, E>;

  /// Is B small enough to stay in L1 or L2 while a few tiles of rows pass over it, and can all operands be read in
  /// place?
  static ASHLAR_INLINE bool serves(const contraction<T>& c) {
    constexpr index most_b = 64 * 1024 / index(sizeof(T));
    const bool in_place = c.a_k_stride == 1 && c.dst_column_stride == 1 && (c.panels || c.b_column_stride == 1);
    const bool whole = O::masked_memory || c.panels || c.n % O::lanes() == 0;
    return in_place && whole && c.k <= 512 && c.m <= 8 * S.mr && c.k * c.n <= most_b;
  }

  static void run(const contraction<T>& c, const E& e) {
    const index nr = table::nr();
    tile_operands<T> x;
    x.k = c.k;
    x.a_stride = c.a_row_stride;
    x.b_stride = c.panels ? nr : c.b_k_stride;
    x.partial = nullptr, x.partial_stride = 0;
    x.dst_stride = c.dst_row_stride;
    x.resume = false, x.last = true;
    x.prefetch_stride = 0;
    // As even as tiles can be; one division, by a constant.
    const index tiles = (c.m + S.mr - 1) / S.mr;
    const index least = tiles == 1 ? c.m : tiles == 2 ? c.m / 2 : c.m / tiles;
    const index larger = c.m - least * tiles;
    for (index j = 0; j < c.n; j += nr) {
      x.n = std::min(nr, c.n - j);
      x.col = j;
      x.b = c.panels ? c.panels + j * c.k : c.b + j;
      x.prefetch = reinterpret_cast<const char*>(x.b);
      const index vectors = ceil_div_lanes(x.n);
      x.a = c.a;
      x.dst = c.dst + j;
      x.row = 0;
      for (index t = 0; t < tiles; ++t) {
        const index height = least + (t < larger);
        table::find(height, vectors)(x, e);
        x.a += height * x.a_stride;
        x.dst += height * x.dst_stride;
        x.row += height;
      }
    }
  }

 private:
  static ASHLAR_INLINE index ceil_div_lanes(index n) {
    index vectors = 1;
    for (int v = 1; v < S.nv; ++v) vectors += n > v * O::lanes();
    return vectors;
  }
};

}  // namespace ashlar
