// SPDX-License-Identifier: Apache-2.0
//
// dispatch/target.hpp: the run-time names of the ISAs, and which of them implies which.
//
// The compile-time counterpart is the tag (isa/tags.hpp): target::avx2 is isa::avx2. A value costs nothing to include
// in code that is compiled at baseline flags: no SIMD header stands behind it.
//
// Depends on: core/config.hpp.   Used by: dispatch/detect.hpp, dispatch/entry.hpp.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::dispatch {

enum class target : unsigned char { scalar, avx2, avx512, neon, sve };

inline constexpr target all_targets[] = {target::scalar, target::avx2, target::avx512, target::neon, target::sve};

/// "avx2": the token that cmake/ashlar_isa.cmake, ASHLAR_ISA and ASHLAR_TARGET_ISA use.
ASHLAR_INLINE constexpr const char* name(target t) {
  constexpr const char* names[] = {"scalar", "avx2", "avx512", "neon", "sve"};
  return names[static_cast<unsigned char>(t)];
}

/// Whether a machine whose best target is `have` also executes code compiled for `wanted`.
ASHLAR_INLINE constexpr bool executes(target have, target wanted) {
  if (wanted == target::scalar || wanted == have) return true;
  return (have == target::avx512 && wanted == target::avx2) || (have == target::sve && wanted == target::neon);
}

}  // namespace ashlar::dispatch
