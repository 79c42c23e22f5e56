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

/// Of memory that nothing writes meanwhile.
ASHLAR_INLINE vector16 load_vector(const void* from) {
#if defined(__CUDA_ARCH__)
  const uint4 v = __ldg(static_cast<const uint4*>(from));
  return {{v.x, v.y, v.z, v.w}};
#else
  vector16 v;
  std::memcpy(&v, from, sizeof v);
  return v;
#endif
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

template <class D, int V, class T>
ASHLAR_INLINE void store_vector(D* to, const T (&x)[V]) {
  using word = pair_word<D>;
  constexpr int bytes = V * int(sizeof(D)), piece = store_piece<D, V>, words = piece / int(sizeof(word));
  struct alignas(piece) part {
    word at[words];
  };
  ASHLAR_UNROLL_ALL
  for (int i = 0; i < bytes / piece; ++i) {
    part values;
    ASHLAR_UNROLL_ALL
    for (int k = 0; k < words; ++k) values.at[k] = packed<D>(x[2 * (i * words + k)], x[2 * (i * words + k) + 1]);
#if defined(__CUDA_ARCH__)
    reinterpret_cast<part*>(to)[i] = values;
#else
    std::memcpy(static_cast<void*>(reinterpret_cast<char*>(to) + i * piece), &values, sizeof values);
#endif
  }
}

}  // namespace ashlar::cuda::detail
