// SPDX-License-Identifier: Apache-2.0
//
// cuda/vector_memory.cuh: 16 bytes of elements in one load, and sums as elements in as few stores as there can be.
//
//   lane_of<X>(v, i)         the i-th element of 16 bytes, as float
//   store_vector(to, sums)   to must be aligned to store_piece<D, V> bytes
//
// Depends on: convert.cuh, unroll.cuh, widen.cuh.   Used by: depthwise_strip.cuh.
#pragma once

#include <ashlar/cuda/convert.cuh>
#include <ashlar/cuda/unroll.cuh>
#include <ashlar/cuda/widen.cuh>
#include <cstdint>
#include <cstring>

namespace ashlar::cuda::detail {

struct alignas(16) vector16 {
  std::uint32_t word[4];
};

/// Of memory that nothing writes meanwhile; zeros where `exists` is false, and then nothing is read. In PTX, for nvcc
/// makes a branch of it that computes the address anew.
ASHLAR_INLINE vector16 load_vector(const void* from, bool exists) {
  vector16 v;
#if defined(__CUDA_ARCH__)
  asm volatile(
      "{\n\t.reg .pred p;\n\t"
      "setp.ne.s32 p, %5, 0;\n\t"
      "mov.b32 %0, 0;\n\tmov.b32 %1, 0;\n\tmov.b32 %2, 0;\n\tmov.b32 %3, 0;\n\t"
      "@p ld.global.nc.v4.b32 {%0, %1, %2, %3}, [%4];\n\t}"
      : "=&r"(v.word[0]), "=&r"(v.word[1]), "=&r"(v.word[2]), "=&r"(v.word[3])
      : "l"(__cvta_generic_to_global(from)), "r"(int(exists)));
#else
  if (exists) {
    std::memcpy(&v, from, sizeof v);
  } else {
    v = {};
  }
#endif
  return v;
}

/// A pointer that the compiler keeps, instead of computing it again wherever it is used.
template <class T>
ASHLAR_INLINE T* kept(T* p) {
#if defined(__CUDA_ARCH__)
  asm volatile("" : "+l"(p));
#endif
  return p;
}

template <class X>
ASHLAR_INLINE float lane_of(const vector16& v, int i) {
  if constexpr (sizeof(X) == 4) {
    return __builtin_bit_cast(float, v.word[i]);
  } else {
    return widened<float>(X::from_bits(static_cast<std::uint16_t>(v.word[i / 2] >> (16 * (i % 2)))));
  }
}

/// Bytes of one store of V elements.
template <class D, int V>
inline constexpr int store_piece = V * int(sizeof(D)) % 16 == 0  ? 16
                                   : V * int(sizeof(D)) % 8 == 0 ? 8
                                                                 : 4;

/// The i-th 4 bytes of x as elements of D.
template <class D, class T>
ASHLAR_INLINE std::uint32_t word_of(const T* x, int i) {
  if constexpr (sizeof(D) == 4) {
    return __builtin_bit_cast(std::uint32_t, stored<D>(x[i]));
  } else if constexpr (sizeof(D) == 2) {
    return packed<D>(x[2 * i], x[2 * i + 1]);
  } else {
    static_assert(sizeof(D) == 1);
    const std::uint32_t low = packed<D>(x[4 * i], x[4 * i + 1]), high = packed<D>(x[4 * i + 2], x[4 * i + 3]);
    return low | high << 16;
  }
}

/// One store, said in PTX: of a uint4 whose members are known apart nvcc 13 makes four.
template <int Bytes>
ASHLAR_INLINE void store_words(void* to, const std::uint32_t* w) {
#if defined(__CUDA_ARCH__)
  const auto at = __cvta_generic_to_global(to);
  if constexpr (Bytes == 16) {
    asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(at), "r"(w[0]), "r"(w[1]), "r"(w[2]), "r"(w[3])
                 : "memory");
  } else if constexpr (Bytes == 8) {
    asm volatile("st.global.v2.b32 [%0], {%1, %2};" ::"l"(at), "r"(w[0]), "r"(w[1]) : "memory");
  } else {
    asm volatile("st.global.b32 [%0], %1;" ::"l"(at), "r"(w[0]) : "memory");
  }
#else
  std::memcpy(to, w, Bytes);
#endif
}

template <class D, int V, class T>
ASHLAR_INLINE void store_vector(D* to, const T (&x)[V]) {
  constexpr int words = V * int(sizeof(D)) / 4, piece = store_piece<D, V>;
  std::uint32_t w[words];
  ASHLAR_UNROLL_ALL
  for (int i = 0; i < words; ++i) w[i] = word_of<D>(x, i);
  ASHLAR_UNROLL_ALL
  for (int i = 0; i < words * 4 / piece; ++i)
    store_words<piece>(to + i * (piece / int(sizeof(D))), w + i * (piece / 4));
}

}  // namespace ashlar::cuda::detail
