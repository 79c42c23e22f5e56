// SPDX-License-Identifier: Apache-2.0
//
// conv/exact_winograd.hpp: Winograd's algorithm for bytes, equal to the direct sum: whole numbers throughout.
//
// F(2 x 2, 3 x 3) takes 4 products an output instead of 9, of 16-bit numbers. The sums, four times what they should be,
// are right modulo 2^32; up to most_channels they leave room for the factor, whatever the numbers are.
//
// Depends on: conv/kernels.hpp, winograd/format.hpp.   Used by: conv/product.hpp.
#pragma once

#include <cinttypes>

#include <ashlar/conv/kernels.hpp>
#include <ashlar/winograd/format.hpp>

namespace ashlar {

/// winograd_algorithm of a winograd_bytes.
template <class Format, class D, class Unit>
struct exact_winograd : winograd_algorithm<Format, D, Unit> {
  /// Why it does not compute g, where it is the number of channels.
  static status refusal(const conv_geometry& g) {
    if (g.channels <= Format::most_channels) return {};
    return status::error(errc::unsupported,
                         "plan_conv: winograd_2x2 of %" PRId64
                         " channels: %d times a sum of these bytes may not fit 32 bits; "
                         "it is exact up to %" PRId64 " channels",
                         g.channels, 1 << Format::shift, Format::most_channels);
  }
  /// Is it faster than the direct sum, whatever the weights are? Where that takes as many products at a time, and there
  /// are channels enough for the transforms not to weigh.
  static bool pays(const conv_geometry& g) {
    using direct = dot_ops<typename Format::isa_type>;
    constexpr bool as_many = Format::group == direct::group && Format::group > 1;
    return as_many && winograd_algorithm<Format, D, Unit>::serves(g) && g.channels >= 64 && g.filters >= 64;
  }
};

}  // namespace ashlar
