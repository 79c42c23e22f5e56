// SPDX-License-Identifier: Apache-2.0
//
// tests/support/small_gemm_tiles.hpp: gemm chooses a tile of three rows instead of up to sixteen. Every path is the
// same, the panels are as wide, and a third as many kernels compile (errors_test for AVX-512, g++ 12: 12.7 s -> 4.0 s).
#pragma once

#include <ashlar/tile/registry.hpp>

namespace ashlar {

template <class T, class Isa>
  requires(!std::is_same_v<Isa, isa::scalar>)
inline constexpr tile_shape default_tile<T, Isa> = [] {
  tile_shape s = detail::first_shape<Isa, T>(static_cast<const tile_registry*>(nullptr));
  return tile_shape{3, s.nv, s.ku, 4};
}();

}  // namespace ashlar
