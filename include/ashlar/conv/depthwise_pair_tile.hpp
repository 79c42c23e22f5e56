// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_pair_tile.hpp: the register tile of depthwise convolution of bytes with channels innermost: TH x TW
// pixels of dst, two taps at a time as 16-bit numbers.
//
//   for each pair of rows 2p, 2p + 1 and column x of src under the tile:
//     v = their pixels side by side, loaded once
//     for each (ty, tx) that it concerns:     acc[ty][tx] += v . weights[2p - S ty, 2p + 1 - S ty][x - S tx]
//
// Rows of taps are packed in pairs, a missing one as zeros: (0 1)(2 -) for pixels whose first row of src is even, and
// (- 0)(1 2) for those where it is odd. Integers, so the order does not matter.
//
// Depends on: conv/depthwise_tile.hpp, conv/depthwise_tiles.hpp, isa/word_pairs.hpp.   Used by:
// conv/depthwise_mixed.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include <ashlar/conv/depthwise_tile.hpp>
#include <ashlar/conv/depthwise_tiles.hpp>
#include <ashlar/conv/geometry.hpp>
#include <ashlar/isa/word_pairs.hpp>

namespace ashlar {

namespace detail {

/// How the weights of a vector of channels lie: [phase][pair][column of taps][lane], phase 1 only for kernels with
/// tiles of their own.
struct tap_pairs {
  index rows, columns, phases;  // rows of taps, all depths together

  ASHLAR_INLINE constexpr explicit tap_pairs(const conv_geometry& g)
      : rows(g.kernel.d * g.kernel.h), columns(g.kernel.w), phases(has_tile(g.kernel) ? 2 : 1) {}

  ASHLAR_INLINE constexpr index pairs() const { return (rows + 1) / 2; }
  ASHLAR_INLINE constexpr index units() const { return phases * pairs() * columns; }
  /// The tap of half 0 or 1 of a unit's pair: a number among all taps, or -1.
  ASHLAR_INLINE constexpr index tap(index unit, int half) const {
    const index phase = unit / (pairs() * columns), row = 2 * (unit / columns % pairs()) + half - phase;
    return row < 0 || row >= rows ? -1 : row * columns + unit % columns;
  }

 private:
  static ASHLAR_INLINE constexpr bool has_tile(const triple& k) {
    return k.d == 1 && k.h == k.w && (k.h == 3 || k.h == 5 || k.h == 7);
  }
};

}  // namespace detail

/// The tile. S of height 0: any kernel, one row of pixels. Full: channels are whole vectors.
template <class O, depthwise_shape S, int TH, int TW, bool Full, class E, class D = std::int32_t>
class depthwise_pair_tile {
  using src = detail::source_element<O>;
  using operands = depthwise_operands<std::int32_t, D, src>;
  using cells = std::make_integer_sequence<int, TH * TW>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  static constexpr bool any = S.height == 0;
  static_assert(any ? TH == 1 : TH <= 2 && S.height % 2 == 1 && S.stride <= 2);
  static constexpr int columns = (TW - 1) * S.stride + S.width;

 public:
  [[gnu::noinline]] static void run(const operands& given, const E& expression) {
    operands x = given;
    const E e = expression;  // of its own: a store may alias whatever has an address
    const index end = x.channel + x.channels;
    for (index t = 0; t < x.tiles; ++t, x.advance(TW)) {
      const std::int32_t* weights = x.weights;
      for (index c = x.channel; c < end; c += O::lanes(), weights += x.weights_stride) {
        start(cells{}, x, e, weights, c, std::min(O::lanes(), end - c));
      }
    }
  }

 private:
  // The rows of src that come next, and where the weights of each row of pixels are.
  struct place {
    const src* const* at;
    index offset, n;  // of the channels in a pixel, and how many
    const std::int32_t* weights[TH];
  };

  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const operands& x, const E& e, const std::int32_t* weights, index c,
                                  index n) {
    body(s, x, e, weights, c, n, ((void)I, O::zero())...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, const operands& x, const E& e, const std::int32_t* weights, index c,
                                 index n, Acc... sums) {
    if constexpr (any) {
      any_taps(x, weights, c, n, sums...);
    } else if constexpr (TH == 1) {
      place p{x.addresses, c + x.shift, n, {weights}};
      pairs_of<0, 1, false>(s, S.height / 2, p, sums...);
      pairs_of<0, 1, true>(s, 1, p, sums...);
    } else if constexpr (S.stride == 1) {
      place p{x.addresses, c + x.shift, n, {weights, weights + x.weights_stride / 2}};
      pairs_of<0, 2, false>(s, S.height / 2 + 1, p, sums...);
    } else {
      place p{x.addresses, c + x.shift, n, {weights, weights}};
      pairs_of<0, 1, false>(s, 1, p, sums...);
      pairs_of<0, 2, false>(s, S.height / 2, p, sums...);
      pairs_of<1, 2, true>(s, 1, p, sums...);
    }
    detail::depthwise_finish<O, TH, TW, 1, Full, E, std::int32_t, D>::run(s, x, e, c, n, sums...);
  }

  // The next `count` pairs of rows of src, or a Single row: rows of pixels First to End - 1 are concerned.
  template <int First, int End, bool Single, int... I, class... Acc>
  static ASHLAR_INLINE void pairs_of(seq<I...> s, int count, place& p, Acc&... sums) {
    for (int i = 0; i < count; ++i, p.at += 2 * columns) {
      row<First, End, Single>(s, std::make_integer_sequence<int, columns>{}, p, sums...);
      for (int y = First; y < End; ++y) p.weights[y] += S.width * O::lanes();
    }
  }
  template <int First, int End, bool Single, int... I, int... X, class... Acc>
  static ASHLAR_INLINE void row(seq<I...> s, seq<X...>, const place& p, Acc&... sums) {
    (pixel<First, End, X>(s, load<Single>(p.at + X, columns, p.offset, p.n), p, sums...), ...);
  }
  template <int First, int End, int X, int... I, class Vector, class... Acc>
  static ASHLAR_INLINE void pixel(seq<I...>, const Vector& v, const place& p, Acc&... sums) {
    (step<X - I % TW * S.stride, (I / TW >= First && I / TW < End)>(v, p.weights[I / TW], sums), ...);
  }
  // The pair of taps of column C, if there is one.
  template <int C, bool Concerned, class Vector>
  static ASHLAR_INLINE void step(const Vector& v, const std::int32_t* w, Vector& sums) {
    if constexpr (Concerned && C >= 0 && C < S.width) sums = O::dot(sums, v, w + C * O::lanes());
  }

  // Kernel, stride and dilation at run time.
  template <class... Acc>
  static ASHLAR_INLINE void any_taps(const operands& x, const std::int32_t* w, index c, index n, Acc&... sums) {
    const index pitch = (TW - 1) * x.stride + (x.kernel_columns - 1) * x.dilation + 1, offset = c + x.shift;
    for (index t = 0; t < x.kernel_rows; t += 2) {
      const src* const* at = x.addresses + t * pitch;
      for (index k = 0; k < x.kernel_columns; ++k, at += x.dilation, w += O::lanes()) {
        if (t + 1 < x.kernel_rows) {
          tap<false>(at, x.stride, pitch, w, offset, n, sums...);
        } else {
          tap<true>(at, x.stride, pitch, w, offset, n, sums...);
        }
      }
    }
  }
  template <bool Single, class... Acc>
  static ASHLAR_INLINE void tap(const src* const* at, index step, index pitch, const std::int32_t* w, index offset,
                                index n, Acc&... sums) {
    ((sums = O::dot(sums, load<Single>(at, pitch, offset, n), w), at += step), ...);
  }

  template <bool Single>
  static ASHLAR_INLINE auto load(const src* const* at, index pitch, index offset, index n) {
    if constexpr (Single && Full) {
      return O::pair(at[0] + offset);
    } else if constexpr (Single) {
      return O::pair_n(at[0] + offset, n);
    } else if constexpr (Full) {
      return O::pair(at[0] + offset, at[pitch] + offset);
    } else {
      return O::pair_n(at[0] + offset, at[pitch] + offset, n);
    }
  }
};

/// A filter a channel, of bytes: two rows of seven pixels, for kernels with tiles of their own.
struct paired_channels {
  static constexpr int columns = 7;

  ASHLAR_INLINE static constexpr index units(const conv_geometry& g) { return detail::tap_pairs(g).units(); }

  template <class O>
  static constexpr detail::depthwise_tiles<O> tiles(const conv_geometry& g, index) {
    detail::depthwise_tiles<O> t = with_shape<O>(g, []<depthwise_shape S>() {
      constexpr bool full = !O::masked_memory;
      constexpr int rows = S.height > 0 ? 2 : 1;
      return detail::depthwise_tiles<O>{rows,
                                        columns,
                                        1,
                                        &depthwise_pair_tile<O, S, rows, columns, full, acc_node>::run,
                                        &depthwise_pair_tile<O, S, 1, columns, full, acc_node>::run,
                                        nullptr};
    });
    if constexpr (!O::masked_memory)
      t.ragged = &depthwise_pair_tile<O, {0, 0, 0}, 1, t.ragged_columns, false, acc_node>::run;
    return t;
  }

  /// The tile of all its rows that applies E in registers; nullptr for a long E and for kernels without their own tile.
  template <class O, class E, class, class D>
  static constexpr auto finishing_tile(const conv_geometry& g, index) {
    using function = detail::depthwise_tile_function<O, E, D>;
    return with_shape<O>(g, []<depthwise_shape S>() -> function {
      if constexpr (runs_long<E> || S.height == 0) {
        return nullptr;
      } else {
        return &depthwise_pair_tile<O, S, 2, columns, !O::masked_memory, E, D>::run;
      }
    });
  }

 private:
  template <class O, class F>
  static constexpr auto with_shape(const conv_geometry& g, const F& f) {
    if constexpr (unrolls_depthwise<typename O::isa_type>) {
      const depthwise_shape s = detail::depthwise_shape_of(g);
      switch (s.height * 10 + s.stride) {
        case 31:
          return f.template operator()<depthwise_shape{3, 3, 1}>();
        case 32:
          return f.template operator()<depthwise_shape{3, 3, 2}>();
        case 51:
          return f.template operator()<depthwise_shape{5, 5, 1}>();
        case 52:
          return f.template operator()<depthwise_shape{5, 5, 2}>();
        case 71:
          return f.template operator()<depthwise_shape{7, 7, 1}>();
      }
    }
    return f.template operator()<depthwise_shape{0, 0, 0}>();
  }
};

}  // namespace ashlar
