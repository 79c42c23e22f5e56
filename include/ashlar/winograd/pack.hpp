// SPDX-License-Identifier: Apache-2.0
//
// winograd/pack.hpp: the weights transformed, in the order in which the kernel reads them.
//
//   U[group][block of output channels][point][panel][plane][unit of channels][NR]     channels past the last are zero
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

/// All of U from weights of any layout: filters(i) is the view of group i's.
template <class Format>
class winograd_pack {
  using A = typename Format::algorithm;
  using T = typename Format::weight_type;
  using U = typename Format::u_element;
  using W = ops<double, typename Format::isa_type>;  // NR is a multiple of its lanes
  static constexpr index unit = Format::group;
  static constexpr int taps_h = A::vertical::r, taps_w = A::horizontal::r, columns = A::horizontal::a;

 public:
  template <class Filters>
  static void run(const conv_geometry& g, const Filters& filters_of, index nr, U* u) {
    const index filters = g.group_filters(), block = detail::filter_block(nr);
    for (index group = 0; group < g.groups; ++group)
      for (index k = 0; k < filters; k += block) {
        const index width = multiple(std::min(block, filters - k), nr);
        pack_block(filters_of(group), k, std::min(block, filters - k), nr, width, u);
        u += width * A::points * g.kernel.d * multiple(g.group_channels(), unit);
      }
  }

 private:
  static void pack_block(const filter_view<const T>& weights, index first, index filters, index nr, index width, U* u) {
    const filter_axes& e = weights.extents();
    const index channels = multiple(e.c, unit), panel = e.d * channels * nr, point = width / nr * panel;
    for (index j = 0; j < width; j += nr)
      for (index step = 0; step < e.d * channels; ++step)
        for (index k = j; k < j + nr; k += W::lanes()) {
          const index d = step / channels, c = step % channels;
          const index exist = c < e.c ? std::clamp<index>(filters - k, 0, W::lanes()) : 0;
          U* const to = u + j / nr * panel + (step / unit * nr + k - j) * unit + c % unit;
          transform_vector(weights, {first + k, exist, d, c}, to, point);
        }
  }

  // Filters k, k + 1 ... of a vector, of which `exist` are there: zeros after them.
  struct taps_of {
    index k, exist, plane, channel;
  };
  static void transform_vector(const filter_view<const T>& weights, const taps_of& x, U* to, index point) {
    double tap[taps_h * taps_w * W::max_lanes], u[A::points * W::max_lanes];
    const index lanes = W::lanes();
    for (int t = 0; t < taps_h * taps_w; ++t)
      for (index i = 0; i < lanes; ++i)
        tap[t * lanes + i] = i < x.exist ? double(weights(x.k + i, x.plane, t / taps_w, t % taps_w, x.channel)) : 0.0;
    A::template weights_transform<W>::run(
        [&](int r, int s) __attribute__((always_inline)) { return W::load(tap + (r * taps_w + s) * lanes); },
        [&](int r, int q, const typename W::vec& y)
            __attribute__((always_inline)) { W::store(u + (r * columns + q) * lanes, y); });
    for (int p = 0; p < A::points; ++p)
      for (index i = 0; i < lanes; ++i) to[p * point + i * unit] = Format::weight(u[p * lanes + i]);
  }
};

}  // namespace ashlar
