// SPDX-License-Identifier: Apache-2.0
//
// conv/exact_winograd.hpp: Winograd's algorithms for bytes, equal to the direct sum: whole numbers throughout.
//
// F(2 x 2, 3 x 3) takes 4 products an output instead of 9, F(4 x 4, 3 x 3) 2.25, of 16-bit numbers. The sums, some
// times what they should be, are right modulo 2^32; up to most_terms they leave room for the factor, whatever the
// numbers are (winograd/exact.hpp). Other algorithms of a set are not exact and refused.
//
// Depends on: conv/{choose,kernels,refusal}.hpp, winograd/format.hpp.   Used by: conv/product.hpp.
#pragma once

#include <algorithm>
#include <cinttypes>
#include <type_traits>

#include <ashlar/conv/choose.hpp>
#include <ashlar/conv/kernels.hpp>
#include <ashlar/conv/refusal.hpp>
#include <ashlar/winograd/format.hpp>

namespace ashlar::detail {

// Of an algorithm that is not in the plan's type.
template <class Unit = this_unit>
status refuse_exact(conv_algorithm a, const conv_geometry& g) {
  return status::error(errc::unsupported,
                       "plan_conv: %s for weights of %" PRId64 "x%" PRId64
                       " is not among the exact Winograd algorithms that the options of this plan admit; "
                       "winograd_for<height, width> and winograd_set admit others",
                       name(a), g.kernel.h, g.kernel.w);
}

// Of an algorithm whose transformed numbers 16 bits do not hold.
template <class Exact, class Unit = this_unit>
status refuse_size(conv_algorithm a, const conv_geometry& g) {
  return status::error(errc::unsupported,
                       "plan_conv: %s for weights of %" PRId64 "x%" PRId64
                       " is not exact: transformed, bytes of src reach %.0f and those of weights %.0f; 16-bit numbers "
                       "end at 32767",
                       name(a), g.kernel.h, g.kernel.w, Exact::largest_src, Exact::largest_weight);
}

// Of one that is exact, for its steps or its channels.
template <class Exact, class Unit = this_unit>
status refuse_terms(conv_algorithm a, const conv_geometry& g) {
  if (g.kernel.d * g.group_channels() <= Exact::most_terms) return refuse_steps(a, g);
  return status::error(errc::unsupported,
                       "plan_conv: %s of %" PRId64 " channels in %" PRId64 " planes of the kernel: %" PRId64
                       " times a sum of these bytes may not fit 32 bits; it is exact up to %" PRId64 " in all",
                       name(a), g.group_channels(), g.kernel.d, index(1) << Exact::shift, Exact::most_terms);
}

// The exact algorithms of a plan of bytes; Unit: what its packed weights are counted in.
template <class Src, class Weights, class D, class Isa, class Unit>
struct exact_winograds {
  // Does the direct sum take no more products at a time?
  static constexpr bool wins = word_dot_ops<Isa>::group == dot_ops<Isa>::group && dot_ops<Isa>::group > 1;
  using usual = std::conditional_t<wins, winograd_set<f2x2_3x3, f4x4_3x3>, winograd_set<f2x2_3x3>>;
  template <class... Options>
  using admitted = decltype(winograd_listed<usual, Options...>());

  template <class A>
  using format = winograd_bytes<Src, Weights, Isa, A>;
  template <class A>
  using algorithm = winograd_algorithm<format<A>, D, Unit>;
  template <class A>
  using exact = exact_bytes<Weights, A>;

  // f(the algorithm of this name for a kernel of these taps), or else f(other).
  template <class F, class Other>
  static ASHLAR_INLINE auto with(winograd_set<>, conv_algorithm, const triple&, const F& f, const Other& other) {
    return f(other);
  }
  template <class A, class... Rest, class F, class Other>
  static ASHLAR_INLINE auto with(winograd_set<A, Rest...>, conv_algorithm a, const triple& kernel, const F& f,
                                 const Other& other) {
    if constexpr (exact<A>::fits) {
      if (is_named<A>(a, kernel)) return f(algorithm<A>());
    }
    return with(winograd_set<Rest...>{}, a, kernel, f, other);
  }

  template <class... A>
  static bool serves(winograd_set<A...>, conv_algorithm a, const conv_geometry& g) {
    return ((is_named<A>(a, g.kernel) && serves<A>(g)) || ...);
  }
  // The one that takes the least time of those that pay, or none.
  template <class... A>
  static conv_algorithm choose(winograd_set<A...>, const conv_geometry& g) {
    conv_algorithm best = conv_algorithm(0);
    index least = 0;
    const auto consider = [&](conv_algorithm a, index time) {
      if (best == conv_algorithm(0) || time < least) best = a, least = time;
    };
    ((serves<A>(g) && pays<A>(g) ? consider(winograd_name<A>, time<A>(g)) : void()), ...);
    return best;
  }
  template <class... A>
  static status refusal(winograd_set<A...> set, conv_algorithm a, const conv_geometry& g) {
    if (!contains(set, a, g.kernel)) return refuse_exact(a, g);
    status s;
    ((is_named<A>(a, g.kernel) ? void(s = exact<A>::fits ? refuse_terms<exact<A>>(a, g) : refuse_size<exact<A>>(a, g))
                               : void()),
     ...);
    return s;
  }

 private:
  template <class A>
  static bool serves(const conv_geometry& g) {
    if constexpr (exact<A>::fits) {
      return algorithm<A>::serves(g);
    } else {
      return false;
    }
  }
  template <class A>
  static index tiles(const conv_geometry& g) {
    return g.batch * ceil_div(g.dst.h, A::vertical::m) * ceil_div(g.dst.w, A::horizontal::m);
  }
  // Are there channels enough for the transforms not to weigh, whatever the weights are? Of large tiles in large images
  // half as many are. Measured of one plane and one group (docs/winograd.md).
  template <class A>
  static bool pays(const conv_geometry& g) {
    const index enough = A::outputs >= 9 && tiles<A>(g) >= 32 ? 32 : 64;
    return wins && g.groups == 1 && g.kernel.d == 1 && g.channels >= enough && g.filters >= enough;
  }
  // Of the products, or of four tiles' while the transformed weights are read: 4 x 4 pixels of 256 channels take F(4 x
  // 4) 1.2 to 1.4 times as long as F(2 x 2).
  template <class A>
  static index time(const conv_geometry& g) {
    return std::max<index>(tiles<A>(g), 4) * A::points;
  }
};

}  // namespace ashlar::detail
