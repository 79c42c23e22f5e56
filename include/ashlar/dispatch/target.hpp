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

enum class target : unsigned char {
  scalar,
  avx2,
  avx_vnni,
  avx512,
  avx512_vnni,
  avx512_bf16,
  neon,
  neon_dot,
  neon_i8mm,
  neon_bf16,
  neon_fhm,
  sve,
  sve_i8mm,
  sve_bf16
};

/// A target, what it is called ("avx2": the token that cmake/ashlar_isa.cmake, ASHLAR_ISA and ASHLAR_TARGET_ISA use),
/// and the one that it extends, scalar itself.
struct target_facts {
  target which;
  const char* name;
  target parent;
};
inline constexpr target_facts all_targets[] = {
    {target::scalar, "scalar", target::scalar},
    {target::avx2, "avx2", target::scalar},
    {target::avx_vnni, "avx_vnni", target::avx2},
    {target::avx512, "avx512", target::avx2},
    {target::avx512_vnni, "avx512_vnni", target::avx512},
    {target::avx512_bf16, "avx512_bf16", target::avx512_vnni},
    {target::neon, "neon", target::scalar},
    {target::neon_dot, "neon_dot", target::neon},
    {target::neon_i8mm, "neon_i8mm", target::neon_dot},
    {target::neon_bf16, "neon_bf16", target::neon_i8mm},
    {target::neon_fhm, "neon_fhm", target::neon_bf16},
    {target::sve, "sve", target::neon},
    {target::sve_i8mm, "sve_i8mm", target::sve},
    {target::sve_bf16, "sve_bf16", target::sve_i8mm},
};

ASHLAR_INLINE constexpr const target_facts& facts_of(target t) { return all_targets[static_cast<unsigned char>(t)]; }
ASHLAR_INLINE constexpr const char* name(target t) { return facts_of(t).name; }

/// Whether a machine whose best target is `have` also executes code compiled for `wanted`, which it extends.
ASHLAR_INLINE constexpr bool executes(target have, target wanted) {
  while (have != wanted && have != target::scalar) have = facts_of(have).parent;
  return have == wanted;
}

}  // namespace ashlar::dispatch
