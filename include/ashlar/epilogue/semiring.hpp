// SPDX-License-Identifier: Apache-2.0
//
// epilogue/semiring.hpp: the arithmetic of a contraction:  acc = accumulate(a, b, acc), from zero, in increasing k.
//
//   plus_times   sum of a * b       one fused multiply-add per k
//   min_plus     min of a + b       shortest paths
//   max_plus     max of a + b       critical paths, Viterbi
//   or_and       or of a & b        reachability, on integers
//
// A semiring is a type with two static function templates on the ops of an ISA; yours is as good as these:
//
//   struct max_times {
//     template <class O>
//     static ASHLAR_INLINE constexpr typename O::vec zero() { return O::zero(); }
//     template <class O, class V = typename O::vec>
//     static ASHLAR_INLINE constexpr V accumulate(const V& a, const V& b, const V& acc) {
//       return O::max(O::mul(a, b), acc);
//     }
//   };
//
// Depends on: isa/ops.hpp, isa/scalar.hpp.   Used by: tile/, reference/, gemm/.
#pragma once

#include <ashlar/isa/ops.hpp>
#include <ashlar/isa/scalar.hpp>
#include <concepts>
#include <cstdint>
#include <limits>

namespace ashlar {

/// S is a semiring for the ops O.
template <class S, class O>
concept semiring_on = requires(const typename O::vec& v) {
  { S::template zero<O>() } -> std::same_as<typename O::vec>;
  { S::template accumulate<O>(v, v, v) } -> std::same_as<typename O::vec>;
};

/// S can also multiply by one element of a, where the ISA has such an instruction (accumulate_lane, as of plus_times).
template <class S, class O>
concept lane_semiring_on =
    lane_ops<O> && requires(const typename O::vec& v) { S::template accumulate_lane<O, 0>(v, v, v); };

/// S is a semiring of some element type.
template <class S>
concept semiring = semiring_on<S, ops<float, isa::scalar>> || semiring_on<S, ops<double, isa::scalar>> ||
                   semiring_on<S, ops<std::int32_t, isa::scalar>> || semiring_on<S, ops<std::uint32_t, isa::scalar>>;

namespace detail {

// Identities of min and max.
template <class T>
inline constexpr T highest =
    std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
template <class T>
inline constexpr T lowest =
    std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();

}  // namespace detail

/// The usual product: acc = a * b + acc in one rounding.
struct plus_times {
  template <simd_ops O>
  static ASHLAR_INLINE constexpr typename O::vec zero() {
    return O::zero();
  }
  template <simd_ops O>
  static ASHLAR_INLINE constexpr typename O::vec accumulate(const typename O::vec& a, const typename O::vec& b,
                                                            const typename O::vec& sums) {
    if constexpr (accumulating_ops<O>) {
      return O::fma_into(sums, a, b);
    } else {
      return O::fma(a, b, sums);
    }
  }
  /// accumulate() with element L of a, where the ISA has such an instruction.
  template <lane_ops O, int L>
  static ASHLAR_INLINE constexpr typename O::vec accumulate_lane(const typename O::vec& a, const typename O::vec& b,
                                                                 const typename O::vec& sums) {
    return O::template fma_lane<L>(sums, b, a);
  }
};

/// The smallest a + b; a sum that is NaN counts for nothing. From +infinity, of integers from the largest. Integers
/// wrap: stand for "no edge" by at most half the largest.
struct min_plus {
  template <simd_ops O>
  static ASHLAR_INLINE constexpr typename O::vec zero() {
    return O::broadcast(detail::highest<typename O::value_type>);
  }
  template <simd_ops O>
  static ASHLAR_INLINE constexpr typename O::vec accumulate(const typename O::vec& a, const typename O::vec& b,
                                                            const typename O::vec& sums) {
    return O::min(O::add(a, b), sums);
  }
};

/// The largest a + b; as min_plus, from -infinity.
struct max_plus {
  template <simd_ops O>
  static ASHLAR_INLINE constexpr typename O::vec zero() {
    return O::broadcast(detail::lowest<typename O::value_type>);
  }
  template <simd_ops O>
  static ASHLAR_INLINE constexpr typename O::vec accumulate(const typename O::vec& a, const typename O::vec& b,
                                                            const typename O::vec& sums) {
    return O::max(O::add(a, b), sums);
  }
};

/// Bitwise, 32 problems at once: acc | (a & b). Integers only.
struct or_and {
  template <integer_ops O>
  static ASHLAR_INLINE constexpr typename O::vec zero() {
    return O::zero();
  }
  template <integer_ops O>
  static ASHLAR_INLINE constexpr typename O::vec accumulate(const typename O::vec& a, const typename O::vec& b,
                                                            const typename O::vec& sums) {
    return O::bit_or(sums, O::bit_and(a, b));
  }
};

/// Is a * b = b * a, as far as the library knows?
template <class S>
inline constexpr bool commutes =
    std::same_as<S, plus_times> || std::same_as<S, min_plus> || std::same_as<S, max_plus> || std::same_as<S, or_and>;

}  // namespace ashlar
