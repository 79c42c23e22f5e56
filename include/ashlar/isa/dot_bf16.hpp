// SPDX-License-Identifier: Apache-2.0
//
// isa/dot_bf16.hpp: sums of products of bf16 in one instruction, in float, by rules of its own.
//
//   lane l of dot(acc, a, b)  ~  acc[l] + sum over g < group of a[l][g] * b[l][g]
//
//   avx512_bf16               2     vdpbf16ps: two fused multiply-adds, the odd element first; to nearest even
//   neon_bf16, sve_bf16       4     BFMMLA: two rows by two columns; each pair of products summed, then added, both
//                                   rounded to odd (without FEAT_EBF16)
//
// All take subnormal numbers for zeros and write none. An ISA without one has a group of 0. A unit of operands is two
// bf16 in the bits of a float. Written as instructions with the accumulator in and out: isa/ops.hpp, fma_into, says
// why.
//
// Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, VDPBF16PS; Arm Architecture Reference Manual
// for A-profile, BFMMLA and BFDotAdd.
//
// Depends on: core/narrow_float.hpp, isa/{dot,dot_arm,dot_vnni}.hpp.   Used by: loop/bf16_format.hpp.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/isa/dot.hpp>

#if defined(__AVX2__) && defined(__FMA__)
#include <ashlar/isa/dot_vnni.hpp>
#endif
#if defined(__aarch64__)
#include <ashlar/isa/dot_arm.hpp>
#endif

namespace ashlar {

/// Of floats what dot_ops is of integers; A and B are bf16.
template <class Isa>
struct bf16_dot_ops {
  static constexpr index group = 0;
};

namespace detail {

template <class Isa, int Group>
struct bf16_units : ops<float, Isa> {
  using a_element = bf16;
  using b_element = bf16;
  using a_unit = float;
  using b_unit = float;
  static constexpr index group = Group, unit = 2;
};

/// BFMMLA's operands lie as SMMLA's do: groups of 64 bits. Bits: floats(vector of 32-bit integers) and words(vector of
/// floats), the same bits.
template <class Isa, class Bits>
struct bf16_pairs : bf16_units<Isa, 4> {
  using vec = typename ops<float, Isa>::vec;
  using bytes = dot_ops<Isa>;
  static ASHLAR_INLINE vec load_pair(const float* row0, const float* row1) {
    using unit = typename bytes::a_unit;
    return Bits::floats(bytes::load_pair(reinterpret_cast<const unit*>(row0), reinterpret_cast<const unit*>(row1)));
  }
  static ASHLAR_INLINE vec first_row(vec left, vec right) {
    return Bits::floats(bytes::first_row(Bits::words(left), Bits::words(right)));
  }
  static ASHLAR_INLINE vec second_row(vec left, vec right) {
    return Bits::floats(bytes::second_row(Bits::words(left), Bits::words(right)));
  }
  static ASHLAR_INLINE vec first_half(vec row0, vec row1) {
    return Bits::floats(bytes::first_half(Bits::words(row0), Bits::words(row1)));
  }
  static ASHLAR_INLINE vec second_half(vec row0, vec row1) {
    return Bits::floats(bytes::second_half(Bits::words(row0), Bits::words(row1)));
  }
};

}  // namespace detail

#if defined(__AVX512BF16__) && defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512CD__) && \
    defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__FMA__)
template <detail::simd_element T>
struct ops<T, isa::avx512_bf16> : ops<T, isa::avx512_vnni> {
  using isa_type = isa::avx512_bf16;
};
template <>
struct dot_ops<isa::avx512_bf16> : dot_ops<isa::avx512_vnni> {};
template <>
struct wide_dot_ops<isa::avx512_bf16> : wide_dot_ops<isa::avx512_vnni> {};
template <>
struct word_dot_ops<isa::avx512_bf16> : word_dot_ops<isa::avx512_vnni> {};

template <>
struct bf16_dot_ops<isa::avx512_bf16> : detail::bf16_units<isa::avx512_bf16, 2> {
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    __m512 sum = sums;
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(__m512(a)), "v"(__m512(b)));
    return sum;
  }
};
#endif

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) && defined(__ARM_FEATURE_MATMUL_INT8) && \
    defined(__ARM_FEATURE_DOTPROD)
template <detail::simd_element T>
struct ops<T, isa::neon_bf16> : ops<T, isa::neon> {
  using isa_type = isa::neon_bf16;
};
template <>
struct dot_ops<isa::neon_bf16> : dot_ops<isa::neon_i8mm> {};

namespace detail {
struct neon_bits {
  using words_type = ops<std::int32_t, isa::neon>::vec;
  using floats_type = ops<float, isa::neon>::vec;
  static ASHLAR_INLINE floats_type floats(const words_type& x) { return vreinterpretq_f32_s32(x); }
  static ASHLAR_INLINE words_type words(const floats_type& x) { return vreinterpretq_s32_f32(x); }
};
}  // namespace detail

template <>
struct bf16_dot_ops<isa::neon_bf16> : detail::bf16_pairs<isa::neon_bf16, detail::neon_bits> {
  static ASHLAR_INLINE vec load_groups(const float* p) { return load(p); }
  static ASHLAR_INLINE vec dot_pair(const vec& sums, const vec& a, const vec& b) {
    float32x4_t sum = sums;
    asm("bfmmla %0.4s, %1.8h, %2.8h" : "+w"(sum) : "w"(float32x4_t(a)), "w"(float32x4_t(b)));
    return sum;
  }
};
static_assert(pair_ops<bf16_dot_ops<isa::neon_bf16>>);
#endif

#if defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) && defined(__ARM_FEATURE_SVE_MATMUL_INT8) && !defined(__clang__)
template <detail::highway_element T>
struct ops<T, isa::sve_bf16> : ops<T, isa::sve> {
  using isa_type = isa::sve_bf16;
};
template <>
struct dot_ops<isa::sve_bf16> : dot_ops<isa::sve_i8mm> {};

namespace detail {
struct sve_bits {
  static ASHLAR_INLINE svfloat32_t floats(svint32_t x) { return svreinterpret_f32_s32(x); }
  static ASHLAR_INLINE svint32_t words(svfloat32_t x) { return svreinterpret_s32_f32(x); }
};
}  // namespace detail

template <>
struct bf16_dot_ops<isa::sve_bf16> : detail::bf16_pairs<isa::sve_bf16, detail::sve_bits> {
  static ASHLAR_INLINE vec load_groups(const float* p) { return svld1rq_f32(svptrue_b32(), p); }
  static ASHLAR_INLINE vec dot_pair(vec sums, vec a, vec b) {
    asm("bfmmla %0.s, %1.h, %2.h" : "+w"(sums) : "w"(a), "w"(b));
    return sums;
  }
};
static_assert(pair_ops<bf16_dot_ops<isa::sve_bf16>>);
#endif

}  // namespace ashlar
