// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_tile.hpp: the register tile of depthwise convolution with channels innermost: TH x TW pixels of dst,
// one vector of channels after the other.
//
//   acc[ty][tx] = 0
//   for each row y and column x of src under the tile:     v = src(y, x), loaded once
//     for each (ty, tx) that it concerns:                   acc[ty][tx] = fma(v, weights[y - S ty][x - S tx],
//     acc[ty][tx])
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
  index rows, columns;                // pixels of the tile that exist
  index pixel, width;                 // number of the first pixel in its image, pixels of a row
  index kernel_rows, kernel_columns;  // for a tile that does not know them: rows of taps, all depths together
  index dilation, stride;             // columns of src between taps, and between pixels of dst
  index group_channels, group_filters, src_channels;
};

/// Are there tiles for 3 x 3, 5 x 5 and 7 x 7, beside the one for any kernel? Tests of other things say no: they take
/// long to compile.
template <class Isa>
inline constexpr bool unrolls_depthwise = true;

namespace detail {

/// Epilogue and store of the sums of TH x TW pixels, V vectors of each: cell ((v * TH) + ty) * TW + tx.
template <class O, int TH, int TW, int V, bool Full, class E>
struct depthwise_finish {
  using T = typename O::value_type;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

  /// Channels c to c + n - 1. Whole tiles in registers; what ends early, or runs long, through L1.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void run(seq<I...>, const depthwise_operands<T>& x, const E& e, index c, index n, Acc... acc) {
    if (!runs_long<E> && x.rows == TH && x.columns == TW) [[likely]] {
      // All of them before the first store, which might alias a bias.
      ((acc = evaluate<I>(x, e, c, n, acc)), ...);
      (store<I>(x, c, n, acc), ...);
    } else {
      alignas(64) T tile[TH * TW * V * O::max_lanes];
      (O::store(tile + (I % (TH * TW) * V + I / (TH * TW)) * O::lanes(), acc), ...);
      for (index r = 0; r < x.rows; ++r) {
        finish_rows<O>(e, tile + r * TW * V * O::lanes(), V * O::lanes(), x.columns, n, x.dst + r * x.dst_row + c,
                       x.dst_column, {x.pixel + r * x.width, 1, c});
      }
    }
  }

 private:
  template <int I>
  static ASHLAR_INLINE index channel(index c) {
    return c + I / (TH * TW) * O::lanes();
  }
  template <int I>
  static ASHLAR_INLINE index count(index n) {
    return V == 1 ? n : std::min(O::lanes(), n - I / (TH * TW) * O::lanes());
  }
  template <int I>
  static ASHLAR_INLINE T* pixel(const depthwise_operands<T>& x) {
    return x.dst + I / TW % TH * x.dst_row + I % TW * x.dst_column;
  }
  template <int I, class A>
  static ASHLAR_INLINE A evaluate(const depthwise_operands<T>& x, const E& e, index c, index n, A acc) {
    const index row = x.pixel + I / TW % TH * x.width + I % TW;
    return e.eval(math<O>{}, acc, position<T, Full>{row, channel<I>(c), count<I>(n), pixel<I>(x) + channel<I>(c)});
  }
  template <int I, class A>
  static ASHLAR_INLINE void store(const depthwise_operands<T>& x, index c, index n, A acc) {
    if constexpr (Full) {
      O::store(pixel<I>(x) + channel<I>(c), acc);
    } else {
      O::store_n(pixel<I>(x) + channel<I>(c), acc, count<I>(n));
    }
  }
};

}  // namespace detail

/// The tile for a kernel known at compile time. Full: channels are whole vectors, in groups of V.
///
/// V > 1 is for pixels a multiple of 2 KiB apart: all lines of one vector of channels are then in one bank of L2, and
/// the tile waits for it (3 x 3 of 14 x 14 x 512, stride 2: 15.3 us by one vector, 9.3 by four, 6.3 with 528 channels).
template <class O, depthwise_shape S, int TH, int TW, int V, bool Full, class E>
class depthwise_tile {
  using T = typename O::value_type;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  using cells = std::make_integer_sequence<int, TH * TW * V>;
  static_assert(TH <= 2 && S.stride <= S.height);
  static constexpr int columns = (TW - 1) * S.stride + S.width;

 public:
  [[gnu::noinline]] static void run(const depthwise_operands<T>& operands, const E& expression) {
    const depthwise_operands<T> x = operands;
    const E e = expression;  // of its own: a store may alias whatever has an address
    const T* weights = x.weights;
    const index end = x.channel + x.channels;
    for (index c = x.channel; c < end; c += V * O::lanes()) {
      start(cells{}, x, e, weights, c, std::min(V * O::lanes(), end - c));
      weights += V * x.weights_stride;
    }
  }

 private:
  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const depthwise_operands<T>& x, const E& e, const T* weights, index c,
                                  index n) {
    body(s, x, e, weights, c, n, ((void)I, O::zero())...);
  }

  // Rows of src that concern the first row of pixels alone, both, and the second one alone. Loops, not unrolled: a
  // fifth of the code for 5 x 5, and of its compilation.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, const depthwise_operands<T>& x, const E& e, const T* weights, index c,
                                 index n, Acc... acc) {
    const T* const* at = x.addresses;
    const T* w = weights;
    if constexpr (TH == 1) {
      rows_of<0, 1>(s, S.height, x, at, w, c, n, acc...);
    } else {
      rows_of<0, 1>(s, S.stride, x, at, w, c, n, acc...);
      rows_of<0, 2>(s, S.height - S.stride, x, at, w, c, n, acc...);
      w -= S.stride * tap_row();
      rows_of<1, 2>(s, S.stride, x, at, w, c, n, acc...);
    }
    detail::depthwise_finish<O, TH, TW, V, Full, E>::run(s, x, e, c, n, acc...);
  }

  static ASHLAR_INLINE index tap_row() { return S.width * O::lanes(); }

  // The next `count` rows of src; w: the weights that the first one of pixel row First takes.
  template <int First, int End, int... I, class... Acc>
  static ASHLAR_INLINE void rows_of(seq<I...> s, int count, const depthwise_operands<T>& x, const T* const*& at,
                                    const T*& w, index c, index n, Acc&... acc) {
    for (int r = 0; r < count; ++r, at += columns, w += tap_row()) {
      asm volatile("" : "+r"(w));  // not to be kept for the next row: not all of them fit the registers
      vectors_of<First, End>(s, std::make_integer_sequence<int, V>{}, x, at, w, c, n, acc...);
    }
  }
  template <int First, int End, int... I, int... J, class... Acc>
  static ASHLAR_INLINE void vectors_of(seq<I...> s, seq<J...>, const depthwise_operands<T>& x, const T* const* at,
                                       const T* w, index c, index n, Acc&... acc) {
    (row<First, End, J>(s, std::make_integer_sequence<int, columns>{}, at, c + x.shift + J * O::lanes(),
                        V == 1 ? n : std::min(O::lanes(), n - J * O::lanes()), w + J * x.weights_stride, acc...),
     ...);
  }

  template <int First, int End, int J, int... I, int... X, class... Acc>
  static ASHLAR_INLINE void row(seq<I...> s, seq<X...>, const T* const* at, index offset, index n, const T* w,
                                Acc&... acc) {
    (pixel<First, End, X, J>(s, load(at[X] + offset, n), w, acc...), ...);
  }
  static ASHLAR_INLINE auto load(const T* p, index n) {
    if constexpr (Full) {
      return O::load(p);
    } else {
      return O::load_n(p, n);
    }
  }

  template <int First, int End, int X, int J, int... I, class Vector, class... Acc>
  static ASHLAR_INLINE void pixel(seq<I...>, Vector v, const T* w, Acc&... acc) {
    (step < X - I % TW * S.stride,
     I / (TH * TW) == J && I / TW % TH >= First &&
         I / TW % TH<End>(v, w - (I / TW % TH - First) * S.stride * tap_row(), acc),
     ...);
  }

  // The tap of column C, if there is one. Its weights are loaded for every pixel here, and once a row by the compiler.
  template <int C, bool Concerned, class Vector>
  static ASHLAR_INLINE void step(Vector v, const T* w, Vector& acc) {
    if constexpr (Concerned && C >= 0 && C < S.width) {
      acc = plus_times::accumulate<O>(v, O::load(w + C * O::lanes()), acc);
    }
  }
};

}  // namespace ashlar
