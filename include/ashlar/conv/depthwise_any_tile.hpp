// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_any_tile.hpp: the tile of depthwise convolution for kernels, strides and dilations that have no tile
// of their own: one row of TW pixels, a loop over the taps.
//
//   for each row of taps t, each tap s:   acc[tx] = fma(src(t, s * dilation + tx * stride), weights[t][s], acc[tx])
//
// Depends on: conv/depthwise_tile.hpp.   Used by: conv/depthwise_channels.hpp.
#pragma once

#include <ashlar/conv/depthwise_tile.hpp>

namespace ashlar {

template <class O, int TW, bool Full, class E>
class depthwise_any_tile {
  using T = typename O::value_type;
  using src = detail::source_element<O>;
  using operands = depthwise_operands<T, T, src>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  using cells = std::make_integer_sequence<int, TW>;

 public:
  [[gnu::noinline]] static void run(const operands& x, const E& e) {
    const T* weights = x.weights;
    const index end = x.channel + x.channels;
    for (index c = x.channel; c < end; c += O::lanes()) {
      start(cells{}, x, e, weights, c, std::min(O::lanes(), end - c));
      weights += x.weights_stride;
    }
  }

 private:
  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const operands& x, const E& e, const T* weights, index c, index n) {
    body(s, x, e, weights, c, n, ((void)I, O::zero())...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, const operands& x, const E& e, const T* weights, index c, index n,
                                 Acc... sums) {
    const index columns = (TW - 1) * x.stride + (x.kernel_columns - 1) * x.dilation + 1, offset = c + x.shift;
    for (index t = 0; t < x.kernel_rows; ++t) {
      const src* const* at = x.addresses + t * columns;
      for (index k = 0; k < x.kernel_columns; ++k, at += x.dilation, weights += O::lanes()) {
        tap(at, x.stride, O::load(weights), offset, n, sums...);
      }
    }
    detail::depthwise_finish<O, 1, TW, 1, Full, E, T, T>::run(s, x, e, c, n, sums...);
  }

  template <class V, class... Acc>
  static ASHLAR_INLINE void tap(const src* const* at, index step, V w, index offset, index n, Acc&... sums) {
    ((sums = plus_times::accumulate<O>(detail::load_channels<O, Full>(*at + offset, n), w, sums), at += step), ...);
  }
};

}  // namespace ashlar
