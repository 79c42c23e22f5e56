// SPDX-License-Identifier: Apache-2.0
//
// reference/pool.hpp: what pooling and its gradients compute: the specification that every ISA equals bit for bit.
//
// The geometry is a convolution's with a group a channel, its kernel the window. Elements of a window are taken in
// reading order: depth, height, width. Elements outside the image take no part.
//
// Depends on: core/image.hpp, conv/geometry.hpp.   Used by: tests.
#pragma once

#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/image.hpp>
#include <cstdint>
#include <limits>

namespace ashlar::reference {

namespace pool_detail {

// f(d, h, w) for the elements of the window of output pixel o that lie inside src, in reading order.
template <class F>
constexpr void each_inside(const conv_geometry& g, const triple& o, const F& f) {
  for (index d = 0; d < g.kernel.d; ++d)
    for (index r = 0; r < g.kernel.h; ++r)
      for (index s = 0; s < g.kernel.w; ++s) {
        const index z = o.d * g.stride.d - g.before.d + d * g.dilation.d,
                    y = o.h * g.stride.h - g.before.h + r * g.dilation.h,
                    x = o.w * g.stride.w - g.before.w + s * g.dilation.w;
        if (z >= 0 && z < g.src.d && y >= 0 && y < g.src.h && x >= 0 && x < g.src.w) f(z, y, x);
      }
}

// f(n, o, c) for every element of dst, in reading order, channels innermost.
template <class F>
constexpr void each_output(const conv_geometry& g, const F& f) {
  for (index n = 0; n < g.batch; ++n)
    for (index d = 0; d < g.dst.d; ++d)
      for (index h = 0; h < g.dst.h; ++h)
        for (index w = 0; w < g.dst.w; ++w)
          for (index c = 0; c < g.channels; ++c) f(n, triple{d, h, w}, c);
}

template <class T, class Unit = ashlar::detail::this_unit>
constexpr void clear(const image_view<T>& v) {
  const image_axes& e = v.extents();
  for (index n = 0; n < e.n; ++n)
    for (index d = 0; d < e.d; ++d)
      for (index h = 0; h < e.h; ++h)
        for (index w = 0; w < e.w; ++w)
          for (index c = 0; c < e.c; ++c) v(n, d, h, w, c) = T(0);
}

// What the sum of a window is divided by.
template <class Unit = ashlar::detail::this_unit>
constexpr index divisor(const conv_geometry& g, const triple& o, bool count_include_pad) {
  index inside = 0;
  each_inside(g, o, [&](index, index, index) { ++inside; });
  return count_include_pad ? g.taps() : inside;
}

}  // namespace pool_detail

/// dst = the greatest element of the window, argmax = where it lies in its image: (d * H + h) * W + w.
///
/// Of equal ones (-0 and 0 are equal) the first; a NaN is greater than anything, of several the last is taken. Without
/// an element inside the image: -infinity and -1. argmax.data() may be null.
template <class T, class Unit = ashlar::detail::this_unit>
constexpr void max_pool(const conv_geometry& g, const image_view<const T>& src, const image_view<T>& dst,
                        const image_view<std::int32_t>& argmax = {}) {
  pool_detail::each_output(g, [&](index n, const triple& o, index c) {
    T best = -std::numeric_limits<T>::infinity();
    index at = -1;
    pool_detail::each_inside(g, o, [&](index d, index h, index w) {
      const T x = src(n, d, h, w, c);
      if (at >= 0 && !(x > best) && x == x) return;
      best = x, at = (d * g.src.h + h) * g.src.w + w;
    });
    dst(n, o.d, o.h, o.w, c) = best;
    if (argmax.data()) argmax(n, o.d, o.h, o.w, c) = std::int32_t(at);
  });
}

/// src_gradient = 0; for elements of dst in reading order:  src_gradient(argmax) += dst_gradient.
///
/// Positions outside the image are passed over.
template <class T, class Unit = ashlar::detail::this_unit>
constexpr void max_pool_backward(const conv_geometry& g, const image_view<const T>& dst_gradient,
                                 const image_view<const std::int32_t>& argmax, const image_view<T>& src_gradient) {
  pool_detail::clear(src_gradient);
  pool_detail::each_output(g, [&](index n, const triple& o, index c) {
    const index at = argmax(n, o.d, o.h, o.w, c);
    if (at < 0 || at >= volume(g.src)) return;
    src_gradient(n, at / g.src.w / g.src.h, at / g.src.w % g.src.h, at % g.src.w, c) +=
        dst_gradient(n, o.d, o.h, o.w, c);
  });
}

/// dst = (0 + the elements of the window, in reading order) / their number, or the size of the whole window with
/// count_include_pad; 0 without an element.
template <class T, class Unit = ashlar::detail::this_unit>
constexpr void average_pool(const conv_geometry& g, const image_view<const T>& src, const image_view<T>& dst,
                            bool count_include_pad = false) {
  pool_detail::each_output(g, [&](index n, const triple& o, index c) {
    T sum = 0;
    pool_detail::each_inside(g, o, [&](index d, index h, index w) { sum += src(n, d, h, w, c); });
    const index count = pool_detail::divisor(g, o, count_include_pad);
    dst(n, o.d, o.h, o.w, c) = count ? sum / T(count) : T(0);
  });
}

/// src_gradient = 0; for elements of dst in reading order, for the elements of its window:
/// src_gradient += dst_gradient / count.
template <class T, class Unit = ashlar::detail::this_unit>
constexpr void average_pool_backward(const conv_geometry& g, const image_view<const T>& dst_gradient,
                                     const image_view<T>& src_gradient, bool count_include_pad = false) {
  pool_detail::clear(src_gradient);
  pool_detail::each_output(g, [&](index n, const triple& o, index c) {
    const index count = pool_detail::divisor(g, o, count_include_pad);
    const T part = count ? dst_gradient(n, o.d, o.h, o.w, c) / T(count) : T(0);
    pool_detail::each_inside(g, o, [&](index d, index h, index w) { src_gradient(n, d, h, w, c) += part; });
  });
}

}  // namespace ashlar::reference
