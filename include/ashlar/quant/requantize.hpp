// SPDX-License-Identifier: Apache-2.0
//
// quant/requantize.hpp: rescaling as part of an epilogue: 32- or 64-bit sums to the integers of the output.
//
//   requantize(acc + per_column(bias), tflite{multiplier, shift}, zero_point, -128, 127)
//   requantize<tflite>(acc, per_column(multipliers), per_column(shifts), zero_point)          a factor for each channel
//
// By the policies of quant/rescale.hpp, which are the specification: in registers where the ISA has the operations,
// else lane by lane through a buffer on the stack; the same bits on every ISA.
//
// Depends on: quant/rescale.hpp, epilogue/expression.hpp.   Used by: users, through <ashlar/quant.hpp>.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>

#include <ashlar/epilogue/expression.hpp>
#include <ashlar/quant/rescale.hpp>

namespace ashlar {

/// The zero point of the output and the range that its elements are clamped to.
struct output_range {
  std::int32_t zero_point = 0;
  std::int32_t low = std::numeric_limits<std::int32_t>::min(), high = std::numeric_limits<std::int32_t>::max();
};

namespace detail {

// The sum with the zero point does not wrap: the clamp comes first, its ends less the zero point.
struct shifted_range {
  std::int32_t zero_point, least, most;

  ASHLAR_INLINE constexpr explicit shifted_range(const output_range& r)
      : zero_point(r.zero_point),
        least(clamped<std::int32_t>(std::int64_t(r.low) - r.zero_point)),
        most(clamped<std::int32_t>(std::int64_t(r.high) - r.zero_point)) {}

  template <class M, class V>
  ASHLAR_INLINE constexpr V of(M m, const V& x) const {
    return m.add(m.min(m.broadcast(most), m.max(m.broadcast(least), x)), m.broadcast(zero_point));
  }
};

// f(l) in each lane.
template <class M, class F>
ASHLAR_INLINE constexpr auto by_lane(M m, const F& f) {
  typename M::value_type lanes[M::max_lanes] = {};
  for (index l = 0; l < M::lanes(); ++l) lanes[l] = f(l);
  return m.load(lanes);
}

// A vector's numbers.
template <class M>
struct lane_values {
  typename M::value_type lanes[M::max_lanes] = {};
  ASHLAR_INLINE constexpr explicit lane_values(const typename M::vec& x) { M::store(lanes, x); }
  ASHLAR_INLINE constexpr auto operator[](index l) const { return lanes[l]; }
};

// The expression is of sums, not of floats; of 64 bits if the policy takes them.
template <class M, class P>
ASHLAR_INLINE constexpr void expect_sums() {
  constexpr bool wide = std::same_as<typename M::value_type, std::int64_t>;
  static_assert(wide || std::same_as<typename M::value_type, std::int32_t>,
                "requantize: the sums must be std::int32_t, as those of integer products are, or std::int64_t");
  static_assert(!wide || wide_rescaling<P>, "requantize: this policy takes no 64-bit sums");
}

}  // namespace detail

namespace functions {

/// One policy for every element.
template <rescaling P>
struct requantize {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    detail::expect_sums<M, P>();
    return range.of(m, rescaled(m, x));
  }

  P policy;
  detail::shifted_range range;

 private:
  template <class M, class V>
  ASHLAR_INLINE constexpr V rescaled(M m, const V& x) const {
    if constexpr (fixed_point_ops<M> && requires { policy.rescale(m, x); }) {
      return policy.rescale(m, x);
    } else if constexpr (fixed_point_ops<M> && requires { policy.rescale(m, x, x, x); }) {
      return policy.rescale(m, x, m.broadcast(policy.multiplier), m.broadcast(policy.shift));
    } else {
      const detail::lane_values<M> lanes(x);
      return detail::by_lane(m, [&](index l) { return policy(lanes[l]); });
    }
  }
};

/// The policy P{multiplier, shift} of each element.
template <rescaling P>
struct requantize_each {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x, const V& multiplier, const V& shift) const {
    detail::expect_sums<M, P>();
    return range.of(m, rescaled(m, x, multiplier, shift));
  }

  detail::shifted_range range;

 private:
  template <class M, class V>
  static ASHLAR_INLINE constexpr V rescaled(M m, const V& x, const V& multiplier, const V& shift) {
    if constexpr (fixed_point_ops<M> && requires { P::rescale(m, x, multiplier, shift); }) {
      return P::rescale(m, x, multiplier, shift);
    } else {
      const detail::lane_values<M> lanes(x), multipliers(multiplier), shifts(shift);
      return detail::by_lane(m, [&](index l) { return P{std::int32_t(multipliers[l]), int(shifts[l])}(lanes[l]); });
    }
  }
};

}  // namespace functions

/// min(max(policy(e) + zero_point, low), high) of every element, in 32 bits: requantized() is the reference.
///
///     gemm(A, B, C, requantize(acc + per_column(bias), tflite{1342580370, -9}, -102, -128, 127));
///
/// For expressions of std::int32_t, or with wide_rescaling policies of std::int64_t; the default range is all of 32
/// bits. Without state, any thread.
template <expression E, rescaling P>
ASHLAR_INLINE constexpr auto requantize(const E& e, const P& policy, std::int32_t zero_point = 0,
                                        std::int32_t low = std::numeric_limits<std::int32_t>::min(),
                                        std::int32_t high = std::numeric_limits<std::int32_t>::max()) {
  return detail::apply(functions::requantize<P>{policy, detail::shifted_range({zero_point, low, high})}, e);
}

/// The same with a policy P{multiplier, shift} for each row, column or element: multiplier and shift are expressions,
/// such as per_column(pointer to std::int32_t), of 64-bit sums cast(per_column(pointer to std::int32_t)).
///
///     gemm(A, B, C, requantize<tflite>(acc, per_column(multipliers), per_column(shifts), zero_point, -128, 127));
template <rescaling P, expression E, expression Multiplier, expression Shift>
ASHLAR_INLINE constexpr auto requantize(const E& e, const Multiplier& multiplier, const Shift& shift,
                                        std::int32_t zero_point = 0,
                                        std::int32_t low = std::numeric_limits<std::int32_t>::min(),
                                        std::int32_t high = std::numeric_limits<std::int32_t>::max()) {
  return detail::apply(functions::requantize_each<P>{detail::shifted_range({zero_point, low, high})}, e, multiplier,
                       shift);
}

}  // namespace ashlar
