// SPDX-License-Identifier: Apache-2.0
//
// quant/requantize.hpp: rescaling as part of an epilogue: 32-bit sums to the integers of the output.
//
//   requantize(acc + per_column(bias), tflite{multiplier, shift}, zero_point, -128, 127)
//   requantize<tflite>(acc, per_column(multipliers), per_column(shifts), zero_point)          a factor for each channel
//
// Lane by lane, through a buffer on the stack, by the policies of quant/rescale.hpp, which are the specification; so
// the same bits on every ISA.
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

namespace functions {

/// One policy for every element.
template <rescaling P>
struct requantize {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    static_assert(std::same_as<typename M::value_type, std::int32_t>,
                  "requantize: the sums must be std::int32_t, as those of integer products are");
    std::int32_t lanes[M::max_lanes] = {};
    m.store(lanes, x);
    for (index l = 0; l < M::lanes(); ++l) {
      lanes[l] = requantized<std::int32_t>(lanes[l], policy, range.zero_point, range.low, range.high);
    }
    return m.load(lanes);
  }

  P policy;
  output_range range;
};

/// The policy P{multiplier, shift} of each element.
template <rescaling P>
struct requantize_each {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x, const V& multiplier, const V& shift) const {
    static_assert(std::same_as<typename M::value_type, std::int32_t>,
                  "requantize: the sums must be std::int32_t, as those of integer products are");
    std::int32_t lanes[M::max_lanes] = {}, multipliers[M::max_lanes] = {}, shifts[M::max_lanes] = {};
    m.store(lanes, x), m.store(multipliers, multiplier), m.store(shifts, shift);
    for (index l = 0; l < M::lanes(); ++l) {
      const P policy{multipliers[l], int(shifts[l])};
      lanes[l] = requantized<std::int32_t>(lanes[l], policy, range.zero_point, range.low, range.high);
    }
    return m.load(lanes);
  }

  output_range range;
};

}  // namespace functions

/// min(max(policy(e) + zero_point, low), high) of every element, in 32 bits: requantized() is the reference.
///
///     gemm(A, B, C, requantize(acc + per_column(bias), tflite{1342580370, -9}, -102, -128, 127));
///
/// For expressions of std::int32_t; the default range is all of it. Without state, any thread.
template <expression E, rescaling P>
ASHLAR_INLINE constexpr auto requantize(const E& e, const P& policy, std::int32_t zero_point = 0,
                                        std::int32_t low = std::numeric_limits<std::int32_t>::min(),
                                        std::int32_t high = std::numeric_limits<std::int32_t>::max()) {
  return detail::apply(functions::requantize<P>{policy, {zero_point, low, high}}, e);
}

/// The same with a policy P{multiplier, shift} for each row, column or element: multiplier and shift are expressions,
/// such as per_column(pointer to std::int32_t).
///
///     gemm(A, B, C, requantize<tflite>(acc, per_column(multipliers), per_column(shifts), zero_point, -128, 127));
template <rescaling P, expression E, expression Multiplier, expression Shift>
ASHLAR_INLINE constexpr auto requantize(const E& e, const Multiplier& multiplier, const Shift& shift,
                                        std::int32_t zero_point = 0,
                                        std::int32_t low = std::numeric_limits<std::int32_t>::min(),
                                        std::int32_t high = std::numeric_limits<std::int32_t>::max()) {
  return detail::apply(functions::requantize_each<P>{{zero_point, low, high}}, e, multiplier, shift);
}

}  // namespace ashlar
