// SPDX-License-Identifier: Apache-2.0
//
// conv/exact_winograd.hpp: Winograd's algorithm for bytes, equal to the direct sum: whole numbers throughout.
//
// F(2 x 2, 3 x 3) takes 4 products an output instead of 9, of 16-bit numbers. The sums, four times what they should be,
// are right modulo 2^32; up to most_terms they leave room for the factor, whatever the numbers are.
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
    if (g.kernel.d * g.group_channels() <= Format::most_terms) return {};
    return status::error(errc::unsupported,
                         "plan_conv: winograd_2x2 of %" PRId64 " channels in %" PRId64
                         " planes of the kernel: %d times a sum of these bytes may not fit 32 bits; "
                         "it is exact up to %" PRId64 " in all",
                         g.group_channels(), g.kernel.d, 1 << Format::shift, Format::most_terms);
  }
  /// Is it faster than the direct sum, whatever the weights are? Where that takes as many products at a time, and there
  /// are channels enough for the transforms not to weigh; measured of one plane and one group.
  static bool pays(const conv_geometry& g) {
    using direct = dot_ops<typename Format::isa_type>;
    constexpr bool as_many = Format::group == direct::group && Format::group > 1;
    return as_many && winograd_algorithm<Format, D, Unit>::serves(g) && g.groups == 1 && g.kernel.d == 1 &&
           g.channels >= 64 && g.filters >= 64;
  }
};

}  // namespace ashlar
