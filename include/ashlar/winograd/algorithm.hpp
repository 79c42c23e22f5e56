// SPDX-License-Identifier: Apache-2.0
//
// winograd/algorithm.hpp: F(m x n, r x s): a short correlation for each axis, and what a tile of it costs.
//
//   y = A_v^T [ (G_v g G_h^T) . (B_v^T d B_h) ] A_h
//
// Depends on: winograd/transform.hpp, winograd/cook_toom.hpp.   Used by: winograd/, planners.
#pragma once

#include <ashlar/winograd/cook_toom.hpp>
#include <ashlar/winograd/transform.hpp>

namespace ashlar {

/// Tiles of m x n outputs of a kernel of r x s taps; 1 x s and r x 1 kernels have cook_toom<1, 1> along the other axis.
///
///     using f4x4_3x3 = winograd<cook_toom<4, 3>>;      using row_of_five = winograd<cook_toom<1, 1>, cook_toom<4, 5>>;
template <class Vertical, class Horizontal = Vertical>
struct winograd {
  using vertical = Vertical;
  using horizontal = Horizontal;
  static constexpr int points = vertical::a * horizontal::a;   // products a tile, for each pair of channels
  static constexpr int outputs = vertical::m * horizontal::m;  // pixels a tile
  static constexpr int taps = vertical::r * horizontal::r;

  template <class O>
  using source_transform = tile_transform<O, input_of<Vertical>, input_of<Horizontal>>;
  template <class O>
  using weights_transform = tile_transform<O, weights_of<Vertical>, weights_of<Horizontal>>;
  template <class O>
  using output_transform = tile_transform<O, output_of<Vertical>, output_of<Horizontal>>;
};

using f2x2_3x3 = winograd<cook_toom<2, 3>>;
using f3x3_3x3 = winograd<cook_toom<3, 3>>;
using f4x4_3x3 = winograd<cook_toom<4, 3>>;
using f5x5_3x3 = winograd<cook_toom<5, 3>>;
using f6x6_3x3 = winograd<cook_toom<6, 3>>;

}  // namespace ashlar
