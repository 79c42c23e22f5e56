// SPDX-License-Identifier: Apache-2.0
//
// loop/tile_table.hpp: the micro-kernels of one tile shape for every number of rows and vectors up to it.
//
// Rows 1..MR and vectors 1..NV each get a kernel of their own, so a ragged edge costs what it holds.
//
// Depends on: tile/register_tile.hpp.   Used by: loop/contract.hpp.
#pragma once

#include <array>
#include <utility>

#include <ashlar/tile/register_tile.hpp>

namespace ashlar {

template <class T, class Isa, tile_shape S, class Semiring, class E>
struct tile_table {
  using O = ops<T, Isa>;
  static_assert(tile_fits_in_registers<O, S>, "this tile shape needs more vector registers than the ISA has");
  using kernel = void (*)(const tile_operands<T>&, const E&);

  /// Columns of a whole tile: a panel's width.
  static ASHLAR_INLINE constexpr index nr() { return S.nv * O::lanes(); }

  /// The kernel of exactly `rows` rows and `vectors` vectors, 1 <= rows <= MR, 1 <= vectors <= NV.
  static ASHLAR_INLINE kernel find(index rows, index vectors) { return kernels[std::size_t((vectors - 1) * S.mr + rows - 1)]; }

 private:
  template <std::size_t... I>
  static consteval auto make(std::index_sequence<I...>) {
    return std::array<kernel, sizeof...(I)>{
        &register_tile<O, int(I % S.mr) + 1, int(I / S.mr) + 1, S.ku, Semiring, E>::run...};
  }
  static constexpr auto kernels = make(std::make_index_sequence<std::size_t(S.mr* S.nv)>{});
};

}  // namespace ashlar
