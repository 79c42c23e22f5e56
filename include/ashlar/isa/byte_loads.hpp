// SPDX-License-Identifier: Apache-2.0
//
// isa/byte_loads.hpp: a vector of 32-bit numbers from as many bytes of either sign.
//
//   byte_load<std::uint8_t, Isa>::of(p), of_n(p, n)
//
// Depends on: isa/ops.hpp and the adapters.   Used by: isa/{word_lanes,word_pairs}.hpp, pack/half_block.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <ashlar/isa.hpp>

namespace ashlar {

/// Of any ISA lane by lane.
template <std::integral B, class Isa>
struct byte_load {
  using O = ops<std::int32_t, Isa>;
  static constexpr bool is_instruction = false;
  static ASHLAR_INLINE typename O::vec of(const B* p) {
    std::int32_t lanes[O::max_lanes];
    for (index l = 0; l < O::lanes(); ++l) lanes[l] = p[l];
    return O::load(lanes);
  }
  /// The first n; the others are zero.
  static ASHLAR_INLINE typename O::vec of_n(const B* p, index n) {
    std::int32_t lanes[O::max_lanes] = {};
    for (index l = 0; l < n; ++l) lanes[l] = p[l];
    return O::load(lanes);
  }
};

#if defined(__AVX2__) && defined(__FMA__)
template <std::integral B, class Isa>
  requires(std::derived_from<Isa, isa::avx2> && isa::facts<Isa>::vector_bytes == 32)
struct byte_load<B, Isa> {
  static constexpr bool is_instruction = sizeof(B) == 1;
  static ASHLAR_INLINE typename ops<std::int32_t, Isa>::vec of(const B* p) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i_u*>(p));
    return std::is_signed_v<B> ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
  }
  static ASHLAR_INLINE typename ops<std::int32_t, Isa>::vec of_n(const B* p, index n) {
    B lanes[8] = {};
    for (index l = 0; l < n; ++l) lanes[l] = p[l];
    return of(lanes);
  }
};
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
template <std::integral B, class Isa>
  requires(std::derived_from<Isa, isa::avx512>)
struct byte_load<B, Isa> {
  static constexpr bool is_instruction = sizeof(B) == 1;
  static ASHLAR_INLINE typename ops<std::int32_t, Isa>::vec of(const B* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p));
    return widened(bytes);
  }
  static ASHLAR_INLINE typename ops<std::int32_t, Isa>::vec of_n(const B* p, index n) {
    return widened(_mm_maskz_loadu_epi8(_cvtu32_mask16(n < 16 ? (1u << n) - 1u : 0xffffu), p));
  }

 private:
  static ASHLAR_INLINE __m512i widened(__m128i bytes) {
    return std::is_signed_v<B> ? _mm512_maskz_cvtepi8_epi32(0xffff, bytes) : _mm512_maskz_cvtepu8_epi32(0xffff, bytes);
  }
};
#endif

}  // namespace ashlar
