// SPDX-License-Identifier: Apache-2.0
//
// isa/half_loads.hpp: vectors of bf16 and f16 loaded as floats, in one or two instructions.
//
// bf16 is the upper half of a float: widen and shift. f16 has conversions everywhere (F16C, AVX-512, NEON, SVE).
//
// Depends on: isa/half.hpp and the adapters.   Used by: isa.hpp.
#pragma once

#include <ashlar/isa/half.hpp>

#if defined(__AVX2__) && defined(__FMA__)
#include <ashlar/isa/avx2.hpp>
#endif
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
#include <ashlar/isa/avx512.hpp>
#endif
#if defined(__aarch64__)
#include <ashlar/isa/neon.hpp>
#endif
#if defined(__ARM_FEATURE_SVE) && !defined(__clang__)
#include <arm_sve.h>
#include <ashlar/isa/highway.hpp>
#endif

namespace ashlar {

#if defined(__AVX2__) && defined(__FMA__)
template <class Isa>
  requires(std::derived_from<Isa, isa::avx2> && isa::facts<Isa>::vector_bytes == 32)
struct half_load<bf16, Isa> {
  static ASHLAR_INLINE typename ops<float, Isa>::vec of(const bf16* p) {
    const __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p)));
    return typename ops<float, Isa>::vec(_mm256_castsi256_ps(_mm256_slli_epi32(words, 16)));
  }
};
#if defined(__F16C__)
template <class Isa>
  requires(std::derived_from<Isa, isa::avx2> && isa::facts<Isa>::vector_bytes == 32)
struct half_load<f16, Isa> {
  static ASHLAR_INLINE typename ops<float, Isa>::vec of(const f16* p) {
    return typename ops<float, Isa>::vec(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p))));
  }
};
#endif
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
template <class Isa>
  requires(std::derived_from<Isa, isa::avx512>)
struct half_load<bf16, Isa> {
  static ASHLAR_INLINE typename ops<float, Isa>::vec of(const bf16* p) {
    const __m512i words =
        _mm512_maskz_cvtepu16_epi32(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(p)));
    return typename ops<float, Isa>::vec(_mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, words, 16)));
  }
};
template <class Isa>
  requires(std::derived_from<Isa, isa::avx512>)
struct half_load<f16, Isa> {
  static ASHLAR_INLINE typename ops<float, Isa>::vec of(const f16* p) {
    return typename ops<float, Isa>::vec(
        _mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(p))));
  }
};
#endif

#if defined(__aarch64__)
template <class Isa>
  requires(std::derived_from<Isa, isa::neon> && !std::derived_from<Isa, isa::sve>)
struct half_load<bf16, Isa> {
  static ASHLAR_INLINE typename ops<float, Isa>::vec of(const bf16* p) {
    const uint16x4_t words = vld1_u16(reinterpret_cast<const std::uint16_t*>(p));
    return typename ops<float, Isa>::vec(vreinterpretq_f32_u32(vshll_n_u16(words, 16)));
  }
};
template <class Isa>
  requires(std::derived_from<Isa, isa::neon> && !std::derived_from<Isa, isa::sve>)
struct half_load<f16, Isa> {
  static ASHLAR_INLINE typename ops<float, Isa>::vec of(const f16* p) {
    const uint16x4_t words = vld1_u16(reinterpret_cast<const std::uint16_t*>(p));
    return typename ops<float, Isa>::vec(vcvt_f32_f16(vreinterpret_f16_u16(words)));
  }
};
#endif

#if defined(__ARM_FEATURE_SVE) && !defined(__clang__)
template <class Isa>
  requires std::derived_from<Isa, isa::sve>
struct half_load<bf16, Isa> {
  static ASHLAR_INLINE ops<float, isa::sve>::vec of(const bf16* p) {
    const svbool_t all = svptrue_b32();
    const svuint32_t words = svld1uh_u32(all, reinterpret_cast<const std::uint16_t*>(p));
    return svreinterpret_f32_u32(svlsl_n_u32_x(all, words, 16));
  }
};
template <class Isa>
  requires std::derived_from<Isa, isa::sve>
struct half_load<f16, Isa> {
  static ASHLAR_INLINE ops<float, isa::sve>::vec of(const f16* p) {
    const svbool_t all = svptrue_b32();
    const svuint32_t words = svld1uh_u32(all, reinterpret_cast<const std::uint16_t*>(p));
    return svcvt_f32_f16_x(all, svreinterpret_f16_u32(words));
  }
};
#endif

}  // namespace ashlar
