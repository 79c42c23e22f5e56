// SPDX-License-Identifier: Apache-2.0
//
// core/checked.hpp: sizes computed from user-supplied extents, with overflow noticed instead of wrapped.
//
// Depends on: core/config.hpp.   Used by: shape checks, workspace and packed sizes.
#pragma once

#include <ashlar/core/config.hpp>
#include <type_traits>

namespace ashlar {

/// *out = a * b; false when the product does not fit (then *out is unspecified).
ASHLAR_HOST_INLINE constexpr bool checked_multiply(index a, index b, index* out) {
  return !__builtin_mul_overflow(a, b, out);
}

/// *out = a + b; false when the sum does not fit (then *out is unspecified).
ASHLAR_HOST_INLINE constexpr bool checked_add(index a, index b, index* out) {
  return !__builtin_add_overflow(a, b, out);
}

/// An index that remembers whether any step of its computation overflowed.
///
///     const checked_index bytes = checked_index(k) * n * 4 + 64;
///     if (!bytes.ok()) return status::error(errc::overflow, ...);
class checked_index {
 public:
  ASHLAR_HOST_INLINE constexpr checked_index(index value) : value_(value) {}

  [[nodiscard]] ASHLAR_HOST_INLINE constexpr bool ok() const { return ok_; }
  /// The exact result when ok().
  [[nodiscard]] ASHLAR_HOST_INLINE constexpr index value() const { return value_; }

  friend ASHLAR_HOST_INLINE constexpr checked_index operator*(checked_index a, checked_index b) {
    checked_index r(0);
    const bool fits = checked_multiply(a.value_, b.value_, &r.value_);
    r.ok_ = a.ok_ && b.ok_ && fits;
    return r;
  }
  friend ASHLAR_HOST_INLINE constexpr checked_index operator+(checked_index a, checked_index b) {
    checked_index r(0);
    const bool fits = checked_add(a.value_, b.value_, &r.value_);
    r.ok_ = a.ok_ && b.ok_ && fits;
    return r;
  }

 private:
  index value_;
  bool ok_ = true;
};

/// a / b rounded up, for a >= 0 and b > 0; does not overflow.
ASHLAR_HOST_INLINE constexpr index ceil_div(index a, index b) { return a / b + (a % b != 0); }

/// a rounded up to a multiple of b, for a >= 0 and b > 0.
ASHLAR_HOST_INLINE constexpr checked_index round_up(index a, index b) { return checked_index(ceil_div(a, b)) * b; }

}  // namespace ashlar
