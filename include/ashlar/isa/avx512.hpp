// SPDX-License-Identifier: Apache-2.0
//
// isa/avx512.hpp: ops<T, isa::avx512>: sixteen floats or eight doubles in a zmm register.
//
// minps and maxps return their second operand when the two are equal or unordered: exactly the order that ops wants.
// Masked memory takes a mask register (bzhi), costs what a plain access does and does not fault on lanes
// left out.
//
// Depends on: isa/xsimd.hpp.   Used by: isa.hpp where AVX-512 F, CD, BW, DQ and VL are enabled.
#pragma once

#include <immintrin.h>

#include <ashlar/isa/avx2.hpp>
#include <ashlar/isa/xsimd.hpp>

namespace ashlar {

namespace detail {

// Halves are put together in 256-bit registers: Zen 4 does one 512-bit load a cycle, broadcasts into such a register
// included, but two narrower ones.
template <>
struct lane_loads<64> {
  template <int L>
  ASHLAR_INLINE void load(const void* p) {
    half[L / 2].template load<L % 2>(p);
  }
  ASHLAR_INLINE __m512 whole() const {
    const __m512d low = _mm512_castpd256_pd512(_mm256_castps_pd(half[0].lanes));
    return _mm512_castpd_ps(_mm512_maskz_insertf64x4(0xff, low, _mm256_castps_pd(half[1].lanes), 1));
  }
  lane_loads<32> half[2];
};

// The n lowest bits. Every machine with AVX-512 has BMI2, but the flags need not say so.
#if defined(__BMI2__)
ASHLAR_INLINE unsigned avx512_mask(index n) { return _bzhi_u32(~0u, static_cast<unsigned>(n)); }
#else
ASHLAR_INLINE unsigned avx512_mask(index n) { return (1u << n) - 1u; }
#endif

// The instructions that differ by element type. The zero-masked forms with all lanes kept are the plain instructions;
// g++ 12 warns of an uninitialised variable inside its own unmasked intrinsics.
template <class T>
using avx512_vector = xsimd::batch<T, xsimd::avx512bw>;

template <class T>
struct avx512_instructions;

template <>
struct avx512_instructions<float> {
  using vec = avx512_vector<float>;
  static constexpr __mmask16 all = 0xffff;
  static ASHLAR_INLINE __mmask16 mask(index n) { return static_cast<__mmask16>(avx512_mask(n)); }
  static ASHLAR_INLINE vec load_n(const float* p, index n) { return _mm512_maskz_loadu_ps(mask(n), p); }
  static ASHLAR_INLINE void store_n(float* p, const vec& x, index n) { _mm512_mask_storeu_ps(p, mask(n), x); }
  static ASHLAR_INLINE vec fma(const vec& a, const vec& b, const vec& c) { return _mm512_fmadd_ps(a, b, c); }
  static ASHLAR_INLINE vec div(const vec& a, const vec& b) { return _mm512_div_ps(a, b); }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return _mm512_maskz_min_ps(all, a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return _mm512_maskz_max_ps(all, a, b); }
  static ASHLAR_INLINE vec shuffle_in_fours(const vec& v, const std::uint32_t* p) {
    return _mm512_maskz_permutevar_ps(all, v, _mm512_load_si512(p));
  }
  static ASHLAR_INLINE vec shuffle(const vec& v, const std::uint32_t* p) {
    return _mm512_maskz_permutexvar_ps(all, _mm512_loadu_si512(p), v);
  }
  static ASHLAR_INLINE vec even(const vec& a, const vec& b) {
    return _mm512_permutex2var_ps(a, _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0), b);
  }
  static ASHLAR_INLINE vec odd(const vec& a, const vec& b) {
    return _mm512_permutex2var_ps(a, _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1), b);
  }
  static ASHLAR_INLINE vec round_even(const vec& x) {
    return _mm512_maskz_roundscale_ps(all, x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static ASHLAR_INLINE vec from_int(const avx512_vector<std::int32_t>& x) { return _mm512_maskz_cvtepi32_ps(all, x); }
  static ASHLAR_INLINE vec pow2(const vec& k) {
    const __m512 sum = _mm512_add_ps(k, _mm512_set1_ps(0x1p23f + 127));  // isa/scalar.hpp says why
    return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(all, _mm512_castps_si512(sum), 23));
  }
};

template <>
struct avx512_instructions<double> {
  using vec = avx512_vector<double>;
  static constexpr __mmask8 all = 0xff;
  static ASHLAR_INLINE __mmask8 mask(index n) { return static_cast<__mmask8>(avx512_mask(n)); }
  static ASHLAR_INLINE vec load_n(const double* p, index n) { return _mm512_maskz_loadu_pd(mask(n), p); }
  static ASHLAR_INLINE void store_n(double* p, const vec& x, index n) { _mm512_mask_storeu_pd(p, mask(n), x); }
  static ASHLAR_INLINE vec fma(const vec& a, const vec& b, const vec& c) { return _mm512_fmadd_pd(a, b, c); }
  static ASHLAR_INLINE vec div(const vec& a, const vec& b) { return _mm512_div_pd(a, b); }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return _mm512_maskz_min_pd(all, a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return _mm512_maskz_max_pd(all, a, b); }
  static ASHLAR_INLINE vec shuffle(const vec& v, const std::uint64_t* p) {
    return _mm512_maskz_permutexvar_pd(all, _mm512_loadu_si512(p), v);
  }
  static ASHLAR_INLINE vec even(const vec& a, const vec& b) {
    return _mm512_permutex2var_pd(a, _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0), b);
  }
  static ASHLAR_INLINE vec odd(const vec& a, const vec& b) {
    return _mm512_permutex2var_pd(a, _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1), b);
  }
  static ASHLAR_INLINE vec round_even(const vec& x) {
    return _mm512_maskz_roundscale_pd(all, x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static ASHLAR_INLINE vec pow2(const vec& k) {
    const __m512d sum = _mm512_add_pd(k, _mm512_set1_pd(0x1p52 + 1023));  // isa/scalar.hpp says why
    return _mm512_castsi512_pd(_mm512_maskz_slli_epi64(all, _mm512_castpd_si512(sum), 52));
  }
};

template <>
struct avx512_instructions<std::int32_t> {
  using vec = avx512_vector<std::int32_t>;
  static constexpr __mmask16 all = 0xffff;
  static ASHLAR_INLINE __mmask16 mask(index n) { return static_cast<__mmask16>(avx512_mask(n)); }
  static ASHLAR_INLINE vec load_n(const std::int32_t* p, index n) { return _mm512_maskz_loadu_epi32(mask(n), p); }
  static ASHLAR_INLINE void store_n(std::int32_t* p, const vec& x, index n) { _mm512_mask_storeu_epi32(p, mask(n), x); }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return _mm512_maskz_min_epi32(all, a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return _mm512_maskz_max_epi32(all, a, b); }

  static ASHLAR_INLINE __mmask16 greater(const vec& a, const vec& b) { return _mm512_cmpgt_epi32_mask(a, b); }
  static ASHLAR_INLINE vec shift_left(const vec& x, const vec& n) { return _mm512_maskz_sllv_epi32(all, x, n); }
  static ASHLAR_INLINE vec shift_right(const vec& x, const vec& n) { return _mm512_maskz_srav_epi32(all, x, n); }
  // Even and odd lanes as products of 64 bits; the one that does not fit, of the least number with itself, is put
  // right.
  static ASHLAR_INLINE vec doubling_high_product(const vec& a, const vec& b) {
    constexpr __mmask8 eight = 0xff;
    constexpr __mmask16 odd_lanes = 0xaaaa;
    const __m512i half = _mm512_set1_epi64(1 << 30), least = _mm512_set1_epi32(std::int32_t(0x80000000));
    const __m512i a_odd = _mm512_maskz_srli_epi64(eight, a, 32), b_odd = _mm512_maskz_srli_epi64(eight, b, 32);
    const __m512i even = _mm512_add_epi64(_mm512_maskz_mul_epi32(eight, a, b), half);
    const __m512i odd = _mm512_add_epi64(_mm512_maskz_mul_epi32(eight, a_odd, b_odd), half);
    const __m512i both = _mm512_mask_blend_epi32(odd_lanes, _mm512_maskz_srli_epi64(eight, even, 31),
                                                 _mm512_maskz_slli_epi64(eight, odd, 1));
    const __mmask16 beyond = _mm512_mask_cmpeq_epi32_mask(_mm512_cmpeq_epi32_mask(a, least), b, least);
    return _mm512_mask_set1_epi32(both, beyond, 0x7fffffff);
  }
  static ASHLAR_INLINE void store_nearest(std::int16_t* p, const vec& x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i_u*>(p), _mm512_maskz_cvtsepi32_epi16(all, x));
  }
  static ASHLAR_INLINE void store_nearest(std::int8_t* p, const vec& x) {
    _mm_storeu_si128(reinterpret_cast<__m128i_u*>(p), _mm512_maskz_cvtsepi32_epi8(all, x));
  }
  static ASHLAR_INLINE void store_nearest(std::uint8_t* p, const vec& x) {
    const vec positive = max(x, vec(0));
    _mm_storeu_si128(reinterpret_cast<__m128i_u*>(p), _mm512_maskz_cvtusepi32_epi8(all, positive));
  }
  static ASHLAR_INLINE vec whole(const avx512_vector<float>& y) { return _mm512_maskz_cvttps_epi32(all, y); }
  static ASHLAR_INLINE vec to_int(const avx512_vector<float>& y) {
    const __mmask16 above = _mm512_cmp_ps_mask(y, _mm512_set1_ps(0x1p31f), _CMP_GE_OQ);
    const __mmask16 number = _mm512_cmp_ps_mask(y, y, _CMP_ORD_Q);
    return _mm512_mask_set1_epi32(_mm512_maskz_cvttps_epi32(number, y), above, 0x7fffffff);
  }
  // isa/avx2.hpp says why.
  static ASHLAR_INLINE vec nearest_scaled(const vec& x, const avx512_vector<float>& s, const vec& least,
                                          const vec& most) {
    const __m512 number = _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(s, s, _CMP_ORD_Q), s);
    const __m512 largest = _mm512_set1_ps(0x1.fffffep127f);
    const __m512 finite = _mm512_maskz_max_ps(all, _mm512_maskz_min_ps(all, number, largest), -largest);
    const __m512 product = _mm512_mul_ps(_mm512_maskz_cvtepi32_ps(all, x), finite);
    const __m512 enough = _mm512_maskz_max_ps(all, product, _mm512_maskz_cvtepi32_ps(all, least));
    return _mm512_maskz_cvtps_epi32(all, _mm512_maskz_min_ps(all, enough, _mm512_maskz_cvtepi32_ps(all, most)));
  }
};

template <>
struct avx512_instructions<std::uint32_t> {
  using vec = avx512_vector<std::uint32_t>;
  static constexpr __mmask16 all = 0xffff;
  static ASHLAR_INLINE __mmask16 mask(index n) { return static_cast<__mmask16>(avx512_mask(n)); }
  static ASHLAR_INLINE vec load_n(const std::uint32_t* p, index n) { return _mm512_maskz_loadu_epi32(mask(n), p); }
  static ASHLAR_INLINE void store_n(std::uint32_t* p, const vec& x, index n) {
    _mm512_mask_storeu_epi32(p, mask(n), x);
  }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return _mm512_maskz_min_epu32(all, a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return _mm512_maskz_max_epu32(all, a, b); }
  static ASHLAR_INLINE __mmask16 greater(const vec& a, const vec& b) { return _mm512_cmpgt_epu32_mask(a, b); }
};

}  // namespace detail

template <detail::simd_element T>
struct ops<T, isa::avx512> : detail::xsimd_arithmetic<T, isa::avx512, xsimd::avx512bw>, detail::avx512_instructions<T> {
  using vec = detail::avx512_vector<T>;
  static constexpr bool masked_memory = true;
  // xsimd 8.1 does not compile its selection of integers without optimisation.
  static ASHLAR_INLINE vec select_gt(const vec& a, const vec& b, const vec& x, const vec& y) {
    if constexpr (std::integral<T>) {
      return _mm512_mask_blend_epi32(detail::avx512_instructions<T>::greater(a, b), y, x);
    } else {
      return detail::xsimd_ops<T, isa::avx512, xsimd::avx512bw>::select_gt(a, b, x, y);
    }
  }
};

static_assert(float_ops<ops<float, isa::avx512>> && float_ops<ops<double, isa::avx512>>);
static_assert(integer_ops<ops<std::int32_t, isa::avx512>> && integer_ops<ops<std::uint32_t, isa::avx512>>);

}  // namespace ashlar
