// SPDX-License-Identifier: Apache-2.0
//
// epilogue/math.hpp: the math context m of an expression: the ops of an ISA and the functions made of them.
//
// Everything is a formula in the ops of isa/ops.hpp, with constants of our own, and so has equal bits on every ISA and
// in constant evaluation. ulp is a unit in the last place of the exact result. NaN in gives NaN out, for every function
// here but a cast to an integer type.
//
// Depends on: isa/ops.hpp, epilogue/conversion.hpp, epilogue/transcendental.hpp.   Used by: epilogue/functions.hpp,
// tile/, and user functions.
#pragma once

#include <ashlar/epilogue/conversion.hpp>
#include <ashlar/epilogue/transcendental.hpp>
#include <ashlar/isa/ops.hpp>

namespace ashlar {

/// The object that fn(f, ...) hands to f: an empty value. Every op of O is a member too:
///
///     m.add(x, y)   m.fma(x, y, z)   m.select_gt(x, y, a, b)   m.broadcast(2)
template <simd_ops O>
struct math : O {
  using T = typename O::value_type;
  using vec = typename O::vec;

  /// The number x in every lane.
  static ASHLAR_INLINE constexpr vec constant(T x) { return O::broadcast(x); }

  /// static_cast<T>(static_cast<U>(x)), to nearest even. Floating point to an integer U: truncated, within U's ends,
  /// NaN and -0 give 0; integer to integer: wraps.
  template <castable U>
  static ASHLAR_INLINE constexpr vec cast(const vec& x) {
    return detail::there_and_back<O, U>::of(x);
  }

  /// x > 0 ? x : 0, in one instruction: 0 > x ? 0 : x, so NaN and -0 stay what they are.
  static ASHLAR_INLINE constexpr vec relu(const vec& x) { return O::max(O::zero(), x); }

  /// low > x ? low : x, then high < that ? high : that. NaN stays; when low > high the result is high.
  static ASHLAR_INLINE constexpr vec clamp(const vec& x, const vec& low, const vec& high) {
    return O::min(high, O::max(low, x));
  }

  /// x > 0 ? x : slope * x.
  static ASHLAR_INLINE constexpr vec leaky_relu(const vec& x, const vec& slope) {
    return O::select_gt(x, O::zero(), x, O::mul(slope, x));
  }

  /// x / 6 + 1/2, within [0, 1].
  static ASHLAR_INLINE constexpr vec hardsigmoid(const vec& x) {
    constexpr T sixth = T(0x1.5555555555556p-3);  // rounded up, so that -3 gives 0
    return clamp(O::fma(x, constant(sixth), constant(T(0.5))), O::zero(), constant(T(1)));
  }

  /// x * hardsigmoid(x); -0 from -3 down, -infinity included.
  static ASHLAR_INLINE constexpr vec hardswish(const vec& x) {
    return O::mul(O::max(constant(T(-3)), x), hardsigmoid(x));
  }

  /// e^x. Within 1 ulp, subnormal results included.
  static ASHLAR_INLINE constexpr vec exp(const vec& x) { return detail::transcendental<O>::exp(x); }

  /// The hyperbolic tangent. Within 2.5 ulp.
  static ASHLAR_INLINE constexpr vec tanh(const vec& x) { return detail::transcendental<O>::tanh(x); }

  /// 1 / (1 + e^-x). Within 2.5 ulp, down to subnormal results.
  static ASHLAR_INLINE constexpr vec sigmoid(const vec& x) { return detail::transcendental<O>::sigmoid(x); }

  /// x * sigmoid(x). Within 3.5 ulp; -0 at -infinity.
  static ASHLAR_INLINE constexpr vec silu(const vec& x) { return detail::transcendental<O>::silu(x); }

  /// The error function. Within 1.5 ulp.
  static ASHLAR_INLINE constexpr vec erf(const vec& x) { return detail::transcendental<O>::erf(x); }

  /// x * Phi(x), Phi the normal distribution. Within 4.5 ulp for x >= 0, 11 below, however small the result; -0 at
  /// -infinity.
  static ASHLAR_INLINE constexpr vec gelu_erf(const vec& x) { return detail::transcendental<O>::gelu_erf(x); }

  /// x * sigmoid(v), v = sqrt(8 / pi) (x + 0.044715 x^3): gelu by tanh. Within 4 ulp for x >= 0, 4 + 3 |v| below, for v
  /// is rounded before the exponential; -0 at -infinity.
  static ASHLAR_INLINE constexpr vec gelu_tanh(const vec& x) { return detail::transcendental<O>::gelu_tanh(x); }

  /// x > 0 ? x : alpha * (e^x - 1). e^x - 1 within 1.5 ulp, and the rounding of the product; -0 gives 0.
  static ASHLAR_INLINE constexpr vec elu(const vec& x, const vec& alpha) {
    const vec negative = O::min(O::zero(), O::max(constant(T(-40)), x));
    return O::select_gt(x, O::zero(), x, O::mul(alpha, detail::transcendental<O>::expm1(negative)));
  }
};

}  // namespace ashlar
