// SPDX-License-Identifier: Apache-2.0
//
// isa/neon.hpp: ops<T, isa::neon>: four floats or two doubles in a q register, with fma by lane.
//
// vminq and vmaxq return NaN if either operand is one, so min and max are compare and select. There is no masked
// memory: a partial vector is moved through two general registers in pieces of one or two elements, without a trip
// through the stack.
//
// Depends on: isa/xsimd.hpp.   Used by: isa.hpp on AArch64.
#pragma once

#include <arm_neon.h>

#include <ashlar/isa/xsimd.hpp>
#include <cstring>

namespace ashlar {

namespace detail {

template <class T>
using neon_vector = xsimd::batch<T, xsimd::neon64>;

// The low 8 * bytes bits of `half` from or to memory; bytes = 0, 4 or 8, more counts as 8.
ASHLAR_INLINE std::uint64_t neon_load_half(const void* p, index bytes) {
  std::uint64_t half = 0;
  if (bytes >= 8) {
    std::memcpy(&half, p, 8);
  } else if (bytes > 0) {
    std::memcpy(&half, p, 4);
  }
  return half;
}
ASHLAR_INLINE void neon_store_half(void* p, std::uint64_t half, index bytes) {
  if (bytes >= 8) {
    std::memcpy(p, &half, 8);
  } else if (bytes > 0) {
    std::memcpy(p, &half, 4);
  }
}
ASHLAR_INLINE uint64x2_t neon_load_bytes(const void* p, index bytes) {
  const std::uint64_t low = neon_load_half(p, bytes);
  const std::uint64_t high = neon_load_half(static_cast<const char*>(p) + 8, bytes - 8);
  return vcombine_u64(vcreate_u64(low), vcreate_u64(high));
}
ASHLAR_INLINE void neon_store_bytes(void* p, uint64x2_t x, index bytes) {
  neon_store_half(p, vgetq_lane_u64(x, 0), bytes);
  neon_store_half(static_cast<char*>(p) + 8, vgetq_lane_u64(x, 1), bytes - 8);
}

// The instructions that differ by element type.
template <class T>
struct neon_instructions;

template <>
struct neon_instructions<float> {
  using vec = neon_vector<float>;
  static ASHLAR_INLINE vec load_n(const float* p, index n) {
    return vreinterpretq_f32_u64(neon_load_bytes(p, n * index(sizeof(*p))));
  }
  static ASHLAR_INLINE void store_n(float* p, const vec& x, index n) {
    neon_store_bytes(p, vreinterpretq_u64_f32(x), n * index(sizeof(*p)));
  }
  static ASHLAR_INLINE vec fma(const vec& a, const vec& b, const vec& c) { return vfmaq_f32(c, a, b); }
  static ASHLAR_INLINE vec div(const vec& a, const vec& b) { return vdivq_f32(a, b); }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
  static ASHLAR_INLINE vec round_even(const vec& x) { return vrndnq_f32(x); }
  static ASHLAR_INLINE vec from_int(const neon_vector<std::int32_t>& x) { return vcvtq_f32_s32(x); }
  static ASHLAR_INLINE vec pow2(const vec& k) {
    const auto sum = vaddq_f32(k, vdupq_n_f32(0x1p23f + 127));  // isa/scalar.hpp says why
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(sum), 23));
  }
  static constexpr index quad = 4;
  template <int L>
  static ASHLAR_INLINE vec fma_lane(const vec& acc, const vec& b, const vec& a) {
    float32x4_t sum = acc;  // not vfmaq_laneq_f32: isa/ops.hpp, fma_into, says why
    asm("fmla %0.4s, %1.4s, %2.s[%3]" : "+w"(sum) : "w"(float32x4_t(b)), "w"(float32x4_t(a)), "i"(L));
    return sum;
  }
};

template <>
struct neon_instructions<double> {
  using vec = neon_vector<double>;
  static ASHLAR_INLINE vec load_n(const double* p, index n) {
    return vreinterpretq_f64_u64(neon_load_bytes(p, n * index(sizeof(*p))));
  }
  static ASHLAR_INLINE void store_n(double* p, const vec& x, index n) {
    neon_store_bytes(p, vreinterpretq_u64_f64(x), n * index(sizeof(*p)));
  }
  static ASHLAR_INLINE vec fma(const vec& a, const vec& b, const vec& c) { return vfmaq_f64(c, a, b); }
  static ASHLAR_INLINE vec div(const vec& a, const vec& b) { return vdivq_f64(a, b); }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return vbslq_f64(vcltq_f64(a, b), a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return vbslq_f64(vcgtq_f64(a, b), a, b); }
  static ASHLAR_INLINE vec round_even(const vec& x) { return vrndnq_f64(x); }
  static ASHLAR_INLINE vec pow2(const vec& k) {
    const auto sum = vaddq_f64(k, vdupq_n_f64(0x1p52 + 1023));  // isa/scalar.hpp says why
    return vreinterpretq_f64_u64(vshlq_n_u64(vreinterpretq_u64_f64(sum), 52));
  }
  static constexpr index quad = 2;
  template <int L>
  static ASHLAR_INLINE vec fma_lane(const vec& acc, const vec& b, const vec& a) {
    float64x2_t sum = acc;
    asm("fmla %0.2d, %1.2d, %2.d[%3]" : "+w"(sum) : "w"(float64x2_t(b)), "w"(float64x2_t(a)), "i"(L));
    return sum;
  }
};

template <>
struct neon_instructions<std::int32_t> {
  using vec = neon_vector<std::int32_t>;
  static ASHLAR_INLINE vec load_n(const std::int32_t* p, index n) {
    return vreinterpretq_s32_u64(neon_load_bytes(p, n * index(sizeof(*p))));
  }
  static ASHLAR_INLINE void store_n(std::int32_t* p, const vec& x, index n) {
    neon_store_bytes(p, vreinterpretq_u64_s32(x), n * index(sizeof(*p)));
  }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return vminq_s32(a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return vmaxq_s32(a, b); }

  static ASHLAR_INLINE vec shift_left(const vec& x, const vec& n) { return vshlq_s32(x, n); }
  static ASHLAR_INLINE vec shift_right(const vec& x, const vec& n) { return vshlq_s32(x, vnegq_s32(n)); }
  static ASHLAR_INLINE vec doubling_high_product(const vec& a, const vec& b) { return vqrdmulhq_s32(a, b); }
  static ASHLAR_INLINE void store_nearest(std::int16_t* p, const vec& x) { vst1_s16(p, vqmovn_s32(x)); }
  static ASHLAR_INLINE void store_nearest(std::int8_t* p, const vec& x) {
    store_four(p, vreinterpret_u32_s8(vqmovn_s16(words(x))));
  }
  static ASHLAR_INLINE void store_nearest(std::uint8_t* p, const vec& x) {
    store_four(p, vreinterpret_u32_u8(vqmovun_s16(words(x))));
  }
  static ASHLAR_INLINE vec to_int(const neon_vector<float>& y) { return vcvtq_s32_f32(y); }
  static ASHLAR_INLINE vec nearest_scaled(const vec& x, const neon_vector<float>& s, const vec& least,
                                          const vec& most) {
    return vminq_s32(vmaxq_s32(vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(x), s)), least), most);
  }

 private:
  static ASHLAR_INLINE int16x8_t words(int32x4_t x) { return vcombine_s16(vqmovn_s32(x), vqmovn_s32(x)); }
  static ASHLAR_INLINE void store_four(void* p, uint32x2_t x) {
    const std::uint32_t four = vget_lane_u32(x, 0);
    std::memcpy(p, &four, sizeof four);
  }
};

template <>
struct neon_instructions<std::uint32_t> {
  using vec = neon_vector<std::uint32_t>;
  static ASHLAR_INLINE vec load_n(const std::uint32_t* p, index n) {
    return vreinterpretq_u32_u64(neon_load_bytes(p, n * index(sizeof(*p))));
  }
  static ASHLAR_INLINE void store_n(std::uint32_t* p, const vec& x, index n) {
    neon_store_bytes(p, vreinterpretq_u64_u32(x), n * index(sizeof(*p)));
  }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return vminq_u32(a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return vmaxq_u32(a, b); }
};

}  // namespace detail

template <detail::simd_element T>
struct ops<T, isa::neon> : detail::xsimd_arithmetic<T, isa::neon, xsimd::neon64>, detail::neon_instructions<T> {
  using vec = detail::neon_vector<T>;
  static constexpr bool masked_memory = false;
  /// A register as it is, for a variable that every path sets: no instruction.
  static ASHLAR_INLINE vec undefined() {
    typename vec::register_type any;
    asm("" : "=w"(any));
    return any;
  }
};

static_assert(float_ops<ops<float, isa::neon>> && float_ops<ops<double, isa::neon>>);
static_assert(lane_ops<ops<float, isa::neon>> && lane_ops<ops<double, isa::neon>>);
static_assert(integer_ops<ops<std::int32_t, isa::neon>> && integer_ops<ops<std::uint32_t, isa::neon>>);

}  // namespace ashlar
