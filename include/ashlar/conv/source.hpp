// SPDX-License-Identifier: Apache-2.0
//
// conv/source.hpp: what a convolution reads: src's elements through a prologue (epilogue/prologue.hpp), another number
// outside of it.
//
//     plan.run(nhwc(x, 1, 28, 28, 256), w, dst, padding_value(-1));
//
// Depends on: epilogue/prologue.hpp.   Used by: conv/.
#pragma once

#include <ashlar/core/config.hpp>
#include <ashlar/epilogue/prologue.hpp>

namespace ashlar {

/// Option of a run: the number outside the image, by default 0. Of forward convolutions of floats: small integers are
/// padded with their src_zero_point, gradients with zeros.   plan.run(src, weights, dst, padding_value(-1))
struct padding_value {
  double value;
  ASHLAR_INLINE constexpr explicit padding_value(double v) : value(v) {}
};

/// What stands in the place of src's elements: `padding` outside the image, and inside, channels from `channel` on,
/// what the prologue makes of them.
template <class Unit, class Prologue = no_prologue>
struct source_values {
  Unit padding;
  [[no_unique_address]] Prologue prologue{};
  index channel = 0;
};

}  // namespace ashlar
