// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ashlar/conv/depthwise_channels.hpp>
#include <ashlar/loop/blocking.hpp>

namespace ashlar {

template <class T, class Isa>
struct depthwise_kernel {
  using O = ops<T, Isa>;

  static constexpr bool serves(const conv_geometry& g) { return g.group_channels() == 1; }

  static index packed_elements(const conv_geometry& g) { return multiple(g.filters, O::lanes()) * g.taps(); }

  static void pack(const conv_geometry& g, const filter_view<const T>& weights, T* packed) {
    const index lanes = O::lanes();
    for (index k = 0; k < multiple(g.filters, lanes); ++k) {
      T* to = packed + k / lanes * lanes * g.taps() + k % lanes;
      for (index d = 0; d < g.kernel.d; ++d)
        for (index r = 0; r < g.kernel.h; ++r)
          for (index s = 0; s < g.kernel.w; ++s, to += lanes) *to = k < g.filters ? weights(k, d, r, s, 0) : T(0);
    }
  }

  static index workspace_elements(const conv_geometry& g, const cache_sizes&) {
    return depthwise_channels<T, Isa, acc_node>::workspace(g);
  }

  template <expression E, class Executor>
  static void run(const conv_geometry& g, const image_view<const T>& src, const T* packed, const image_view<T>& dst,
                  const E& epilogue, T padding_value, T* memory, Executor& executor) {
    depthwise_channels<T, Isa, E>(g, src, packed, dst, epilogue, padding_value).run(memory, executor);
  }
};

}  // namespace ashlar
