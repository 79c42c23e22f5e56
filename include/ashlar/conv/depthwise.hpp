// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise.hpp: convolution where every channel of src has filters of its own.
//
//   dst(n, o, k) = epilogue( sum over taps t of  src(n, o * stride - before + t * dilation, k / M) * weights(k, t) )
//
// M = filters / channels. Each sum starts at zero and takes one fused multiply-add a tap, in the order d, r, s, padding
// included: the bits of the reference.
//
//   channels innermost in src and dst, M = 1      conv/depthwise_channels.hpp; blocks of whole vectors likewise
//   every other case                              conv/depthwise_planes.hpp; vectors along the width
//
// Depends on: conv/depthwise_channels.hpp, conv/depthwise_planes.hpp.   Used by: conv/.
#pragma once

#include <ashlar/conv/depthwise_channels.hpp>
#include <ashlar/conv/depthwise_planes.hpp>

namespace ashlar {

/// Depthwise convolution of T on Isa. Stateless; serves any kernel, stride, dilation and padding in up to three
/// dimensions, and views of any strides and blocks.
template <class T, class Isa>
struct depthwise_kernel {
  using O = ops<T, Isa>;

  static constexpr bool serves(const conv_geometry& g) { return g.group_channels() == 1; }

  /// Weights of filter k, tap t at [(k / lanes * taps + t) * lanes + k % lanes].
  static index packed_elements(const conv_geometry& g) { return multiple(g.filters, O::lanes()) * g.taps(); }

  static void pack(const conv_geometry& g, const filter_view<const T>& weights, T* packed) {
    const index lanes = O::lanes();
    for (index k = 0; k < multiple(g.filters, lanes); ++k) {
      T* to = packed + k / lanes * lanes * g.taps() + k % lanes;
      for (index d = 0; d < g.kernel.d; ++d) {
        for (index r = 0; r < g.kernel.h; ++r) {
          for (index s = 0; s < g.kernel.w; ++s, to += lanes) *to = k < g.filters ? weights(k, d, r, s, 0) : T(0);
        }
      }
    }
  }

  /// Scratch for one worker, a multiple of 64 bytes.
  static index workspace_elements(const conv_geometry& g, const cache_sizes&) {
    return std::max(depthwise_channels<O, acc_node>::workspace(g), depthwise_planes<T, Isa, acc_node>::workspace(g));
  }

  /// memory: executor.concurrency() times workspace_elements, aligned to 64 bytes.
  template <expression E, class Executor>
  static void run(const conv_geometry& g, const blocked_image_view<const T>& src, const T* packed,
                  const blocked_image_view<T>& out, const E& epilogue, T padding_value, T* memory, Executor& executor,
                  const pixel_numbers& numbers) {
    const bool channels_innermost = src.holds_vectors(O::lanes()) && out.holds_vectors(O::lanes()) && g.channels > 1;
    if (channels_innermost && g.filters == g.channels) {
      depthwise_channels<O, E>(g, src, packed, out, epilogue, padding_value, numbers).run(memory, executor);
    } else {
      const depthwise_shape shape = detail::depthwise_shape_of(g);
      depthwise_planes<T, Isa, E>(g, shape, src, packed, out, epilogue, padding_value, numbers).run(memory, executor);
    }
  }
};

}  // namespace ashlar
