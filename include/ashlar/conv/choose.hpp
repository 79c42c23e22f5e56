// SPDX-License-Identifier: Apache-2.0
//
// conv/choose.hpp: which algorithm computes a convolution, and why.
//
//   depthwise          a channel a group
//   grouped            groups that share a vector, where the plan may count on channels_last
//   Winograd           channels_last, 3 x 3 of stride 1, its probable error within the tolerance, the least time
//   implicit_gemm      everything else
//
// Times are the work divided by rates (winograd/cost.hpp), so that only their ratios matter.
//
// Depends on: conv/kernels.hpp, winograd/{cost,error_bound}.hpp.   Used by: conv/plan.hpp.
#pragma once

#include <array>
#include <cinttypes>
#include <cstdio>
#include <type_traits>

#include <ashlar/conv/kernels.hpp>
#include <ashlar/conv/memory.hpp>
#include <ashlar/winograd/cost.hpp>
#include <ashlar/winograd/error_bound.hpp>

namespace ashlar {

/// Option of plan_conv: src and dst of every run will have contiguous channels (NHWC, or a slice of it). Some
/// algorithms need that; without the promise they are not chosen.   plan_conv2d<float>(problem, channels_last)
struct channels_last_option {};
inline constexpr channels_last_option channels_last{};

/// What a plan has chosen, and why: for people and logs.
struct conv_explanation {
  conv_algorithm algorithm;
  double worst;     // bound of the error relative to rms(dst) for the most unlucky roundings; 0: bits of the reference
  double probable;  // relative to max |dst|, for independent roundings (winograd/error_bound.hpp); 0 likewise
  double ratio;     // estimated time, as a part of the implicit contraction's
  char text[200];
};

namespace detail {

/// What decides.
struct conv_request {
  double tolerance = 0;
  bool channels_last = false;
  bool gradient = false;                      // the weights are those of the convolution whose gradient this is
  conv_algorithm wanted = conv_algorithm(0);  // 0: the best
};

/// An algorithm that could be chosen: its errors and its time.
struct conv_candidate {
  conv_algorithm algorithm;
  winograd_error error;
  double seconds;
};

ASHLAR_INLINE double implicit_seconds(const conv_geometry& g, index nr) {
  const double padded = double(multiple(g.group_filters(), nr)) / double(g.group_filters());
  return 2 * g.multiplies() * padded / winograd_rates{}.product_flops;
}

template <class T, class Isa, class F>
conv_candidate winograd_candidate(conv_algorithm a, const conv_geometry& g) {
  const double outputs = double(g.batch) * double(g.pixels()) * double(g.filters);
  return {a, winograd_bound<F, T>(g.group_channels(), outputs),
          seconds_of(work_of<T, Isa, F>(g, caches_of<Isa>()), {})};
}

// Can the algorithm pack the weights of a gradient? Kernels of small groups read all filters as one view.
ASHLAR_INLINE constexpr bool packs(conv_algorithm a, const conv_geometry& g, bool gradient) {
  if (!gradient) return true;
  if (a == conv_algorithm::depthwise) return g.groups == 1 || g.group_filters() == 1;
  return a != conv_algorithm::grouped;
}

template <class T, class Isa, bool Tolerant>
conv_candidate choose_algorithm(const conv_geometry& g, const conv_request& r) {
  conv_candidate best{conv_algorithm::implicit_gemm, {}, implicit_seconds(g, ops<T, Isa>::lanes())};
  if (depthwise_algorithm<T, Isa>::serves(g) && packs(conv_algorithm::depthwise, g, r.gradient)) {
    return {conv_algorithm::depthwise, {}, best.seconds};
  }
  if (r.channels_last && packs(conv_algorithm::grouped, g, r.gradient) && grouped_algorithm<T, Isa>::serves(g) &&
      g.group_filters() <= ops<T, Isa>::lanes()) {
    return {conv_algorithm::grouped, {}, best.seconds};
  }
  if constexpr (Tolerant) {
    if (!r.channels_last || !float_winograd<T, Isa, f4x4_3x3>::serves(g)) return best;
    const conv_candidate all[] = {winograd_candidate<T, Isa, f2x2_3x3>(conv_algorithm::winograd_2x2, g),
                                  winograd_candidate<T, Isa, f4x4_3x3>(conv_algorithm::winograd_4x4, g),
                                  winograd_candidate<T, Isa, f6x6_3x3>(conv_algorithm::winograd_6x6, g)};
    for (const conv_candidate& c : all) {
      if (c.error.probable <= r.tolerance && c.seconds < best.seconds) best = c;
    }
  }
  return best;
}

template <class Unit = this_unit>
conv_explanation explain_choice(const conv_candidate& c, const conv_geometry& g, double implicit, double tolerance) {
  conv_explanation e{c.algorithm, c.error.worst, c.error.probable, c.seconds / implicit, {}};
  const bool exact = c.error.probable == 0;
  std::snprintf(e.text, sizeof e.text,
                exact ? "%s: bits of the reference; %.3g million multiply-adds"
                      : "%s: %.3g million multiply-adds at %.2f of their direct time; error below %.1e of max |dst| "
                        "(worst case %.1e), tolerance %.1e",
                name(c.algorithm), g.multiplies() * 1e-6, e.ratio, e.probable, e.worst, tolerance);
  return e;
}

}  // namespace detail
}  // namespace ashlar
