// SPDX-License-Identifier: Apache-2.0
//
// loop/row_tiles.hpp: all tiles of one panel of B, each below the other: rows of a matrix, pixels of an image row.
//
// Depends on: loop/tile_table.hpp, loop/blocking.hpp.   Used by: loop/contract.hpp, conv/.
#pragma once

#include <ashlar/loop/blocking.hpp>
#include <ashlar/loop/tile_table.hpp>

namespace ashlar {

/// Runs the tiles of one panel from x on. `advance`: bytes by which x.prefetch moves on from tile to tile, so that each
/// fetches its share of what is needed next; 0: the first one fetches all.
template <class Table, class Operands, class E>
class row_tiles {
  using T = std::remove_cvref_t<decltype(*Operands::dst)>;

 public:
  static ASHLAR_INLINE void run(Operands& x, const E& e, const even_tiles& tiles, index vectors, index advance) {
    const index least = tiles.least, more = least + tiles.step, larger = tiles.larger, others = tiles.count - larger;
    if constexpr (Table::by_many) {
      if (larger > 0) {
        Table::find(more, vectors).run(x, e, larger, tile_order::down, advance);
        move(x, larger * more, larger * advance, advance == 0);
      }
      Table::find(least, vectors).run(x, e, others, tile_order::down, advance);
      if constexpr (Table::by_pairs) {
        move(x, others * least, others * advance, advance == 0);
        if (tiles.rest > 0) Table::find(tiles.rest, vectors)(x, e);
      }
    } else {
      if (larger > 0) equal_tiles(x, e, Table::find(more, vectors), more, larger, others ? least : 0, advance);
      equal_tiles(x, e, Table::find(least, vectors), least, others, 0, advance);
      if constexpr (Table::by_pairs) {
        if (tiles.rest > 0) Table::find(tiles.rest, vectors)(x, e);
      }
    }
  }

 private:
  static ASHLAR_INLINE void move(Operands& x, index rows, index fetched, bool all_fetched) {
    x.a += rows * x.a_stride;
    x.partial += rows * x.partial_stride;
    x.dst += rows * x.dst_stride;
    x.row += rows * row_step(x);
    x.prefetch += fetched;
    if (all_fetched) x.prefetch_stride = 0;
  }

  // `count` tiles of one height; a tile of `after` rows follows them. Pointers step without multiplying.
  static ASHLAR_INLINE void equal_tiles(Operands& x, const E& e, typename Table::kernel kernel, index height,
                                        index count, index after, index advance) {
    const index a_step = height * x.a_stride, partial_step = height * x.partial_stride,
                dst_step = height * x.dst_stride;
    for (; count > 0; --count) {
      if constexpr (!Table::fetches_dst) prefetch_dst(x.dst + dst_step, x.dst_stride, count > 1 ? height : after);
      kernel(x, e);
      x.a += a_step;
      x.partial += partial_step;
      x.dst += dst_step;
      x.row += height * row_step(x);
      x.prefetch += advance;
      if (advance == 0) x.prefetch_stride = 0;
    }
  }

  // The next tile's part of dst, while this tile computes: a line a vector and one more for a row that is not aligned.
  static ASHLAR_INLINE void prefetch_dst(const T* out, index stride, index rows) {
    for (index r = 0; r < rows; ++r) {
      __builtin_prefetch(out + r * stride, 1, 3);
      __builtin_prefetch(out + r * stride + 64 / sizeof(T), 1, 3);
    }
  }
};

}  // namespace ashlar
