// SPDX-License-Identifier: Apache-2.0
//
// isa/dot_arm.hpp: SDOT of NEON (FEAT_DotProd) and SVE: four products of signed bytes in one step.
//
// NEON multiplies by one unit of a vector of A, so a load of A serves four steps; SVE by a unit that is loaded to every
// lane. Written as instructions with the accumulator in and out: isa/ops.hpp, fma_into, says why.
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
  static ASHLAR_INLINE vec dot(const vec& acc, const vec& a, const vec& b) {
    int32x4_t sum = acc;
    asm("sdot %0.4s, %1.16b, %2.16b" : "+w"(sum) : "w"(int32x4_t(a)), "w"(int32x4_t(b)));
    return sum;
  }
  template <int L>
  static ASHLAR_INLINE vec fma_lane(const vec& acc, const vec& b, const vec& a) {
    int32x4_t sum = acc;
    asm("sdot %0.4s, %1.16b, %2.4b[%3]" : "+w"(sum) : "w"(int32x4_t(b)), "w"(int32x4_t(a)), "i"(L));
    return sum;
  }
};
static_assert(lane_ops<dot_ops<isa::neon_dot>>);
#endif

#if defined(__ARM_FEATURE_SVE) && !defined(__clang__)
template <>
struct dot_ops<isa::sve> : detail::dot_units<isa::sve, std::int8_t, std::int8_t, 4> {
  using vec = typename ops<std::int32_t, isa::sve>::vec;
  static ASHLAR_INLINE vec dot(vec acc, vec a, vec b) {
    asm("sdot %0.s, %1.b, %2.b" : "+w"(acc) : "w"(a), "w"(b));
    return acc;
  }
};
#endif

}  // namespace ashlar
