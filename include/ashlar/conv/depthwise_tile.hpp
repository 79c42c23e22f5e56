// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_tile.hpp: the register tile of depthwise convolution with channels innermost: TH x TW pixels of dst,
// one vector of channels after the other.
//
//   acc[ty][tx] = 0
//   for each row y and column x of src under the tile:     v = src(y, x), loaded once
//     for each (ty, tx) that it concerns:                   acc[ty][tx] = fma(v, weights[y - S ty][x - S tx], acc[ty][tx])
//
// Rows first, then columns: every sum takes its taps in the order r, s. Where src(y, x) lies is read from a table of
// addresses, so padding, views with gaps and the ragged end of a row are all the same to the tile (after Dukhan, "The
// Indirect Convolution Algorithm", 2019). An address costs a scalar load, of which there are two to spare per cycle.
//
// Depends on: epilogue/, isa/, tile/finish_rows.hpp.   Used by: conv/depthwise_channels.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <ashlar/epilogue.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/tile/finish_rows.hpp>

namespace ashlar {

/// Kernel and stride of a tile; height 0: known at run time only.
struct depthwise_shape {
  int height, width, stride;
  friend constexpr bool operator==(const depthwise_shape&, const depthwise_shape&) = default;
};

/// What one call of a tile works on. Strides in elements.
template <class T>
struct depthwise_operands {
  const T* const* addresses;  // of pixels of src: those under the tile, row by row
  index shift;                // what is added to each of them
  index channel, channels;    // the first one and how many
  const T* weights;           // of vector v, tap t: weights[(v * taps + t) * lanes]
  index weights_stride;       // from a vector of channels to the next: taps * lanes
  T* dst;                     // channel 0 of the tile's first pixel
  index dst_row, dst_column;
  index rows, columns;  // pixels of the tile that exist
  index pixel, width;   // number of the first pixel in its image, pixels of a row
  index kernel_rows, kernel_columns;  // for a tile that does not know them: rows of taps, all depths together
  index dilation, stride;             // columns of src between taps, and between pixels of dst
};

namespace detail {

/// Epilogue and store of TH x TW accumulators.
template <class O, int TH, int TW, bool Full, class E>
struct depthwise_finish {
  using T = typename O::value_type;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

  template <int... I, class... Acc>
  static ASHLAR_INLINE void run(seq<I...>, const depthwise_operands<T>& x, const E& e, index c, index n,
                                Acc... acc) {
    if constexpr (runs_long<E>) {
      alignas(64) T tile[TH * TW * O::max_lanes];
      (O::store(tile + I * O::lanes(), acc), ...);
      for (index r = 0; r < x.rows; ++r) {
        finish_rows<O>(e, tile + r * TW * O::lanes(), O::lanes(), x.columns, n, x.dst + r * x.dst_row + c, x.dst_column,
                       x.pixel + r * x.width, c);
      }
    } else {
      // All of them before the first store, which might alias a bias.
      const T* const to = x.dst + c;
      ((acc = evaluate<I>(x, e, to, c, n, acc)), ...);
      if (x.rows == TH && x.columns == TW) [[likely]] {
        (store(x.dst + c + I / TW * x.dst_row + I % TW * x.dst_column, acc, n), ...);
      } else {
        (store_if(I / TW < x.rows && I % TW < x.columns, x.dst + c + I / TW * x.dst_row + I % TW * x.dst_column, acc,
                  n),
         ...);
      }
    }
  }

 private:
  // Pixels that do not exist are evaluated as the first one.
  template <int I, class V>
  static ASHLAR_INLINE V evaluate(const depthwise_operands<T>& x, const E& e, const T* to, index c, index n, V acc) {
    const bool exists = I / TW < x.rows && I % TW < x.columns;
    const index row = exists ? x.pixel + I / TW * x.width + I % TW : x.pixel;
    const T* const at_dst = exists ? to + I / TW * x.dst_row + I % TW * x.dst_column : to;
    return e.eval(math<O>{}, acc, position<T, Full>{row, c, n, at_dst});
  }
  template <class V>
  static ASHLAR_INLINE void store(T* p, V v, index n) {
    if constexpr (Full) {
      O::store(p, v);
    } else {
      O::store_n(p, v, n);
    }
  }
  template <class V>
  static ASHLAR_INLINE void store_if(bool exists, T* p, V v, index n) {
    if (exists) store(p, v, n);
  }
};

}  // namespace detail

/// The tile for a kernel known at compile time. Full: channels are whole vectors.
template <class O, depthwise_shape S, int TH, int TW, bool Full, class E>
class depthwise_tile {
  using T = typename O::value_type;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  using cells = std::make_integer_sequence<int, TH * TW>;

 public:
  static constexpr int rows = (TH - 1) * S.stride + S.height;
  static constexpr int columns = (TW - 1) * S.stride + S.width;

  [[gnu::noinline]] static void run(const depthwise_operands<T>& x, const E& e) {
    const T* weights = x.weights;
    const index end = x.channel + x.channels;
    for (index c = x.channel; c < end; c += O::lanes()) {
      start(cells{}, x, e, weights, c, std::min(O::lanes(), end - c));
      weights += x.weights_stride;
    }
  }

 private:
  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const depthwise_operands<T>& x, const E& e, const T* weights, index c,
                                  index n) {
    body(s, std::make_integer_sequence<int, rows>{}, x, e, weights, c, n, ((void)I, O::zero())...);
  }

  template <int... I, int... Y, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, seq<Y...>, const depthwise_operands<T>& x, const E& e, const T* weights,
                                 index c, index n, Acc... acc) {
    const index offset = c + x.shift;
    (row<Y>(s, std::make_integer_sequence<int, columns>{}, x.addresses + Y * columns, fence(weights), offset, n, acc...),
     ...);
    detail::depthwise_finish<O, TH, TW, Full, E>::run(s, x, e, c, n, acc...);
  }

  // The compiler would keep the weights of a row for the next row of the tile: where all of them do not fit, it may
  // not know that they are the same.
  static constexpr bool keeps_weights =
      S.height * S.width + TH * TW + 1 <= isa::facts<typename O::isa_type>::vector_registers;
  static ASHLAR_INLINE const T* fence(const T*& weights) {
    if constexpr (!keeps_weights) asm volatile("" : "+r"(weights));
    return weights;
  }

  template <int Y, int... I, int... X, class... Acc>
  static ASHLAR_INLINE void row(seq<I...> s, seq<X...>, const T* const* addresses, const T* weights, index offset,
                                index n, Acc&... acc) {
    (pixel<Y, X>(s, load(addresses[X] + offset, n), weights, acc...), ...);
  }
  static ASHLAR_INLINE auto load(const T* p, index n) {
    if constexpr (Full) {
      return O::load(p);
    } else {
      return O::load_n(p, n);
    }
  }

  template <int Y, int X, int... I, class V, class... Acc>
  static ASHLAR_INLINE void pixel(seq<I...>, V v, const T* weights, Acc&... acc) {
    (step<Y - I / TW * S.stride, X - I % TW * S.stride>(v, weights, acc), ...);
  }

  // Tap (R, C), if there is one. Its weights are loaded for every pixel here, and once a row by the compiler.
  template <int R, int C, class V>
  static ASHLAR_INLINE void step(V v, const T* weights, V& acc) {
    if constexpr (R >= 0 && R < S.height && C >= 0 && C < S.width) {
      acc = plus_times::accumulate<O>(v, O::load(weights + (R * S.width + C) * O::lanes()), acc);
    }
  }
};

}  // namespace ashlar
