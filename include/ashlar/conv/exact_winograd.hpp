// SPDX-License-Identifier: Apache-2.0
//
// conv/exact_winograd.hpp: Winograd's algorithm for bytes, equal to the direct sum: whole numbers throughout.
//
// F(2 x 2, 3 x 3) takes 4 products an output instead of 9, of 16-bit numbers. The sums, four times what they should be,
// are right modulo 2^32; up to most_terms they leave room for the factor, whatever the numbers are.
//
// Depends on: conv/{kernels,refusal}.hpp, winograd/format.hpp.   Used by: conv/product.hpp.
#pragma once

#include <cinttypes>

#include <ashlar/conv/kernels.hpp>
#include <ashlar/conv/refusal.hpp>
#include <ashlar/winograd/format.hpp>

namespace ashlar {

/// winograd_algorithm of a winograd_bytes.
template <class Format, class D, class Unit>
struct exact_winograd : winograd_algorithm<Format, D, Unit> {
  /// Why it does not compute g, or is not the Winograd algorithm `a`.
  static status refusal(conv_algorithm a, const conv_geometry& g) {
    using A = typename Format::algorithm;
    if (!is_named<A>(a, g.kernel)) {
      return status::error(errc::unsupported,
                           "plan_conv: %s for weights of %" PRId64 "x%" PRId64
                           ": of bytes Winograd is exact as %s for weights of 3x3 alone, up to %" PRId64 " channels",
                           name(a), g.kernel.h, g.kernel.w, name(winograd_name<A>), Format::most_terms);
    }
    if (g.kernel.d * g.group_channels() <= Format::most_terms) return detail::refuse_steps(a, g);
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
