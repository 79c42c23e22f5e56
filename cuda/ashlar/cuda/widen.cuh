// SPDX-License-Identifier: Apache-2.0
//
// cuda/widen.cuh: an element as the type of the sum, by the instruction that the machine has for it.
//
//   widened<float>(f16)      exact; equal to float(x), all NaNs being one value
//
// Depends on: core/narrow_float.hpp.   Used by: kernels that sum in registers (direct_sum.cuh, depthwise_strip.cuh).
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <type_traits>

namespace ashlar::cuda::detail {

template <class T, class X>
ASHLAR_INLINE T widened(X x) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<X, f16>) {
    float y;
    asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
    return y;
  } else if constexpr (std::is_same_v<X, bf16>) {
    return __uint_as_float(static_cast<unsigned>(x.bits) << 16);
  } else {
    return static_cast<T>(x);
  }
#else
  return static_cast<T>(x);
#endif
}

}  // namespace ashlar::cuda::detail
