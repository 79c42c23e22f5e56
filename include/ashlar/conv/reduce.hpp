// SPDX-License-Identifier: Apache-2.0
//
// conv/reduce.hpp: the same convolution with a simpler geometry over another view of the same memory.
//
//   one tap without padding     a strided axis reads every stride-th pixel: a view of those, stride 1
//   pixels of even distance     a pointwise convolution does not care about rows: one long row for the whole batch
//
// Depends on: conv/geometry.hpp, core/image.hpp.   Used by: conv/implicit.hpp, conv/plan.hpp.
#pragma once

#include <ashlar/conv/geometry.hpp>

namespace ashlar {

namespace detail {

// One axis of one tap: the pixels that are read, side by side.
ASHLAR_INLINE constexpr void subsample(index kernel, index before, index after, index dst, index& src, index& stride,
                                       index& distance) {
  if (kernel != 1 || before != 0 || after != 0 || stride == 1) return;
  src = dst;
  distance *= stride;
  stride = 1;
}

}  // namespace detail

/// A geometry and the strides of the source it reads.
struct reduced_source {
  conv_geometry g;
  image_axes strides;
};

/// Axes of a single tap lose their stride.
ASHLAR_INLINE constexpr reduced_source without_strides(conv_geometry g, image_axes strides) {
  detail::subsample(g.kernel.d, g.before.d, g.after.d, g.dst.d, g.src.d, g.stride.d, strides.d);
  detail::subsample(g.kernel.h, g.before.h, g.after.h, g.dst.h, g.src.h, g.stride.h, strides.h);
  detail::subsample(g.kernel.w, g.before.w, g.after.w, g.dst.w, g.src.w, g.stride.w, strides.w);
  if (g.kernel.d == 1) g.dilation.d = 1;
  if (g.kernel.h == 1) g.dilation.h = 1;
  if (g.kernel.w == 1) g.dilation.w = 1;
  return {g, strides};
}

/// Do pixels of these extents and strides have one distance, the batch's included where `whole_batch`?
ASHLAR_INLINE constexpr bool even(index batch, const triple& t, const image_axes& strides, bool whole_batch) {
  return (t.h == 1 || strides.h == t.w * strides.w) && (t.d == 1 || strides.d == t.h * t.w * strides.w) &&
         (!whole_batch || batch == 1 || strides.n == volume(t) * strides.w);
}

/// A pointwise geometry as one row of pixels; with the whole batch in it where nothing tells its images apart.
ASHLAR_INLINE constexpr conv_geometry as_one_row(conv_geometry g, bool whole_batch) {
  const index pixels = g.pixels() * (whole_batch ? g.batch : 1);
  if (whole_batch) g.batch = 1;
  g.src = g.dst = {1, 1, pixels};
  return g;
}

}  // namespace ashlar
