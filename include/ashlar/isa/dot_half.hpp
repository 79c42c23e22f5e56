// SPDX-License-Identifier: Apache-2.0
//
// isa/dot_half.hpp: products of f16 or bf16 added to floats in one instruction, with one rounding.
//
//   lane l of dot(acc, a, b)  =  fma(float(a[l]), float(b[l]), acc[l])         the bits of the converted numbers
//
//   neon_fhm     f16      FMLAL, FMLAL2: the lower and the upper half of a vector of B
//   neon_bf16    bf16     BFMLALB, BFMLALT: its even and its odd numbers
//
// The product is not rounded before it is added and subnormal numbers are what they are, so this is what is computed
// elsewhere, without the conversions. An ISA without such an instruction has a group of 0.
//
//   a_unit                      the bits of a number
//   load(const a_unit*)         a vector of 2 lanes() numbers of a row of A, where fma_lane takes them from: v0 to v15
//   load(const b_unit*)         lanes() numbers of B
//   load_two(const b_unit*)     2 lanes() of them, for two vectors of sums: dot() of this and of `second`
//   zipped<I>, unzipped<I>      where those two are even and odd columns: to columns in order, and back
//   fma_lane<L>(acc, b, a)      dot() with number L of a
//
// Written as instructions with the accumulator in and out: isa/ops.hpp, fma_into, says why.
//
// Sources: Arm Architecture Reference Manual for A-profile, FMLAL, BFMLALB, FPMulAddH and FPMulAdd.
//
// Depends on: core/narrow_float.hpp, isa/dot_bf16.hpp.   Used by: loop/native_half_format.hpp.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/isa/dot_bf16.hpp>

namespace ashlar {

/// Of N = f16 or bf16 what dot_ops is of integers.
template <class N, class Isa>
struct half_dot_ops {
  static constexpr index group = 0;
};

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) && defined(__ARM_FEATURE_MATMUL_INT8) && \
    defined(__ARM_FEATURE_DOTPROD)
namespace detail {

/// Numbers of 16 bits as they are, in the bits of a vector of floats.
template <class N, class Isa>
struct neon_halves : ops<float, Isa> {
  using vec = typename ops<float, Isa>::vec;
  using a_unit = std::uint16_t;
  using b_unit = N;
  static constexpr index group = 1, quad = 8;

  using ops<float, Isa>::load, ops<float, Isa>::broadcast_load;
  static ASHLAR_INLINE vec load(const a_unit* p) {
    float32x4_t row = vreinterpretq_f32_u16(vld1q_u16(p));
    asm("" : "+x"(row));
    return row;
  }
  static ASHLAR_INLINE vec load_two(const b_unit* p) { return vreinterpretq_f32_u16(vld1q_u16(bits(p))); }
  static ASHLAR_INLINE vec broadcast_load(const a_unit* p) { return vreinterpretq_f32_u16(vld1q_dup_u16(p)); }

 protected:
  static ASHLAR_INLINE const a_unit* bits(const b_unit* p) { return reinterpret_cast<const a_unit*>(p); }
};

}  // namespace detail

template <>
struct half_dot_ops<bf16, isa::neon_bf16> : detail::neon_halves<bf16, isa::neon_bf16> {
  using detail::neon_halves<bf16, isa::neon_bf16>::load;
  static ASHLAR_INLINE vec load(const b_unit* p) { return vreinterpretq_f32_u32(vmovl_u16(vld1_u16(bits(p)))); }
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    float32x4_t sum = sums;
    asm("bfmlalb %0.4s, %1.8h, %2.8h" : "+w"(sum) : "w"(float32x4_t(b)), "w"(float32x4_t(a)));
    return sum;
  }
  template <int L>
  static ASHLAR_INLINE vec fma_lane(const vec& sums, const vec& b, const vec& a) {
    float32x4_t sum = sums;
    asm("bfmlalb %0.4s, %1.8h, %2.h[%3]" : "+w"(sum) : "w"(float32x4_t(b)), "x"(float32x4_t(a)), "i"(L));
    return sum;
  }
  struct second;

  /// Vector I of columns one after the other, of the even and the odd ones, and the other way round.
  template <int I>
  static ASHLAR_INLINE vec zipped(const vec& even, const vec& odd) {
    return I == 0 ? vzip1q_f32(even, odd) : vzip2q_f32(even, odd);
  }
  template <int I>
  static ASHLAR_INLINE vec unzipped(const vec& left, const vec& right) {
    return I == 0 ? vuzp1q_f32(left, right) : vuzp2q_f32(left, right);
  }
};
struct half_dot_ops<bf16, isa::neon_bf16>::second : half_dot_ops<bf16, isa::neon_bf16> {
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    float32x4_t sum = sums;
    asm("bfmlalt %0.4s, %1.8h, %2.8h" : "+w"(sum) : "w"(float32x4_t(b)), "w"(float32x4_t(a)));
    return sum;
  }
  template <int L>
  static ASHLAR_INLINE vec fma_lane(const vec& sums, const vec& b, const vec& a) {
    float32x4_t sum = sums;
    asm("bfmlalt %0.4s, %1.8h, %2.h[%3]" : "+w"(sum) : "w"(float32x4_t(b)), "x"(float32x4_t(a)), "i"(L));
    return sum;
  }
};
static_assert(lane_ops<half_dot_ops<bf16, isa::neon_bf16>>);

#if defined(__ARM_FEATURE_FP16_FML)
template <detail::simd_element T>
struct ops<T, isa::neon_fhm> : ops<T, isa::neon> {
  using isa_type = isa::neon_fhm;
};
template <>
struct dot_ops<isa::neon_fhm> : dot_ops<isa::neon_bf16> {};
template <>
struct bf16_dot_ops<isa::neon_fhm> : bf16_dot_ops<isa::neon_bf16> {};
template <>
struct half_dot_ops<bf16, isa::neon_fhm> : half_dot_ops<bf16, isa::neon_bf16> {};

template <>
struct half_dot_ops<f16, isa::neon_fhm> : detail::neon_halves<f16, isa::neon_fhm> {
  using detail::neon_halves<f16, isa::neon_fhm>::load;
  static ASHLAR_INLINE vec load(const b_unit* p) {
    return vreinterpretq_f32_u16(vcombine_u16(vld1_u16(bits(p)), vdup_n_u16(0)));
  }
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
  struct second;
};
struct half_dot_ops<f16, isa::neon_fhm>::second : half_dot_ops<f16, isa::neon_fhm> {
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    float32x4_t sum = sums;
    asm("fmlal2 %0.4s, %1.4h, %2.4h" : "+w"(sum) : "w"(float32x4_t(b)), "w"(float32x4_t(a)));
    return sum;
  }
  template <int L>
  static ASHLAR_INLINE vec fma_lane(const vec& sums, const vec& b, const vec& a) {
    float32x4_t sum = sums;
    asm("fmlal2 %0.4s, %1.4h, %2.h[%3]" : "+w"(sum) : "w"(float32x4_t(b)), "x"(float32x4_t(a)), "i"(L));
    return sum;
  }
};
static_assert(lane_ops<half_dot_ops<f16, isa::neon_fhm>>);
#endif
#endif

}  // namespace ashlar
