// SPDX-License-Identifier: Apache-2.0
//
// tile/shape.hpp: the shape of a register tile, and the budget that keeps its accumulators in registers.
//
//   MR rows x NV vectors of accumulators; NR = NV * lanes columns; the k loop is unrolled KU times.
//   registers = MR * NV accumulators + NV vectors of B + what A needs (one broadcast, or MR row vectors with lane
//   FMAs); two rows by two columns at a time, MR is even and B has twice as many
//
// Depends on: isa/.   Used by: tile/registry.hpp, tile/register_tile.hpp.
#pragma once

#include <ashlar/isa.hpp>

namespace ashlar {

/// Rows, vectors and k unrolling of a register tile; a template argument.
struct tile_shape {
  int mr;
  int nv;
  int ku = 1;
  int mr1 = mr;  // rows where one vector is all there is: their accumulators leave room for more
  friend constexpr bool operator==(const tile_shape&, const tile_shape&) = default;
};

/// Vector registers a tile of this shape occupies on the ISA of O. With lane FMAs (NEON) A is read a vector of k of
/// every row at a time, else one broadcast at a time.
template <class O>
constexpr int registers_of(tile_shape s) {
  if constexpr (multiplies_pairs<O>) return (s.mr + s.mr % 2) * s.nv + 2 * s.nv + 1;
  return s.mr * s.nv + s.nv + (lane_ops<O> ? s.mr : 1);
}

/// The register budget: the compiler names this concept when a tile cannot stay in registers.
template <class O, tile_shape S>
concept tile_fits_in_registers = registers_of<O>(S) <= isa::facts<typename O::isa_type>::vector_registers;

/// The ops of tiles whose columns do not fill the last vector.
template <class O>
struct few_columns_ops : O {};
template <class O>
  requires requires { O::masks_few; }
struct few_columns_ops<O> : O {
  static constexpr bool masked_memory = true;
};

}  // namespace ashlar
