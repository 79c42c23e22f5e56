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
// A shuffle a multiply-add: on Zen 4, whose three pipes share them, at most three quarters of the peak.
//
// Depends on: conv/depthwise_tile.hpp.   Used by: conv/grouped.hpp.
#pragma once

#include <cstdint>
#include <type_traits>

#include <ashlar/conv/depthwise_tile.hpp>

namespace ashlar {

/// How a channel of src comes to the lanes of its group's filters.
enum class group_spread {
  broadcast,  // a vector lies within one group: one element for all lanes
  shuffle,    // several groups in a vector, and their channels in a vector too
  gather      // several groups in a vector: one element after the other
};

template <class O, int TW, group_spread Spread, class E>
class grouped_tile {
  using T = typename O::value_type;
  using number = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

  // Lane l takes element [i][l] of the channels of a vector's groups.
  static constexpr index tables = Spread == group_spread::shuffle ? O::max_lanes : 1;
  struct lane_table {
    ASHLAR_INLINE explicit lane_table(const depthwise_operands<T>& x) {
      const index count = Spread == group_spread::shuffle ? x.group_channels : 1;
      for (index i = 0; i < count; ++i) {
        for (index l = 0; l < O::lanes(); ++l) {
          of[i][l] = static_cast<number>(l / x.group_filters * x.group_channels + i);
        }
      }
    }
    alignas(64) number of[tables][O::max_lanes];
  };

 public:
  [[gnu::noinline]] static void run(const depthwise_operands<T>& x, const E& e) {
    const T* weights = x.weights;
    const index end = x.channel + x.channels, lanes = O::lanes();
    const lane_table table(x);
    for (index c = x.channel; c < end; c += lanes) {
      start(std::make_integer_sequence<int, TW>{}, x, e, weights, table, c, std::min(lanes, end - c));
      weights += x.weights_stride;
    }
  }

 private:
  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const depthwise_operands<T>& x, const E& e, const T* weights,
                                  const lane_table& table, index c, index n) {
    body(s, x, e, weights, table, c, n, ((void)I, O::zero())...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, const depthwise_operands<T>& x, const E& e, const T* weights,
                                 const lane_table& table, index c, index n, Acc... acc) {
    const index columns = (TW - 1) * x.stride + (x.kernel_columns - 1) * x.dilation + 1, lanes = O::lanes();
    const index base = c / x.group_filters * x.group_channels, offset = base + x.shift;
    const index present = std::min(lanes, x.src_channels - base);
    for (index t = 0; t < x.kernel_rows; ++t) {
      const T* const* at = x.addresses + t * columns;
      for (index k = 0; k < x.kernel_columns; ++k, at += x.dilation) {
        if constexpr (Spread == group_spread::shuffle) {
          [&](auto... v) __attribute__((always_inline)) {
            for (index i = 0; i < x.group_channels; ++i, weights += lanes) {
              ((acc = plus_times::accumulate<O>(O::shuffle(v, table.of[i]), O::load(weights), acc)), ...);
            }
          }(O::load_n(at[I * x.stride] + offset, present)...);
        } else {
          for (index i = 0; i < x.group_channels; ++i, weights += lanes) {
            ((acc = plus_times::accumulate<O>(spread(at[I * x.stride] + offset + i, table, n), O::load(weights), acc)),
             ...);
          }
        }
      }
    }
    detail::depthwise_finish<O, 1, TW, 1, false, E>::run(s, x, e, c, n, acc...);
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
