// SPDX-License-Identifier: Apache-2.0
//
// dispatch/detect_arm.hpp: NEON is part of the 64-bit ARM baseline; the rest is what the kernel says it enables for
// programs.
//
// Depends on: dispatch/target.hpp.   Used by: dispatch/detect.hpp.
#pragma once

#include <ashlar/dispatch/target.hpp>

#if defined(__linux__)
#include <sys/auxv.h>
#endif

namespace ashlar::dispatch {

#if defined(__linux__)
ASHLAR_INLINE target hardware() {
  // HWCAP_ASIMDDP, HWCAP_SVE and HWCAP_ASIMDFHM, HWCAP2_SVEI8MM, HWCAP2_SVEBF16, HWCAP2_I8MM and HWCAP2_BF16 of Linux'
  // asm/hwcap.h.
  constexpr unsigned long dot = 1UL << 20, sve = 1UL << 22, fhm = 1UL << 23;
  constexpr unsigned long sve_i8mm = 1UL << 9, sve_bf16 = 1UL << 12, i8mm = 1UL << 13, bf16 = 1UL << 14;
  const unsigned long have = getauxval(AT_HWCAP), more = getauxval(AT_HWCAP2);
  if ((have & sve) != 0) {
    if ((more & sve_i8mm) == 0) return target::sve;
    return (more & sve_bf16) != 0 ? target::sve_bf16 : target::sve_i8mm;
  }
  if ((have & dot) == 0) return target::neon;
  if ((more & i8mm) == 0) return target::neon_dot;
  if ((more & bf16) == 0) return target::neon_i8mm;
  return (have & fhm) != 0 ? target::neon_fhm : target::neon_bf16;
}
#else
ASHLAR_INLINE target hardware() { return target::neon; }
#endif

}  // namespace ashlar::dispatch
