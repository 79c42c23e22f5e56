// SPDX-License-Identifier: Apache-2.0
//
// conv/choose.hpp: which algorithm computes a convolution, and why.
//
//   depthwise          a channel a group
//   grouped            groups that share a vector, where the plan may count on channels_last
//   Winograd           one of the plan's set, its probable error within the tolerance, the least time
//   implicit_gemm      everything else
//
// Times are the work divided by rates (winograd/cost.hpp), so that only their ratios matter.
//
// Depends on: conv/{kernels,refusal}.hpp, winograd/{cost,error_bound}.hpp.   Used by: conv/plan.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <type_traits>

#include <ashlar/conv/kernels.hpp>
#include <ashlar/conv/memory.hpp>
#include <ashlar/conv/refusal.hpp>
#include <ashlar/winograd/cost.hpp>
#include <ashlar/winograd/error_bound.hpp>

namespace ashlar {

/// Option of plan_conv: src and dst of every run will have contiguous channels (NHWC, or a slice of it). Some
/// algorithms need that, others are faster so.   plan_conv2d<float>(problem, channels_last)
struct channels_last_option {};
inline constexpr channels_last_option channels_last{};

namespace detail {

template <class Option>
struct winograd_of_option {
  static constexpr winograd_set<> set{};
};
template <class... A>
struct winograd_of_option<winograd_set<A...>> {
  static constexpr winograd_set<A...> set{};
};

// The Winograd algorithms that options list, or else Default.
template <class Default, class... Options>
consteval auto winograd_listed() {
  constexpr auto listed = (winograd_set<>{} + ... + winograd_of_option<Options>::set);
  if constexpr (std::is_same_v<decltype(listed), const winograd_set<>>) {
    return Default{};
  } else {
    return listed;
  }
}

// Of floats: those of 3 x 3 where there is only a tolerance.
template <class... Options>
using winograd_of =
    decltype(winograd_listed<std::conditional_t<(std::is_same_v<Options, tolerance> || ...),
                                                std::remove_const_t<decltype(winograd_for<3, 3>)>, winograd_set<>>,
                             Options...>());

}  // namespace detail

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

template <class X>
struct tolerance_option : std::is_same<X, tolerance> {};

template <class X>
struct algorithm_option : std::is_same<X, conv_algorithm> {};

template <class... Options>
ASHLAR_INLINE conv_request request_of(bool gradient, const Options&... options) {
  return {option<tolerance_option>(tolerance(0), options...).value,
          (std::is_same_v<Options, channels_last_option> || ...), gradient,
          option<algorithm_option>(conv_algorithm(0), options...)};
}

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

// The Winograd algorithms of convolutions as candidates: which of them serve, their errors and times.
template <class T, class Isa>
struct winograd_candidates {
  const conv_geometry& g;
  const conv_request& r;

  template <class A>
  bool serves() const {
    return float_winograd<T, Isa, A>::serves(g);
  }
  template <class A>
  conv_candidate get() const {
    const double outputs = double(std::max<index>(1, g.batch)) * double(g.pixels()) * double(g.filters);
    return {winograd_name<A>, winograd_bound<A, T>(g.kernel.d * g.group_channels(), outputs),
            seconds_of(work_of<T, Isa, A>(g, caches_of<Isa>(), !r.channels_last), {})};
  }
};

// An algorithm by its name: one of the set, or else `exact`.
template <class... A, class Candidates>
conv_candidate candidate_named(winograd_set<A...>, const conv_candidate& exact,
                               [[maybe_unused]] const Candidates& all) {
  conv_candidate c = exact;
  ((is_named<A>(exact.algorithm, all.g.kernel) ? void(c = all.template get<A>()) : void()), ...);
  return c;
}
template <class T, class Isa, class Set>
conv_candidate candidate_of(Set set, conv_algorithm a, const conv_geometry& g, const conv_request& r) {
  return candidate_named(set, {a, {}, implicit_seconds(g, ops<T, Isa>::lanes())}, winograd_candidates<T, Isa>{g, r});
}

// The fastest of Winograd's within the tolerance, or what is faster than all of them.
template <class... A, class Candidates>
conv_candidate fastest(winograd_set<A...>, conv_candidate best, [[maybe_unused]] const Candidates& all) {
  [[maybe_unused]] const auto consider = [&](const conv_candidate& c) {
    if (c.error.probable <= all.r.tolerance && c.seconds < best.seconds) best = c;
  };
  ((all.template serves<A>() ? consider(all.template get<A>()) : void()), ...);
  return best;
}

// Can the algorithm pack the weights of a gradient? Kernels of small groups read all filters as one view.
ASHLAR_INLINE constexpr bool packs(conv_algorithm a, const conv_geometry& g, bool gradient) {
  if (!gradient) return true;
  if (a == conv_algorithm::depthwise) return g.groups == 1 || g.group_filters() == 1;
  return a != conv_algorithm::grouped;
}

template <class T, class Isa, class Set>
conv_algorithm choose_algorithm(Set set, const conv_geometry& g, const conv_request& r) {
  if (depthwise_algorithm<T, Isa>::serves(g) && packs(conv_algorithm::depthwise, g, r.gradient)) {
    return conv_algorithm::depthwise;
  }
  if (r.channels_last && packs(conv_algorithm::grouped, g, r.gradient) && grouped_algorithm<T, Isa>::serves(g) &&
      g.group_filters() <= ops<T, Isa>::lanes()) {
    return conv_algorithm::grouped;
  }
  const conv_candidate contraction = candidate_of<T, Isa>(set, conv_algorithm::implicit_gemm, g, r);
  return fastest(set, contraction, winograd_candidates<T, Isa>{g, r}).algorithm;
}

// Why none of a set is what `a` names, or the field of g that it does not compute.
template <class... A, class Unit = this_unit>
status winograd_refusal(winograd_set<A...> set, conv_algorithm a, const conv_geometry& g) {
  if (!contains(set, a, g.kernel)) {
    return status::error(errc::unsupported,
                         "plan_conv: %s for weights of %" PRId64 "x%" PRId64
                         " is not among the %d Winograd algorithms that the options of this plan admit: a tolerance "
                         "admits those of 3x3, winograd_for<height, width> and winograd_set others",
                         name(a), g.kernel.h, g.kernel.w, int(sizeof...(A)));
  }
  return refuse_steps(a, g);
}

// Of a set, what came nearest to being chosen: the fastest within the tolerance, or the one of the smallest error. 0:
// none computes g.
template <class... A, class Candidates>
conv_candidate nearest_of(winograd_set<A...>, [[maybe_unused]] const Candidates& all) {
  conv_candidate best{conv_algorithm(0), {}, 0};
  [[maybe_unused]] const auto consider = [&](const conv_candidate& c) {
    const bool within = c.error.probable <= all.r.tolerance;
    const bool best_within = best.error.probable <= all.r.tolerance;
    const bool nearer = within && best_within ? c.seconds < best.seconds : c.error.probable < best.error.probable;
    if (best.algorithm == conv_algorithm(0) || nearer) best = c;
  };
  ((all.template serves<A>() ? consider(all.template get<A>()) : void()), ...);
  return best;
}

// Why an exact algorithm was chosen, where that can be said without numbers.
ASHLAR_HOST_INLINE const char* plain_reason(const conv_candidate& c, const conv_request& r,
                                            const conv_candidate& nearest) {
  using enum conv_algorithm;
  const conv_algorithm a = c.algorithm;
  if (r.wanted == a) return "; asked for by name";
  if (a == depthwise) return "; one channel a group";
  if (a == grouped) return "; small groups share a vector";
  if (a == parity_classes || a == depthwise_classes) return "; transposed with a stride";
  if (a != implicit_gemm || r.tolerance == 0) return "";
  if (c.seconds == 0) return "; nothing to compute";
  return nearest.algorithm == conv_algorithm(0) ? "; no Winograd algorithm of the options computes this geometry"
                                                : nullptr;
}

template <class Unit = this_unit>
void explain_exact(char* text, std::size_t size, const conv_candidate& c, const conv_request& r,
                   const conv_candidate& nearest) {
  if (const char* reason = plain_reason(c, r, nearest)) {
    std::snprintf(text, size, "%s", reason);
  } else if (nearest.error.probable > r.tolerance) {
    std::snprintf(text, size, "; the error of %s may be %.1e of max |dst|, tolerance %.1e", name(nearest.algorithm),
                  nearest.error.probable, r.tolerance);
  } else {
    std::snprintf(text, size, "; %s is estimated to take %.2f of its time", name(nearest.algorithm),
                  nearest.seconds / c.seconds);
  }
}

template <class Unit = this_unit>
conv_explanation explain_choice(const conv_candidate& c, const conv_geometry& g, double implicit, const conv_request& r,
                                const conv_candidate& nearest) {
  const double ratio = implicit > 0 ? c.seconds / implicit : 1;  // an empty batch takes no time
  conv_explanation e{c.algorithm, c.error.worst, c.error.probable, ratio, {}};
  const double millions = g.multiplies() * 1e-6;
  if (c.error.probable != 0) {
    std::snprintf(e.text, sizeof e.text,
                  "%s: %.3g million multiply-adds at %.2f of their direct time; error below %.1e of max |dst| (worst "
                  "case %.1e), tolerance %.1e",
                  name(c.algorithm), millions, e.ratio, e.probable, e.worst, r.tolerance);
    return e;
  }
  const int length = std::snprintf(e.text, sizeof e.text, "%s: bits of the reference; %.3g million multiply-adds",
                                   name(c.algorithm), millions);
  explain_exact(e.text + length, sizeof e.text - std::size_t(length), c, r, nearest);
  return e;
}

}  // namespace detail
}  // namespace ashlar
