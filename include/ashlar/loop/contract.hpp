// SPDX-License-Identifier: Apache-2.0
//
// loop/contract.hpp: the contraction driver: walks the blocks of blocking.hpp and calls the tile.
//
//   dst(m, n) = epilogue( sum over k of A(m, k) * B(k, n) )
//
// It knows nothing of what A, B and dst are: rows, panels and strides are in `contraction`.
//
// Depends on: loop/blocking.hpp, loop/row_tiles.hpp, loop/finish.hpp, pack/copy_block.hpp.   Used by: gemm/.
#pragma once

#include <ashlar/loop/blocking.hpp>
#include <ashlar/loop/finish.hpp>
#include <ashlar/loop/row_tiles.hpp>
#include <ashlar/loop/tile_table.hpp>
#include <ashlar/pack/copy_block.hpp>

namespace ashlar {

/// The operands, whatever operation they come from. Strides in elements.
template <class T>
struct contraction {
  index m, n, k;
  const T* a;
  index a_row_stride, a_k_stride;
  const T* b;  // nullptr when panels are given
  index b_k_stride, b_column_stride;
  const T* panels;  // panel p, step k at panels[(p * K + k) * NR]
  index nr;         // of panels
  T* dst;
  index dst_row_stride, dst_column_stride;
};

/// One block of dst, all of K: what a task does. Prologue: nothing, or an expression applied to the copied rows of A.
template <class T, class Isa, tile_shape S, class Semiring, class E, class Prologue>
class contraction_block {
  using O = ops<T, Isa>;
  using table = tile_table<T, Isa, S, Semiring, E>;

 public:
  ASHLAR_INLINE contraction_block(const contraction<T>& c, const blocking& cut, const E& e, const Prologue& p,
                                  T* scratch)
      : c_(c), cut_(cut), epilogue_(e), prologue_(p), nr_(table::nr()) {
    const index line = 64 / index(sizeof(T));
    const index rows = std::min(cut.ma, std::min(cut.mc, c.m));
    copied_a_ = scratch;
    panel_ = copied_a_ + (cut.copy_a ? multiple(rows * cut.a_stride, line) : 0);
    panel_size_ = multiple(cut.kc * nr_, line);
    own_ = panel_ + cut.panels * panel_size_;
  }

  void run(index task) {
    i0_ = task % cut_.m_blocks * cut_.mc;
    j0_ = task / cut_.m_blocks * cut_.nc;
    rows_ = std::min(cut_.mc, c_.m - i0_);
    cols_ = std::min(cut_.nc, c_.n - j0_);
    dst_ = c_.dst + i0_ * c_.dst_row_stride + j0_ * c_.dst_column_stride;
    acc_ = cut_.own_accumulators ? own_ : dst_;
    acc_stride_ = cut_.own_accumulators ? multiple(std::min(cut_.nc, c_.n), nr_) : c_.dst_row_stride;
    index k0 = 0;
    do {
      k_block(k0, std::min(cut_.kc, c_.k - k0));
      k0 += cut_.kc;
    } while (k0 < c_.k);
    if (strided()) finish();
  }

 private:
  bool strided() const { return c_.dst_column_stride != 1; }

  void k_block(index k0, index kc) {
    tile_operands<T> x;
    x.k = kc;
    x.b_group = 0;
    x.resume = k0 > 0;
    x.last = k0 + kc >= c_.k && !strided();
    x.partial_stride = acc_stride_;
    x.dst_stride = c_.dst_row_stride;
    for (index i = 0; i < rows_; i += cut_.ma) {
      const index rows = std::min(cut_.ma, rows_ - i);
      const T* a = c_.a + (i0_ + i) * c_.a_row_stride + k0 * c_.a_k_stride;
      x.a_stride = c_.a_row_stride;
      if (cut_.copy_a) {
        copy_rows(a, k0, kc, i, rows);
        a = copied_a_;
        x.a_stride = cut_.a_stride;
      }
      const even_tiles tiles = evenly(rows, cut_.height);
      index j = rows_ <= cut_.height ? wide_panels(x, a, k0, rows) : 0;
      for (; j < cols_; j += nr_) {
        select_panel(x, k0, i, j, tiles.count);
        panel_rows(x, a, i, j, tiles);
      }
    }
  }

  void copy_rows(const T* a, index k0, index kc, index i, index rows) {
    block_copy<T, Isa>::run({a, c_.a_row_stride, c_.a_k_stride, rows, kc}, copied_a_, cut_.a_stride, kc);
    if constexpr (!std::is_same_v<Prologue, no_prologue>) {
      apply_rows<O>(prologue_, copied_a_, cut_.a_stride, rows, kc, i0_ + i, k0);
    }
  }

  index panel_columns(index j) const { return std::min(nr_, cols_ - j); }

  // Is the panel at column j a copy? A ragged one is where loads cannot be masked.
  bool copied(index j) const {
    return cut_.copy_b || (!c_.panels && !O::masked_memory && panel_columns(j) % O::lanes() != 0);
  }

  void copy_panel(T* panel, index k0, index j, index kc) {
    const T* b = c_.b + k0 * c_.b_k_stride + (j0_ + j) * c_.b_column_stride;
    block_copy<T, Isa>::run({b, c_.b_k_stride, c_.b_column_stride, kc, panel_columns(j)}, panel, nr_, nr_);
  }

  // Where this panel of B is read from, and what to fetch meanwhile.
  void select_panel(tile_operands<T>& x, index k0, index i, index j, index tiles) {
    const index column = j0_ + j;
    x.b_stride = nr_;
    if (c_.panels) {
      x.b = c_.panels + (column / nr_ * c_.k + k0) * nr_;
      if (tiles == 1 && x.k == c_.k) return fetch_ahead(x, x.b + prefetch_bytes / index(sizeof(T)), nr_);
      const bool more = j + nr_ < cols_;
      // The next panel; after the last one the next K block.
      return fetch_spread(x, x.b + (more ? c_.k : x.k) * nr_, tiles);
    }
    if (copied(j)) {
      T* panel = panel_ + (cut_.panels > 1 ? j / nr_ * panel_size_ : 0);
      x.b = panel;
      if (i > 0 && cut_.panels > 1) return fetch_spread(x, panel + panel_size_, tiles);
      copy_panel(panel, k0, j, x.k);
      const bool affine = c_.b_column_stride == 1 && !detail::aliases(c_.b_k_stride, sizeof(T));
      const T* source = c_.b + k0 * c_.b_k_stride + column + nr_;
      return fetch_ahead(x, affine ? source : panel, affine ? c_.b_k_stride : 0);
    }
    x.b = c_.b + k0 * c_.b_k_stride + column * c_.b_column_stride;
    x.b_stride = c_.b_k_stride;
    // Near the end of these rows: the first columns of the next K block's.
    index ahead = cut_.streams ? prefetch_columns : nr_;
    if (cut_.streams && j + ahead >= cols_) ahead += x.k * c_.b_k_stride - cols_;
    fetch_ahead(x, x.b + ahead, x.b_stride);
  }

  // The first tile fetches one step's worth of lines a step from `next` on.
  void fetch_ahead(tile_operands<T>& x, const T* next, index stride) {
    x.prefetch = reinterpret_cast<const char*>(next);
    x.prefetch_stride = stride * index(sizeof(T));
    fetch_advance_ = 0;
  }

  // All tiles together fetch the K block of the panel at `next`, each its share.
  void fetch_spread(tile_operands<T>& x, const T* next, index tiles) {
    x.prefetch = reinterpret_cast<const char*>(next);
    x.prefetch_stride = ceil_div(nr_ * index(sizeof(T)), tiles);
    fetch_advance_ = x.prefetch_stride * x.k;
  }

  // Few rows, B read where it is: several panels at a time, for more sums than wait for each other, and because memory
  // gives four streams half as much again as one (Zen 4: 37 GB/s instead of 27). Returns the first column that is left.
  index wide_panels(tile_operands<T>& x, const T* a, index k0, index rows) {
    const index panels = table::panels_side_by_side(rows), width = panels * nr_;
    const bool rows_of_b = !c_.panels && cut_.streams;  // eight of them are streams enough, except for a single sum
    if (panels == 1 || cut_.copy_b || (rows_of_b && rows > 1)) return 0;
    const auto kernel = table::find_wide(rows);
    x.a = a;
    x.b_group = c_.panels ? c_.k * nr_ : nr_;
    x.row = i0_;
    x.n = width;
    index j = 0;
    for (; j + width <= cols_; j += width) {
      select_panel(x, k0, 0, j, 1);
      x.col = j0_ + j;
      x.partial = acc_ + j;
      x.dst = dst_ + j;
      kernel(x, epilogue_);
    }
    return j;
  }

  // All row tiles of one panel.
  ASHLAR_INLINE void panel_rows(tile_operands<T>& x, const T* a, index i, index j, const even_tiles& tiles) {
    const index n = panel_columns(j), vectors = ceil_div(n, O::lanes());
    x.n = n;
    x.col = j0_ + j;
    x.row = i0_ + i;
    x.a = a;
    x.partial = acc_ + i * acc_stride_ + j;
    x.dst = dst_ + i * x.dst_stride + j;
    row_tiles<table, tile_operands<T>, E>::run(x, epilogue_, tiles, vectors, fetch_advance_);
  }

  void finish() {
    finish_strided<O>(epilogue_, acc_, acc_stride_, rows_, cols_, dst_, c_.dst_row_stride, c_.dst_column_stride,
                      {i0_, 1, j0_});
  }

  // A streamed panel is fetched this far ahead: the distance decides what of the memory bandwidth is reached.
  static constexpr index prefetch_bytes = 8 * 1024;
  static constexpr index prefetch_columns = 2048 / sizeof(T);  // in each row of a block of rows

  const contraction<T>& c_;
  const blocking& cut_;
  const E& epilogue_;
  const Prologue& prologue_;
  index nr_, panel_size_;
  T *copied_a_, *panel_, *own_;
  index i0_, j0_, rows_, cols_;
  T *dst_, *acc_;
  index acc_stride_;
  index fetch_advance_;  // bytes from one tile's share of what is fetched to the next one's; 0: the first fetches all
};

}  // namespace ashlar
