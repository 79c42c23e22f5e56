// SPDX-License-Identifier: Apache-2.0
//
// conv/grouped_tile.hpp: the register tile of convolution in small groups, channels innermost: one row of TW pixels,
// one vector of filters after the other, several groups side by side in it.
//
//   for each row of taps t, tap s:                   v[tx] = src channels of these groups
//     for each channel i of a group:                 acc[tx] = fma(spread_i(v[tx]), weights[t][s][i], acc[tx])
//
//   spread_i: the lane of filter k gets channel i of k's group; a shuffle of lanes, where the machine has one
//
// A shuffle a multiply-add: on Zen, whose three pipes share them, at most three quarters of the peak.
//
// Depends on: conv/depthwise_tile.hpp.   Used by: conv/grouped.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <ashlar/conv/depthwise_tile.hpp>

namespace ashlar {

/// How a channel of src comes to the lanes of its group's filters.
enum class group_spread {
  broadcast,  // a vector lies within one group: one element for all lanes
  shuffle,    // several groups in a vector, and their channels in a vector too
  in_fours,   // the same of groups as wide as their channels that do not cross four lanes: shuffled at once, not in two
              // steps
  gather      // several groups in a vector: one element after the other
};

template <class O, int TW, group_spread Spread, class E>
class grouped_tile {
  using T = typename O::value_type;
  using number = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

  // Lane l takes element [i][l] of the channels of a vector's groups.
  static constexpr bool shuffles = Spread == group_spread::shuffle || Spread == group_spread::in_fours;
  static constexpr index tables = shuffles ? O::max_lanes : 1;
  struct lane_table {
    ASHLAR_INLINE explicit lane_table(const depthwise_operands<T>& x) {
      if constexpr (Spread == group_spread::broadcast) return;
      const index count = shuffles ? x.group_channels : 1;
      index filter = 0, first = 0;  // of the lane's group
      for (index l = 0; l < O::lanes(); ++l) {
        for (index i = 0; i < count; ++i) of[i][l] = static_cast<number>(first + i);
        if (++filter == x.group_filters) filter = 0, first += x.group_channels;
      }
    }
    alignas(64) number of[tables][O::max_lanes];
  };

 public:
  [[gnu::noinline]] static void run(const depthwise_operands<T>& given, const E& expression) {
    depthwise_operands<T> x = given;
    const E e = expression;  // of its own: a store may alias whatever has an address
    const lane_table table(x);
    for (index t = 0; t < x.tiles; ++t, x.advance(TW)) all_filters(x, e, table);
  }

 private:
  struct vector_of_filters {
    const T* weights;
    index offset, present;  // of the first channel from a pixel's address, and how many there are
    index c, n;             // the first filter and how many
  };

  static ASHLAR_INLINE void all_filters(const depthwise_operands<T>& x, const E& e, const lane_table& table) {
    const T* weights = x.weights;
    const index end = x.channel + x.channels, lanes = O::lanes();
    for (index c = x.channel; c < end; c += lanes) {
      const index base = c / x.group_filters * x.group_channels;
      const index n = std::min(lanes, end - c), present = std::min(lanes, x.src_channels - base);
      const vector_of_filters at{weights, base + x.shift, present, c, n};
      if (n == lanes && present == lanes) {
        start<true>(std::make_integer_sequence<int, TW>{}, x, e, table, at);
      } else {
        start<false>(std::make_integer_sequence<int, TW>{}, x, e, table, at);
      }
      weights += x.weights_stride;
    }
  }

  template <bool Full, int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const depthwise_operands<T>& x, const E& e, const lane_table& table,
                                  const vector_of_filters& at) {
    body<Full>(s, x, e, table, at, ((void)I, O::zero())...);
  }

  template <bool Full, int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, const depthwise_operands<T>& x, const E& e, const lane_table& table,
                                 const vector_of_filters& f, Acc... sums) {
    const index columns = (TW - 1) * x.stride + (x.kernel_columns - 1) * x.dilation + 1, lanes = O::lanes();
    const T* weights = f.weights;
    for (index t = 0; t < x.kernel_rows; ++t) {
      const T* const* at = x.addresses + t * columns;
      for (index k = 0; k < x.kernel_columns; ++k, at += x.dilation) {
        if constexpr (shuffles) {
          [&](auto... v) __attribute__((always_inline)) {
            for (index i = 0; i < x.group_channels; ++i, weights += lanes) {
              ((sums = plus_times::accumulate<O>(shuffled(v, table.of[i]), O::load(weights), sums)), ...);
            }
          }(detail::load_channels<O, Full>(at[I * x.stride] + f.offset, f.present)...);
        } else {
          for (index i = 0; i < x.group_channels; ++i, weights += lanes) {
            ((sums = plus_times::accumulate<O>(spread(at[I * x.stride] + f.offset + i, table, f.n), O::load(weights),
                                               sums)),
             ...);
          }
        }
      }
    }
    detail::depthwise_finish<O, 1, TW, 1, Full, E, T, T>::run(s, x, e, f.c, f.n, sums...);
  }

  template <class V>
  static ASHLAR_INLINE V shuffled(const V& v, const number* lanes) {
    if constexpr (Spread == group_spread::in_fours) {
      return O::shuffle_in_fours(v, lanes);
    } else {
      return O::shuffle(v, lanes);
    }
  }
  static ASHLAR_INLINE auto spread(const T* p, const lane_table& table, index n) {
    if constexpr (Spread == group_spread::broadcast) {
      return O::broadcast_load(p);
    } else {
      T lanes[O::max_lanes] = {};
      for (index l = 0; l < n; ++l) lanes[l] = p[table.of[0][l]];
      return O::load(lanes);
    }
  }
};

}  // namespace ashlar
