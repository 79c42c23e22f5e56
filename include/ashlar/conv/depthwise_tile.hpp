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

  /// Channels c to c + n - 1.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void run(seq<I...>, const depthwise_operands<T>& x, const E& e, index c, index n, Acc... acc) {
    if constexpr (runs_long<E>) {
      alignas(64) T tile[TH * TW * V * O::max_lanes];
      (O::store(tile + (I % (TH * TW) * V + I / (TH * TW)) * O::lanes(), acc), ...);
      for (index r = 0; r < x.rows; ++r) {
        finish_rows<O>(e, tile + r * TW * V * O::lanes(), V * O::lanes(), x.columns, n, x.dst + r * x.dst_row + c,
                       x.dst_column, {x.pixel + r * x.width, 1, c});
      }
    } else {
      // All of them before the first store, which might alias a bias.
      ((acc = cell<I>(x, c, n).evaluate(e, acc)), ...);
      if (x.rows == TH && x.columns == TW) [[likely]] {
        (cell<I>(x, c, n).store(acc), ...);
      } else {
        (cell<I>(x, c, n).store_if_exists(acc), ...);
      }
    }
  }

 private:
  template <int I>
  struct cell {
    static constexpr index ty = I / TW % TH, tx = I % TW;
    const depthwise_operands<T>& x;
    index c, n;

    ASHLAR_INLINE cell(const depthwise_operands<T>& operands, index channel, index count)
        : x(operands),
          c(channel + I / (TH * TW) * O::lanes()),
          n(V == 1 ? count : std::min(O::lanes(), count - I / (TH * TW) * O::lanes())) {}
    ASHLAR_INLINE bool exists() const { return ty < x.rows && tx < x.columns; }
    ASHLAR_INLINE T* dst() const { return x.dst + c + ty * x.dst_row + tx * x.dst_column; }
    // Pixels that do not exist are evaluated as the first one.
    template <class A>
    ASHLAR_INLINE A evaluate(const E& e, A acc) const {
      const index row = exists() ? x.pixel + ty * x.width + tx : x.pixel;
      return e.eval(math<O>{}, acc, position<T, Full>{row, c, n, exists() ? dst() : x.dst + c});
    }
    template <class A>
    ASHLAR_INLINE void store(A acc) const {
      if constexpr (Full) {
        O::store(dst(), acc);
      } else {
        O::store_n(dst(), acc, n);
      }
    }
    template <class A>
    ASHLAR_INLINE void store_if_exists(A acc) const {
      if (exists()) store(acc);
    }
  };
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
  static constexpr int rows = (TH - 1) * S.stride + S.height;
  static constexpr int columns = (TW - 1) * S.stride + S.width;

 public:
  [[gnu::noinline]] static void run(const depthwise_operands<T>& x, const E& e) {
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
    body(s, std::make_integer_sequence<int, rows * V>{}, x, e, weights, c, n, ((void)I, O::zero())...);
  }

  // R: row of src and vector.
  template <int... I, int... R, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, seq<R...>, const depthwise_operands<T>& x, const E& e, const T* weights,
                                 index c, index n, Acc... acc) {
    (row<R / V, R % V>(s, std::make_integer_sequence<int, columns>{}, x, fence(weights), c, n, acc...), ...);
    detail::depthwise_finish<O, TH, TW, V, Full, E>::run(s, x, e, c, n, acc...);
  }

  // The compiler would keep the weights of a row for the next row of the tile: where all of them do not fit, it may
  // not know that they are the same.
  static constexpr bool keeps_weights =
      V == 1 && S.height * S.width + TH * TW + 1 <= isa::facts<typename O::isa_type>::vector_registers;
  static ASHLAR_INLINE const T* fence(const T*& weights) {
    if constexpr (!keeps_weights) asm volatile("" : "+r"(weights));
    return weights;
  }

  template <int Y, int J, int... I, int... X, class... Acc>
  static ASHLAR_INLINE void row(seq<I...> s, seq<X...>, const depthwise_operands<T>& x, const T* weights, index c,
                                index n, Acc&... acc) {
    const index offset = c + x.shift + J * O::lanes(), valid = V == 1 ? n : std::min(O::lanes(), n - J * O::lanes());
    (pixel<Y, X, J>(s, load(x.addresses[Y * columns + X] + offset, valid), weights + J * x.weights_stride, acc...),
     ...);
  }
  static ASHLAR_INLINE auto load(const T* p, index n) {
    if constexpr (Full) {
      return O::load(p);
    } else {
      return O::load_n(p, n);
    }
  }

  template <int Y, int X, int J, int... I, class Vector, class... Acc>
  static ASHLAR_INLINE void pixel(seq<I...>, Vector v, const T* weights, Acc&... acc) {
    (step<(I / (TH * TW) == J ? Y - I / TW % TH * S.stride : -1), X - I % TW * S.stride>(v, weights, acc), ...);
  }

  // Tap (R, C), if there is one. Its weights are loaded for every pixel here, and once a row by the compiler.
  template <int R, int C, class Vector>
  static ASHLAR_INLINE void step(Vector v, const T* weights, Vector& acc) {
    if constexpr (R >= 0 && R < S.height && C >= 0 && C < S.width) {
      acc = plus_times::accumulate<O>(v, O::load(weights + (R * S.width + C) * O::lanes()), acc);
    }
  }
};

}  // namespace ashlar
