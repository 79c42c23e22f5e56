// SPDX-License-Identifier: Apache-2.0
//
// cuda/direct_sum.cuh: one element of a convolution, or of its gradient with respect to src, by one thread: the sum of
// the reference, term for term, in its order.
//
//   forward      taps (d, r, s) increasing, then the channels of the group; a tap outside src multiplies zeros
//   gradient     taps decreasing, so that dst's pixels come in increasing order, then the filters of the group
//
// Everything is 64-bit; an address is formed for what exists only.
//
// Depends on: epilogue.cuh, unroll.cuh, widen.cuh, conv/geometry.hpp.   Used by: direct_conv.cuh, tests.
#pragma once

#include <ashlar/conv/geometry.hpp>
#include <ashlar/cuda/convert.cuh>
#include <ashlar/cuda/epilogue.cuh>
#include <ashlar/cuda/unroll.cuh>
#include <ashlar/cuda/widen.cuh>
#include <cstdint>

namespace ashlar::cuda::detail {

/// An operation on one launch's operands; T is the type of the sums.
template <class T, class X, class D, class E>
struct direct_problem {
  using sum_type = T;

  image_view<const X> read;
  filter_view<const X> weights;
  image_view<D> written;
  E e;
  conv_geometry g;
  bool planes;  // neighbouring threads write neighbouring pixels of a channel; else channels of a pixel

  ASHLAR_INLINE index count() const {
    const image_axes& x = written.extents();
    return x.n * x.d * x.h * x.w * x.c;
  }
};

/// Are pixels closer together than channels?
template <class D>
constexpr bool lies_in_planes(const image_view<D>& v) {
  const auto distance = [](index stride) { return stride < 0 ? -stride : stride; };
  return v.extents().c == 1 || (v.extents().w > 1 && distance(v.strides().w) < distance(v.strides().c));
}

/// What a thread writes.
struct written_place {
  index n;
  triple at;
  index c, pixel;  // pixel: of its image
};

ASHLAR_INLINE index split(std::uint64_t& left, index extent) {
  const auto e = static_cast<std::uint64_t>(extent);
  const std::uint64_t part = left % e;
  left /= e;
  return static_cast<index>(part);
}

/// The i-th element, along the axis that is contiguous first.
ASHLAR_INLINE written_place place_of(const image_axes& e, bool planes, index i) {
  auto left = static_cast<std::uint64_t>(i);
  written_place p{};
  if (!planes) p.c = split(left, e.c);
  p.at.w = split(left, e.w);
  p.at.h = split(left, e.h);
  p.at.d = split(left, e.d);
  if (planes) p.c = split(left, e.c);
  p.n = static_cast<index>(left);
  p.pixel = (p.at.d * e.h + p.at.h) * e.w + p.at.w;
  return p;
}

/// sum + x(0) w(0) + x(1) w(1) + ...; x is zero where it is null.
template <class T, class X>
ASHLAR_INLINE T sum_along(T sum, const X* x, index x_step, const X* w, index w_step, index count) {
  using O = ops<T, isa::cuda>;
  if (x == nullptr) {  // zero times infinity is no zero
    for (index i = 0; i < count; ++i) sum = O::fma(T(0), widened<T>(w[i * w_step]), sum);
    return sum;
  }
  ASHLAR_UNROLL_BY(4)
  for (index i = 0; i < count; ++i) sum = O::fma(widened<T>(x[i * x_step]), widened<T>(w[i * w_step]), sum);
  return sum;
}

ASHLAR_INLINE bool within(index i, index extent) { return i >= 0 && i < extent; }

template <class P>
ASHLAR_INLINE auto forward_sum(const P& p, const written_place& o) {
  using T = typename P::sum_type;
  const conv_geometry& g = p.g;
  const index first = o.c / g.group_filters() * g.group_channels();
  T sum = T(0);
  for (index d = 0; d < g.kernel.d; ++d) {
    const index z = o.at.d * g.stride.d - g.before.d + d * g.dilation.d;
    for (index r = 0; r < g.kernel.h; ++r) {
      const index y = o.at.h * g.stride.h - g.before.h + r * g.dilation.h;
      const bool inside = within(z, g.src.d) && within(y, g.src.h);
      for (index s = 0; s < g.kernel.w; ++s) {
        const index x = o.at.w * g.stride.w - g.before.w + s * g.dilation.w;
        const auto* const from = inside && within(x, g.src.w) ? p.read.pointer(o.n, z, y, x, first) : nullptr;
        sum = sum_along<T>(sum, from, p.read.strides().c, p.weights.pointer(o.c, d, r, s, 0), p.weights.strides().c,
                           g.group_channels());
      }
    }
  }
  return sum;
}

/// Where a tap of the gradient lands in dst along one axis.
struct tap_landing {
  bool exists, inside;
  index at;
};
ASHLAR_INLINE tap_landing landing_of(index from, index stride, index extent) {
  if (stride == 1) return {true, within(from, extent), from};
  const index at = from / stride;  // toward zero: a negative one that exists is not inside, or is 0 - 0
  return {at * stride == from, from >= 0 && at < extent, at};
}

template <class P>
ASHLAR_INLINE auto gradient_sum(const P& p, const written_place& o) {
  using T = typename P::sum_type;
  const conv_geometry& g = p.g;
  const index group = o.c / g.group_channels(), channel = o.c % g.group_channels(), first = group * g.group_filters();
  T sum = T(0);
  for (index d = g.kernel.d - 1; d >= 0; --d) {
    const tap_landing z = landing_of(o.at.d + g.before.d - d * g.dilation.d, g.stride.d, g.dst.d);
    if (!z.exists) continue;
    for (index r = g.kernel.h - 1; r >= 0; --r) {
      const tap_landing y = landing_of(o.at.h + g.before.h - r * g.dilation.h, g.stride.h, g.dst.h);
      if (!y.exists) continue;
      for (index s = g.kernel.w - 1; s >= 0; --s) {
        const tap_landing x = landing_of(o.at.w + g.before.w - s * g.dilation.w, g.stride.w, g.dst.w);
        if (!x.exists) continue;
        const bool inside = z.inside && y.inside && x.inside;
        const auto* const from = inside ? p.read.pointer(o.n, z.at, y.at, x.at, first) : nullptr;
        sum = sum_along<T>(sum, from, p.read.strides().c, p.weights.pointer(first, d, r, s, channel),
                           p.weights.strides().k, g.group_filters());
      }
    }
  }
  return sum;
}

/// Element i of what is written. To the epilogue an image is a matrix of pixels x channels, as on a CPU.
template <bool Gradient, class T, class X, class D, class E>
ASHLAR_INLINE void direct_element(const direct_problem<T, X, D, E>& p, index i) {
  const written_place o = place_of(p.written.extents(), p.planes, i);
  T sum;
  if constexpr (Gradient) {
    sum = gradient_sum(p, o);
  } else {
    sum = forward_sum(p, o);
  }
  D* const to = p.written.pointer(o.n, o.at.d, o.at.h, o.at.w, o.c);
  const auto e = p.e.at_image(o.n);
  *to = stored<D>(e.eval(math<ops<T, isa::cuda>>{}, sum, place<T, D>{o.pixel, o.c, 1, to}));
}

/// A thread of a grid of `blocks` x `threads`: elements a whole grid apart.
template <bool Gradient, class P>
ASHLAR_INLINE void direct_thread(const P& p, index block, index blocks, index thread, index threads) {
  const index count = p.count();
  for (index i = block * threads + thread; i < count; i += blocks * threads) direct_element<Gradient>(p, i);
}

}  // namespace ashlar::cuda::detail
