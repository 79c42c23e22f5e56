// SPDX-License-Identifier: Apache-2.0
//
// tests/support/small_gemm_tiles.hpp: gemm chooses a tile of two rows, three of a single vector, instead of four to
// sixteen. Every path is the same, the panels are as wide, and few kernels compile (AVX-512: 7 instead of 34).
// Taller tiles: gemm.tiles, gemm.byte_tiles.
#pragma once

#include <ashlar/tile/registry.hpp>

namespace ashlar {

template <class T, class Isa>
  requires(!std::is_same_v<Isa, isa::any>)
inline constexpr tile_shape default_tile<T, Isa> = [] {
  tile_shape s = detail::first_shape<Isa, T>(static_cast<const tile_registry*>(nullptr));
  return tile_shape{2, s.nv, s.ku, 3};
}();

}  // namespace ashlar
