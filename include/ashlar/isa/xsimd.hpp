// SPDX-License-Identifier: Apache-2.0
//
// isa/xsimd.hpp: the part of ops<T, Isa> that xsimd gives for every fixed-width architecture.
//
// The architecture is always named (never xsimd::default_arch), so a translation unit compiled with more flags uses the
// same types. What xsimd lacks or leaves open (masked memory, the order of min and max, pow2) is added by avx2.hpp,
// avx512.hpp, neon.hpp. Works with xsimd 8.1 and later.
//
// Depends on: isa/ops.hpp, isa/rounded.hpp, xsimd.   Used by: isa/avx2.hpp, isa/avx512.hpp, isa/neon.hpp.
#pragma once

#include <ashlar/isa/ops.hpp>
#include <ashlar/isa/rounded.hpp>
#include <cstdint>
#include <type_traits>
#include <xsimd/xsimd.hpp>

namespace ashlar::detail {

/// An adapter exists for these element types.
template <class T>
concept simd_element = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int32_t> ||
                       std::same_as<T, std::uint32_t>;

template <class T, class Isa, class Arch>
struct xsimd_ops {
  using value_type = T;
  using isa_type = Isa;
  using vec = xsimd::batch<T, Arch>;
  static_assert(sizeof(vec) == isa::facts<Isa>::vector_bytes, "xsimd chose another register than the ISA's");

  static constexpr index max_lanes = isa::facts<Isa>::vector_bytes / index(sizeof(T));
  static ASHLAR_INLINE constexpr index lanes() { return max_lanes; }

  static ASHLAR_INLINE vec zero() { return vec(T(0)); }
  static ASHLAR_INLINE vec broadcast(T x) { return vec(x); }
  static ASHLAR_INLINE vec broadcast_load(const T* p) { return vec(*p); }
  static ASHLAR_INLINE vec load(const T* p) { return vec::load_unaligned(p); }
  static ASHLAR_INLINE void store(T* p, const vec& x) { x.store_unaligned(p); }

  static ASHLAR_INLINE vec add(const vec& a, const vec& b) { return a + b; }
  static ASHLAR_INLINE vec sub(const vec& a, const vec& b) { return a - b; }
  static ASHLAR_INLINE vec mul(const vec& a, const vec& b) { return vec(detail::rounded((a * b).data)); }
  static ASHLAR_INLINE vec select_gt(const vec& a, const vec& b, const vec& x, const vec& y) {
    return xsimd::select(a > b, x, y);
  }
};

// T decides what is added: floating point or integers.
template <class T, class Isa, class Arch>
struct xsimd_arithmetic : xsimd_ops<T, Isa, Arch> {
  using vec = typename xsimd_ops<T, Isa, Arch>::vec;

  static ASHLAR_INLINE vec abs(const vec& x) { return x ^ sign_of(x); }
  static ASHLAR_INLINE vec neg(const vec& x) { return x ^ vec(T(-0.0)); }
  static ASHLAR_INLINE vec copysign(const vec& magnitude, const vec& sign) { return abs(magnitude) | sign_of(sign); }

 private:
  static ASHLAR_INLINE vec sign_of(const vec& x) { return x & vec(T(-0.0)); }
};

template <std::integral T, class Isa, class Arch>
struct xsimd_arithmetic<T, Isa, Arch> : xsimd_ops<T, Isa, Arch> {
  using vec = typename xsimd_ops<T, Isa, Arch>::vec;

  static ASHLAR_INLINE vec fma(const vec& a, const vec& b, const vec& c) { return a * b + c; }
  static ASHLAR_INLINE vec bit_and(const vec& a, const vec& b) { return a & b; }
  static ASHLAR_INLINE vec bit_or(const vec& a, const vec& b) { return a | b; }
};

}  // namespace ashlar::detail
