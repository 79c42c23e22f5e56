// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_tiles.hpp: which tile a depthwise convolution takes: by the shape of its kernel, the width of dst, and
// how its pixels lie.
//
//   wide   a row of seven pixels, or two where thirty-two registers hold them with two rows of weights
//   tall   two rows of four, 3 x 3 and sixteen registers: src is read twice from L2 instead of three times (Zen 3, 5 to
//          19 % on images of 28 pixels and more; at 14 it computes 16)
//   lines  two rows of two pixels and two vectors of channels, which are a line: 3 x 3 of stride 2 with sixteen
//          registers, where pixels are a multiple of 1 KiB apart (Zen 3, 28 x 28 x 256: 40 %)
//   deep   three pixels and four vectors of channels, 3 x 3 where pixels are a multiple of 2 KiB apart
//
// Depends on: conv/depthwise_tile.hpp, conv/depthwise_any_tile.hpp, conv/geometry.hpp, loop/blocking.hpp.
// Used by: conv/depthwise_channels.hpp, conv/grouped.hpp.
#pragma once

#include <ashlar/conv/depthwise_any_tile.hpp>
#include <ashlar/conv/depthwise_tile.hpp>
#include <ashlar/conv/geometry.hpp>
#include <ashlar/loop/blocking.hpp>

namespace ashlar {

namespace detail {

/// What computes one tile and applies E. Sums, of E = acc_node, are finished by depthwise_channels::finish.
template <class O, class E = acc_node, class D = typename O::value_type>
using depthwise_tile_function = void (*)(const depthwise_operands<typename O::value_type, D, source_element<O>>&,
                                         const E&);

/// The tiles for one shape of kernel. They leave sums.
template <class O>
struct depthwise_tiles {
  using kernel = depthwise_tile_function<O>;
  index height, columns;  // of dst in a tile
  index vectors;          // channels come in groups of so many
  kernel tall, low;       // of `height` rows, of one row
  kernel ragged;          // 1 x ragged_columns, for channels that are no whole vector; nullptr: the others do them
  static constexpr int ragged_columns = 4;
};

enum class depthwise_form { wide, tall, lines, deep };

/// Pixels of dst and vectors of channels that a tile holds in registers.
struct depthwise_extent {
  int rows, columns, vectors;
};

template <class O>
constexpr depthwise_extent depthwise_extent_of(const depthwise_shape& s, depthwise_form form) {
  constexpr int registers = isa::facts<typename O::isa_type>::vector_registers;
  switch (form) {
    case depthwise_form::tall:
      return {2, 4, 1};
    case depthwise_form::lines:
      return {2, 2, 2};
    case depthwise_form::deep:
      return {registers / 16, 3, 4};
    default:
      return {s.height > 0 && 2 * (7 + s.width) + 1 <= registers ? 2 : 1, 7, 1};
  }
}

/// The tile of so many rows.
template <class O, depthwise_shape S, depthwise_form Form, int Rows, class E, class Sums = typename O::value_type,
          class D = Sums>
constexpr depthwise_tile_function<O, E, D> depthwise_tile_of() {
  constexpr depthwise_extent x = depthwise_extent_of<O>(S, Form);
  return &depthwise_tile<O, S, Rows, x.columns, x.vectors, !O::masked_memory, E, Sums, D>::run;
}

template <class O, depthwise_shape S, depthwise_form Form>
constexpr depthwise_tiles<O> depthwise_tiles_of() {
  constexpr depthwise_extent x = depthwise_extent_of<O>(S, Form);
  constexpr bool full = !O::masked_memory;
  constexpr auto any = &depthwise_any_tile<O, x.columns, full, acc_node>::run;
  depthwise_tiles<O> t{x.rows, x.columns, x.vectors, any, any, nullptr};
  if constexpr (full) t.ragged = &depthwise_any_tile<O, t.ragged_columns, false, acc_node>::run;
  if constexpr (S.height > 0) {
    t.tall = depthwise_tile_of<O, S, Form, x.rows, acc_node>();
    // The last row of seven counts; of 112 it does not.
    if constexpr (x.rows == 1 || (S.stride == 1 && S.height <= 5)) t.low = depthwise_tile_of<O, S, Form, 1, acc_node>();
  }
  return t;
}

/// The shape with tiles of its own, or one of height 0.
ASHLAR_INLINE constexpr depthwise_shape depthwise_shape_of(const conv_geometry& g) {
  const triple& k = g.kernel;
  const bool square = k.d == 1 && k.h == k.w && g.stride.h == g.stride.w && g.dilation.h == 1 && g.dilation.w == 1;
  const bool odd = k.h == 3 || k.h == 5 || (k.h == 7 && g.stride.w == 1);
  const bool known = square && odd && (g.stride.w == 1 || g.stride.w == 2);
  return known ? depthwise_shape{int(k.h), int(k.w), int(g.stride.w)} : depthwise_shape{0, 0, 0};
}

template <class O>
constexpr bool has_lines(index stride) {
  using facts = isa::facts<typename O::isa_type>;
  return facts::vector_registers == 16 && facts::vector_bytes == 32 && stride == 2;
}

/// The form for a shape with tiles of its own. `step`: elements from a pixel of src to the next. Vectors of 16 bytes
/// have no deep tiles: four of them are one line.
template <class O>
constexpr depthwise_form depthwise_form_of(const conv_geometry& g, index step) {
  using facts = isa::facts<typename O::isa_type>;
  if (g.kernel.w != 3) return depthwise_form::wide;
  // Pixels whose lines all fall on a few sets of L1.
  const index bytes = step * index(sizeof(source_element<O>));
  const bool meet = bytes % 2048 == 0 && g.channels % (4 * O::lanes()) == 0;
  if (facts::vector_bytes >= 32 && meet) return depthwise_form::deep;
  const bool few_sets = bytes % 1024 == 0 && g.channels % (2 * O::lanes()) == 0;
  if (has_lines<O>(g.stride.w) && few_sets && (g.dst.h % 2 == 0 || g.dst.h > 7)) return depthwise_form::lines;
  const bool fewer_columns = 10 * multiple(g.dst.w, 4) < 11 * multiple(g.dst.w, 7);
  return facts::vector_registers == 16 && g.dst.h > 1 && fewer_columns ? depthwise_form::tall : depthwise_form::wide;
}

/// f of the shape and the form as constants. Other kernels than these have the shape of height 0.
template <class O, class F>
constexpr auto with_depthwise_shape(const depthwise_shape& s, depthwise_form form, const F& f) {
  using isa_type = typename O::isa_type;
  using facts = isa::facts<isa_type>;
  if constexpr (unrolls_depthwise<isa_type>) {
    constexpr auto wide = depthwise_form::wide;
    const auto any_form = [&]<int Stride>() {
      constexpr depthwise_shape shape{3, 3, Stride};
      if constexpr (facts::vector_bytes >= 32) {
        if (form == depthwise_form::deep) return f.template operator()<shape, depthwise_form::deep>();
      }
      if constexpr (facts::vector_registers == 16) {
        if (form == depthwise_form::tall) return f.template operator()<shape, depthwise_form::tall>();
      }
      if constexpr (has_lines<O>(Stride)) {
        if (form == depthwise_form::lines) return f.template operator()<shape, depthwise_form::lines>();
      }
      return f.template operator()<shape, wide>();
    };
    switch (s.height * 10 + s.stride) {
      case 31:
        return any_form.template operator()<1>();
      case 32:
        return any_form.template operator()<2>();
      case 51:
        return f.template operator()<depthwise_shape{5, 5, 1}, wide>();
      case 52:
        return f.template operator()<depthwise_shape{5, 5, 2}, wide>();
      case 71:
        return f.template operator()<depthwise_shape{7, 7, 1}, wide>();
    }
  }
  return f.template operator()<depthwise_shape{0, 0, 0}, depthwise_form::wide>();
}

}  // namespace detail

/// A filter a channel: the tiles of depthwise_tile.hpp. `step`: elements from a pixel of src to the next.
struct single_channels {
  /// Vectors of weights for one of filters.
  ASHLAR_INLINE static constexpr index units(const conv_geometry& g) { return g.taps(); }

  template <class O>
  static constexpr detail::depthwise_tiles<O> tiles(const conv_geometry& g, index step) {
    return detail::with_depthwise_shape<O>(
        detail::depthwise_shape_of(g), detail::depthwise_form_of<O>(g, step),
        []<depthwise_shape S, detail::depthwise_form F>() { return detail::depthwise_tiles_of<O, S, F>(); });
  }

  /// The tile of all its rows that applies E in registers; nullptr for a long E, and for kernels that have no tile of
  /// their own: there, sums go through L1.
  template <class O, class E, class Sums, class D>
  static constexpr auto finishing_tile(const conv_geometry& g, index step) {
    using function = detail::depthwise_tile_function<O, E, D>;
    return detail::with_depthwise_shape<O>(
        detail::depthwise_shape_of(g), detail::depthwise_form_of<O>(g, step),
        []<depthwise_shape S, detail::depthwise_form F>() -> function {
          if constexpr (runs_long<E> || S.height == 0) {
            return nullptr;
          } else {
            return detail::depthwise_tile_of<O, S, F, detail::depthwise_extent_of<O>(S, F).rows, E, Sums, D>();
          }
        });
  }
};

}  // namespace ashlar
