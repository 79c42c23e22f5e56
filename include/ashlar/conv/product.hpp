// SPDX-License-Identifier: Apache-2.0
//
// conv/product.hpp: what a plan multiplies: elements of one type, small integers with their zero points, or narrow
// floating-point numbers.
//
// Depends on: conv/kernels.hpp, conv/memory.hpp, loop/{dot,half}_format.hpp.   Used by: conv/plan.hpp.
#pragma once

#include <cinttypes>
#include <concepts>
#include <cstdint>
#include <limits>

#include <ashlar/conv/kernels.hpp>
#include <ashlar/conv/memory.hpp>
#include <ashlar/core/small_integers.hpp>
#include <ashlar/core/status.hpp>
#include <ashlar/loop/dot_format.hpp>
#include <ashlar/loop/half_format.hpp>

namespace ashlar {

/// The element types of a convolution of small integers or of narrow floating-point numbers, in place of the one type of
/// others (which bf16 and f16 may be, too):
///
///     auto plan = plan_conv2d<conv_types<std::uint8_t, std::int8_t, std::uint8_t>>(problem);
///     plan.run(src, weights, dst, requantize(acc + per_column(bias), policy, zero), src_zero_point(128));
///
/// The types are those of small_integers, Dst as in gemm, or of narrow_floats. WeightsZero: integer weights have zero
/// points, which pack() takes; they, and unsigned weights, are then stored and multiplied as 32-bit numbers.
template <class Src, class Weights, class Dst, bool WeightsZero = false>
  requires(small_integers<Src, Weights> || narrow_floats<Src, Weights, Dst>)
struct conv_types {};

namespace detail {

template <class T, class Isa>
struct conv_product {
  using src = T;
  using weights = T;
  using dst = T;
  using sum = T;
  using unit = T;
  static constexpr bool small = false, copied = false;
  static constexpr index group = 0;

  template <bool Tolerant, class F>
  static ASHLAR_INLINE auto with(conv_algorithm a, const F& f) {
    return with_algorithm<T, Isa, Tolerant>(a, f);
  }
  template <class Executor>
  static ASHLAR_INLINE auto how(T* memory, Executor& executor, const cache_sizes& caches, const src_zero_point&) {
    return conv_run<T, Executor>{T(0), memory, executor, caches};
  }
  static ASHLAR_INLINE status check(const src_zero_point&) { return {}; }
};

// What has a format that operands are copied to: dense convolutions, and transposed ones.
template <class Format, class Dst>
struct copied_product {
  static constexpr bool copied = true;
  using unit = typename Format::b_unit;
  template <bool Tolerant, class F>
  static ASHLAR_INLINE auto with(conv_algorithm a, const F& f) {
    if (a == conv_algorithm::parity_classes) return f(parity_algorithm<Format, Dst>());
    return f(implicit_algorithm<Format, Dst>());
  }
};

template <class Src, class Weights, class Dst, class Isa>
  requires narrow_floats<Src, Weights, Dst>
struct conv_product<conv_types<Src, Weights, Dst, false>, Isa>
    : copied_product<half_format<Src, Weights, Isa>, Dst> {
  using src = Src;
  using weights = Weights;
  using dst = Dst;
  using sum = float;
  static constexpr bool small = false;
  static constexpr index group = 0;

  template <class Executor>
  static ASHLAR_INLINE auto how(float* memory, Executor& executor, const cache_sizes& caches, const src_zero_point&) {
    using zeros = typename half_format<Src, Weights, Isa>::zeros;
    return conv_run<float, Executor, zeros>{0, memory, executor, caches};
  }
  static ASHLAR_INLINE status check(const src_zero_point&) { return {}; }
};
template <narrow_floating_point T, class Isa>
struct conv_product<T, Isa> : conv_product<conv_types<T, T, T>, Isa> {};

template <class Src, class Weights, bool WeightsZero, class Isa>
struct integer_product {
  static constexpr bool wide = WeightsZero || std::is_unsigned_v<Weights>;
  using ops_type = std::conditional_t<wide, plain_dot_ops<Isa>, dot_ops_for<Isa, Src>>;
  using format = dot_format<Src, Weights, Isa, std::int32_t, no_zero_point, ops_type>;
};

template <class Src, class Weights, class Dst, bool WeightsZero, class Isa>
  requires small_integers<Src, Weights>
struct conv_product<conv_types<Src, Weights, Dst, WeightsZero>, Isa>
    : copied_product<typename integer_product<Src, Weights, WeightsZero, Isa>::format, Dst> {
  using src = Src;
  using weights = Weights;
  using dst = Dst;
  using sum = std::int32_t;
  using format = typename integer_product<Src, Weights, WeightsZero, Isa>::format;
  static constexpr bool small = true;
  static constexpr index group = format::group;

  template <class Executor>
  static ASHLAR_INLINE auto how(std::int32_t* memory, Executor& executor, const cache_sizes& caches,
                                const src_zero_point& z) {
    using zeros = typename format::zeros;
    return conv_run<std::int32_t, Executor, zeros>{format::padding(z.value), memory, executor, caches, zeros{z.value, {}}};
  }
  template <class Unit = this_unit>
  static status check(const src_zero_point& z) {
    using limits = std::numeric_limits<Src>;
    if (z.value >= limits::min() && z.value <= limits::max()) return {};
    return status::error(errc::unsupported,
                         "conv: the zero point of src is %" PRId32 "; it must be one of src's numbers, %d to %d", z.value,
                         int(limits::min()), int(limits::max()));
  }
};

}  // namespace detail
}  // namespace ashlar
