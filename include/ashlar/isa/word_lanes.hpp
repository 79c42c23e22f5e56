// SPDX-License-Identifier: Apache-2.0
//
// isa/word_lanes.hpp: vectors that sums of a few bytes are made in and stored from as words: of 16-bit numbers where
// the ISA multiplies those by pairs, else of 32-bit numbers.
//
//   load(p)  load_n(p, n)    a vector of bytes; of the first n, the others are zero
//   store(p, y)              a vector of W
//
// and zero, broadcast, add, sub, mul, fma, which wrap. What fits W is right, whatever happens between: twice as many at
// a time, and no narrowing at the end.
//
// Depends on: isa/byte_loads.hpp.   Used by: winograd/format.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <ashlar/isa.hpp>
#include <ashlar/isa/byte_loads.hpp>

namespace ashlar {

/// Bytes B to words W. Of any ISA in 32-bit numbers, which Narrow stores.
template <std::integral B, std::integral W, class Isa, class Narrow>
struct word_lanes : ops<std::int32_t, Isa> {
  using vec = typename ops<std::int32_t, Isa>::vec;
  static ASHLAR_INLINE vec load(const B* p) { return byte_load<B, Isa>::of(p); }
  static ASHLAR_INLINE vec load_n(const B* p, index n) { return byte_load<B, Isa>::of_n(p, n); }
  static ASHLAR_INLINE void store(W* p, const vec& y) { Narrow::store(p, y); }
};

#if defined(__AVX2__) && defined(__FMA__)
template <std::integral B, class Isa, class Narrow>
  requires(sizeof(B) == 1 && std::derived_from<Isa, isa::avx2> && isa::facts<Isa>::vector_bytes == 32)
struct word_lanes<B, std::int16_t, Isa, Narrow>
    : detail::xsimd_arithmetic<std::int16_t, Isa, xsimd::fma3<xsimd::avx2>> {
  using vec = detail::avx2_vector<std::int16_t>;
  static ASHLAR_INLINE vec load(const B* p) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p));
    return std::is_signed_v<B> ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
  }
  static ASHLAR_INLINE vec load_n(const B* p, index n) {
    B lanes[16] = {};
    for (index l = 0; l < n; ++l) lanes[l] = p[l];
    return load(lanes);
  }
};
#endif

}  // namespace ashlar
