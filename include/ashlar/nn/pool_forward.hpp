// SPDX-License-Identifier: Apache-2.0
//
// nn/pool_forward.hpp: one row of dst: the maximum or the average of each window, a vector of channels at a time.
//
// A vector stays in a register while the taps of its window pass: src is read where it lies, dst is written once.
// Positions of maxima ride along in a vector of T, counted from the window's first tap, so that they are exact.
//
// Depends on: isa.hpp, core/image.hpp, nn/pool_window.hpp.   Used by: nn/pool.hpp.
#pragma once

#include <cstdint>
#include <limits>

#include <ashlar/core/image.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/nn/pool_window.hpp>

namespace ashlar::detail {

/// The kernels on vectors of O. Isa is in the name of every symbol; O is ops<T, Isa>, or ops<T, isa::scalar> for
/// channels that are not neighbours.
template <class T, class Isa, class O = ops<T, Isa>>
struct pool_forward {
  using vec = typename O::vec;

  struct max_operands {
    const conv_geometry& g;
    image_view<const T> src;
    image_view<T> dst;
    image_view<std::int32_t> argmax;  // null data: not wanted
  };
  struct average_operands {
    const conv_geometry& g;
    image_view<const T> src;
    image_view<T> dst;
    bool count_include_pad;
  };

  /// Row `row` of dst, counted through batch, depth and height.
  static void max_row(const max_operands& x, index row) {
    const conv_geometry& g = x.g;
    const index oh = row % g.dst.h, od = row / g.dst.h % g.dst.d, n = row / g.dst.h / g.dst.d;
    const pool_row windows(g, od, oh);
    for (index ow = 0; ow < g.dst.w; ++ow) {
      const pool_window w = windows[ow];
      for (index c = 0; c < g.channels; c += O::lanes()) {
        const index lanes = std::min(O::lanes(), g.channels - c);
        T* const dst = x.dst.pointer(n, od, oh, ow, c);
        std::int32_t* const argmax = x.argmax.data() ? x.argmax.pointer(n, od, oh, ow, c) : nullptr;
        const taps t{w, tap_distances(g, x.src.strides()), tap_distances(g),
                     x.src.pointer(n, w.d.at, w.h.at, w.w.at, c)};
        if (w.count() == 0) {
          nothing_inside(dst, argmax, x.argmax.strides().c, lanes);
        } else if (argmax) {
          lanes == O::lanes() ? position_of_max<true>(x, t, lanes, dst, argmax)
                              : position_of_max<false>(x, t, lanes, dst, argmax);
        } else {
          lanes == O::lanes() ? max<true>(t, lanes, dst) : max<false>(t, lanes, dst);
        }
      }
    }
  }

  static void average_row(const average_operands& x, index row) {
    const conv_geometry& g = x.g;
    const index oh = row % g.dst.h, od = row / g.dst.h % g.dst.d, n = row / g.dst.h / g.dst.d;
    const pool_row windows(g, od, oh);
    for (index ow = 0; ow < g.dst.w; ++ow) {
      const pool_window w = windows[ow];
      const index count = w.count() == 0 ? 1 : x.count_include_pad ? g.taps() : w.count();  // a sum of nothing is 0
      for (index c = 0; c < g.channels; c += O::lanes()) {
        const index lanes = std::min(O::lanes(), g.channels - c);
        const taps t{w, tap_distances(g, x.src.strides()), tap_distances(g),
                     x.src.pointer(n, w.d.at, w.h.at, w.w.at, c)};
        T* const dst = x.dst.pointer(n, od, oh, ow, c);
        lanes == O::lanes() ? average<true>(t, lanes, dst, count) : average<false>(t, lanes, dst, count);
      }
    }
  }

 private:
  // A window and where its first tap lies.
  struct taps {
    pool_window window;
    triple distance, pixels;  // between taps: elements, and pixels of the image
    const T* first;
  };

  template <bool Whole>
  static ASHLAR_INLINE vec load(const T* p, index lanes) {
    if constexpr (Whole) {
      return O::load(p);
    } else {
      return O::load_n(p, lanes);
    }
  }
  template <bool Whole>
  static ASHLAR_INLINE void store(T* p, const vec& x, index lanes) {
    if constexpr (Whole) {
      O::store(p, x);
    } else {
      O::store_n(p, x, lanes);
    }
  }

  // x where x is greater or NaN: |NaN| > -1 is false.
  static ASHLAR_INLINE vec greater_or_nan(const vec& x, const vec& best, const vec& if_so, const vec& otherwise) {
    return O::select_gt(O::abs(x), O::broadcast(T(-1)), O::select_gt(x, best, if_so, otherwise), if_so);
  }

  template <bool Whole>
  static ASHLAR_INLINE void max(const taps& t, index lanes, T* dst) {
    vec best = load<Whole>(t.first, lanes);
    for (index d = 0; d < t.window.d.count; ++d)
      for (index r = 0; r < t.window.h.count; ++r)
        for (index s = 0; s < t.window.w.count; ++s) {
          const vec x = load<Whole>(t.first + (d * t.distance.d + r * t.distance.h + s * t.distance.w), lanes);
          best = greater_or_nan(x, best, x, best);
        }
    store<Whole>(dst, best, lanes);
  }

  template <bool Whole>
  static ASHLAR_INLINE void position_of_max(const max_operands& x, const taps& t, index lanes, T* dst,
                                            std::int32_t* argmax) {
    vec best = load<Whole>(t.first, lanes), at = O::zero();
    for (index d = 0; d < t.window.d.count; ++d)
      for (index r = 0; r < t.window.h.count; ++r)
        for (index s = 0; s < t.window.w.count; ++s) {
          const vec v = load<Whole>(t.first + (d * t.distance.d + r * t.distance.h + s * t.distance.w), lanes);
          const vec here = O::broadcast(T(d * t.pixels.d + r * t.pixels.h + s * t.pixels.w));
          at = greater_or_nan(v, best, here, at);
          best = greater_or_nan(v, best, v, best);
        }
    store<Whole>(dst, best, lanes);
    T offsets[O::max_lanes];
    O::store(offsets, at);
    const auto first = std::int32_t(t.window.position(x.g.src));
    const index count = Whole ? O::lanes() : lanes;  // a constant, where it can be one: then this is a few vectors
    if (x.argmax.strides().c == 1) {
      for (index i = 0; i < count; ++i) argmax[i] = first + std::int32_t(offsets[i]);
    } else {
      for (index i = 0; i < count; ++i) argmax[i * x.argmax.strides().c] = first + std::int32_t(offsets[i]);
    }
  }

  static ASHLAR_INLINE void nothing_inside(T* dst, std::int32_t* argmax, index argmax_stride, index lanes) {
    for (index i = 0; i < lanes; ++i) {
      dst[i] = -std::numeric_limits<T>::infinity();
      if (argmax) argmax[i * argmax_stride] = -1;
    }
  }

  template <bool Whole>
  static ASHLAR_INLINE void average(const taps& t, index lanes, T* dst, index count) {
    vec sum = O::zero();
    for (index d = 0; d < t.window.d.count; ++d)
      for (index r = 0; r < t.window.h.count; ++r)
        for (index s = 0; s < t.window.w.count; ++s)
          sum = O::add(sum, load<Whole>(t.first + (d * t.distance.d + r * t.distance.h + s * t.distance.w), lanes));
    store<Whole>(dst, O::div(sum, O::broadcast(T(count))), lanes);
  }
};

}  // namespace ashlar::detail
