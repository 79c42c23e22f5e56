// SPDX-License-Identifier: Apache-2.0
//
// isa/rounded.hpp: a product stays a product: keeps the compiler from contracting mul and add into fma.
//
// g++ contracts across statements by default (-ffp-contract=fast), through the vector intrinsics too, and so a * b + c
// would have other bits on an ISA with fma than without. An empty asm statement that may change the product costs no
// instruction and hides where the value came from. Only mul needs it: fma is the one contraction there is.
//
// Depends on: core/config.hpp.   Used by: the adapters.
#pragma once

#include <ashlar/core/config.hpp>

// The constraint that names a floating-point or vector register.
#if defined(__x86_64__)
#define ASHLAR_VECTOR_REGISTER "+v"
#elif defined(__aarch64__)
#define ASHLAR_VECTOR_REGISTER "+w"
#else
#define ASHLAR_VECTOR_REGISTER "+m"
#endif

namespace ashlar::detail {

/// x, as it was rounded. V is float, double or a register of them (of SVE, too).
template <class V>
ASHLAR_INLINE V rounded(V x) {
#if !defined(__CUDA_ARCH__)  // there lane.cuh's operations are instructions by name
  asm("" : ASHLAR_VECTOR_REGISTER(x));
#endif
  return x;
}

}  // namespace ashlar::detail
