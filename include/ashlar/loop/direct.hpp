// SPDX-License-Identifier: Apache-2.0
//
// loop/direct.hpp: products with a small B: every operand is read where it is, nothing is cut or divided up.
//
// What a call costs beside the arithmetic decides here: 16 x 16 x 16 is 130 cycles of it. So no plan is made: two loops
// of tiles. Columns that do not fill a vector, where loads cannot be masked, are computed by one that ends with them,
// some for the second time, or by tiles of one vector whose loads can.
//
// Depends on: loop/contract.hpp.   Used by: gemm/gemm.hpp.
#pragma once

#include <ashlar/loop/contract.hpp>

namespace ashlar {

template <class T, class Isa, tile_shape S, class Semiring, class E>
struct direct_contraction {
  using O = ops<T, Isa>;
  using table = tile_table<O, S, Semiring, E>;
  // Tiles of one vector with masked columns.
  using masked_ops = few_columns_ops<O>;
  using masked = tile_table<masked_ops, tile_shape{S.mr, 1}, Semiring, E>;
  static constexpr bool masks_few = !O::masked_memory && masked_ops::masked_memory;

  /// Does B stay in L2 while all tiles of rows pass over it, or is there one and its columns lie like a panel? Can all
  /// operands be read in place, and is one worker enough?
  static ASHLAR_INLINE bool serves(const contraction<plain_format<T, Isa>>& c, index workers,
                                   const cache_sizes& caches) {
    const bool in_place = c.a_k_stride == 1 && c.dst_column_stride == 1 && (c.panels || c.b_column_stride == 1);
    return in_place && (!ragged(c) || serves_ragged(c)) &&
           (one_tile(c) || saturated_product(c.k, c.n) <= caches.l2 / 4 / index(sizeof(T))) &&
           (workers <= 1 || detail::little_work(c.m, c.n, c.k));
  }

  /// One tile, where that is all, is called from here: 4 x 4 x 4 takes 18 ns by way of run_tiles.
  static ASHLAR_INLINE void run(const contraction<plain_format<T, Isa>>& c, const E& e) {
    const index vectors = vectors_of(c.n);
    if (ragged(c) || c.n > table::nr() || c.m > tallest(c, vectors)) return run_tiles(c, e);
    tile_operands<T> x;
    x.k = c.k;
    x.a = c.a, x.a_stride = c.a_row_stride;
    x.b = c.panels ? c.panels : c.b, x.b_stride = c.panels ? table::nr() : c.b_k_stride, x.b_group = 0;
    x.prefetch = reinterpret_cast<const char*>(c.a), x.prefetch_stride = 0;
    x.partial = nullptr, x.partial_stride = 0;
    x.dst = c.dst, x.dst_stride = c.dst_row_stride;
    x.row = 0, x.col = 0, x.n = c.n;
    x.resume = false, x.last = true;
    table::find(c.m, vectors)(x, e);
  }

 private:
  static ASHLAR_INLINE bool one_tile(const contraction<plain_format<T, Isa>>& c) {
    const index nr = table::nr();
    return c.m <= S.mr && c.n <= nr && (c.panels || (c.b_k_stride >= 0 && c.b_k_stride <= nr));
  }

  // Does B end with columns that do not fill a vector, which only masked loads could read?
  static ASHLAR_INLINE bool ragged(const contraction<plain_format<T, Isa>>& c) {
    return !O::masked_memory && !c.panels && c.n % O::lanes() != 0;
  }

  // Can a vector end with the last column? What is stored twice is the same both times, unless dst is read in between.
  static ASHLAR_INLINE bool ends_with_vector(const contraction<plain_format<T, Isa>>& c) {
    return !reads_dst<E> && c.n >= O::lanes();
  }
  // More than a vector and less than a panel takes two tiles: for many rows a copied panel is faster.
  static ASHLAR_INLINE bool serves_ragged(const contraction<plain_format<T, Isa>>& c) {
    const bool one_kernel = c.n < O::lanes() || c.n >= table::nr();
    return (one_kernel || c.m <= 8 * S.mr) && (ends_with_vector(c) || masks_few);
  }

  // Rows outside, panels inside: a tile's rows of A stay in L1, and dst is written along its rows.
  [[gnu::noinline]] static void run_tiles(const contraction<plain_format<T, Isa>>& c, const E& e) {
    const index nr = table::nr();
    tile_operands<T> x;
    x.k = c.k;
    x.a_stride = c.a_row_stride;
    x.b_stride = c.panels ? nr : c.b_k_stride;
    x.b_group = 0;
    x.partial = nullptr, x.partial_stride = 0;
    x.dst_stride = c.dst_row_stride;
    x.resume = false, x.last = true;
    const index b_panel = c.panels ? nr * c.k : nr;
    const T* const b = c.panels ? c.panels : c.b;
    const index vectors = c.n >= nr ? S.nv : std::max<index>(1, vectors_of(c.n) - ragged(c));
    const index most = tallest(c, vectors);
    const even_tiles tiles = evenly(c.m, ragged(c) && !ends_with_vector(c) ? std::min<index>(most, S.mr) : most);
    const index whole = table::by_many ? c.n / nr : 0;  // panels
    x.row = 0;
    x.a = c.a;
    for (index t = 0; t < tiles.count; ++t) {
      const index height = tiles.height(t);
      const auto kernel = table::find(height, vectors);
      const bool fetches_dst = c.n > c.k && t + 1 < tiles.count;
      fetch_rows(x, height, t + 2 < tiles.count);
      x.dst = c.dst + x.row * c.dst_row_stride;
      x.b = b;
      x.n = nr;
      x.col = 0;
      if constexpr (table::by_many) {
        if (whole > 0) kernel.run(x, e, whole, tile_order::across, b_panel);
        x.b += whole * b_panel, x.dst += whole * nr, x.col = whole * nr;
      }
      for (; x.col + nr <= c.n; x.col += nr) {
        if (fetches_dst) fetch_dst(x, height);
        kernel(x, e);
        x.b += b_panel;
        x.dst += nr;
      }
      if (x.col < c.n) {
        x.n = c.n - x.col;
        ragged(c) ? run_last_columns(c, x, e, height) : table::find(height, vectors_of(x.n))(x, e);
      }
      x.row += height;
      x.a += height * x.a_stride;
    }
  }

  // What is left of the columns. By as many vectors as they need, where there are so many columns; else by whole ones
  // and then a last one.
  static ASHLAR_INLINE void run_last_columns(const contraction<plain_format<T, Isa>>& c, tile_operands<T>& x,
                                             const E& e, index height) {
    const bool ends = ends_with_vector(c);
    index vectors = vectors_of(x.n);
    if (!ends || vectors * O::lanes() > c.n) {
      const index rest = x.n % O::lanes(), whole = x.n - rest;
      if (whole > 0) {
        x.n = whole;
        table::find(height, vectors - 1)(x, e);
        move_columns(x, whole);
      }
      x.n = rest, vectors = 1;
    }
    if (ends) {
      move_columns(x, x.n - vectors * O::lanes());
      x.n = vectors * O::lanes();
      table::find(height, vectors)(x, e);
    } else if constexpr (masks_few) {
      masked::find(height, 1)(x, e);
    }
  }
  static ASHLAR_INLINE void move_columns(tile_operands<T>& x, index by) { x.b += by, x.dst += by, x.col += by; }

  // Rows of a tile: of one vector more than of whole ones, and no more than L1 has ways where they fall on one set.
  static ASHLAR_INLINE index tallest(const contraction<plain_format<T, Isa>>& c, index vectors) {
    const index most = table::rows(vectors);
    return detail::aliases(c.a_row_stride, sizeof(T)) && most > detail::l1_ways ? detail::l1_ways : most;
  }

  // A tall A streams: the rows after the next tile's, as far as rows follow each other closely.
  static ASHLAR_INLINE void fetch_rows(tile_operands<T>& x, index height, bool more) {
    const bool close = more && x.a_stride <= 2 * x.k;
    x.prefetch = reinterpret_cast<const char*>(close ? x.a + 2 * height * x.a_stride : x.a);
    x.prefetch_stride = close ? 64 : 0;
  }

  // Where dst is wider than A, it is dst that streams: a row of the next tile each step (50176 x 64 x 27: 75 -> 91
  // GFLOP/s).
  static ASHLAR_INLINE void fetch_dst(tile_operands<T>& x, index height) {
    x.prefetch = reinterpret_cast<const char*>(x.dst + height * x.dst_stride);
    x.prefetch_stride = x.dst_stride * index(sizeof(T));
  }

  static ASHLAR_INLINE index vectors_of(index n) {
    index vectors = 1;
    for (int v = 1; v < S.nv; ++v) vectors += n > v * O::lanes();
    return vectors;
  }
};

}  // namespace ashlar
