// SPDX-License-Identifier: Apache-2.0
//
// winograd/pack.hpp: the weights transformed, in the order in which the kernel reads them.
//
//   U[group][block of output channels][point][panel][unit of channels][NR]     channels past the last are zero
//
// G g G^T is computed in double, a vector of output channels at a time, and rounded once: the blob depends on the ISA
// by NR (and the size of units) alone, and the transform of float weights adds half an ulp to the error.
//
// Depends on: winograd/{algorithm,cut,format}.hpp.   Used by: winograd/kernel.hpp.
#pragma once

#include <ashlar/winograd/algorithm.hpp>
#include <ashlar/winograd/cut.hpp>
#include <ashlar/winograd/format.hpp>

namespace ashlar {

/// All of U from weights of any layout.
template <class Format>
class winograd_pack {
  using A = typename Format::algorithm;
  using T = typename Format::weight_type;
  using U = typename Format::u_element;
  using W = ops<double, typename Format::isa_type>;  // NR is a multiple of its lanes
  static constexpr index unit = Format::group;
  static constexpr int taps_h = A::vertical::r, taps_w = A::horizontal::r, columns = A::horizontal::a;

 public:
  static void run(const conv_geometry& g, const filter_view<const T>& weights, index nr, U* u) {
    const index filters = g.group_filters(), block = detail::filter_block(nr);
    for (index group = 0; group < g.groups; ++group)
      for (index k = 0; k < filters; k += block) {
        const index width = multiple(std::min(block, filters - k), nr);
        pack_block(g, weights, group * filters + k, std::min(block, filters - k), nr, width, u);
        u += width * A::points * multiple(g.group_channels(), unit);
      }
  }

 private:
  static void pack_block(const conv_geometry& g, const filter_view<const T>& weights, index first, index filters,
                         index nr, index width, U* u) {
    const index channels = multiple(g.group_channels(), unit), panel = channels * nr, point = width / nr * panel;
    for (index j = 0; j < width; j += nr)
      for (index c = 0; c < channels; ++c)
        for (index k = j; k < j + nr; k += W::lanes()) {
          const index exist = c < g.group_channels() ? std::clamp<index>(filters - k, 0, W::lanes()) : 0;
          U* const to = u + j / nr * panel + (c / unit * nr + k - j) * unit + c % unit;
          transform_vector(weights, first + k, exist, c, to, point);
        }
  }

  // `exist` output channels from k on; zeros after them.
  static void transform_vector(const filter_view<const T>& weights, index k, index exist, index c, U* to, index point) {
    double tap[taps_h * taps_w * W::max_lanes], u[A::points * W::max_lanes];
    const index lanes = W::lanes();
    for (int t = 0; t < taps_h * taps_w; ++t)
      for (index i = 0; i < lanes; ++i)
        tap[t * lanes + i] = i < exist ? double(weights(k + i, 0, t / taps_w, t % taps_w, c)) : 0.0;
    A::template weights_transform<W>::run(
        [&](int r, int s) __attribute__((always_inline)) { return W::load(tap + (r * taps_w + s) * lanes); },
        [&](int r, int q, const typename W::vec& y)
            __attribute__((always_inline)) { W::store(u + (r * columns + q) * lanes, y); });
    for (int p = 0; p < A::points; ++p)
      for (index i = 0; i < lanes; ++i) to[p * point + i * unit] = Format::weight(u[p * lanes + i]);
  }
};

}  // namespace ashlar
