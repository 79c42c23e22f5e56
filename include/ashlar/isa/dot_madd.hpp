// SPDX-License-Identifier: Apache-2.0
//
// isa/dot_madd.hpp: dot_ops of AVX2 and AVX-512 without VNNI: vpmaddwd on pairs of 16-bit numbers, and an addition.
//
// A is widened where it is copied; B stays bytes in memory, half of what 16-bit numbers would stream, and is widened as
// it is loaded: once for all rows of a tile. Exact for every pair of bytes. vpmaddubsw takes twice as many products but
// saturates their sums to 16 bits.
//
// Written as instructions: g++ would add the products of two steps to each other first, which takes registers that the
// accumulators then lack.
//
// Depends on: isa/dot.hpp, isa/avx2.hpp, isa/avx512.hpp.   Used by: isa.hpp on x86.
#pragma once

#include <ashlar/isa/avx2.hpp>
#include <ashlar/isa/dot.hpp>

#if defined(__AVX512F__) && defined(__AVX512CD__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__)
#include <ashlar/isa/avx512.hpp>
#endif

namespace ashlar {

#if defined(__AVX2__) && defined(__FMA__)
template <>
struct dot_ops<isa::avx2> : detail::dot_units<isa::avx2, std::int16_t, std::int8_t, 2> {
  using ops<std::int32_t, isa::avx2>::load;
  static ASHLAR_INLINE vec load(const std::int16_t* p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i_u*>(p)));
  }
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    __m256i sum = sums, product;
    asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(product) : "x"(__m256i(a)), "x"(__m256i(b)));
    return sum;
  }
};

// vpmaddubsw's pairs are within 2 * 255 * 64 = 32640; vpmaddwd by ones adds two of them. 12 sums, the ones, a vector of
// A, one of B and one of products are all 16 registers: other vectors of B are read from memory by vpmaddubsw itself.
// With the ones in memory instead, which every product reads, loads took as long as products (2 to 4 % of 1 x 1
// convolutions). Either dot() is one block: of a product and a sum apart g++ 12 made 2 % slower loops.
template <>
struct seven_bit_dot_ops<isa::avx2> : detail::dot_units<isa::avx2, std::uint8_t, std::int8_t, 4> {
  struct in_memory {
    const std::int32_t* p;
  };
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    __m256i sum = sums, product;
    asm("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
        : "+x"(sum), "=&x"(product)
        : "x"(__m256i(a)), "x"(__m256i(b)), "x"(_mm256_set1_epi16(1)));
    return sum;
  }
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const in_memory& b) {
    __m256i sum = sums, product;
    asm("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
        : "+x"(sum), "=&x"(product)
        : "x"(__m256i(a)), "m"(*reinterpret_cast<const __m256i_u*>(b.p)), "x"(_mm256_set1_epi16(1)));
    return sum;
  }
};
template <>
struct word_dot_ops<isa::avx2> : detail::dot_units<isa::avx2, std::int16_t, std::int16_t, 2> {
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    return dot_ops<isa::avx2>::dot(sums, a, b);
  }
};
#endif

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512CD__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__FMA__)
template <>
struct dot_ops<isa::avx512> : detail::dot_units<isa::avx512, std::int16_t, std::int8_t, 2> {
  using ops<std::int32_t, isa::avx512>::load;
  static ASHLAR_INLINE vec load(const std::int16_t* p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i_u*>(p)));
  }
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    __m512i sum = sums, product;
    asm("vpmaddwd %3, %2, %1\n\tvpaddd %1, %0, %0" : "+v"(sum), "=&v"(product) : "v"(__m512i(a)), "v"(__m512i(b)));
    return sum;
  }
};
template <>
struct word_dot_ops<isa::avx512> : detail::dot_units<isa::avx512, std::int16_t, std::int16_t, 2> {
  static ASHLAR_INLINE vec dot(const vec& sums, const vec& a, const vec& b) {
    return dot_ops<isa::avx512>::dot(sums, a, b);
  }
};
#endif

}  // namespace ashlar
