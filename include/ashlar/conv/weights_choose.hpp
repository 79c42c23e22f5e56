// SPDX-License-Identifier: Apache-2.0
//
// conv/weights_choose.hpp: which algorithm computes the gradient of a convolution's weights, and why.
//
// The contraction, or the fastest of the plan's Winograd algorithms whose probable error is within the tolerance. Their
// error is that of a convolution whose channels are the tiles, and whose kernel is a tile of dy.
//
// Depends on: conv/{choose,winograd_weights}.hpp.   Used by: conv/weights_plan.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include <ashlar/conv/choose.hpp>
#include <ashlar/conv/winograd_weights.hpp>

namespace ashlar::detail {

// Outputs whose tap lies in src, for the tap that has the most.
template <class Unit = this_unit>
index most_inside(index outputs, index src, index kernel, index stride, index dilation, index before) {
  index most = 0;
  for (index t = 0; t < kernel; ++t) {
    const index start = t * dilation - before;  // of output 0
    const index first = start < 0 ? ceil_div(-start, stride) : 0;
    const index end = src > start ? std::min(outputs, ceil_div(src - start, stride)) : 0;
    most = std::max(most, end - first);
  }
  return most;
}

// The bounds, relative to sums that have as many products as the tap that has the most: padding and what tiles reach
// beyond dy make none, but count for the error.
template <class T, class A, class Unit = this_unit>
winograd_error weights_error(const conv_geometry& g) {
  using gradient = winograd_weights_of<A>;
  const index tiles = std::max<index>(1, g.batch * g.dst.d) * ceil_div(g.dst.h, index(gradient::vertical::r)) *
                      ceil_div(g.dst.w, index(gradient::horizontal::r));
  const double outputs = double(g.filters) * double(g.taps()) * double(g.group_channels());
  winograd_error e = winograd_bound<gradient, T>(tiles, outputs, 1e-6, true);
  const triple &n = g.dst, &s = g.src, &k = g.kernel, &step = g.stride, &d = g.dilation, &b = g.before;
  const index inside = most_inside(n.d, s.d, k.d, step.d, d.d, b.d) * most_inside(n.h, s.h, k.h, step.h, d.h, b.h) *
                       most_inside(n.w, s.w, k.w, step.w, d.w, b.w);
  const double products = double(std::max<index>(1, g.batch * inside));
  const double spread = std::sqrt(double(tiles) * gradient::taps / products);
  e.worst *= spread, e.probable *= spread;
  return e;
}

// Seconds that M takes to come with each group of tiles; it goes beside the products.
template <class Unit = this_unit>
constexpr double seconds_of_sums(const winograd_weights_cut& b, const conv_geometry& g, index point_bytes) {
  const double bytes = double(b.tasks(g)) * double(b.m_point) * double(point_bytes);
  return bytes * double(ceil_div(b.tiles, b.group)) / winograd_rates{}.far_bytes;
}

// The work of A's gradient on g, for one worker.
template <class T, class Isa, class A>
winograd_work weights_work(const conv_geometry& g, const winograd_weights_cut& b) {
  using gradient = winograd_weights_of<A>;
  using O = ops<T, Isa>;
  const double tiles = double(b.tiles) * double(g.groups) * double(g.kernel.d);
  const double c = double(multiple(g.group_channels(), O::lanes())),
               k = double(multiple(g.group_filters(), O::lanes()));
  winograd_work w{};
  w.product_flops = 2 * tiles * gradient::points * c * double(g.group_filters());
  w.source_operations = tiles * (c * double(b.filter_blocks) * gradient::template source_transform<O>::operations +
                                 k * double(b.channel_blocks) * gradient::template weights_transform<O>::operations);
  w.output_operations = double(g.filters) * double(g.kernel.d) * c * gradient::template output_transform<O>::operations;
  w.image_bytes = double(g.batch) * sizeof(T) *
                  (double(volume(g.src)) * double(g.channels) + double(g.pixels()) * double(g.filters));
  return w;
}

template <class T, class Isa>
struct weights_candidates {
  const conv_geometry& g;
  const conv_request& r;

  template <class A>
  bool serves() const {
    return winograd_weights<T, Isa, A>::serves(g);
  }
  template <class A>
  conv_candidate get() const {
    const winograd_weights_cut b = winograd_weights<T, Isa, A>::plan(g, 1, caches_of<Isa>());
    return {winograd_name<A>, weights_error<T, A>(g),
            seconds_of(weights_work<T, Isa, A>(g, b), {}) + seconds_of_sums(b, g, A::points * index(sizeof(T)))};
  }
  conv_candidate contraction() const {
    return {conv_algorithm::implicit_gemm, {}, implicit_seconds(g, ops<T, Isa>::lanes())};
  }
};

// One channel and one filter a group: a tile's transforms would serve one product.
ASHLAR_INLINE bool single_weights(const conv_geometry& g) { return g.group_channels() == 1 && g.group_filters() == 1; }

template <class... A, class Candidates>
bool serves_named(winograd_set<A...>, [[maybe_unused]] conv_algorithm a, [[maybe_unused]] const Candidates& all) {
  return ((is_named<A>(a, all.g.kernel) && all.template serves<A>()) || ...);
}

template <class T, class Isa, class Set>
result<conv_algorithm> choose_weights(Set set, const conv_geometry& g, const conv_request& r) {
  using enum conv_algorithm;
  const weights_candidates<T, Isa> all{g, r};
  if (r.wanted == conv_algorithm(0)) {
    return single_weights(g) ? implicit_gemm : fastest(set, all.contraction(), all).algorithm;
  }
  if (r.wanted == implicit_gemm) return r.wanted;
  if (!is_winograd(r.wanted)) {
    return status::error(errc::unsupported, "plan_conv: %s does not compute the gradient of weights", name(r.wanted));
  }
  if (serves_named(set, r.wanted, all)) return r.wanted;
  return winograd_refusal(set, r.wanted, g);
}

template <class T, class Isa, class Set>
conv_explanation explain_weights(conv_algorithm a, const conv_geometry& g, const conv_request& r) {
  const weights_candidates<T, Isa> all{g, r};
  conv_candidate chosen = all.contraction();
  const double contraction = chosen.seconds;
  chosen.algorithm = a;
  return explain_choice(candidate_named(Set{}, chosen, all), g, contraction, r, nearest_of(Set{}, all));
}

// f(winograd_weights of the set's algorithm of this name for a kernel of these taps), which the plan has made sure of.
template <class T, class Isa, class A, class... Rest, class F>
ASHLAR_INLINE auto with_winograd_weights(winograd_set<A, Rest...>, conv_algorithm a, const triple& kernel, const F& f) {
  if constexpr (sizeof...(Rest) > 0) {
    if (!is_named<A>(a, kernel)) return with_winograd_weights<T, Isa>(winograd_set<Rest...>{}, a, kernel, f);
  }
  return f(winograd_weights<T, Isa, A>());
}

}  // namespace ashlar::detail
