// SPDX-License-Identifier: Apache-2.0
//
// isa/avx2.hpp: ops<T, isa::avx2>: eight floats or four doubles in a ymm register, with FMA.
//
// minps and maxps return their second operand when the two are equal or unordered: exactly the order that ops wants.
// Masked loads are vmaskmov, which does not fault on lanes whose mask is clear. Masked stores are made of pieces of
// four, two and one: vmaskmov takes 12 cycles for one on a Zen 3, pieces 4 to 5.
//
// Depends on: isa/xsimd.hpp.   Used by: isa.hpp where __AVX2__ and __FMA__ are defined.
#pragma once

#include <immintrin.h>

#include <ashlar/isa/lane_loads.hpp>
#include <ashlar/isa/xsimd.hpp>

namespace ashlar {

namespace detail {

template <>
struct lane_loads<32> {
  template <int L>
  ASHLAR_INLINE void load(const void* p) {
    const __m128 lane = _mm_loadu_ps(static_cast<const float*>(p));
    lanes = L == 0 ? _mm256_castps128_ps256(lane) : _mm256_insertf128_ps(lanes, lane, 1);
  }
  ASHLAR_INLINE __m256 whole() const { return lanes; }
  __m256 lanes;
};

// n ones, then zeros, from a window that slides over 8 ones and 8 zeros.
alignas(32) inline constexpr std::int32_t avx2_mask_window[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                                  0,  0,  0,  0,  0,  0,  0,  0};

ASHLAR_INLINE __m256i avx2_mask(index lanes_of_32_bits) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(avx2_mask_window + 8 - lanes_of_32_bits));
}

// The first n of eight elements of 32 bits, 0 <= n <= 8.
ASHLAR_INLINE void avx2_store_n(void* to, __m256i x, index n) {
  if (n >= 8) return _mm256_storeu_si256(static_cast<__m256i_u*>(to), x);
  char* p = static_cast<char*>(to);
  __m128i rest = _mm256_castsi256_si128(x);
  if (n & 4) {
    _mm_storeu_si128(reinterpret_cast<__m128i_u*>(p), rest);
    rest = _mm256_extracti128_si256(x, 1);
    p += 16;
  }
  if (n & 2) {
    _mm_storel_epi64(reinterpret_cast<__m128i_u*>(p), rest);
    rest = _mm_unpackhi_epi64(rest, rest);
    p += 8;
  }
  if (n & 1) _mm_storeu_si32(p, rest);
}

// The bytes D that words become: plus zero, within low and high.
template <class D>
struct avx2_byte_range {
  ASHLAR_INLINE avx2_byte_range(std::int32_t z, D least, D most)
      : zero(_mm256_set1_epi16(std::int16_t(z))),
        low(_mm256_set1_epi8(char(least))),
        high(_mm256_set1_epi8(char(most))) {}
  // Bytes of two pairs of vectors: in each lane eight of the first pair, eight of the second.
  ASHLAR_INLINE __m256i of(const __m256i& first, const __m256i& second) const {
    const __m256i a = _mm256_adds_epi16(first, zero), b = _mm256_adds_epi16(second, zero);
    if constexpr (std::is_signed_v<D>) {
      return _mm256_min_epi8(_mm256_max_epi8(_mm256_packs_epi16(a, b), low), high);
    } else {
      return _mm256_min_epu8(_mm256_max_epu8(_mm256_packus_epi16(a, b), low), high);
    }
  }
  __m256i zero, low, high;
};

// The instructions that differ by element type.
template <class T>
using avx2_vector = xsimd::batch<T, xsimd::fma3<xsimd::avx2>>;

template <class T>
struct avx2_instructions;

template <>
struct avx2_instructions<float> {
  using vec = avx2_vector<float>;
  static ASHLAR_INLINE vec load_n(const float* p, index n) { return _mm256_maskload_ps(p, avx2_mask(n)); }
  static ASHLAR_INLINE void store_n(float* p, const vec& x, index n) { avx2_store_n(p, _mm256_castps_si256(x), n); }
  static ASHLAR_INLINE vec fma(const vec& a, const vec& b, const vec& c) { return _mm256_fmadd_ps(a, b, c); }
  static ASHLAR_INLINE vec div(const vec& a, const vec& b) { return _mm256_div_ps(a, b); }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return _mm256_min_ps(a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return _mm256_max_ps(a, b); }
  static ASHLAR_INLINE vec shuffle_in_fours(const vec& v, const std::uint32_t* p) {
    return _mm256_permutevar_ps(v, _mm256_load_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static ASHLAR_INLINE vec shuffle(const vec& v, const std::uint32_t* p) {
    return _mm256_permutevar8x32_ps(v, _mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(p)));
  }
  static ASHLAR_INLINE vec round_even(const vec& x) {
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static ASHLAR_INLINE vec from_int(const avx2_vector<std::int32_t>& x) { return _mm256_cvtepi32_ps(x); }
  static ASHLAR_INLINE vec pow2(const vec& k) {
    const __m256 sum = _mm256_add_ps(k, _mm256_set1_ps(0x1p23f + 127));  // isa/scalar.hpp says why
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(sum), 23));
  }
};

template <>
struct avx2_instructions<double> {
  using vec = avx2_vector<double>;
  static ASHLAR_INLINE vec load_n(const double* p, index n) { return _mm256_maskload_pd(p, avx2_mask(2 * n)); }
  static ASHLAR_INLINE void store_n(double* p, const vec& x, index n) {
    avx2_store_n(p, _mm256_castpd_si256(x), 2 * n);
  }
  static ASHLAR_INLINE vec fma(const vec& a, const vec& b, const vec& c) { return _mm256_fmadd_pd(a, b, c); }
  static ASHLAR_INLINE vec div(const vec& a, const vec& b) { return _mm256_div_pd(a, b); }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return _mm256_min_pd(a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return _mm256_max_pd(a, b); }
  static ASHLAR_INLINE vec round_even(const vec& x) {
    return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static ASHLAR_INLINE vec pow2(const vec& k) {
    const __m256d sum = _mm256_add_pd(k, _mm256_set1_pd(0x1p52 + 1023));  // isa/scalar.hpp says why
    return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_castpd_si256(sum), 52));
  }
};

template <>
struct avx2_instructions<std::int32_t> {
  using vec = avx2_vector<std::int32_t>;
  static ASHLAR_INLINE vec load_n(const std::int32_t* p, index n) { return _mm256_maskload_epi32(p, avx2_mask(n)); }
  static ASHLAR_INLINE void store_n(std::int32_t* p, const vec& x, index n) { avx2_store_n(p, x, n); }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return _mm256_min_epi32(a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return _mm256_max_epi32(a, b); }

  static ASHLAR_INLINE vec shift_left(const vec& x, const vec& n) { return _mm256_sllv_epi32(x, n); }
  static ASHLAR_INLINE vec shift_right(const vec& x, const vec& n) { return _mm256_srav_epi32(x, n); }
  // Even and odd lanes as products of 64 bits; the one that does not fit, of the least number with itself, is put
  // right.
  static ASHLAR_INLINE vec doubling_high_product(const vec& a, const vec& b) {
    const __m256i half = _mm256_set1_epi64x(1 << 30), least = _mm256_set1_epi32(std::int32_t(0x80000000));
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(a, b), half);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)), half);
    const __m256i both = _mm256_blend_epi32(_mm256_srli_epi64(even, 31), _mm256_slli_epi64(odd, 1), 0xaa);
    const __m256i beyond = _mm256_and_si256(_mm256_cmpeq_epi32(a, least), _mm256_cmpeq_epi32(b, least));
    return _mm256_xor_si256(both, beyond);
  }
  static ASHLAR_INLINE void store_nearest(std::int16_t* p, const vec& x) { _mm_storeu_si128(as_memory(p), words(x)); }
  static ASHLAR_INLINE void store_nearest(std::int8_t* p, const vec& x) {
    _mm_storel_epi64(as_memory(p), _mm_packs_epi16(words(x), words(x)));
  }
  static ASHLAR_INLINE void store_nearest(std::uint8_t* p, const vec& x) {
    _mm_storel_epi64(as_memory(p), _mm_packus_epi16(words(x), words(x)));
  }
  static ASHLAR_INLINE void store_nearest(std::int8_t* p, const vec& x, const vec& y) {
    const __m256i both = _mm256_packs_epi32(x, y);
    store_halves(p, _mm256_packs_epi16(both, both));
  }
  static ASHLAR_INLINE void store_nearest(std::uint8_t* p, const vec& x, const vec& y) {
    const __m256i both = _mm256_packs_epi32(x, y);
    store_halves(p, _mm256_packus_epi16(both, both));
  }
  static ASHLAR_INLINE vec whole(const avx2_vector<float>& y) { return _mm256_cvttps_epi32(y); }
  static ASHLAR_INLINE vec to_int(const avx2_vector<float>& y) {
    const __m256i whole = _mm256_cvttps_epi32(y);  // outside and NaN: the least
    const __m256 above = _mm256_cmp_ps(y, _mm256_set1_ps(0x1p31f), _CMP_GE_OQ),
                 number = _mm256_cmp_ps(y, y, _CMP_ORD_Q);
    return _mm256_and_si256(_mm256_xor_si256(whole, _mm256_castps_si256(above)), _mm256_castps_si256(number));
  }
  // What is within them needs no care when it is converted. NaN is seen in the factor, which many products share: 0 in
  // its place, and the largest number in infinity's, whose product with 0 is 0 as NaN's would be.
  static ASHLAR_INLINE vec nearest_scaled(const vec& x, const avx2_vector<float>& s, const vec& least,
                                          const vec& most) {
    const __m256 number = _mm256_and_ps(s, _mm256_cmp_ps(s, s, _CMP_ORD_Q)), largest = _mm256_set1_ps(0x1.fffffep127f);
    const __m256 finite = _mm256_max_ps(_mm256_min_ps(number, largest), -largest);
    const __m256 enough = _mm256_max_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(x), finite), _mm256_cvtepi32_ps(least));
    return _mm256_cvtps_epi32(_mm256_min_ps(enough, _mm256_cvtepi32_ps(most)));
  }
  static ASHLAR_INLINE bool scales_plainly(const avx2_vector<float>& s) {
    const __m256 size = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), s);
    return _mm256_movemask_ps(_mm256_cmp_ps(size, _mm256_set1_ps(1), _CMP_LT_OQ)) == 255;
  }
  static ASHLAR_INLINE vec nearest_scaled(const vec& x, const avx2_vector<float>& s) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(x), s));
  }
  template <class D>
  using byte_range = avx2_byte_range<D>;
  template <class D>
  static ASHLAR_INLINE __m256i bytes_within(const vec& x, const vec& y, const vec& z, const vec& w,
                                            const byte_range<D>& range) {
    const __m256i both = range.of(_mm256_packs_epi32(x, y), _mm256_packs_epi32(z, w));
    return _mm256_permutevar8x32_epi32(both, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  template <class D>
  static ASHLAR_INLINE void store_bytes(D* p, const __m256i& bytes) {
    _mm_storeu_si128(as_memory(p), _mm256_castsi256_si128(bytes));
  }
  template <class D>
  static ASHLAR_INLINE void store_bytes(D* p, D* q, const __m256i& bytes) {
    store_bytes(p, bytes);
    _mm_storeu_si128(as_memory(q), _mm256_extracti128_si256(bytes, 1));
  }
  template <int Q, class D>
  static ASHLAR_INLINE void store_quarter(D* p, const __m256i& bytes) {
    const __m128i half = Q < 2 ? _mm256_castsi256_si128(bytes) : _mm256_extracti128_si256(bytes, 1);
    if constexpr (Q % 2 == 0) {
      _mm_storel_epi64(as_memory(p), half);
    } else {
      _mm_storeh_pi(reinterpret_cast<__m64*>(p), _mm_castsi128_ps(half));
    }
  }

 private:
  template <class D>
  static ASHLAR_INLINE __m128i_u* as_memory(D* p) {
    return reinterpret_cast<__m128i_u*>(p);
  }
  // Four bytes of the first vector, four of the second, in both lanes: in order.
  template <class D>
  static ASHLAR_INLINE void store_halves(D* p, const __m256i& x) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
    _mm_storeu_si128(as_memory(p), _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(x, order)));
  }
  static ASHLAR_INLINE __m128i words(const __m256i& x) {
    return _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  }
};

template <>
struct avx2_instructions<std::uint32_t> {
  using vec = avx2_vector<std::uint32_t>;
  static ASHLAR_INLINE vec load_n(const std::uint32_t* p, index n) {
    return _mm256_maskload_epi32(reinterpret_cast<const int*>(p), avx2_mask(n));
  }
  static ASHLAR_INLINE void store_n(std::uint32_t* p, const vec& x, index n) { avx2_store_n(p, x, n); }
  static ASHLAR_INLINE vec min(const vec& a, const vec& b) { return _mm256_min_epu32(a, b); }
  static ASHLAR_INLINE vec max(const vec& a, const vec& b) { return _mm256_max_epu32(a, b); }
};

}  // namespace detail

template <detail::simd_element T>
struct ops<T, isa::avx2> : detail::xsimd_arithmetic<T, isa::avx2, xsimd::fma3<xsimd::avx2>>,
                           detail::avx2_instructions<T> {
  using vec = detail::avx2_vector<T>;
  static constexpr bool masked_memory = false;  // loads need the mask in a register, stores come in pieces
  static constexpr bool masks_few = true;
};

static_assert(float_ops<ops<float, isa::avx2>> && float_ops<ops<double, isa::avx2>>);
static_assert(integer_ops<ops<std::int32_t, isa::avx2>> && integer_ops<ops<std::uint32_t, isa::avx2>>);

}  // namespace ashlar
