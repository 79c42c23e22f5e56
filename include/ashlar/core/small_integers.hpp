// SPDX-License-Identifier: Apache-2.0
//
// core/small_integers.hpp: products of 8- and 16-bit integers: which pairs there are, and their zero points.
//
//   sum over k of (A(i, k) - za) * (B(k, j) - zb)        in 32 bits that wrap: exact where the true sum fits
//   sum over k of A(i, k) * B(k, j)                      in 64 bits where with_sums<std::int64_t> asks for it: exact
//
// Depends on: core/config.hpp.   Used by: reference/, loop/, gemm/.
#pragma once

#include <ashlar/core/config.hpp>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace ashlar {

/// Elements whose products are summed in 32 bits: 8-bit B, of either sign, with 8-bit A of either sign or 16-bit signed
/// A.   static_assert(small_integers<std::uint8_t, std::int8_t>);
template <class TA, class TB>
concept small_integers = std::integral<TA> && std::integral<TB> && !std::same_as<TA, bool> && !std::same_as<TB, bool> &&
                         sizeof(TB) == 1 && (sizeof(TA) == 1 || std::same_as<TA, std::int16_t>);

/// Elements whose products are summed in 64 bits where the caller says so: at most 16 bits, of either sign.
template <class TA, class TB>
concept wide_integers = std::integral<TA> && std::integral<TB> && !std::same_as<TA, bool> && !std::same_as<TB, bool> &&
                        sizeof(TA) <= 2 && sizeof(TB) <= 2;

/// The longest sum of such products whose every partial sum is below 2^53 in size.
template <class TA, class TB>
  requires wide_integers<TA, TB>
inline constexpr index most_wide_terms =
    index(1) << (53 - std::numeric_limits<TA>::digits - std::numeric_limits<TB>::digits);

/// Option: the type that products of small integers are summed in, std::int64_t: the epilogue's, too.
///     gemm(A_s16, B_s16, C_s16, requantize(acc, policy), with_sums<std::int64_t>{})
template <class Sum>
struct with_sums {
  static_assert(std::same_as<Sum, std::int64_t>, "with_sums: the type of sums is std::int64_t, or 32 bits unasked");
};

/// Option of pack_weights: what A's elements are, std::int16_t where they are not bytes, which other units than those
/// of bytes may serve.   pack_weights(B, storage, for_a<std::int16_t>{})
template <class TA>
struct for_a {
  static_assert(std::same_as<TA, std::int16_t>, "for_a: A of bytes needs no option");
};

/// Nothing to subtract.
struct no_zero_point {};

namespace detail {

/// What is subtracted: nothing, a number, or a number for each row of A or column of B.
template <class Z>
struct zero_point_values {
  Z z;
  static constexpr bool each = std::is_pointer_v<Z>;
  ASHLAR_INLINE constexpr std::int32_t at([[maybe_unused]] index i) const {
    if constexpr (std::same_as<Z, no_zero_point>) {
      return 0;
    } else if constexpr (each) {
      return static_cast<std::int32_t>(z[i]);
    } else {
      return static_cast<std::int32_t>(z);
    }
  }
};

}  // namespace detail
}  // namespace ashlar
