// SPDX-License-Identifier: Apache-2.0
//
// conv/refusal.hpp: why an algorithm that was asked for by its name does not compute a geometry.
//
// Depends on: conv/{algorithm,geometry}.hpp, core/status.hpp.   Used by: conv/{choose,exact_winograd,product}.hpp,
// conv/make_plan.hpp.
#pragma once

#include <cinttypes>

#include <ashlar/conv/algorithm.hpp>
#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/status.hpp>

namespace ashlar::detail {

// Of plans that have no algorithm of this name.
template <class Unit = this_unit>
status refuse_name(conv_algorithm a) {
  return status::error(errc::unsupported,
                       "plan_conv: plans of these element types have no %s on this ISA; implicit_gemm computes every "
                       "geometry",
                       name(a));
}

// Of kernels of small groups: what they take, beside what there is.
template <class Unit = this_unit>
status refuse_groups(conv_algorithm a, const char* takes, const conv_geometry& g) {
  return status::error(
      errc::unsupported,
      "plan_conv: %s takes %s, with padding from 0 on; here are %" PRId64 " groups of %" PRId64 " channels and %" PRId64
      " filters, %" PRId64 " taps, padding %" PRId64 ", %" PRId64 ", %" PRId64,
      name(a), takes, g.groups, g.group_channels(), g.group_filters(), g.taps(), g.before.d, g.before.h, g.before.w);
}

// Of gradients whose weights cannot be packed for it.
template <class Unit = this_unit>
status refuse_gradient(conv_algorithm a, const conv_geometry& g) {
  if (a == conv_algorithm::grouped) {
    return status::error(errc::unsupported, "plan_conv: grouped computes no gradient; here are %" PRId64 " groups",
                         g.groups);
  }
  return status::error(errc::unsupported,
                       "plan_conv: %s computes the gradient of one group or of groups of one channel; here are %" PRId64
                       " groups of %" PRId64,
                       name(a), g.groups, g.group_filters());
}

// Of gradients of strided convolutions, which have kernels of their own.
template <class Unit = this_unit>
status refuse_strided_gradient(conv_algorithm a, conv_algorithm there, const conv_geometry& g) {
  return status::error(errc::unsupported,
                       "plan_conv: %s computes no gradient of stride %" PRId64 " x %" PRId64 " x %" PRId64
                       ", which %s does",
                       name(a), g.stride.d, g.stride.h, g.stride.w, name(there));
}

// Of Winograd's, for their steps.
template <class Unit = this_unit>
status refuse_steps(conv_algorithm a, const conv_geometry& g) {
  const bool along_height = g.stride.h != 1 || g.dilation.h != 1;
  return status::error(errc::unsupported,
                       "plan_conv: %s has stride 1 and dilation 1 but %s has stride %" PRId64 " and dilation %" PRId64,
                       name(a), along_height ? "height" : "width", along_height ? g.stride.h : g.stride.w,
                       along_height ? g.dilation.h : g.dilation.w);
}

}  // namespace ashlar::detail
