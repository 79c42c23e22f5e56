// SPDX-License-Identifier: Apache-2.0
//
// dispatch/detect_arm.hpp: NEON is part of the 64-bit ARM baseline; SVE is what the kernel says it enables for
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
  constexpr unsigned long hwcap_sve = 1UL << 22;  // HWCAP_SVE of Linux' asm/hwcap.h
  return (getauxval(AT_HWCAP) & hwcap_sve) != 0 ? target::sve : target::neon;
}
#else
ASHLAR_INLINE target hardware() { return target::neon; }
#endif

}  // namespace ashlar::dispatch
