// SPDX-License-Identifier: Apache-2.0
//
// conv/exact_winograd.hpp: Winograd's algorithm for bytes, equal to the direct sum: whole numbers throughout.
//
// F(2 x 2, 3 x 3) takes 4 products an output instead of 9, of 16-bit numbers. The sums, four times what they should be,
// are right modulo 2^32; up to most_channels they leave room for the factor, whatever the numbers are.
//
// Depends on: conv/kernels.hpp, winograd/{format,kernel}.hpp.   Used by: conv/product.hpp.
#pragma once

#include <algorithm>
#include <cinttypes>

#include <ashlar/conv/kernels.hpp>
#include <ashlar/winograd/format.hpp>
#include <ashlar/winograd/kernel.hpp>

namespace ashlar {

/// Unit: what the plan's packed weights are counted in.
template <class Format, class D, class Unit>
struct exact_winograd {
  using kernel = winograd_kernel<Format, D>;
  using views_type = conv_views<typename Format::src_type, D>;
  using no_zeros = detail::zero_point_values<no_zero_point>;
  static constexpr index units = index(sizeof(typename Format::unit) / sizeof(Unit));

  static bool serves(const conv_geometry& g) {
    return g.groups == 1 && kernel::serves(g) && detail::starts_outside(g) && g.channels <= Format::most_channels;
  }
  /// Why it does not, where it is the number of channels.
  static status refusal(const conv_geometry& g) {
    if (g.channels <= Format::most_channels) return {};
    return status::error(errc::unsupported,
                         "plan_conv: winograd_2x2 of %" PRId64
                         " channels: %d times a sum of these bytes may not fit 32 bits; "
                         "it is exact up to %" PRId64 " channels",
                         g.channels, 1 << Format::shift, Format::most_channels);
  }
  /// Is it faster than the direct sum? Where that takes as many products at a time, and there are channels enough for
  /// the transforms not to weigh.
  static bool pays(const conv_geometry& g) {
    using direct = dot_ops<typename Format::isa_type>;
    return Format::group == direct::group && Format::group > 1 && serves(g) && g.channels >= 32 && g.filters >= 32;
  }

  static index panel_width() { return kernel::nr(); }
  static index packed_elements(const conv_geometry& g) { return kernel::packed_elements(g) * units; }
  template <class W, class Zeros = no_zeros>
  static void pack(const conv_geometry& g, const grouped_filters<W>& w, Unit* out, const Zeros& = {}) {
    kernel::pack(g, w.group(0), reinterpret_cast<typename Format::unit*>(out));
  }
  template <class E>
  static index workspace_elements(const views_type& v, const E&, index lanes, const cache_sizes& caches) {
    const winograd_cut cut = kernel::plan(v.g, lanes, caches);
    return std::min(lanes, cut.tasks(v.g)) * kernel::workspace(cut);
  }
  template <class E, class How>
  static void run(const views_type& v, const Unit* packed, const E& e, const How& how) {
    const winograd_cut cut = kernel::plan(v.g, how.executor.concurrency(), how.caches);
    const auto* const u = reinterpret_cast<const typename Format::unit*>(packed);
    const auto zero = static_cast<typename Format::src_type>(how.zeros.a);
    kernel::run(v.g, cut, winograd_operands<Format, D>{v.src, u, v.dst, zero}, e, how.memory, how.executor);
  }
};

}  // namespace ashlar
