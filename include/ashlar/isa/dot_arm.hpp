// SPDX-License-Identifier: Apache-2.0
//
// isa/dot_arm.hpp: SDOT of NEON (FEAT_DotProd) and SVE: four products of signed bytes in one step. SMMLA of both
// (FEAT_I8MM): two rows by two columns of eight in one step of every 128 bits.
//
// NEON's SDOT multiplies by one unit of a vector of A, so a load of A serves four steps; SVE's by a unit that is loaded
// to every lane. Written as instructions with the accumulator in and out: isa/ops.hpp, fma_into, says why.
//
// Depends on: isa/dot.hpp, isa/neon.hpp, isa/highway.hpp.   Used by: isa.hpp where the flags allow it.
#pragma once

#include <ashlar/isa/dot.hpp>
#include <ashlar/isa/neon.hpp>

#if defined(__ARM_FEATURE_SVE) && !defined(__clang__)
#include <ashlar/isa/highway.hpp>
#endif

namespace ashlar {

#if defined(__ARM_FEATURE_DOTPROD)
template <detail::simd_element T>
struct ops<T, isa::neon_dot> : ops<T, isa::neon> {
  using isa_type = isa::neon_dot;
};

template <>
struct dot_ops<isa::neon_dot> : detail::dot_units<isa::neon_dot, std::int8_t, std::int8_t, 4> {
  static constexpr index quad = 4;
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    int32x4_t sum = sums;
    asm("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(int32x4_t(a)), "w"(int32x4_t(b)));
    return sum;
  }
  template <int L>
  static ASHLAR_INLINE vec fma_lane(const vec& sums, const vec& b, const vec& a) {
    int32x4_t sum = sums;
    asm("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(sum) : "w"(int32x4_t(b)), "w"(int32x4_t(a)), "i"(L));
    return sum;
  }
};
static_assert(lane_ops<dot_ops<isa::neon_dot>>);
#endif

#if defined(__ARM_FEATURE_MATMUL_INT8) && defined(__ARM_FEATURE_DOTPROD)
template <detail::simd_element T>
struct ops<T, isa::neon_i8mm> : ops<T, isa::neon> {
  using isa_type = isa::neon_i8mm;
};

template <>
struct dot_ops<isa::neon_i8mm> : detail::dot_units<isa::neon_i8mm, std::int8_t, std::int8_t, 8> {
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    return dot_ops<isa::neon_dot>::dot(sums, a, b);
  }
  static ASHLAR_INLINE vec load_pair(const a_unit* row0, const a_unit* row1) {
    return vreinterpretq_s32_s8(vcombine_s8(vld1_s8(bytes(row0)), vld1_s8(bytes(row1))));
  }
  static ASHLAR_INLINE vec load_groups(const a_unit* p) { return load(p); }
  static ASHLAR_INLINE vec dot_pair(const vec& sums, const vec& a, const vec& b) {
    int32x4_t sum = sums;
    asm("smmla %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(int32x4_t(a)), "w"(int32x4_t(b)));
    return sum;
  }
  static ASHLAR_INLINE vec first_row(const vec& left, const vec& right) { return zip<vzip1q_s64>(left, right); }
  static ASHLAR_INLINE vec second_row(const vec& left, const vec& right) { return zip<vzip2q_s64>(left, right); }
  static ASHLAR_INLINE vec first_half(const vec& row0, const vec& row1) { return zip<vzip1q_s64>(row0, row1); }
  static ASHLAR_INLINE vec second_half(const vec& row0, const vec& row1) { return zip<vzip2q_s64>(row0, row1); }
  static ASHLAR_INLINE vec add_columns(const vec& sum, const b_unit* p) {
    const vec sums = vpaddq_s32(dot(zero(), ones(), load(p)), dot(zero(), ones(), load(p + lanes())));
    return add(sum, sums);
  }

 private:
  static ASHLAR_INLINE const std::int8_t* bytes(const a_unit* p) { return reinterpret_cast<const std::int8_t*>(p); }
  template <int64x2_t (*Zip)(int64x2_t, int64x2_t)>
  static ASHLAR_INLINE vec zip(const vec& a, const vec& b) {
    return vreinterpretq_s32_s64(Zip(vreinterpretq_s64_s32(a), vreinterpretq_s64_s32(b)));
  }
};
static_assert(pair_ops<dot_ops<isa::neon_i8mm>>);
#endif

#if defined(__ARM_FEATURE_SVE) && !defined(__clang__)
template <>
struct dot_ops<isa::sve> : detail::dot_units<isa::sve, std::int8_t, std::int8_t, 4> {
  using vec = typename ops<std::int32_t, isa::sve>::vec;
  static ASHLAR_INLINE vec dot(vec sums, vec a, vec b) {
    asm("sdot %0.s, %1.b, %2.b" : "+w"(sums) : "w"(a), "w"(b));
    return sums;
  }
};
#endif

#if defined(__ARM_FEATURE_SVE_MATMUL_INT8) && !defined(__clang__)
template <detail::highway_element T>
struct ops<T, isa::sve_i8mm> : ops<T, isa::sve> {
  using isa_type = isa::sve_i8mm;
};

template <>
struct dot_ops<isa::sve_i8mm> : detail::dot_units<isa::sve_i8mm, std::int8_t, std::int8_t, 8> {
  using vec = typename ops<std::int32_t, isa::sve>::vec;
  static ASHLAR_INLINE vec dot(vec sums, vec a, vec b) { return dot_ops<isa::sve>::dot(sums, a, b); }
  static ASHLAR_INLINE vec load_pair(const a_unit* row0, const a_unit* row1) {
    return svreinterpret_s32_s64(svtrn1_s64(group_everywhere(row0), group_everywhere(row1)));
  }
  static ASHLAR_INLINE vec load_groups(const a_unit* p) { return svld1rq_s32(svptrue_b32(), p); }
  static ASHLAR_INLINE vec dot_pair(vec sums, vec a, vec b) {
    asm("smmla %0.s, %1.b, %2.b" : "+w"(sums) : "w"(a), "w"(b));
    return sums;
  }
  static ASHLAR_INLINE vec first_row(vec left, vec right) { return words(svuzp1_s64(pairs(left), pairs(right))); }
  static ASHLAR_INLINE vec second_row(vec left, vec right) { return words(svuzp2_s64(pairs(left), pairs(right))); }
  static ASHLAR_INLINE vec first_half(vec row0, vec row1) { return words(svzip1_s64(pairs(row0), pairs(row1))); }
  static ASHLAR_INLINE vec second_half(vec row0, vec row1) { return words(svzip2_s64(pairs(row0), pairs(row1))); }
  static ASHLAR_INLINE vec add_columns(vec sums, const b_unit* p) {
    const vec left = dot(zero(), ones(), load(p)), right = dot(zero(), ones(), load(p + lanes()));
    return add(sums, add(svuzp1_s32(left, right), svuzp2_s32(left, right)));
  }

 private:
  static ASHLAR_INLINE svint64_t pairs(vec x) { return svreinterpret_s64_s32(x); }
  static ASHLAR_INLINE vec words(svint64_t x) { return svreinterpret_s32_s64(x); }
  static ASHLAR_INLINE svint64_t group_everywhere(const a_unit* p) {
    typedef std::int64_t two_units __attribute__((may_alias, aligned(4)));
    return svdup_n_s64(*reinterpret_cast<const two_units*>(p));
  }
};
static_assert(pair_ops<dot_ops<isa::sve_i8mm>>);
#endif

}  // namespace ashlar
