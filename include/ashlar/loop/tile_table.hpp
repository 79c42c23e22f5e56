// SPDX-License-Identifier: Apache-2.0
//
// loop/tile_table.hpp: the micro-kernels of one tile shape for every number of rows and vectors up to it.
//
// Rows 1..MR and vectors 1..NV each get a kernel of their own, so a ragged edge costs what it holds. Up to four rows
// also get kernels over several panels side by side, as far as registers hold them: fewer accumulators than that wait
// for each other.
//
// Depends on: tile/register_tile.hpp.   Used by: loop/contract.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <ashlar/tile/register_tile.hpp>

namespace ashlar {

template <class O, tile_shape S, class Semiring, class E, class Operands = tile_operands<typename O::value_type>>
struct tile_table {
  using Isa = typename O::isa_type;
  static_assert(tile_fits_in_registers<O, S>, "this tile shape needs more vector registers than the ISA has");
  using one_tile = void (*)(const Operands&, const E&);

  /// A kernel that runs several tiles in one call (register_tile::run_several); of one tile called as the plain kind.
  struct many_tiles {
    void (*run)(const Operands&, const E&, index count, tile_order order, index step);
    ASHLAR_INLINE void operator()(const Operands& x, const E& e) const { run(x, e, 1, tile_order::down, 0); }
    friend constexpr bool operator==(many_tiles a, std::nullptr_t) { return a.run == nullptr; }
  };
  /// On x86 the tiles of convolutions and of bytes, which have few steps: a call for each took a tenth of the time of
  /// 1 x 1 from 16 channels. Products of floats are often of one tile, which is called faster than several.
  static constexpr bool by_many =
      std::is_same_v<isa::neon, Isa> || std::is_base_of_v<isa::neon_dot, Isa> ||
      (std::is_base_of_v<isa::avx2, Isa> && (std::is_same_v<Semiring, dot_products> || is_segmented<Operands>));
  /// Do the tiles multiply two rows by two columns at a time?
  static constexpr bool by_pairs = multiplies_pairs<O>;
  /// Do the tiles fetch dst themselves (register_tile::fetches_dst)?
  static constexpr bool fetches_dst = register_tile<O, 1, 1, 1, Semiring, E>::fetches_dst;
  using kernel = std::conditional_t<by_many, many_tiles, one_tile>;

  /// Columns of a whole tile: a panel's width.
  static ASHLAR_INLINE constexpr index nr() { return S.nv * O::lanes(); }

  /// Rows of the tallest kernel of so many vectors.
  static ASHLAR_INLINE constexpr index rows(index vectors) { return vectors == 1 ? S.mr1 : S.mr; }

  /// The kernel of exactly `rows` rows and `vectors` vectors, 1 <= rows <= rows(vectors), 1 <= vectors <= NV.
  static ASHLAR_INLINE kernel find(index rows, index vectors) {
    return kernels[std::size_t((vectors - 1) * S.mr1 + rows - 1)];
  }

  /// Panels that a kernel for few rows takes side by side: as many as registers hold, at most four; 1: there is none.
  static constexpr int panels_side_by_side(index rows) {
    if (rows > std::min(S.mr, 4)) return 1;
    int panels = 4;
    while (panels > 1 && registers_of<O>({int(rows), panels * S.nv}) > isa::facts<Isa>::vector_registers) --panels;
    return panels;
  }

  /// The kernel of `rows` rows over panels_side_by_side(rows) whole panels, of which there are several.
  static ASHLAR_INLINE kernel find_wide(index rows) { return wide[std::size_t(rows - 1)]; }

 private:
  template <class Tile>
  static consteval kernel entry() {
    if constexpr (by_many) {
      return {&Tile::run_several};
    } else {
      return &Tile::run;
    }
  }

  static constexpr int low_rows = [] {
    int rows = 0;
    while (panels_side_by_side(rows + 1) > 1) ++rows;
    return rows;
  }();

  template <std::size_t... I>
  static consteval auto make_wide(std::index_sequence<I...>) {
    return std::array<kernel, sizeof...(I)>{
        entry<register_tile<O, int(I) + 1, panels_side_by_side(I + 1) * S.nv, 1, Semiring, E, S.nv, Operands>>()...};
  }
  static constexpr auto wide = make_wide(std::make_index_sequence<std::size_t(low_rows)>{});

  template <std::size_t I>
  static consteval kernel make_one() {
    constexpr int rows = int(I % S.mr1) + 1, vectors = int(I / S.mr1) + 1;
    if constexpr (vectors > 1 && rows > S.mr) {
      return kernel{nullptr};
    } else {
      return entry<register_tile<O, rows, vectors, S.ku, Semiring, E, vectors, Operands>>();
    }
  }
  template <std::size_t... I>
  static consteval auto make(std::index_sequence<I...>) {
    return std::array<kernel, sizeof...(I)>{make_one<I>()...};
  }
  static constexpr std::array<kernel, std::size_t(S.mr1* S.nv)> kernels =
      make(std::make_index_sequence<std::size_t(S.mr1* S.nv)>{});
};

}  // namespace ashlar
