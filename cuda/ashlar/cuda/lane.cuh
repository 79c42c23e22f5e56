// SPDX-License-Identifier: Apache-2.0
//
// cuda/lane.cuh: ops<T, isa::cuda>: one lane of a GPU thread, so that an epilogue expression runs there unchanged.
//
// The same definitions as isa::scalar, and so the same bits as on every CPU. Sums and products are named instructions
// on the device, for nvcc contracts a * b + c where it can; on the host they are scalar's, for tests without a GPU.
//
// Depends on: isa/scalar.hpp.   Used by: every kernel.
#pragma once

#include <ashlar/isa/scalar.hpp>

namespace ashlar::isa {

struct cuda : any {};  // one thread of an NVIDIA GPU

}  // namespace ashlar::isa

namespace ashlar {

namespace detail {

#if defined(__CUDA_ARCH__)
ASHLAR_INLINE float exact_add(float a, float b) { return __fadd_rn(a, b); }
ASHLAR_INLINE float exact_mul(float a, float b) { return __fmul_rn(a, b); }
ASHLAR_INLINE double exact_add(double a, double b) { return __dadd_rn(a, b); }
ASHLAR_INLINE double exact_mul(double a, double b) { return __dmul_rn(a, b); }
ASHLAR_INLINE float exact_fma(float a, float b, float c) { return __fmaf_rn(a, b, c); }
ASHLAR_INLINE double exact_fma(double a, double b, double c) { return __fma_rn(a, b, c); }
#else
template <class T>
ASHLAR_INLINE T exact_add(T a, T b) {
  return a + b;
}
template <class T>
ASHLAR_INLINE T exact_mul(T a, T b) {
  return rounded(a * b);
}
template <class T>
ASHLAR_INLINE T exact_fma(T a, T b, T c) {
  return ashlar::fma(a, b, c);
}
#endif

template <class T>
struct cuda_ops : ops<T, isa::scalar> {
  using isa_type = isa::cuda;
};

}  // namespace detail

template <std::floating_point T>
struct ops<T, isa::cuda> : detail::cuda_ops<T> {
  static ASHLAR_INLINE T add(T a, T b) { return detail::exact_add(a, b); }
  static ASHLAR_INLINE T sub(T a, T b) { return detail::exact_add(a, -b); }
  static ASHLAR_INLINE T mul(T a, T b) { return detail::exact_mul(a, b); }
  static ASHLAR_INLINE T fma(T a, T b, T c) { return detail::exact_fma(a, b, c); }
  static ASHLAR_INLINE T round_even(T x) {
    using base = ops<T, isa::scalar>;
    const T a = base::abs(x);
    return a < base::integral ? base::copysign(add(add(a, base::integral), -base::integral), x) : x;
  }
};

template <std::integral T>
struct ops<T, isa::cuda> : detail::cuda_ops<T> {};

}  // namespace ashlar
