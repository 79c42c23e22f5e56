// SPDX-License-Identifier: Apache-2.0
//
// nn/pool_backward.hpp: gradients with respect to src of some channels of one image: cleared, then added to in the
// order of dst's pixels.
//
// A task owns its channels of its image, so that no two tasks add to one element and the order never changes.
//
// Depends on: isa.hpp, core/image.hpp, nn/pool_window.hpp.   Used by: nn/pool.hpp.
#pragma once

#include <cstdint>

#include <ashlar/core/image.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/nn/pool_window.hpp>

namespace ashlar::detail {

template <class T, class Isa, class O = ops<T, Isa>>
struct pool_backward {
  using vec = typename O::vec;

  /// Channels [first, first + count) of image n.
  struct part {
    index n, first, count;
  };
  static constexpr index block = 64;  // channels of a task; several cache lines, whatever T

  static ASHLAR_INLINE constexpr index tasks(const conv_geometry& g) { return g.batch * ceil_div(g.channels, block); }
  static ASHLAR_INLINE constexpr part part_of(const conv_geometry& g, index task) {
    const index blocks = ceil_div(g.channels, block), first = task % blocks * block;
    return {task / blocks, first, std::min(block, g.channels - first)};
  }

  static void max(const conv_geometry& g, const image_view<const T>& dst_gradient,
                  const image_view<const std::int32_t>& argmax, const image_view<T>& src_gradient, index task) {
    const part p = part_of(g, task);
    clear(src_gradient, p);
    const bool even = src_gradient.evenly_spaced();
    const index pixels = volume(g.src), to_stride = src_gradient.strides().c;
    for (index d = 0; d < g.dst.d; ++d)
      for (index h = 0; h < g.dst.h; ++h)
        for (index w = 0; w < g.dst.w; ++w) {
          const T* const from = dst_gradient.pointer(p.n, d, h, w, p.first);
          const std::int32_t* const at = argmax.pointer(p.n, d, h, w, p.first);
          T* const to = src_gradient.pointer(p.n, 0, 0, 0, p.first);
          for (index i = 0; i < p.count; ++i) {
            const index position = at[i * argmax.strides().c];
            if (position < 0 || position >= pixels) continue;  // -1, or not from max pooling
            const index offset =
                even ? position * src_gradient.strides().w : offset_of(position, g.src, src_gradient.strides());
            to[offset + i * to_stride] += from[i * dst_gradient.strides().c];
          }
        }
  }

  static void average(const conv_geometry& g, const image_view<const T>& dst_gradient,
                      const image_view<T>& src_gradient, bool count_include_pad, index task) {
    const part p = part_of(g, task);
    clear(src_gradient, p);
    for (index d = 0; d < g.dst.d; ++d)
      for (index h = 0; h < g.dst.h; ++h) {
        const pool_row windows(g, d, h);
        for (index w = 0; w < g.dst.w; ++w) {
          const pool_window window = windows[w];
          if (window.count() == 0) continue;
          const vec count = O::broadcast(T(count_include_pad ? g.taps() : window.count()));
          for (index c = p.first; c < p.first + p.count; c += O::lanes()) {
            const index lanes = std::min(O::lanes(), p.first + p.count - c);
            const T* const from = dst_gradient.pointer(p.n, d, h, w, c);
            T* const to = src_gradient.pointer(p.n, window.d.at, window.h.at, window.w.at, c);
            const triple distance = tap_distances(g, src_gradient.strides());
            lanes == O::lanes() ? add_to_window<true>(window, distance, from, count, to, lanes)
                                : add_to_window<false>(window, distance, from, count, to, lanes);
          }
        }
      }
  }

 private:
  template <bool Whole>
  static ASHLAR_INLINE void add_to_window(const pool_window& w, const triple& distance, const T* from, const vec& count,
                                          T* to, index lanes) {
    const vec part = O::div(Whole ? O::load(from) : O::load_n(from, lanes), count);
    for (index d = 0; d < w.d.count; ++d)
      for (index r = 0; r < w.h.count; ++r)
        for (index s = 0; s < w.w.count; ++s) {
          T* const at = to + (d * distance.d + r * distance.h + s * distance.w);
          if constexpr (Whole) {
            O::store(at, O::add(O::load(at), part));
          } else {
            O::store_n(at, O::add(O::load_n(at, lanes), part), lanes);
          }
        }
  }

  static ASHLAR_INLINE index offset_of(index position, const triple& src, const image_axes& strides) {
    const index w = position % src.w, row = position / src.w;
    return row / src.h * strides.d + row % src.h * strides.h + w * strides.w;
  }

  static void clear(const image_view<T>& v, const part& p) {
    const image_axes& e = v.extents();
    for (index d = 0; d < e.d; ++d)
      for (index h = 0; h < e.h; ++h)
        for (index w = 0; w < e.w; ++w) {
          T* const to = v.pointer(p.n, d, h, w, p.first);
          for (index i = 0; i < p.count; ++i) to[i * v.strides().c] = T(0);
        }
  }
};

}  // namespace ashlar::detail
