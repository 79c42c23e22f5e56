// SPDX-License-Identifier: Apache-2.0
//
// tests/support/small_tiles.hpp: included before a test whose subject is not the tile. gemm.tiles runs what the
// registry says; depthwise convolution has its tile for any kernel alone: conv.depthwise and conv.depthwise_mixed run
// the others.
#pragma once

#include <ashlar/conv/depthwise_tile.hpp>

#include "support/small_gemm_tiles.hpp"

namespace ashlar {

template <class Isa>
  requires(!std::is_same_v<Isa, isa::any>)
inline constexpr bool unrolls_depthwise<Isa> = false;

}  // namespace ashlar
