// SPDX-License-Identifier: Apache-2.0
//
// dispatch/detect.hpp: which target this CPU *and its operating system* execute, for programs built in fat mode.
//
// Include it in code compiled at baseline flags only. Everything is always inlined and nothing is initialised before
// main, so that no symbol of it can be replaced by a copy compiled for a larger ISA. A CPUID bit alone is not enough on
// x86: the system must also save the wide registers on a context switch, which XCR0 tells.
//
// Depends on: dispatch/target.hpp.   Used by: programs, tests/dispatch.
// Source: Intel SDM vol. 1, 13.3 (XCR0) and 14.3, 15.2 (detection of AVX2, AVX-512); Linux arm64 ELF hwcaps.
#pragma once

#include <ashlar/dispatch/target.hpp>
#include <cstdlib>

#if defined(__x86_64__)
#include <ashlar/dispatch/detect_x86.hpp>
#elif defined(__aarch64__)
#include <ashlar/dispatch/detect_arm.hpp>
#else
namespace ashlar::dispatch {
ASHLAR_INLINE target hardware() { return target::scalar; }
}  // namespace ashlar::dispatch
#endif

namespace ashlar::dispatch {

/// The target that a name stands for, or `otherwise` when it is null or not a name.
ASHLAR_INLINE constexpr target target_named(const char* text, target otherwise) {
  if (text == nullptr) return otherwise;
  for (const target_facts& t : all_targets) {
    index i = 0;
    while (t.name[i] != '\0' && t.name[i] == text[i]) ++i;
    if (t.name[i] == text[i]) return t.which;
  }
  return otherwise;
}

/// `have`, lowered to the target named by `limit`; a name that the machine does not execute, or no name at all, changes
/// nothing.
ASHLAR_INLINE constexpr target lowered(target have, const char* limit) {
  const target wanted = target_named(limit, have);
  return executes(have, wanted) ? wanted : have;
}

/// The best target of this machine. The environment variable ASHLAR_ISA (scalar, avx2, ...) can lower it, never raise
/// it.
///
///     static const auto kernel = dispatch::choose(dispatch::detect(), table);
///
/// Asks the CPU each time (some microseconds in a virtual machine): keep the answer.
ASHLAR_INLINE target detect() { return lowered(hardware(), std::getenv("ASHLAR_ISA")); }

}  // namespace ashlar::dispatch
