// SPDX-License-Identifier: Apache-2.0
//
// conv/geometry.hpp: the shape of a convolution, checked: which elements of src meet which weights for an element of
// dst.
//
//   dst(n, o, k) = epilogue( sum over taps t, channels c of  src(n, o * stride - before + t * dilation, g(k), c) *
//                                                            weights(k, t, c) )
//
// o, t, stride, before and dilation have a component for each of depth, height and width; with fewer dimensions the
// first are 1. Elements of src outside the image are the padding value. k belongs to group k / (filters / groups).
//
// Depends on: core/.   Used by: conv/, winograd/, reference/conv.hpp, cuda/.
#pragma once

#include <ashlar/core/checked.hpp>
#include <ashlar/core/image.hpp>
#include <ashlar/core/status.hpp>

namespace ashlar {

/// A convolution as the kernels see it: always three-dimensional, every number known to make sense.
struct conv_geometry {
  index batch, groups;
  index channels, filters;  // of all groups together
  triple src, kernel, stride, dilation, before, after;
  triple dst;  // (src + before + after - (kernel - 1) * dilation - 1) / stride + 1

  ASHLAR_INLINE constexpr index group_channels() const { return channels / groups; }
  ASHLAR_INLINE constexpr index group_filters() const { return filters / groups; }
  ASHLAR_INLINE constexpr index taps() const { return volume(kernel); }
  ASHLAR_INLINE constexpr index pixels() const { return volume(dst); }
  ASHLAR_INLINE constexpr bool padded() const { return before != triple{0, 0, 0} || after != triple{0, 0, 0}; }
  /// 1 x 1 kernel that reads the whole image as it is: a matrix product.
  ASHLAR_INLINE constexpr bool pointwise() const {
    return kernel == triple{} && stride == triple{} && src == dst && !padded();
  }
  /// Multiply-adds, padding counted as if it were read.
  ASHLAR_INLINE constexpr double multiplies() const {
    return double(batch) * double(pixels()) * double(filters) * double(taps()) * double(group_channels());
  }
  friend constexpr bool operator==(const conv_geometry&, const conv_geometry&) = default;
};

namespace detail {
/// Elements of one axis that `count` outputs read.
ASHLAR_INLINE constexpr index span_of(index count, index stride, index kernel, index dilation) {
  return (count - 1) * stride + (kernel - 1) * dilation + 1;
}
}  // namespace detail

/// The numbers that epilogues know pixels of an image by: pixel (d, h, w) is first + d * plane + h * row + w * step.
struct pixel_numbers {
  index first, plane, row, step;
};

}  // namespace ashlar
