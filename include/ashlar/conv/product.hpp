// SPDX-License-Identifier: Apache-2.0
//
// conv/product.hpp: what a plan multiplies: elements of one type, small integers with their zero points or in 64 bits,
// or narrow floating-point numbers.
//
// Depends on: conv/{kernels,choose,depthwise_mixed,exact_winograd,memory,refusal,seven_bit}.hpp,
// loop/{bf16,dot,native_half,wide}_format.hpp.   Used by: conv/plan.hpp.
#pragma once

#include <algorithm>
#include <cinttypes>
#include <concepts>
#include <cstdint>
#include <limits>

#include <ashlar/conv/choose.hpp>
#include <ashlar/conv/depthwise_mixed.hpp>
#include <ashlar/conv/exact_winograd.hpp>
#include <ashlar/conv/kernels.hpp>
#include <ashlar/conv/memory.hpp>
#include <ashlar/conv/refusal.hpp>
#include <ashlar/conv/seven_bit.hpp>
#include <ashlar/core/small_integers.hpp>
#include <ashlar/core/status.hpp>
#include <ashlar/loop/bf16_format.hpp>
#include <ashlar/loop/dot_format.hpp>
#include <ashlar/loop/native_half_format.hpp>
#include <ashlar/loop/wide_format.hpp>

namespace ashlar {

/// The element types of a convolution of small integers or of narrow floating-point numbers, in place of the one type
/// of others (which bf16 and f16 may be, too):
///
///     auto plan = plan_conv2d<conv_types<std::uint8_t, std::int8_t, std::uint8_t>>(problem);
///     plan.run(src, weights, dst, requantize(acc + per_column(bias), policy, zero), src_zero_point(128));
///
/// The types are those of small_integers, Dst as in gemm, or of narrow_floats. WeightsZero: integer weights have zero
/// points, which pack() takes; they, and unsigned weights, are then stored and multiplied as 32-bit numbers.
template <class Src, class Weights, class Dst, bool WeightsZero = false>
  requires(small_integers<Src, Weights> || narrow_floats<Src, Weights, Dst>)
struct conv_types {};

/// The same of integers of at most 16 bits whose products are summed in 64, exactly; the expression is of std::int64_t,
/// Dst a signed integer, its nearest end when outside. There are no zero points. Longer sums than a double is exact for
/// are refused (overflow): 2^23 products of 16-bit numbers.
///
///     auto plan = plan_conv2d<wide_conv_types<std::int16_t, std::int8_t, std::int16_t>>(problem);
template <class Src, class Weights, class Dst>
  requires(wide_integers<Src, Weights> && std::signed_integral<Dst>)
struct wide_conv_types {};

namespace detail {

// Of floats, and what is like them.
struct without_zero_points {
  static constexpr bool small = false;
  static constexpr bool floats = true;
  static constexpr bool transforms = true;  // may src have a prologue?
  static constexpr index group = 0;
  static ASHLAR_INLINE status check(const src_zero_point&) { return {}; }
  static ASHLAR_INLINE status check_zeros(index) { return {}; }
  static ASHLAR_INLINE status check_terms(const conv_geometry&) { return {}; }
};

template <class T, class Isa>
struct conv_product : without_zero_points {
  static constexpr bool packs_seven_bits = false;
  using src = T;
  using weights = T;
  using dst = T;
  using sum = T;
  using unit = T;
  template <class... Options>
  using admitted = winograd_of<Options...>;

  template <class Set, class F>
  static ASHLAR_INLINE auto with(conv_algorithm a, const triple& kernel, const F& f) {
    return with_algorithm<T, Isa>(Set{}, a, kernel, f);
  }
  template <class Set>
  static conv_algorithm choose(const conv_geometry& g, const conv_request& r) {
    return choose_algorithm<T, Isa>(Set{}, g, r);
  }
  static conv_algorithm strided_gradient(const conv_geometry& g) {
    const bool single = g.groups > 1 && g.group_channels() == 1 && g.group_filters() == 1;
    return single ? conv_algorithm::depthwise_classes : conv_algorithm::parity_classes;
  }
  template <class Set>
  static bool serves(conv_algorithm a, const conv_geometry& g) {
    using enum conv_algorithm;
    const bool known = a == implicit_gemm || a == depthwise || a == grouped || contains(Set{}, a, g.kernel);
    return known && with<Set>(a, g.kernel, [&](auto x) { return x.serves(g); });
  }
  // Why it does not serve.
  template <class Set>
  static status refusal(conv_algorithm a, const conv_geometry& g) {
    using enum conv_algorithm;
    if (is_winograd(a)) return winograd_refusal(Set{}, a, g);
    if (a != depthwise && a != grouped) return refuse_name(a);
    return refuse_groups(a, a == depthwise ? depthwise_algorithm<T, Isa>::takes : grouped_algorithm<T, Isa>::takes, g);
  }
  template <class Set>
  static conv_candidate candidate(conv_algorithm a, const conv_geometry& g, const conv_request& r) {
    return candidate_of<T, Isa>(Set{}, a, g, r);
  }
  // Of those that were not chosen, the one that might have been.
  template <class Set>
  static conv_candidate nearest(const conv_geometry& g, const conv_request& r) {
    return nearest_of(Set{}, winograd_candidates<T, Isa>{g, r});
  }
  template <class Executor, class Prologue>
  static ASHLAR_INLINE auto how(T* memory, Executor& executor, const cache_sizes& caches,
                                const source_request<Prologue>& x) {
    return conv_run<T, Executor, no_zero_point, Prologue>{T(x.padding.value), memory, executor, caches, {}, x.prologue};
  }
};

// Is the zero point of what has type T one of its numbers?
template <class T, class Unit = this_unit>
status check_number(const char* what, std::int32_t z) {
  using limits = std::numeric_limits<T>;
  if (z >= limits::min() && z <= limits::max()) return {};
  return status::error(errc::unsupported,
                       "conv: a zero point of %s is %" PRId32 "; it must be one of its numbers, %d to %d", what, z,
                       int(limits::min()), int(limits::max()));
}

// Stands for an algorithm that a product has not.
struct no_algorithm {
  static ASHLAR_INLINE constexpr bool serves(const conv_geometry&) { return false; }
  static ASHLAR_INLINE status refusal(conv_algorithm a, const conv_geometry&) { return refuse_name(a); }
};

// The same of exact_winograds.
struct no_winograds {
  template <class... Options>
  using admitted = winograd_set<>;
  template <class F, class Other>
  static ASHLAR_INLINE auto with(winograd_set<>, conv_algorithm, const triple&, const F& f, const Other& other) {
    return f(other);
  }
  static ASHLAR_INLINE constexpr bool serves(winograd_set<>, conv_algorithm, const conv_geometry&) { return false; }
  static ASHLAR_INLINE constexpr conv_algorithm choose(winograd_set<>, const conv_geometry&) {
    return conv_algorithm(0);
  }
  static ASHLAR_INLINE status refusal(winograd_set<>, conv_algorithm a, const conv_geometry&) { return refuse_name(a); }
};

// What has a format that operands are copied to: dense convolutions and transposed ones, and what else there is.
template <class Format, class Dst, class Depthwise = no_algorithm, class Winograds = no_winograds,
          class SevenBit = no_algorithm>
struct copied_product {
  static constexpr bool packs_seven_bits = !std::same_as<SevenBit, no_algorithm>;
  using unit = typename Format::b_unit;
  template <class... Options>
  using admitted = typename Winograds::template admitted<Options...>;

  template <class Set, class F>
  static ASHLAR_INLINE auto with(conv_algorithm a, const triple& kernel, const F& f) {
    if constexpr (!std::same_as<Depthwise, no_algorithm>) {
      if (a == conv_algorithm::depthwise) return f(Depthwise());
    }
    if constexpr (packs_seven_bits) {
      if (a == conv_algorithm::seven_bits) return f(SevenBit());
    }
    if (a == conv_algorithm::parity_classes) return f(parity_algorithm<Format, Dst>());
    return Winograds::with(Set{}, a, kernel, f, implicit_algorithm<Format, Dst>());
  }
  static conv_algorithm strided_gradient(const conv_geometry&) { return conv_algorithm::parity_classes; }
  template <class Set>
  static conv_algorithm choose(const conv_geometry& g, const conv_request& r) {
    if (Depthwise::serves(g)) return conv_algorithm::depthwise;
    const conv_algorithm winograd = r.channels_last ? Winograds::choose(Set{}, g) : conv_algorithm(0);
    return winograd == conv_algorithm(0) ? conv_algorithm::implicit_gemm : winograd;
  }
  template <class Set>
  static bool serves(conv_algorithm a, const conv_geometry& g) {
    return a == conv_algorithm::implicit_gemm || (a == conv_algorithm::depthwise && Depthwise::serves(g)) ||
           Winograds::serves(Set{}, a, g);
  }
  // Why it does not serve.
  template <class Set>
  static status refusal(conv_algorithm a, const conv_geometry& g) {
    if (is_winograd(a)) return Winograds::refusal(Set{}, a, g);
    return a == conv_algorithm::depthwise ? Depthwise::refusal(a, g) : refuse_name(a);
  }
  template <class Set>
  static conv_candidate candidate(conv_algorithm a, const conv_geometry&, const conv_request&) {
    return {a, {}, 1};  // all are exact; there is no estimate
  }
  template <class Set>
  static conv_candidate nearest(const conv_geometry&, const conv_request&) {
    return {conv_algorithm(0), {}, 1};
  }
};

template <class Src, class Weights, class Dst, class Isa>
  requires narrow_floats<Src, Weights, Dst>
struct conv_product<conv_types<Src, Weights, Dst, false>, Isa>
    : without_zero_points,
      copied_product<narrow_format_of<Src, Weights, Isa>, Dst,
                     depthwise_mixed<half_format<Src, Weights, Isa>, half_format<Src, Weights, Isa>, Dst>> {
  using src = Src;
  using weights = Weights;
  using dst = Dst;
  using sum = float;

  template <class Executor, class Prologue>
  static ASHLAR_INLINE auto how(float* memory, Executor& executor, const cache_sizes& caches,
                                const source_request<Prologue>& x) {
    using run = conv_run<float, Executor, typename half_format<Src, Weights, Isa>::zeros, Prologue>;
    return run{float(x.padding.value), memory, executor, caches, {}, x.prologue};
  }
};
template <narrow_floating_point T, class Isa>
struct conv_product<T, Isa> : conv_product<conv_types<T, T, T>, Isa> {};

// bf16 by the ISA's own products.
template <class T>
struct natively_rounded {};
template <class Dst, class Isa>
struct conv_product<natively_rounded<conv_types<bf16, bf16, Dst>>, Isa>
    : without_zero_points,
      copied_product<bf16_format<Isa>, Dst, depthwise_mixed<bf16_format<Isa>, half_format<bf16, bf16, Isa>, Dst>> {
  using src = bf16;
  using weights = bf16;
  using dst = Dst;
  using sum = float;
  static constexpr index group = bf16_dot_ops<Isa>::group;
  static constexpr bool transforms = false;

  template <class Executor>
  static ASHLAR_INLINE auto how(float* memory, Executor& executor, const cache_sizes& caches,
                                const source_request<no_prologue>& x) {
    using run = conv_run<float, Executor, typename bf16_format<Isa>::zeros>;
    return run{float(x.padding.value), memory, executor, caches, {}, {}};
  }
};

// What a plan of T with these options multiplies.
template <class T, class Isa, class... Options>
struct planned_type {
  using type = T;
};
template <class Dst, class Isa, class... Options>
  requires(multiplies_bf16<Isa> && (std::is_same_v<Options, native_rounding_option> || ...))
struct planned_type<conv_types<bf16, bf16, Dst>, Isa, Options...> {
  using type = natively_rounded<conv_types<bf16, bf16, Dst>>;
};
template <class Isa, class... Options>
  requires(multiplies_bf16<Isa> && (std::is_same_v<Options, native_rounding_option> || ...))
struct planned_type<bf16, Isa, Options...> : planned_type<conv_types<bf16, bf16, bf16>, Isa, Options...> {};
template <class T, class Isa, class... Options>
using planned = typename planned_type<T, Isa, Options...>::type;

template <class Src, class Weights, class Dst, class Isa>
struct conv_product<wide_conv_types<Src, Weights, Dst>, Isa> : without_zero_points,
                                                               copied_product<wide_format<Src, Weights, Isa>, Dst> {
  using format = wide_format<Src, Weights, Isa>;
  using src = Src;
  using weights = Weights;
  using dst = Dst;
  using sum = double;
  static constexpr bool floats = false;
  static constexpr bool transforms = false;

  // Forward and backward.
  static status check_terms(const conv_geometry& g) {
    const index terms = g.taps() * std::max(g.group_channels(), g.group_filters());
    if (terms <= most_wide_terms<Src, Weights>) return {};
    return status::error(errc::overflow,
                         "plan_conv: a sum has %" PRId64
                         " products; 64-bit sums of these integers are exact up to %" PRId64,
                         terms, most_wide_terms<Src, Weights>);
  }
  template <class Executor>
  static ASHLAR_INLINE auto how(double* memory, Executor& executor, const cache_sizes& caches,
                                const source_request<no_prologue>&) {
    return conv_run<double, Executor, typename format::zeros>{0, memory, executor, caches};
  }
};

template <class Src, class Weights, bool WeightsZero, class Isa>
struct integer_product {
  static constexpr bool wide = WeightsZero || std::is_unsigned_v<Weights>;
  using ops_type = std::conditional_t<wide, plain_dot_ops<Isa>, dot_ops_for<Isa, Src>>;
  using format = dot_format<Src, Weights, Isa, std::int32_t, no_zero_point, ops_type>;
  using terms = dot_format<Src, Weights, Isa, std::int32_t, no_zero_point, plain_dot_ops<Isa>>;
};

// Winograd where both are bytes, the weights without zero points, and there are the shifts that it takes.
template <class Src, class Weights, class Dst, bool WeightsZero, class Isa>
struct exact_winograds_for {
  using type = no_winograds;
};
template <class Src, class Weights, class Dst, class Isa>
  requires(sizeof(Src) == 1 && fixed_point_ops<ops<std::int32_t, Isa>>)
struct exact_winograds_for<Src, Weights, Dst, false, Isa> {
  using unit = typename integer_product<Src, Weights, false, Isa>::format::b_unit;
  using type = exact_winograds<Src, Weights, Dst, Isa, unit>;
};

// The contraction of weights within 7 bits, where there is another one for them.
template <class Src, class Weights, class Dst, bool WeightsZero, class Isa>
struct seven_bit_for {
  using type = no_algorithm;
};
template <class Src, class Dst, class Isa>
  requires(sizeof(Src) == 1 && seven_bit_dot_ops<Isa>::group > 0)
struct seven_bit_for<Src, std::int8_t, Dst, false, Isa> {
  using format = dot_format<Src, std::int8_t, Isa, std::int32_t, no_zero_point, seven_bit_dot_ops<Isa>>;
  using type = seven_bit_algorithm<format, Dst, typename integer_product<Src, std::int8_t, false, Isa>::format::b_unit>;
};

template <class Src, class Weights, class Dst, bool WeightsZero, class Isa>
  requires small_integers<Src, Weights>
struct conv_product<conv_types<Src, Weights, Dst, WeightsZero>, Isa>
    : copied_product<typename integer_product<Src, Weights, WeightsZero, Isa>::format, Dst,
                     depthwise_mixed<typename integer_product<Src, Weights, WeightsZero, Isa>::format,
                                     typename integer_product<Src, Weights, WeightsZero, Isa>::terms, Dst>,
                     typename exact_winograds_for<Src, Weights, Dst, WeightsZero, Isa>::type,
                     typename seven_bit_for<Src, Weights, Dst, WeightsZero, Isa>::type> {
  using src = Src;
  using weights = Weights;
  using dst = Dst;
  using sum = std::int32_t;
  using format = typename integer_product<Src, Weights, WeightsZero, Isa>::format;
  static constexpr bool small = true;
  static constexpr bool floats = false;
  static constexpr bool transforms = false;
  static constexpr index group = format::group * format::together;

  template <class Executor>
  static ASHLAR_INLINE auto how(std::int32_t* memory, Executor& executor, const cache_sizes& caches,
                                const source_request<no_prologue>& x) {
    using zeros = typename format::zeros;
    const std::int32_t zero = x.zero.value;
    return conv_run<std::int32_t, Executor, zeros>{0, memory, executor, caches, zeros{zero, {}}};
  }
  static ASHLAR_INLINE status check(const src_zero_point& z) { return check_number<Src>("src", z.value); }
  static ASHLAR_INLINE status check_terms(const conv_geometry&) { return {}; }
  static ASHLAR_INLINE status check_zeros(index) { return {}; }
  template <class Zeros>
  static status check_zeros(index channels, const Zeros& z) {
    if constexpr (Zeros::each) {
      if (z.z == nullptr) {
        return status::error(
            errc::null_pointer,
            "pack: weights have %" PRId64 " output channels but the pointer to their zero points is null", channels);
      }
    }
    for (index k = 0; k < channels; ++k) {
      if (status s = check_number<Weights>("weights", z.at(k)); !s.ok()) return s;
    }
    return {};
  }
};

}  // namespace detail
}  // namespace ashlar
