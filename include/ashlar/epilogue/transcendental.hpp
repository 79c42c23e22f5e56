// SPDX-License-Identifier: Apache-2.0
//
// epilogue/transcendental.hpp: exp and its family in the ops of an ISA: no libm, no table, no branch.
//
//   x = k ln 2 + r,  |r| <= ln(2) / 2;    e^x - 1 = 2^k (e^r - 1) + (2^k - 1);    e^r - 1 = r + r^2 P(r)
//   tanh, sigmoid, silu, gelu_tanh        from that by one division
//   erf                                   x + x P(x^2) to 1, 1 - erfc(x) above
//   erfc(z) = e^(-z^2) p(z) / q(z)        for z >= 0;  gelu_erf(x) = x Phi(x) from it, relatively exact in both tails
//
// Where a result can be subnormal, e^x is kept scaled by 2^shift until the last multiplication, which then rounds once.
// Bounds are stated in epilogue/math.hpp and tested there. The range reduction is Cody and Waite's, made exact by fma.
//
// Depends on: isa/ops.hpp, epilogue/coefficients.hpp.   Used by: epilogue/math.hpp.
#pragma once

#include <ashlar/epilogue/coefficients.hpp>
#include <ashlar/isa/ops.hpp>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace ashlar::detail {

template <float_ops O>
struct transcendental {
  using T = typename O::value_type;
  using vec = typename O::vec;
  using c = coefficients<T>;

  static ASHLAR_INLINE constexpr vec exp(const vec& x) {
    vec k = O::zero();
    const vec y = O::min(number(c::exp_max), O::max(number(c::exp_min), x));
    const vec e = expm1_reduced(y, k);
    // In two steps of half the exponent, for k is beyond the normal exponents at both ends.
    const vec half = O::round_even(O::mul(k, number(T(0.5))));
    const vec s = O::pow2(half);
    return O::mul(O::fma(s, e, s), O::pow2(O::sub(k, half)));
  }

  /// e^x - 1, -126 <= x / ln 2 <= 126.
  static ASHLAR_INLINE constexpr vec expm1(const vec& x) {
    vec k = O::zero();
    const vec e = expm1_reduced(x, k);
    const vec s = O::pow2(k);
    return O::fma(s, e, O::sub(s, number(1)));
  }

  static ASHLAR_INLINE constexpr vec tanh(const vec& x) {
    const vec a = O::min(number(c::tanh_max), O::abs(x));
    const vec e = expm1(O::add(a, a));
    return O::copysign(O::div(e, O::add(e, number(2))), x);
  }

  static ASHLAR_INLINE constexpr vec sigmoid(const vec& x) {
    vec scale = O::zero();
    const vec s = scaled_sigmoid(x, scale);
    return O::mul(s, scale);
  }

  static ASHLAR_INLINE constexpr vec silu(const vec& x) {
    const vec y = O::max(number(c::decay_min), x);  // -infinity * 0 otherwise
    vec scale = O::zero();
    const vec s = scaled_sigmoid(y, scale);
    return O::mul(O::mul(y, s), scale);
  }

  static ASHLAR_INLINE constexpr vec gelu_tanh(const vec& x) {
    const vec y = O::max(number(-c::normal_max), x);
    const vec v = O::mul(y, O::fma(O::mul(y, y), number(c::gelu_tanh_3), number(c::gelu_tanh_1)));
    vec scale = O::zero();
    const vec s = scaled_sigmoid(v, scale);
    return O::mul(O::mul(y, s), scale);
  }

  static ASHLAR_INLINE constexpr vec erf(const vec& x) {
    const vec a = O::abs(x);
    const vec small = O::fma(x, polynomial<c::erf>(O::mul(x, x)), x);
    const vec z = O::min(number(c::erf_max), a);
    vec k = O::zero();
    const vec e = expm1_reduced(O::neg(O::mul(z, z)), k);
    const vec s = O::pow2(k);
    const vec erfc = O::mul(O::fma(s, e, s), erfcx(z));
    return O::select_gt(number(1), a, small, O::copysign(O::sub(number(1), erfc), x));
  }

  static ASHLAR_INLINE constexpr vec gelu_erf(const vec& x) {
    const vec a = O::min(number(c::normal_max), O::abs(x));
    const vec y = O::max(number(-c::normal_max), x);
    // x^2 = square + rest, for the exponential turns an absolute error into a relative one.
    const vec square = O::mul(a, a);
    const vec rest = O::fma(a, a, O::neg(square));
    const vec r = erfcx(O::mul(a, number(c::root_half)));
    const vec corrected = O::fma(r, O::mul(rest, number(T(-0.5))), r);
    const vec tail = O::mul(exp_scaled(O::mul(square, number(T(-0.5)))), O::mul(corrected, number(T(0.5))));
    const vec phi = O::select_gt(O::zero(), x, tail, O::fma(tail, number(-c::decay_unscale), number(1)));
    return O::mul(O::mul(y, phi), O::select_gt(O::zero(), x, number(c::decay_unscale), number(1)));
  }

 private:
  static ASHLAR_INLINE constexpr vec number(T x) { return O::broadcast(x); }

  // A number of a table, as a constant of its own: device code of CUDA has no tables of a class.
  template <const auto& A, std::size_t I>
  static constexpr T entry = A[I];

  /// A[0] + x A[1] + x^2 A[2] + ...
  template <const auto& A>
  static ASHLAR_INLINE constexpr vec polynomial(const vec& x) {
    return horner<A>(x, std::make_index_sequence<std::extent_v<std::remove_reference_t<decltype(A)>> - 1>());
  }
  template <const auto& A, std::size_t... I>
  static ASHLAR_INLINE constexpr vec horner(const vec& x, std::index_sequence<I...>) {
    vec sum = number(entry<A, sizeof...(I)>);
    ((sum = O::fma(sum, x, number(entry<A, sizeof...(I) - 1 - I>))), ...);
    return sum;
  }

  /// e^r - 1 of x = k ln 2 + r; k is integral. x - k ln2_high is exact; the rest of r joins the small terms first.
  static ASHLAR_INLINE constexpr vec expm1_reduced(const vec& x, vec& k) {
    k = O::round_even(O::mul(x, number(c::log2e)));
    const vec high = O::fma(k, number(-c::ln2_high), x);
    const vec low = O::mul(k, number(-c::ln2_low));
    const vec r = O::add(high, low);
    return O::add(high, O::fma(O::mul(r, r), polynomial<c::expm1>(r), low));
  }

  /// e^x * 2^shift for x <= 0.
  static ASHLAR_INLINE constexpr vec exp_scaled(const vec& x) {
    vec k = O::zero();
    const vec e = expm1_reduced(O::max(number(c::decay_min), x), k);
    const vec s = O::pow2(O::add(k, number(c::decay_shift)));
    return O::fma(s, e, s);
  }

  /// sigmoid(x) = result * scale: 1 / (1 + e^-x), or e^x / (1 + e^x) with e^x scaled.
  static ASHLAR_INLINE constexpr vec scaled_sigmoid(const vec& x, vec& scale) {
    const vec e = exp_scaled(O::neg(O::abs(x)));
    scale = O::select_gt(O::zero(), x, number(c::decay_unscale), number(1));
    const vec numerator = O::select_gt(O::zero(), x, e, number(1));
    return O::div(numerator, O::fma(e, number(c::decay_unscale), number(1)));
  }

  /// e^(z^2) erfc(z), z >= 0. All coefficients are positive: nothing cancels.
  static ASHLAR_INLINE constexpr vec erfcx(const vec& z) {
    return O::div(polynomial<c::erfcx_p>(z), polynomial<c::erfcx_q>(z));
  }
};

}  // namespace ashlar::detail
