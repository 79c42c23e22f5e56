// SPDX-License-Identifier: Apache-2.0
//
// nn/pool_window.hpp: which elements of src the window of an output pixel holds: those of its taps that lie inside.
//
// Depends on: conv/geometry.hpp.   Used by: nn/pool_forward.hpp, nn/pool_backward.hpp.
#pragma once

#include <algorithm>

#include <ashlar/conv/geometry.hpp>

namespace ashlar::detail {

/// One axis of a window: the position of its first tap inside, and how many there are.
struct pool_span {
  index at, count;
};

/// Output o of one axis.
ASHLAR_INLINE constexpr pool_span pool_span_of(index o, index stride, index before, index window, index dilation,
                                               index src) {
  const index start = o * stride - before;
  const index first = start >= 0 ? 0 : ceil_div(-start, dilation);
  const index last = start >= src ? 0 : std::min(window, (src - 1 - start) / dilation + 1);
  return {start + first * dilation, std::max<index>(0, last - first)};
}

/// The taps inside of an output pixel.
struct pool_window {
  pool_span d, h, w;

  ASHLAR_INLINE constexpr index count() const { return d.count * h.count * w.count; }
  /// The first one's number in its image.
  ASHLAR_INLINE constexpr index position(const triple& src) const { return (d.at * src.h + h.at) * src.w + w.at; }
};

/// The windows of one row of dst.
class pool_row {
 public:
  ASHLAR_INLINE constexpr pool_row(const conv_geometry& g, index od, index oh)
      : g_(g),
        d_(pool_span_of(od, g.stride.d, g.before.d, g.kernel.d, g.dilation.d, g.src.d)),
        h_(pool_span_of(oh, g.stride.h, g.before.h, g.kernel.h, g.dilation.h, g.src.h)) {}
  ASHLAR_INLINE constexpr pool_window operator[](index ow) const {
    return {d_, h_, pool_span_of(ow, g_.stride.w, g_.before.w, g_.kernel.w, g_.dilation.w, g_.src.w)};
  }

 private:
  const conv_geometry& g_;
  pool_span d_, h_;
};

/// Distances between the taps of a window, in elements of an image or in pixels of it.
ASHLAR_INLINE constexpr triple tap_distances(const conv_geometry& g, const image_axes& strides) {
  return {g.dilation.d * strides.d, g.dilation.h * strides.h, g.dilation.w * strides.w};
}
ASHLAR_INLINE constexpr triple tap_distances(const conv_geometry& g) {
  return {g.dilation.d * g.src.h * g.src.w, g.dilation.h * g.src.w, g.dilation.w};
}

}  // namespace ashlar::detail
