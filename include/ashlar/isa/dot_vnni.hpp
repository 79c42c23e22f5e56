// SPDX-License-Identifier: Apache-2.0
//
// isa/dot_vnni.hpp: AVX-VNNI and AVX512-VNNI: vpdpbusd, four products of an unsigned and a signed byte in one step.
//
// Everything else is the parent's: 32-bit and floating-point operations are those of avx2 and avx512. The intrinsics
// would make g++ 12 copy accumulators to the stack and back.
//
// Depends on: isa/dot_madd.hpp, isa/avx2.hpp, isa/avx512.hpp.   Used by: isa.hpp where the flags allow it.
#pragma once

#include <ashlar/isa/avx2.hpp>
#include <ashlar/isa/dot.hpp>
#include <ashlar/isa/dot_madd.hpp>

#if defined(__AVX512F__) && defined(__AVX512CD__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
#include <ashlar/isa/avx512.hpp>
#endif

namespace ashlar {

#if defined(__AVXVNNI__) && defined(__FMA__)
template <detail::simd_element T>
struct ops<T, isa::avx_vnni> : ops<T, isa::avx2> {
  using isa_type = isa::avx_vnni;
};

template <>
struct dot_ops<isa::avx_vnni> : detail::dot_units<isa::avx_vnni, std::uint8_t, std::int8_t, 4> {
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    __m256i sum = sums;
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(__m256i(a)), "x"(__m256i(b)));
    return sum;
  }
};
template <>
struct wide_dot_ops<isa::avx_vnni> : dot_ops<isa::avx2> {};
template <>
struct word_dot_ops<isa::avx_vnni> : word_dot_ops<isa::avx2> {};
#endif

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__FMA__)
template <detail::simd_element T>
struct ops<T, isa::avx512_vnni> : ops<T, isa::avx512> {
  using isa_type = isa::avx512_vnni;
};

template <>
struct dot_ops<isa::avx512_vnni> : detail::dot_units<isa::avx512_vnni, std::uint8_t, std::int8_t, 4> {
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    __m512i sum = sums;
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(__m512i(a)), "v"(__m512i(b)));
    return sum;
  }
};
template <>
struct wide_dot_ops<isa::avx512_vnni> : dot_ops<isa::avx512> {};
template <>
struct word_dot_ops<isa::avx512_vnni> : word_dot_ops<isa::avx512> {};
#endif

}  // namespace ashlar
