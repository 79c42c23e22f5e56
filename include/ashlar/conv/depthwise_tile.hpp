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
// Depends on: epilogue/, isa/, tile/finish_rows.hpp, core/{pick,unknown}.hpp.   Used by: conv/depthwise_channels.hpp.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstring>
#include <utility>

#include <ashlar/core/pick.hpp>
#include <ashlar/core/unknown.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/epilogue/output.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/tile/finish_rows.hpp>

namespace ashlar {

/// Kernel and stride of a tile; height 0: known at run time only.
struct depthwise_shape {
  int height, width, stride;
  friend constexpr bool operator==(const depthwise_shape&, const depthwise_shape&) = default;
};

/// What one call of a tile works on: floating-point numbers T, dst of D and src of S. Strides in elements.
template <class T, class D = T, class S = T>
struct depthwise_operands {
  const S* const* addresses;  // of pixels of src: those under the tile, row by row
  index shift;                // what is added to each of them
  index channel, channels;    // the first one and how many
  const T* weights;           // of vector v, tap t: weights[(v * taps + t) * lanes]
  index weights_stride;       // from a vector of channels to the next: taps * lanes
  D* dst;                     // channel 0 of the tile's first pixel
  index dst_row, dst_column;
  index rows, columns;  // pixels of the tile that exist
  index pixel, pixel_row,
      pixel_step;  // number of the first pixel in its image, and what the next row's and next one's add
  index kernel_rows, kernel_columns;  // for a tile that does not know them: rows of taps, all depths together
  index dilation, stride;             // columns of src between taps, and between pixels of dst
  index group_channels, group_filters, src_channels;
  index tiles = 1, tile_shift = 0;  // side by side, each that much further in src

  /// The same of the next tile.
  ASHLAR_INLINE void advance(index tile_columns) {
    shift += tile_shift;
    dst += tile_columns * dst_column;
    pixel += tile_columns * pixel_step;
  }
};

/// Are there tiles for 3 x 3, 5 x 5 and 7 x 7, beside the one for any kernel? Tests of other things say no: they take
/// long to compile.
template <class Isa>
inline constexpr bool unrolls_depthwise = true;

namespace detail {

/// The elements of src that O loads.
template <class O>
struct source_of {
  using type = typename O::value_type;
};
template <class O>
  requires requires { typename O::source_type; }
struct source_of<O> {
  using type = typename O::source_type;
};
template <class O>
using source_element = typename source_of<O>::type;

/// A vector of channels: Full, or n of them.
template <class O, bool Full>
ASHLAR_INLINE typename O::vec load_channels(const source_element<O>* p, index n) {
  if constexpr (Full) {
    return O::load(p);
  } else {
    return O::load_n(p, n);
  }
}

/// `count` sums at p, which are whole numbers where Sums are, as such. In place.
template <class Sums, class T>
ASHLAR_INLINE const Sums* whole_numbers(T* p, index count) {
  if constexpr (std::same_as<Sums, T>) {
    return p;
  } else {
    static_assert(sizeof(Sums) == sizeof(T));
    Sums* const out = reinterpret_cast<Sums*>(p);
    for (index i = 0; i < count; ++i) {
      T x;
      std::memcpy(&x, p + i, sizeof x);
      const Sums whole = static_cast<Sums>(x);
      std::memcpy(out + i, &whole, sizeof whole);
    }
    return out;
  }
}

/// Epilogue and store of the sums of TH x TW pixels, V vectors of each: cell ((v * TH) + ty) * TW + tx. Sums: what the
/// epilogue takes them for.
template <class O, int TH, int TW, int V, bool Full, class E, class Sums, class D>
struct depthwise_finish {
  using T = typename O::value_type;
  using sum_ops = ops<Sums, typename O::isa_type>;
  using out = output<sum_ops, D>;
  using operands = depthwise_operands<T, D, source_element<O>>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  static constexpr bool converts = std::same_as<Sums, T> || requires(typename O::vec v) { sum_ops::to_int(v); };
  static constexpr bool in_registers = !runs_long<E> && converts;
  static constexpr bool in_range = Full && V == 1 && takes_range<sum_ops, D, E>;
  using fours = std::make_integer_sequence<int, (TH * TW + 3) / 4>;

  /// Channels c to c + n - 1. Whole tiles in registers; what ends early, or runs long, through L1.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void run(seq<I...> s, const operands& x, const E& e, index c, index n, Acc... acc) {
    if constexpr (in_registers) {
      if (x.rows == TH && x.columns == TW) [[likely]] {
        // All of them evaluated before the first store, which might alias a bias.
        if constexpr (!in_range) {
          return store(s, x, c, n, evaluate<I>(x, e, c, n, acc)...);
        } else if (e.leaves_range(typename out::context{}, position<0>(x, c, n))) [[likely]] {
          return store_in_range(fours{}, x, c, byte_range_of<typename out::E, D>(e), unranged<I>(x, e, c, n, acc)...);
        }
      }
    }
    alignas(64) T tile[TH * TW * V * O::max_lanes];
    (O::store(tile + (I % (TH * TW) * V + I / (TH * TW)) * O::lanes(), acc), ...);
    finish_tile(x, e, c, n, tile);
  }

 private:
  static ASHLAR_INLINE void finish_tile(const operands& x, const E& e, index c, index n, T* tile) {
    const Sums* const sums = whole_numbers<Sums>(tile, TH * TW * V * O::lanes());
    for (index r = 0; r < x.rows; ++r) {
      finish_rows<sum_ops>(e, sums + r * TW * V * O::lanes(), V * O::lanes(), x.columns, n, x.dst + r * x.dst_row + c,
                           x.dst_column, epilogue_place{x.pixel + r * x.pixel_row, x.pixel_step, c});
    }
  }

  template <int I>
  static ASHLAR_INLINE index channel(index c) {
    return c + I / (TH * TW) * O::lanes();
  }
  template <int I>
  static ASHLAR_INLINE index count(index n) {
    return V == 1 ? n : std::min(O::lanes(), n - I / (TH * TW) * O::lanes());
  }
  template <int I>
  static ASHLAR_INLINE D* place(const operands& x, index c) {
    return x.dst + I / TW % TH * x.dst_row + I % TW * x.dst_column + channel<I>(c);
  }
  template <int I>
  static ASHLAR_INLINE auto position(const operands& x, index c, index n) {
    const index row = x.pixel + I / TW % TH * x.pixel_row + I % TW * x.pixel_step;
    return typename out::template place<Full>{row, channel<I>(c), count<I>(n), place<I>(x, c)};
  }
  template <int I, class A>
  static ASHLAR_INLINE auto evaluate(const operands& x, const E& e, index c, index n, A acc) {
    const auto at = position<I>(x, c, n);
    return e.eval(typename out::context{}, out::seen(e, summed(acc), at), at);
  }
  // Bytes whose range the store takes over: four pixels at a time.
  template <int I, class A>
  static ASHLAR_INLINE auto unranged(const operands& x, const E& e, index c, index n, A acc) {
    const auto at = position<I>(x, c, n);
    return e.unranged(typename out::context{}, out::seen(e, summed(acc), at), at);
  }
  template <int... F, class Range, class... V_>
  static ASHLAR_INLINE void store_in_range(seq<F...>, const operands& x, index c, const Range& range, V_... values) {
    (store_four<F>(seq<0, 1, 2, 3>{}, x, c, range, values...), ...);
  }
  template <int F, int... Q, class Range, class... V_>
  static ASHLAR_INLINE void store_four(seq<Q...>, const operands& x, index c, const Range& range, V_... values) {
    constexpr int last = TH * TW - 1;
    const auto bytes = out::E::bytes_within(pick<std::min(4 * F + Q, last)>(values...)..., range);
    (store_pixel<4 * F + Q, Q>(x, c, bytes), ...);
  }
  template <int I, int Q, class Bytes>
  static ASHLAR_INLINE void store_pixel(const operands& x, index c, const Bytes& bytes) {
    if constexpr (I < TH * TW) out::E::template store_quarter<Q>(place<I>(x, c), bytes);
  }
  template <class A>
  static ASHLAR_INLINE auto summed(const A& acc) {
    if constexpr (std::same_as<Sums, T>) {
      return acc;
    } else if constexpr (requires { sum_ops::whole(acc); }) {
      return sum_ops::whole(acc);
    } else {
      return sum_ops::to_int(acc);
    }
  }
  template <int... I, class... Values>
  static ASHLAR_INLINE void store(seq<I...>, const operands& x, index c, index n, Values... v) {
    if constexpr (Full) {
      (out::store(place<I>(x, c), v), ...);
    } else {
      (out::store_n(place<I>(x, c), v, count<I>(n)), ...);
    }
  }
};

}  // namespace detail

/// The tile for a kernel known at compile time. Full: channels are whole vectors, in groups of V.
///
/// V > 1 is for pixels a multiple of 2 KiB apart: all lines of one vector of channels are then in one bank of L2, and
/// the tile waits for it (3 x 3 of 14 x 14 x 512, stride 2: 15.3 us by one vector, 9.3 by four, 6.3 with 528 channels).
template <class O, depthwise_shape S, int TH, int TW, int V, bool Full, class E, class Sums = typename O::value_type,
          class D = Sums>
class depthwise_tile {
  using T = typename O::value_type;
  using src = detail::source_element<O>;
  using operands = depthwise_operands<T, D, src>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  using cells = std::make_integer_sequence<int, TH * TW * V>;
  static_assert(TH <= 2 && S.stride <= S.height);
  static constexpr int columns = (TW - 1) * S.stride + S.width;

 public:
  [[gnu::noinline]] static void run(const operands& given, const E& expression) {
    operands x = given;
    const E e = expression;  // of its own: a store may alias whatever has an address
    const index end = x.channel + x.channels;
    for (index t = 0; t < x.tiles; ++t, x.advance(TW)) {
      const T* weights = x.weights;
      for (index c = x.channel; c < end; c += V * O::lanes()) {
        start(cells{}, x, e, weights, c, std::min(V * O::lanes(), end - c));
        weights += V * x.weights_stride;
      }
    }
  }

 private:
  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const operands& x, const E& e, const T* weights, index c, index n) {
    body(s, x, e, weights, c, n, ((void)I, O::zero())...);
  }

  // Rows of src that concern the first row of pixels alone, both, and the second one alone. Loops, not unrolled: a
  // fifth of the code for 5 x 5, and of its compilation.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, const operands& x, const E& e, const T* weights, index c, index n,
                                 Acc... sums) {
    const src* const* at = x.addresses;
    const T* w = weights;
    if constexpr (TH == 1) {
      rows_of<0, 1>(s, S.height, x, at, w, c, n, sums...);
    } else {
      rows_of<0, 1>(s, S.stride, x, at, w, c, n, sums...);
      rows_of<0, 2>(s, S.height - S.stride, x, at, w, c, n, sums...);
      w -= S.stride * tap_row();
      rows_of<1, 2>(s, S.stride, x, at, w, c, n, sums...);
    }
    detail::depthwise_finish<O, TH, TW, V, Full, E, Sums, D>::run(s, x, e, c, n, sums...);
  }

  static ASHLAR_INLINE index tap_row() { return S.width * O::lanes(); }

  // The next `count` rows of src; w: the weights that the first one of pixel row First takes.
  template <int First, int End, int... I, class... Acc>
  static ASHLAR_INLINE void rows_of(seq<I...> s, int count, const operands& x, const src* const*& at, const T*& w,
                                    index c, index n, Acc&... sums) {
    for (int r = 0; r < count; ++r, at += columns, w += tap_row()) {
      w = detail::unknown(w);  // not to be kept for the next row: not all of them fit the registers
      vectors_of<First, End>(s, std::make_integer_sequence<int, V>{}, x, at, w, c, n, sums...);
    }
  }
  template <int First, int End, int... I, int... J, class... Acc>
  static ASHLAR_INLINE void vectors_of(seq<I...> s, seq<J...>, const operands& x, const src* const* at, const T* w,
                                       index c, index n, Acc&... sums) {
    (row<First, End, J>(s, std::make_integer_sequence<int, columns>{}, at, c + x.shift + J * O::lanes(),
                        V == 1 ? n : std::min(O::lanes(), n - J * O::lanes()), w + J * x.weights_stride, sums...),
     ...);
  }

  template <int First, int End, int J, int... I, int... X, class... Acc>
  static ASHLAR_INLINE void row(seq<I...> s, seq<X...>, const src* const* at, index offset, index n, const T* w,
                                Acc&... sums) {
    (pixel<First, End, X, J>(s, detail::load_channels<O, Full>(at[X] + offset, n), w, sums...), ...);
  }

  // Cell I, of vector J, is in the rows of pixels First to End - 1.
  template <int First, int End, int J, int I>
  static constexpr bool concerned = I / (TH * TW) == J && I / TW % TH >= First && I / TW % TH < End;

  template <int First, int End, int X, int J, int... I, class Vector, class... Acc>
  static ASHLAR_INLINE void pixel(seq<I...>, Vector v, const T* w, Acc&... sums) {
    (step<X - I % TW * S.stride, concerned<First, End, J, I>>(v, w - (I / TW % TH - First) * S.stride * tap_row(),
                                                              sums),
     ...);
  }

  // The tap of column C, if there is one. Its weights are loaded for every pixel here, and once a row by the compiler.
  template <int C, bool Concerned, class Vector>
  static ASHLAR_INLINE void step(Vector v, const T* w, Vector& sums) {
    if constexpr (Concerned && C >= 0 && C < S.width) {
      sums = plus_times::accumulate<O>(v, O::load(w + C * O::lanes()), sums);
    }
  }
};

}  // namespace ashlar
