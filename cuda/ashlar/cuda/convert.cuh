// SPDX-License-Identifier: Apache-2.0
//
// cuda/convert.cuh: two neighbouring results as elements of C, in one word where the machine has the instruction.
//
//   packed<D>(x, y)      x in the low bits, y in the high ones; equal to stored<D> of each
//
// Depends on: epilogue.cuh.   Used by: the stores of every kernel.
#pragma once

#include <ashlar/cuda/arch.cuh>
#include <ashlar/cuda/epilogue.cuh>
#include <cstdint>
#include <type_traits>

namespace ashlar::cuda::detail {

template <class D>
using pair_word =
    std::conditional_t<sizeof(D) == 1, std::uint16_t, std::conditional_t<sizeof(D) == 2, std::uint32_t, std::uint64_t>>;

template <class D>
struct element_pair {
  D low, high;
};

template <class D, class T>
ASHLAR_INLINE pair_word<D> packed(T x, T y) {
  return __builtin_bit_cast(pair_word<D>, element_pair<D>{stored<D>(x), stored<D>(y)});
}

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
template <>
ASHLAR_INLINE std::uint32_t packed<bf16, float>(float x, float y) {
  std::uint32_t word;
  asm("cvt.rn.bf16x2.f32 %0, %2, %1;" : "=r"(word) : "f"(x), "f"(y));
  return word;
}
template <>
ASHLAR_INLINE std::uint32_t packed<f16, float>(float x, float y) {
  std::uint32_t word;
  asm("cvt.rn.f16x2.f32 %0, %2, %1;" : "=r"(word) : "f"(x), "f"(y));
  return word;
}
#endif
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
template <>
ASHLAR_INLINE std::uint16_t packed<e4m3, float>(float x, float y) {
  std::uint16_t word;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %2, %1;" : "=h"(word) : "f"(x), "f"(y));
  return word;
}
template <>
ASHLAR_INLINE std::uint16_t packed<e5m2, float>(float x, float y) {
  std::uint16_t word;
  asm("cvt.rn.satfinite.e5m2x2.f32 %0, %2, %1;" : "=h"(word) : "f"(x), "f"(y));
  return word;
}
#endif

}  // namespace ashlar::cuda::detail
