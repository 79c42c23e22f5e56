// SPDX-License-Identifier: Apache-2.0
//
// conv/reduce.hpp: the same convolution with a simpler geometry over another view of the same memory.
//
//   negative padding            src from where the convolution starts
//   one tap without padding     a strided axis reads every stride-th pixel: a view of those, stride 1
//   pixels of even distance     a pointwise convolution does not care about rows: one long row for the whole batch
//   dilated rows                every d-th row of dst reads every d-th row of src: d convolutions without dilation
//
// Depends on: conv/geometry.hpp, core/blocked_image.hpp.   Used by: conv/implicit.hpp, conv/plan.hpp.
#pragma once

#include <algorithm>

#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/blocked_image.hpp>

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

/// A convolution over views: what the kernels get. Pixel (d, h, w) of it is pixel first + d * plane + h * row + w *
/// step of the dst that the epilogue sees.
template <class T, class D = T>
struct conv_views {
  conv_geometry g;
  blocked_image_view<const T> src;
  blocked_image_view<D> dst;
  index first_pixel, pixel_plane, pixel_row, pixel_step;
  bool transformed = false;  // src passes through a prologue
};

template <class T, class D>
ASHLAR_INLINE constexpr conv_views<T, D> whole(const conv_geometry& g, const blocked_image_view<const T>& src,
                                               const blocked_image_view<D>& out) {
  const image_axes& e = out.extents();
  return {g, src, out, 0, e.h * e.w, e.w, 1};
}

/// A convolution that starts inside src (before < 0) sees src from there on.
template <class T, class D>
ASHLAR_INLINE constexpr conv_views<T, D> without_cropping(conv_views<T, D> v) {
  conv_geometry& g = v.g;
  image_axes e = v.src.extents();
  const triple skip{std::max<index>(0, -g.before.d), std::max<index>(0, -g.before.h), std::max<index>(0, -g.before.w)};
  const T* const data = v.src.pointer(0, skip.d, skip.h, skip.w, 0);
  g.src = {std::max<index>(0, g.src.d - skip.d), std::max<index>(0, g.src.h - skip.h),
           std::max<index>(0, g.src.w - skip.w)};
  g.before = {g.before.d + skip.d, g.before.h + skip.h, g.before.w + skip.w};
  e.d = g.src.d, e.h = g.src.h, e.w = g.src.w;
  v.src = v.src.over(data, e, v.src.strides());
  return v;
}

/// Axes of a single tap lose their stride.
template <class T, class D>
ASHLAR_INLINE constexpr conv_views<T, D> without_strides(conv_views<T, D> v) {
  conv_geometry& g = v.g;
  image_axes extents = v.src.extents(), strides = v.src.strides();
  detail::subsample(g.kernel.d, g.before.d, g.after.d, g.dst.d, g.src.d, g.stride.d, strides.d);
  detail::subsample(g.kernel.h, g.before.h, g.after.h, g.dst.h, g.src.h, g.stride.h, strides.h);
  detail::subsample(g.kernel.w, g.before.w, g.after.w, g.dst.w, g.src.w, g.stride.w, strides.w);
  extents.d = g.src.d, extents.h = g.src.h, extents.w = g.src.w;
  v.src = v.src.over(v.src.data(), extents, strides);
  return v;
}

namespace detail {

// Do pixels have one distance, the batch's images included where `whole_batch`?
template <class T>
ASHLAR_INLINE constexpr bool even(const blocked_image_view<T>& v, bool whole_batch) {
  return v.evenly_spaced() && (!whole_batch || v.extents().n == 1 || v.strides().n == v.pixels() * v.strides().w);
}
template <class T>
ASHLAR_INLINE constexpr blocked_image_view<T> as_row(const blocked_image_view<T>& v, bool whole_batch) {
  image_axes e = v.extents();
  e.w = v.pixels() * (whole_batch ? e.n : 1);
  e.d = e.h = 1;
  if (whole_batch) e.n = 1;
  return v.over(v.data(), e, v.strides());
}

}  // namespace detail

/// A pointwise convolution as one row of pixels where they have one distance; of the whole batch where the epilogue
/// does not look at the number of a pixel.
template <class T, class D>
ASHLAR_INLINE constexpr conv_views<T, D> as_one_row(conv_views<T, D> v, bool numbers_matter) {
  const triple& t = v.g.dst;
  const bool numbered_evenly =
      (t.h == 1 || v.pixel_row == t.w * v.pixel_step) && (t.d == 1 || v.pixel_plane == t.h * t.w * v.pixel_step);
  if (!v.g.pointwise() || (numbers_matter && !numbered_evenly)) return v;
  const bool batch = !numbers_matter && detail::even(v.src, true) && detail::even(v.dst, true);
  if (!batch && !(detail::even(v.src, false) && detail::even(v.dst, false))) return v;
  v.src = detail::as_row(v.src, batch), v.dst = detail::as_row(v.dst, batch);
  v.g.batch = v.src.extents().n;
  v.g.src = v.g.dst = {1, 1, v.src.extents().w};
  return v;
}

/// Rows of dst whose taps fall on the same rows of src: with dilation d every d-th row, as a convolution without.
template <class T, class D>
ASHLAR_INLINE constexpr index row_phases(const conv_views<T, D>& v) {
  return v.g.kernel.h > 1 && v.g.stride.h == 1 ? std::min(v.g.dilation.h, v.g.dst.h) : 1;
}

template <class T, class D>
ASHLAR_INLINE constexpr conv_views<T, D> row_phase(conv_views<T, D> v, index phase) {
  if (row_phases(v) == 1) return v;
  conv_geometry& g = v.g;
  const index step = g.dilation.h, start = phase - g.before.h;                            // of src, may be outside
  const index first = start >= 0 ? start : start % step + (start % step < 0 ? step : 0);  // its first row inside
  image_axes e = v.src.extents(), s = v.src.strides();
  const T* const src = v.src.pointer(0, 0, first, 0, 0);
  g.src.h = e.h = ceil_div(std::max<index>(0, e.h - first), step);
  s.h *= step;
  v.src = v.src.over(src, e, s);
  e = v.dst.extents(), s = v.dst.strides();
  D* const out = v.dst.pointer(0, 0, phase, 0, 0);
  g.dst.h = e.h = ceil_div(e.h - phase, step);
  s.h *= step;
  v.dst = v.dst.over(out, e, s);
  g.dilation.h = 1;
  g.before.h = (first - start) / step;
  g.after.h = std::max<index>(0, g.dst.h - 1 + g.kernel.h - g.before.h - g.src.h);
  v.first_pixel += phase * v.pixel_row;
  v.pixel_row *= step;
  return v;
}

}  // namespace ashlar
