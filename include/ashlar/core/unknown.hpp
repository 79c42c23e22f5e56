// SPDX-License-Identifier: Apache-2.0
//
// core/unknown.hpp: a value of which the compiler knows nothing more.
//
// Where addresses are regular g++ computes all of them before a loop and keeps them in memory; from one that it does
// not know it can only go on.
//
// Depends on: core/config.hpp.   Used by: tile/, conv/.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::detail {

/// The same pointer or index; no instruction.
template <class P>
ASHLAR_INLINE P unknown(P p) {
  asm volatile("" : "+r"(p));
  return p;
}

}  // namespace ashlar::detail
