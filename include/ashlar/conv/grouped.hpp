// SPDX-License-Identifier: Apache-2.0
//
// conv/grouped.hpp: convolution in groups of few channels, channels innermost: several groups side by side in a vector.
//
//   dst(n, o, k) = epilogue( sum over taps t, channels c of a group of  src(n, ..., group(k), c) * weights(k, t, c) )
//
// One fused multiply-add a tap and channel, in the order d, r, s, c, padding included: the bits of the reference.
//
// Depends on: conv/depthwise_channels.hpp, conv/grouped_tile.hpp.   Used by: conv/.
#pragma once

#include <algorithm>

#include <ashlar/conv/depthwise_channels.hpp>
#include <ashlar/conv/grouped_tile.hpp>

namespace ashlar {

namespace detail {

/// The tiles of grouped_tile.hpp. A depthwise convolution with several filters a channel is one of these too.
struct small_groups {
  ASHLAR_INLINE static constexpr index units(const conv_geometry& g) { return g.taps() * g.group_channels(); }

  // Pixels of a tile. One that shuffles holds their sums and their channels, two operands more and what is shuffled.
  template <class O, group_spread Spread>
  static constexpr int columns = Spread == group_spread::shuffle || Spread == group_spread::in_fours
                                     ? std::min(7, (isa::facts<typename O::isa_type>::vector_registers - 3) / 2)
                                     : 7;

  // f of the spread, as a constant.
  template <class O, class F>
  static constexpr auto with_spread(const conv_geometry& g, const F& f) {
    if (g.group_filters() % O::lanes() == 0) return f.template operator()<group_spread::broadcast>();
    if constexpr (requires(typename O::vec v) { O::shuffle_in_fours(v, nullptr); }) {
      if (g.group_channels() == g.group_filters() && 4 % g.group_filters() == 0)
        return f.template operator()<group_spread::in_fours>();
    }
    if constexpr (shuffling_ops<O>) {
      if (g.group_channels() <= g.group_filters()) return f.template operator()<group_spread::shuffle>();
    }
    return f.template operator()<group_spread::gather>();
  }
  template <class O>
  static constexpr depthwise_tiles<O> tiles(const conv_geometry& g, index) {
    return with_spread<O>(g, []<group_spread Spread>() {
      constexpr auto tile = &grouped_tile<O, columns<O, Spread>, Spread, acc_node>::run;
      return depthwise_tiles<O>{1, columns<O, Spread>, 1, tile, tile, nullptr};
    });
  }
  template <class O, class E, class, class D>
  static constexpr auto finishing_tile(const conv_geometry& g, index) {
    using function = depthwise_tile_function<O, E, D>;
    return with_spread<O>(g, []<group_spread Spread>() -> function {
      if constexpr (runs_long<E> || Spread == group_spread::gather) {
        return nullptr;
      } else {
        return &grouped_tile<O, columns<O, Spread>, Spread, E>::run;
      }
    });
  }
};

}  // namespace detail

/// Grouped convolution of T on Isa, for filters of a group that divide a vector, or are a multiple of it. Stateless;
/// any kernel, stride, dilation and padding in up to three dimensions.
template <class T, class Isa>
struct grouped_kernel {
  using O = ops<T, Isa>;

  static bool serves(const conv_geometry& g) {
    return g.group_filters() % O::lanes() == 0 || O::lanes() % g.group_filters() == 0;
  }
  /// Does it read and write images that lie in this order? Channels innermost in both.
  static bool serves(const image_view<const T>& src, const image_view<T>& out) {
    return src.strides().c == 1 && out.strides().c == 1;
  }

  /// Weight of filter k, tap t, channel c at [((k / lanes * taps + t) * group_channels + c) * lanes + k % lanes].
  static index packed_elements(const conv_geometry& g) {
    return multiple(g.filters, O::lanes()) * g.taps() * g.group_channels();
  }

  static void pack(const conv_geometry& g, const filter_view<const T>& weights, T* packed) {
    const index lanes = O::lanes(), terms = g.taps() * g.group_channels();
    for (index k = 0; k < multiple(g.filters, lanes); ++k) {
      T* const to = packed + k / lanes * lanes * terms + k % lanes;
      for (index i = 0; i < terms; ++i) {
        const index c = i % g.group_channels(), t = i / g.group_channels();
        const index s = t % g.kernel.w, r = t / g.kernel.w % g.kernel.h, d = t / g.kernel.w / g.kernel.h;
        to[i * lanes] = k < g.filters ? weights(k, d, r, s, c) : T(0);
      }
    }
  }

  /// Scratch for one worker, a multiple of 64 bytes.
  static index workspace_elements(const conv_geometry& g, const cache_sizes&) {
    return depthwise_channels<O, acc_node, detail::small_groups>::workspace(g);
  }

  /// memory: executor.concurrency() times workspace_elements, aligned to 64 bytes.
  template <expression E, class Executor>
  static void run(const conv_geometry& g, const blocked_image_view<const T>& src, const T* packed,
                  const blocked_image_view<T>& out, const E& epilogue, T padding_value, T* memory, Executor& executor,
                  const pixel_numbers& numbers) {
    depthwise_channels<O, E, detail::small_groups>(g, src, packed, out, epilogue, padding_value, numbers)
        .run(memory, executor);
  }
};

}  // namespace ashlar
