// SPDX-License-Identifier: Apache-2.0
//
// conv/parity.hpp: a transposed convolution as one convolution of stride 1 for each class of dst pixels.
//
//   dst(o) = sum over taps t, with i = (o + before - t * dilation) / stride a whole number, of  src(i) * weights(t)
//
// For o = phase + stride * j the taps are every (stride / gcd(stride, dilation))-th one, and i is j plus a constant: a
// convolution over j. No zero is inserted, nothing is scattered. Order of the sum: src pixels in increasing order, so
// taps from the last to the first.
//
// Depends on: conv/reduce.hpp, conv/filters.hpp.   Used by: conv/kernels.hpp, conv/plan.hpp.
#pragma once

#include <algorithm>
#include <numeric>

#include <ashlar/conv/filters.hpp>
#include <ashlar/conv/reduce.hpp>

namespace ashlar {

namespace detail {

// One axis of one class.
struct parity_axis {
  index count;           // dst pixels
  index taps, last_tap;  // how many, and the last of them: the first that is summed
  index tap_step, dilation;
  index before;  // of the convolution over src; negative: it starts inside
};

ASHLAR_INLINE constexpr parity_axis axis_of(index phase, index stride, index dilation, index before, index kernel,
                                            index dst) {
  const index common = std::gcd(stride, dilation), step = stride / common;
  index first = 0;
  while (first < std::min(kernel, step) && (phase + before - first * dilation) % stride != 0) ++first;
  parity_axis a{ceil_div(std::max<index>(0, dst - phase), stride), 0, 0, step, dilation / common, 0};
  if (first >= std::min(kernel, step)) return a;
  a.taps = (kernel - 1 - first) / step + 1;
  a.last_tap = first + (a.taps - 1) * step;
  a.before = -((phase + before - a.last_tap * dilation) / stride);
  return a;
}

ASHLAR_INLINE constexpr index after_of(const parity_axis& a, index src) {
  return a.taps == 0 ? 0 : std::max<index>(0, span_of(a.count, 1, a.taps, a.dilation) - a.before - src);
}

}  // namespace detail

/// The classes of the gradient of forward convolution g: phases of depth, height and width.
class parity_classes {
 public:
  ASHLAR_INLINE explicit constexpr parity_classes(const conv_geometry& g) : g_(g) {}

  [[nodiscard]] ASHLAR_INLINE constexpr index count() const {
    return std::min(g_.stride.d, g_.src.d) * std::min(g_.stride.h, g_.src.h) * std::min(g_.stride.w, g_.src.w);
  }

  /// The convolution of class i: dst's pixels of its phase, over all of src.
  [[nodiscard]] ASHLAR_INLINE constexpr conv_geometry geometry(index i) const {
    const auto [d, h, w] = axes(i);
    conv_geometry g{};
    g.batch = g_.batch, g.groups = g_.groups, g.channels = g_.filters, g.filters = g_.channels;
    g.src = g_.dst;
    g.kernel = {d.taps, h.taps, w.taps};
    g.dilation = {d.dilation, h.dilation, w.dilation};
    g.before = {d.before, h.before, w.before};
    g.after = {detail::after_of(d, g.src.d), detail::after_of(h, g.src.h), detail::after_of(w, g.src.w)};
    g.dst = {d.count, h.count, w.count};
    return g;
  }

  /// Its weights, of one group's flipped filters (grouped_filters).
  template <class T>
  [[nodiscard]] ASHLAR_INLINE constexpr filter_view<const T> filters(index i, const filter_view<const T>& group) const {
    const auto [d, h, w] = axes(i);
    const filter_axes &e = group.extents(), &s = group.strides();
    const T* const first =
        group.pointer(0, g_.kernel.d - 1 - d.last_tap, g_.kernel.h - 1 - h.last_tap, g_.kernel.w - 1 - w.last_tap, 0);
    return {
        first, {e.k, d.taps, h.taps, w.taps, e.c}, {s.k, s.d * d.tap_step, s.r * h.tap_step, s.s * w.tap_step, s.c}};
  }

  /// Its part of the views. Where the convolution starts inside src, src is seen from there on.
  template <class T, class D>
  [[nodiscard]] ASHLAR_INLINE constexpr conv_views<T, D> views(index i, const conv_views<T, D>& v) const {
    const triple p = phase(i);
    image_axes e = v.dst.extents(), s = v.dst.strides();
    conv_views<T, D> part = v;
    part.g = geometry(i);
    e.d = part.g.dst.d, e.h = part.g.dst.h, e.w = part.g.dst.w;
    s.d *= g_.stride.d, s.h *= g_.stride.h, s.w *= g_.stride.w;
    part.dst = v.dst.over(v.dst.pointer(0, p.d, p.h, p.w, 0), e, s);
    part.first_pixel = v.first_pixel + p.d * v.pixel_plane + p.h * v.pixel_row + p.w * v.pixel_step;
    part.pixel_plane = v.pixel_plane * g_.stride.d;
    part.pixel_row = v.pixel_row * g_.stride.h;
    part.pixel_step = v.pixel_step * g_.stride.w;
    return part;
  }

 private:
  struct axes3 {
    detail::parity_axis d, h, w;
  };
  [[nodiscard]] ASHLAR_INLINE constexpr triple phase(index i) const {
    const auto classes = [](index stride, index extent) { return std::max<index>(std::min(stride, extent), 1); };
    const index w = classes(g_.stride.w, g_.src.w), h = classes(g_.stride.h, g_.src.h);  // no pixel: asked of none
    return {i / (w * h), i / w % h, i % w};
  }
  [[nodiscard]] ASHLAR_INLINE constexpr axes3 axes(index i) const {
    const triple p = phase(i);
    return {detail::axis_of(p.d, g_.stride.d, g_.dilation.d, g_.before.d, g_.kernel.d, g_.src.d),
            detail::axis_of(p.h, g_.stride.h, g_.dilation.h, g_.before.h, g_.kernel.h, g_.src.h),
            detail::axis_of(p.w, g_.stride.w, g_.dilation.w, g_.before.w, g_.kernel.w, g_.src.w)};
  }

  conv_geometry g_;
};

}  // namespace ashlar
