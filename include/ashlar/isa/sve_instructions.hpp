// SPDX-License-Identifier: Apache-2.0
//
// isa/sve_instructions.hpp: the two SVE instructions that compilers do not choose by themselves where Ashlar wants
// them.
//
// A file of its own because the constraints name registers that other machines do not have: clang refuses them where
// they are written, in a branch never taken as well.
//
// Depends on: core/config.hpp.   Used by: isa/highway.hpp (complete only where SVE is enabled).
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::detail {

template <class T>
struct sve_instructions;

#if defined(__ARM_FEATURE_SVE)
template <class T>
struct sve_instructions {
  // An instruction for each zero: g++ would copy the first one, on the two pipes of SVE's multiply-add (Neoverse V1),
  // while this one has four and clears the whole register.
  template <class Vec>
  static ASHLAR_INLINE Vec zero() {
    Vec zeros;
    asm volatile("movi %d0, #0" : "=w"(zeros));
    return zeros;
  }
  // acc + a * b into acc's own register.
  template <class Mask, class Vec>
  static ASHLAR_INLINE Vec fma_into(Mask all, Vec acc, Vec a, Vec b) {
    if constexpr (sizeof(T) == 4) {
      asm("fmla %0.s, %1/m, %2.s, %3.s" : "+w"(acc) : "Upl"(all), "w"(a), "w"(b));
    } else {
      asm("fmla %0.d, %1/m, %2.d, %3.d" : "+w"(acc) : "Upl"(all), "w"(a), "w"(b));
    }
    return acc;
  }
};
#endif

}  // namespace ashlar::detail
