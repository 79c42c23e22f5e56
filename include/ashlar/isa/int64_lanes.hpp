// SPDX-License-Identifier: Apache-2.0
//
// isa/int64_lanes.hpp: 64-bit sums on every ISA: the tile adds them up in doubles, which hold integers below 2^53
// exactly; what comes after is evaluated in 64-bit integers, kept in memory.
//
//   wide_ops<Isa>       ops<double, Isa> of a tile whose accumulators are integers
//   int64_lanes<Isa>    as many std::int64_t: the ops of its epilogue
//
// An epilogue runs once for each element of dst, the tile K times: few ISAs have 64-bit products, and none needs them.
//
// Depends on: isa/ops.hpp.   Used by: epilogue/output.hpp, loop/wide_format.hpp.
#pragma once

#include <ashlar/isa/ops.hpp>
#include <cstdint>

namespace ashlar {

/// See above; `sums` is the type that an epilogue sees them in.
template <class Isa>
struct wide_ops : ops<double, Isa> {
  using sums = std::int64_t;
};

/// The simd_ops and integer_ops of std::int64_t, a lane for each of ops<double, Isa>.
template <class Isa>
struct int64_lanes {
  using value_type = std::int64_t;
  using isa_type = Isa;
  using doubles = ops<double, Isa>;
  static constexpr index max_lanes = doubles::max_lanes;
  static constexpr bool masked_memory = false;
  struct vec {
    value_type lane[max_lanes];
  };

  static ASHLAR_INLINE constexpr index lanes() { return doubles::lanes(); }
  static ASHLAR_INLINE constexpr vec zero() { return {}; }
  static ASHLAR_INLINE constexpr vec broadcast(value_type x) {
    return each([&](index) { return x; });
  }
  static ASHLAR_INLINE constexpr vec broadcast_load(const value_type* p) { return broadcast(*p); }
  static ASHLAR_INLINE constexpr vec load(const value_type* p) {
    return each([&](index l) { return p[l]; });
  }
  static ASHLAR_INLINE constexpr vec load_n(const value_type* p, index n) {
    return each([&](index l) { return l < n ? p[l] : 0; });
  }
  static ASHLAR_INLINE constexpr void store(value_type* p, const vec& v) { store_n(p, v, lanes()); }
  static ASHLAR_INLINE constexpr void store_n(value_type* p, const vec& v, index n) {
    for (index l = 0; l < n; ++l) p[l] = v.lane[l];
  }
  /// Of doubles that are integers.
  static ASHLAR_INLINE constexpr vec from_double(const typename doubles::vec& v) {
    double x[max_lanes] = {};
    doubles::store(x, v);
    return each([&](index l) { return static_cast<value_type>(x[l]); });
  }

  static ASHLAR_INLINE constexpr vec add(const vec& a, const vec& b) {
    return each([&](index l) { return wrapped(bits(a, l) + bits(b, l)); });
  }
  static ASHLAR_INLINE constexpr vec sub(const vec& a, const vec& b) {
    return each([&](index l) { return wrapped(bits(a, l) - bits(b, l)); });
  }
  static ASHLAR_INLINE constexpr vec mul(const vec& a, const vec& b) {
    return each([&](index l) { return wrapped(bits(a, l) * bits(b, l)); });
  }
  static ASHLAR_INLINE constexpr vec fma(const vec& a, const vec& b, const vec& c) { return add(mul(a, b), c); }
  static ASHLAR_INLINE constexpr vec min(const vec& a, const vec& b) { return select_gt(b, a, a, b); }
  static ASHLAR_INLINE constexpr vec max(const vec& a, const vec& b) { return select_gt(a, b, a, b); }
  static ASHLAR_INLINE constexpr vec select_gt(const vec& a, const vec& b, const vec& x, const vec& y) {
    return each([&](index l) { return a.lane[l] > b.lane[l] ? x.lane[l] : y.lane[l]; });
  }
  static ASHLAR_INLINE constexpr vec bit_and(const vec& a, const vec& b) {
    return each([&](index l) { return a.lane[l] & b.lane[l]; });
  }
  static ASHLAR_INLINE constexpr vec bit_or(const vec& a, const vec& b) {
    return each([&](index l) { return a.lane[l] | b.lane[l]; });
  }

 private:
  template <class F>
  static ASHLAR_INLINE constexpr vec each(const F& f) {
    vec v{};
    for (index l = 0; l < lanes(); ++l) v.lane[l] = f(l);
    return v;
  }
  static ASHLAR_INLINE constexpr std::uint64_t bits(const vec& v, index l) { return std::uint64_t(v.lane[l]); }
  static ASHLAR_INLINE constexpr value_type wrapped(std::uint64_t x) { return value_type(x); }
};

}  // namespace ashlar
