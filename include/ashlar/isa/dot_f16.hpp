// SPDX-License-Identifier: Apache-2.0
//
// isa/dot_f16.hpp: products of f16 added to floats in one instruction, with one rounding.
//
//   lane l of dot(acc, a, b)  =  fma(float(a[l]), float(b[l]), acc[l])         the bits of the converted numbers
//
//   neon_fhm      FMLAL: "does not round the result of the multiply before the accumulation"; subnormal numbers count
//
// A product of two f16 is exact in a float, so that this is what is computed elsewhere, without the conversions. An ISA
// without one has a group of 0.
//
//   a_unit                      the bits of an f16
//   load(const a_unit*)         a vector of 2 lanes() numbers of a row of A
//   load(const b_unit*)         lanes() numbers of B, in the lower half
//   fma_lane<L>(acc, b, a)      dot() with number L of a; FMLAL takes it from the registers v0 to v15
//
// Written as instructions with the accumulator in and out: isa/ops.hpp, fma_into, says why.
//
// Sources: Arm Architecture Reference Manual for A-profile, FMLAL and FPMulAddH.
//
// Depends on: core/narrow_float.hpp, isa/dot_bf16.hpp.   Used by: loop/f16_format.hpp.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/isa/dot_bf16.hpp>

namespace ashlar {

/// Of f16 what dot_ops is of integers.
template <class Isa>
struct f16_dot_ops {
  static constexpr index group = 0;
};

#if defined(__ARM_FEATURE_FP16_FML) && defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) && \
    defined(__ARM_FEATURE_MATMUL_INT8) && defined(__ARM_FEATURE_DOTPROD)
template <detail::simd_element T>
struct ops<T, isa::neon_fhm> : ops<T, isa::neon> {
  using isa_type = isa::neon_fhm;
};
template <>
struct dot_ops<isa::neon_fhm> : dot_ops<isa::neon_bf16> {};
template <>
struct bf16_dot_ops<isa::neon_fhm> : bf16_dot_ops<isa::neon_bf16> {};

template <>
struct f16_dot_ops<isa::neon_fhm> : ops<float, isa::neon_fhm> {
  using a_unit = std::uint16_t;
  using b_unit = f16;
  static constexpr index group = 1, quad = 8;

  using ops<float, isa::neon_fhm>::load, ops<float, isa::neon_fhm>::broadcast_load;
  static ASHLAR_INLINE vec load(const a_unit* p) { return vreinterpretq_f32_u16(vld1q_u16(p)); }
  static ASHLAR_INLINE vec load(const b_unit* p) {
    return vreinterpretq_f32_u16(vcombine_u16(vld1_u16(reinterpret_cast<const a_unit*>(p)), vdup_n_u16(0)));
  }
  static ASHLAR_INLINE vec broadcast_load(const a_unit* p) { return vreinterpretq_f32_u16(vld1q_dup_u16(p)); }
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    float32x4_t sum = sums;
    asm("fmlal %0.4s, %1.4h, %2.4h" : "+w"(sum) : "w"(float32x4_t(b)), "w"(float32x4_t(a)));
    return sum;
  }
  template <int L>
  static ASHLAR_INLINE vec fma_lane(const vec& sums, const vec& b, const vec& a) {
    float32x4_t sum = sums;
    asm("fmlal %0.4s, %1.4h, %2.h[%3]" : "+w"(sum) : "w"(float32x4_t(b)), "x"(float32x4_t(a)), "i"(L));
    return sum;
  }
};
static_assert(lane_ops<f16_dot_ops<isa::neon_fhm>>);
#endif

}  // namespace ashlar
