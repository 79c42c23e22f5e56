// SPDX-License-Identifier: Apache-2.0
//
// isa/word_pairs.hpp: bytes of two rows as pairs of 16-bit numbers, and the sums of their products with pairs of
// weights.
//
//   pair(a, b)          lane l: a[l], b[l]                pair(a)     lane l: a[l], and what a weight of 0 takes no
//                                                                     notice of
//   pair_n(a, b, n)     the first n; the others are zero  pair_n(a, n)
//   dot(acc, p, w)      acc + p_0 w_0 + p_1 w_1           w: in memory
//
// Two bytes become two lanes by one unpacking and one widening; the products' sums are exact, and an addition has a
// quarter of a multiply-add's latency, which counts where few sums are in flight.
//
// Depends on: isa/byte_loads.hpp, isa.hpp.   Used by: conv/depthwise_{pair_tile,mixed}.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <ashlar/isa.hpp>
#include <ashlar/isa/byte_loads.hpp>

namespace ashlar {

/// Of bytes B. Primary: the ISA has none.
template <class B, class Isa>
struct word_pair_ops {
  static constexpr bool exists = false;
};

#if defined(__AVX2__) && defined(__FMA__)
template <std::integral B, class Isa>
  requires(sizeof(B) == 1 && std::derived_from<Isa, isa::avx2> && isa::facts<Isa>::vector_bytes == 32)
struct word_pair_ops<B, Isa> : word_dot_ops<Isa> {
  static constexpr bool exists = true;
  using isa_type = Isa;
  using source_type = B;
  using vec = typename ops<std::int32_t, Isa>::vec;

  static ASHLAR_INLINE vec pair(const B* a, const B* b) { return paired(eight(a), eight(b)); }
  static ASHLAR_INLINE vec pair(const B* a) { return byte_load<B, Isa>::of(a); }
  static ASHLAR_INLINE vec pair_n(const B* a, const B* b, index n) { return paired(eight(a, n), eight(b, n)); }
  static ASHLAR_INLINE vec pair_n(const B* a, index n) { return byte_load<B, Isa>::of_n(a, n); }

  // As instructions for the reason of isa/dot_madd.hpp. The weights are an operand in memory, for no register is left.
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& pairs, const std::int32_t* w) {
    __m256i sum = sums, product;
    asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
        : "+x"(sum), "=&x"(product)
        : "x"(__m256i(pairs)), "m"(*reinterpret_cast<const __m256i_u*>(w)));
    return sum;
  }

 private:
  static ASHLAR_INLINE __m128i eight(const B* p) { return _mm_loadl_epi64(reinterpret_cast<const __m128i_u*>(p)); }
  static ASHLAR_INLINE __m128i eight(const B* p, index n) {
    B lanes[8] = {};
    for (index l = 0; l < n; ++l) lanes[l] = p[l];
    return eight(lanes);
  }
  static ASHLAR_INLINE vec paired(__m128i a, __m128i b) {
    const __m128i both = _mm_unpacklo_epi8(a, b);
    return std::is_signed_v<B> ? _mm256_cvtepi8_epi16(both) : _mm256_cvtepu8_epi16(both);
  }
};
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__FMA__)
template <std::integral B, class Isa>
  requires(sizeof(B) == 1 && std::derived_from<Isa, isa::avx512>)
struct word_pair_ops<B, Isa> : word_dot_ops<Isa> {
  static constexpr bool exists = true;
  using isa_type = Isa;
  using source_type = B;
  using vec = typename ops<std::int32_t, Isa>::vec;

  static ASHLAR_INLINE vec pair(const B* a, const B* b) { return pair_n(a, b, 16); }
  static ASHLAR_INLINE vec pair(const B* a) { return byte_load<B, Isa>::of(a); }
  static ASHLAR_INLINE vec pair_n(const B* a, const B* b, index n) { return paired(sixteen(a, n), sixteen(b, n)); }
  static ASHLAR_INLINE vec pair_n(const B* a, index n) { return byte_load<B, Isa>::of_n(a, n); }

  static ASHLAR_INLINE vec dot(const vec& sums, const vec& pairs, const std::int32_t* w) {
    __m512i sum = sums, product;
    asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0"
        : "+v"(sum), "=&v"(product)
        : "v"(__m512i(pairs)), "m"(*reinterpret_cast<const __m512i_u*>(w)));
    return sum;
  }

 private:
  static ASHLAR_INLINE __m128i sixteen(const B* p, index n) {
    return _mm_maskz_loadu_epi8(static_cast<__mmask16>(n < 16 ? (1u << n) - 1u : 0xffffu), p);
  }
  static ASHLAR_INLINE vec paired(__m128i a, __m128i b) {
    const __m256i both =
        _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_unpacklo_epi8(a, b)), _mm_unpackhi_epi8(a, b), 1);
    return std::is_signed_v<B> ? _mm512_maskz_cvtepi8_epi16(0xffffffff, both)
                               : _mm512_maskz_cvtepu8_epi16(0xffffffff, both);
  }
};
#endif

}  // namespace ashlar
