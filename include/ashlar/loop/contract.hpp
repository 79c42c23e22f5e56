// SPDX-License-Identifier: Apache-2.0
//
// loop/contract.hpp: the contraction driver: walks the blocks of blocking.hpp and calls the tile.
//
//   dst(m, n) = epilogue( sum over k of A(m, k) * B(k, n) )
//
// It knows nothing of what A, B and dst are: rows, panels and strides are in `contraction`.
//
// Depends on: loop/{blocking,convert_rows,finish,format,row_tiles,tile_table}.hpp, pack/copy_block.hpp.   Used by:
// gemm/.
#pragma once

#include <ashlar/loop/blocking.hpp>
#include <ashlar/loop/convert_rows.hpp>
#include <ashlar/loop/finish.hpp>
#include <ashlar/loop/format.hpp>
#include <ashlar/loop/row_tiles.hpp>
#include <ashlar/loop/tile_table.hpp>
#include <ashlar/pack/copy_block.hpp>

namespace ashlar {

/// The operands, whatever operation they come from. Strides in elements.
template <class Format, class D = typename Format::sum_type>
struct contraction {
  using b_unit = typename Format::b_unit;

  index m, n, k;
  const typename Format::a_type* a;
  index a_row_stride, a_k_stride;
  const typename Format::b_type* b;  // nullptr when panels are given
  index b_k_stride, b_column_stride;
  const b_unit* panels;  // panel p, step s at panels[(p * steps() + s) * NR]
  index nr;              // of panels
  D* dst;
  index dst_row_stride, dst_column_stride;
  const typename Format::sum_type* panel_sums = nullptr;  // of each column of panels, where the format wants them
  [[no_unique_address]] typename Format::zeros zeros{};

  /// Steps of the tile: K in units.
  ASHLAR_INLINE constexpr index steps() const { return steps_of<Format>(k); }
};

/// Elements of the workspace of one worker, of the size of a sum; each part rounded to whole cache lines.
template <class Format, class E>
constexpr index workspace_of(const blocking& b, const contraction_shape& s, index nr) {
  using corrections = typename Format::template corrections<E>;
  return workspace_elements(b, s, nr) + corrections::elements(std::min(b.mc, s.m), multiple(std::min(b.nc, s.n), nr));
}

/// One block of dst, all of K: what a task does. Prologue: nothing, or an expression applied to the copied rows of A.
template <class Format, tile_shape S, class Semiring, class E, class Prologue, class D = typename Format::sum_type>
class contraction_block {
  using O = typename Format::O;
  using T = typename Format::sum_type;
  using A = typename Format::a_unit;
  using B = typename Format::b_unit;
  using corrections = typename Format::template corrections<E>;
  using epilogue = typename corrections::epilogue;
  using operands = tile_operands<A, B, T, D>;
  using table = tile_table<O, S, Semiring, epilogue, operands>;
  static_assert(sizeof(A) <= sizeof(T) && sizeof(B) <= sizeof(T));  // one size for all parts of the workspace

 public:
  ASHLAR_INLINE contraction_block(const contraction<Format, D>& c, const blocking& cut, const E& e, const Prologue& p,
                                  T* scratch)
      : c_(c),
        cut_(cut),
        prologue_(p),
        nr_(table::nr()),
        panel_size_(multiple(cut.kc * nr_, line)),
        copied_a_(reinterpret_cast<A*>(scratch)),
        panel_(scratch + (cut.copy_a ? multiple(copied_rows() * cut.a_stride, line) : 0)),
        own_(panel_ + cut.panels * panel_size_),
        corrections_(c.zeros, c.k, rows_of_block(), e,
                     own_ + (cut.own_accumulators ? multiple(rows_of_block() * columns_of_block(), line) : 0),
                     columns_of_block()) {}

  void run(index task) {
    i0_ = task % cut_.m_blocks * cut_.mc;
    j0_ = task / cut_.m_blocks * cut_.nc;
    rows_ = std::min(cut_.mc, c_.m - i0_);
    cols_ = std::min(cut_.nc, c_.n - j0_);
    dst_ = c_.dst + i0_ * c_.dst_row_stride + j0_ * c_.dst_column_stride;
    acc_ = own_;
    acc_stride_ = columns_of_block();
    if constexpr (std::is_same_v<T, D>) {
      if (!cut_.own_accumulators) acc_ = dst_, acc_stride_ = c_.dst_row_stride;
    }
    corrections_.start(i0_, j0_, cols_);
    const index steps = c_.steps();
    index k0 = 0;
    do {
      k_block(k0, std::min(cut_.kc, steps - k0));
      k0 += cut_.kc;
    } while (k0 < steps);
    if (strided()) finish();
  }

 private:
  static constexpr index line = 64 / index(sizeof(T));

  bool strided() const { return c_.dst_column_stride != 1; }
  index rows_of_block() const { return std::min(cut_.mc, c_.m); }
  index copied_rows() const { return multiple(std::min(cut_.ma, rows_of_block()), Format::rows_together); }
  index columns_of_block() const { return multiple(std::min(cut_.nc, c_.n), nr_); }

  // `k0` and `kc` in steps.
  void k_block(index k0, index kc) {
    operands x;
    x.k = kc;
    x.b_group = 0;
    x.resume = k0 > 0;
    last_ = k0 + kc >= c_.steps();
    x.last = last_ && !strided();
    x.partial_stride = acc_stride_;
    x.dst_stride = c_.dst_row_stride;
    for (index i = 0; i < rows_; i += cut_.ma) {
      const index rows = std::min(cut_.ma, rows_ - i);
      const A* a = copied_a_;
      x.a_stride = cut_.a_stride;
      if (cut_.copy_a) {
        copy_rows(k0, kc, i, rows);
      } else {
        a = reinterpret_cast<const A*>(c_.a + (i0_ + i) * c_.a_row_stride + k0 * Format::group);
        x.a_stride = c_.a_row_stride / Format::group;
      }
      corrections_.add_rows(a, x.a_stride, i, rows, kc, k0 == 0);
      const even_tiles whole = tiles_of(rows, S.nv);
      index j = rows_ <= cut_.height ? wide_panels(x, a, k0, rows) : 0;
      for (; j < cols_; j += nr_) {
        const even_tiles tiles = vectors_of(j) == 1 ? tiles_of(rows, 1) : whole;
        select_panel(x, k0, i, j, tiles.count);
        panel_rows(x, a, i, j, tiles);
      }
    }
  }

  void copy_rows(index k0, index kc, index i, index rows) {
    const index k = k0 * Format::group;
    const auto* const a = c_.a + (i0_ + i) * c_.a_row_stride + k * c_.a_k_stride;
    const strided_block<typename Format::a_type> block{a, c_.a_row_stride, c_.a_k_stride, rows,
                                                       std::min(kc * Format::group, c_.k - k)};
    if constexpr (requires { typename Format::made; }) {
      convert_rows<Format>(prologue_, i0_ + i, block, copied_a_, cut_.a_stride, kc);
    } else {
      ashlar::copy_rows<Format>(block, copied_a_, cut_.a_stride, kc);
      if constexpr (!std::is_same_v<Prologue, no_prologue>) {
        apply_rows<O>(prologue_, copied_a_, cut_.a_stride, rows, kc, i0_ + i, k0);
      }
    }
  }

  index panel_columns(index j) const { return std::min(nr_, cols_ - j); }
  index vectors_of(index j) const { return ceil_div(panel_columns(j), O::lanes()); }
  // From a step of a copied panel to the next: no more than the kernel of its vectors reads.
  index panel_width(index j) const { return Format::in_place ? vectors_of(j) * O::lanes() : nr_; }

  // Tiles of one vector are taller, unless rows evict each other.
  even_tiles tiles_of(index rows, index vectors) const {
    return evenly(rows, cut_.height < S.mr ? cut_.height : table::rows(vectors), Format::rows_together);
  }

  // Is the panel at column j a copy? A ragged one is where loads cannot be masked.
  bool copied(index j) const {
    if (c_.panels) return false;
    return !Format::in_place || cut_.copy_b || (!O::masked_memory && panel_columns(j) % O::lanes() != 0);
  }

  // The panel at column j, and with it those whole ones that are copied together.
  void copy_panels(B* panel, index k0, index j, index kc) {
    const index k = k0 * Format::group;
    const auto* const b = c_.b + k * c_.b_k_stride + (j0_ + j) * c_.b_column_stride;
    const index rows = std::min(kc * Format::group, c_.k - k);
    if constexpr (Format::in_place) {
      const index together = std::min(cut_.strip, (cols_ - j) / nr_);
      if (together > 1)
        return Format::copy_panels({b, c_.b_k_stride, 1, rows, together * nr_}, panel, nr_, panel_size_);
    }
    Format::copy_b({b, c_.b_k_stride, c_.b_column_stride, rows, panel_columns(j)}, panel, panel_width(j));
  }

  // Where this panel of B is read from, and what to fetch meanwhile.
  void select_panel(operands& x, index k0, index i, index j, index tiles) {
    x.b_stride = nr_;
    if (c_.panels) {
      select_packed(x, k0, j, tiles);
    } else if (copied(j)) {
      select_copied(x, k0, i, j, tiles);
    } else if constexpr (Format::in_place) {
      select_rows(x, k0, j0_ + j, j);
    }
    if (!last_ || i > 0) return;
    if (c_.panels) corrections_.take_sums(c_.panel_sums, nr_, j);
    corrections_.finish_panel(nr_, j);
  }

  void select_packed(operands& x, index k0, index j, index tiles) {
    const index steps = c_.steps();
    x.b = c_.panels + ((j0_ + j) / nr_ * steps + k0) * nr_;
    if (tiles == 1 && x.k == steps) return fetch_ahead(x, x.b + prefetch_bytes / index(sizeof(B)), nr_);
    const bool more = j + nr_ < cols_;
    // The next panel; after the last one the next K block.
    fetch_spread(x, x.b + (more ? steps : x.k) * nr_, tiles);
  }

  void select_copied(operands& x, index k0, index i, index j, index tiles) {
    B* const panel = buffer_of(j);
    x.b = panel, x.b_stride = panel_width(j);
    if (i > 0) return fetch_spread(x, buffer_of(j + nr_), tiles);
    const bool starts = j / nr_ % cut_.strip == 0, ragged = panel_columns(j) < nr_;
    if (starts || ragged) copy_panels(panel, k0, j, x.k);
    corrections_.add_panel(panel, nr_, j, x.k, k0 == 0);
    const index stride = c_.b_k_stride * Format::group;
    const bool affine = c_.b_column_stride == 1 && !detail::aliases(stride, sizeof(*c_.b));
    affine ? fetch_ahead(x, c_.b + k0 * stride + j0_ + j + cut_.strip * nr_, stride) : fetch_ahead(x, panel, 0);
  }

  B* buffer_of(index j) const { return reinterpret_cast<B*>(panel_ + j / nr_ % cut_.panels * panel_size_); }

  // Rows of B where they are.
  void select_rows(operands& x, index k0, index column, index j) {
    x.b = c_.b + k0 * c_.b_k_stride + column * c_.b_column_stride;
    x.b_stride = c_.b_k_stride;
    // Near the end of these rows: the first columns of the next K block's.
    index ahead = cut_.streams ? prefetch_columns : nr_;
    if (cut_.streams && j + ahead >= cols_) ahead += x.k * c_.b_k_stride - cols_;
    fetch_ahead(x, x.b + ahead, x.b_stride);
  }

  // The first tile fetches one step's worth of lines a step from `next` on.
  template <class X>
  void fetch_ahead(operands& x, const X* next, index stride) {
    x.prefetch = reinterpret_cast<const char*>(next);
    x.prefetch_stride = stride * index(sizeof(X));
    fetch_advance_ = 0;
  }

  // All tiles together fetch the K block of the panel at `next`, each its share.
  void fetch_spread(operands& x, const B* next, index tiles) {
    x.prefetch = reinterpret_cast<const char*>(next);
    x.prefetch_stride = ceil_div(nr_ * index(sizeof(B)), tiles);
    fetch_advance_ = x.prefetch_stride * x.k;
  }

  // Few rows, B read where it is: several panels at a time, for more sums than wait for each other, and because memory
  // gives four streams half as much again as one (Zen 4: 37 GB/s instead of 27). Returns the first column that is left.
  index wide_panels(operands& x, const A* a, index k0, index rows) {
    const index panels = table::panels_side_by_side(rows), width = panels * nr_;
    const bool rows_of_b = !c_.panels && cut_.streams;  // eight of them are streams enough, except for a single sum
    if (panels == 1 || copied(0) || (rows_of_b && rows > 1)) return 0;
    const auto kernel = table::find_wide(rows);
    x.a = a;
    x.b_group = c_.panels ? c_.steps() * nr_ : nr_;
    x.row = i0_;
    x.n = width;
    index j = 0;
    for (; j + width <= cols_; j += width) {
      for (index p = panels - 1; p >= 0; --p) select_panel(x, k0, 0, j + p * nr_, 1);
      x.col = j0_ + j;
      x.partial = acc_ + j;
      x.dst = dst_ + j;
      kernel(x, corrections_.get());
    }
    return j;
  }

  // All row tiles of one panel.
  ASHLAR_INLINE void panel_rows(operands& x, const A* a, index i, index j, const even_tiles& tiles) {
    x.n = panel_columns(j);
    x.col = j0_ + j;
    x.row = i0_ + i;
    x.a = a;
    x.partial = acc_ + i * acc_stride_ + j;
    x.dst = dst_ + i * x.dst_stride + j;
    row_tiles<table, operands, epilogue>::run(x, corrections_.get(), tiles, vectors_of(j), fetch_advance_);
  }

  void finish() {
    finish_strided<O>(corrections_.get(), acc_, acc_stride_, rows_, cols_, dst_, c_.dst_row_stride,
                      c_.dst_column_stride, {i0_, 1, j0_});
  }

  // A streamed panel is fetched this far ahead: the distance decides what of the memory bandwidth is reached.
  static constexpr index prefetch_bytes = 8 * 1024;
  static constexpr index prefetch_columns = 2048 / sizeof(T);  // in each row of a block of rows

  const contraction<Format, D>& c_;
  const blocking& cut_;
  const Prologue& prologue_;
  index nr_, panel_size_;
  A* copied_a_;
  T *panel_, *own_;
  corrections corrections_;
  index i0_, j0_, rows_, cols_;
  D* dst_;
  T* acc_;
  index acc_stride_;
  bool last_ = false;    // K block
  index fetch_advance_;  // bytes from one tile's share of what is fetched to the next one's; 0: the first fetches all
};

}  // namespace ashlar
