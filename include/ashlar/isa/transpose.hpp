// SPDX-License-Identifier: Apache-2.0
//
// isa/transpose.hpp: a W x W block of elements transposed in registers, W the elements of the widest fixed vector of
// the ISA.
//
//   log2(W) rounds of  new[2i] = zip_low(r[i], r[i + W/2]),  new[2i + 1] = zip_high(r[i], r[i + W/2])
//
// Written once on the compiler's generic vectors: g++ and clang turn the two shuffles into permutes (AVX-512), unpacks
// (AVX2) or zips (NEON). A length-agnostic ISA uses the 128-bit vectors that every such machine has too.
//
// Depends on: isa/tags.hpp.   Used by: pack/copy_block.hpp.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>

#include <ashlar/core/config.hpp>
#include <ashlar/isa/tags.hpp>

namespace ashlar::isa {

/// Bytes of the vectors that transpose on this ISA; 0: none, copy element by element.
template <class Isa>
inline constexpr int transpose_bytes = std::is_base_of_v<neon, Isa>     ? 16
                                       : std::is_base_of_v<avx512, Isa> ? 64
                                       : std::is_base_of_v<avx2, Isa>   ? 32
                                                                        : 0;

}  // namespace ashlar::isa

namespace ashlar {

/// Transposes W x W elements: dst[j * dst_stride + i] = src[i * src_stride + j]. No element outside is touched.
template <class T, class Isa>
struct block_transpose {
  static constexpr int width = isa::transpose_bytes<Isa> / int(sizeof(T));

  static ASHLAR_INLINE void run(const T* src, index src_stride, T* dst, index dst_stride) {
    start(lanes{}, src, src_stride, dst, dst_stride);
  }

 private:
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  using lanes = std::make_integer_sequence<int, width>;
  typedef T vec __attribute__((vector_size(isa::transpose_bytes<Isa>), aligned(alignof(T)), may_alias));

  static ASHLAR_INLINE vec load(const T* p) {
    vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const T* src, index src_stride, T* dst, index dst_stride) {
    vec r[width] = {load(src + I * src_stride)...};
    zip_rounds<width>(s, r);
    (std::memcpy(dst + I * dst_stride, &r[I], sizeof r[I]), ...);
  }

  template <int Round, int... I>
  static ASHLAR_INLINE void zip_rounds(seq<I...> s, vec (&r)[width]) {
    if constexpr (Round > 1) {
      vec t[width] = {zip<I % 2>(s, r[I / 2], r[I / 2 + width / 2])...};
      zip_rounds<Round / 2>(s, t);
      ((r[I] = t[I]), ...);
    }
  }
  template <int High, int... I>
  static ASHLAR_INLINE vec zip(seq<I...>, vec a, vec b) {
    return __builtin_shufflevector(a, b, (I / 2 + High * (width / 2) + (I % 2) * width)...);
  }
};

/// No vectors of T: width 0, and whoever copies does it element by element.
template <class T, class Isa>
  requires(isa::transpose_bytes<Isa> == 0 || !std::is_arithmetic_v<T>)
struct block_transpose<T, Isa> {
  static constexpr int width = 0;
};

}  // namespace ashlar
