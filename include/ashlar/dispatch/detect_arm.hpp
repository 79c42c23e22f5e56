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
  // HWCAP_ASIMDDP and HWCAP_SVE, HWCAP2_SVEI8MM and HWCAP2_I8MM of Linux' asm/hwcap.h.
  constexpr unsigned long dot = 1UL << 20, sve = 1UL << 22, sve_i8mm = 1UL << 9, i8mm = 1UL << 13;
  const unsigned long have = getauxval(AT_HWCAP), more = getauxval(AT_HWCAP2);
  if ((have & sve) != 0) return (more & sve_i8mm) != 0 ? target::sve_i8mm : target::sve;
  if ((have & dot) == 0) return target::neon;
  return (more & i8mm) != 0 ? target::neon_i8mm : target::neon_dot;
}
#else
ASHLAR_INLINE target hardware() { return target::neon; }
#endif

}  // namespace ashlar::dispatch
