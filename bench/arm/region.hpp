// SPDX-License-Identifier: Apache-2.0
//
// bench/arm/region.hpp: marks a region of a program for an instruction counter outside it, such as an emulator's
// plugin.
//
// The mark is a system call that no kernel has: number 0x7e57 ("test"), x0 = 1 at the begin and 2 at the end, x1 = the
// region's number. Real hardware answers ENOSYS and goes on. Elsewhere than on AArch64 it is nothing.
//
// Depends on: nothing.   Used by: bench/arm/.
#pragma once

namespace bench {

enum class mark : long { begin = 1, end = 2 };

inline void set_mark(mark what, long region) {
#if defined(__aarch64__)
  register long number __asm__("x8") = 0x7e57;
  register long first __asm__("x0") = static_cast<long>(what);
  register long second __asm__("x1") = region;
  __asm__ volatile("svc #0" : "+r"(first) : "r"(number), "r"(second) : "memory");
#else
  (void)what;
  (void)region;
#endif
}

}  // namespace bench
