// SPDX-License-Identifier: Apache-2.0
//
// winograd/pack.hpp: the weights transformed, in the order in which the kernel reads them.
//
//   U[group][block of output channels][point][panel][channel][NR]        output channels past the last are zero
//
// G g G^T is computed in double, in scalar code, and rounded once to T: so the blob does not depend on the ISA but for
// NR, and the transform of the weights adds half an ulp to the error.
//
// Depends on: winograd/algorithm.hpp, winograd/cut.hpp.   Used by: winograd/kernel.hpp.
#pragma once

#include <ashlar/winograd/algorithm.hpp>
#include <ashlar/winograd/cut.hpp>

namespace ashlar {

/// All of U from weights of any layout.
template <class T, class Isa, class A>
class winograd_pack {
  using D = ops<double, isa::scalar>;
  static constexpr int taps_h = A::vertical::r, taps_w = A::horizontal::r, columns = A::horizontal::a;

 public:
  static void run(const conv_geometry& g, const filter_view<const T>& weights, index nr, T* u) {
    const index filters = g.group_filters(), block = detail::filter_block(nr);
    for (index group = 0; group < g.groups; ++group)
      for (index k = 0; k < filters; k += block) {
        const index width = multiple(std::min(block, filters - k), nr);
        pack_block(g, weights, group * filters + k, std::min(block, filters - k), nr, width, u);
        u += width * A::points * g.group_channels();
      }
  }

 private:
  static void pack_block(const conv_geometry& g, const filter_view<const T>& weights, index first, index filters,
                         index nr, index width, T* u) {
    const index channels = g.group_channels(), panel = channels * nr, point = width / nr * panel;
    for (index k = 0; k < width; ++k)
      for (index c = 0; c < channels; ++c) {
        T* const to = u + k / nr * panel + c * nr + k % nr;
        if (k < filters) {
          transform_one(weights, first + k, c, to, point);
        } else {
          for (int p = 0; p < A::points; ++p) to[p * point] = T(0);
        }
      }
  }

  static void transform_one(const filter_view<const T>& weights, index k, index c, T* to, index point) {
    double tap[taps_h * taps_w];
    for (int r = 0; r < taps_h; ++r)
      for (int s = 0; s < taps_w; ++s) tap[r * taps_w + s] = double(weights(k, 0, r, s, c));
    A::template weights_transform<D>::run(
        [&](auto r, auto s) __attribute__((always_inline)) { return tap[r.value * taps_w + s.value]; },
        [&](auto r, auto q, double y)
            __attribute__((always_inline)) { to[(r.value * columns + q.value) * point] = static_cast<T>(y); });
  }
};

}  // namespace ashlar
