// SPDX-License-Identifier: Apache-2.0
//
// dispatch/entry.hpp: fat mode: entry points named after their target, and the choice among them.
//
//   kernels.cpp, compiled once per ISA by ashlar_add_fat_kernels():
//       extern "C" void ASHLAR_ENTRY(my_sgemm)(const problem& p) {     // my_sgemm_scalar, my_sgemm_avx2, ...
//         gemm<isa::ASHLAR_TARGET_ISA>(...);
//       }
//
//   caller.cpp, compiled at baseline flags:
//       #define ROW(isa) {dispatch::target::isa, my_sgemm_##isa},
//       constexpr dispatch::entry<void(const problem&)> table[] = {ASHLAR_FAT_ISAS(ROW)};
//       dispatch::choose(dispatch::detect(), table)(p);
//
// Depends on: dispatch/target.hpp.   Used by: programs, tests/dispatch.
#pragma once

#include <ashlar/dispatch/target.hpp>

#define ASHLAR_JOIN_EXPANDED(name, isa) name##_##isa
#define ASHLAR_JOIN(name, isa) ASHLAR_JOIN_EXPANDED(name, isa)
#define ASHLAR_ENTRY(name) ASHLAR_JOIN(name, ASHLAR_TARGET_ISA)

namespace ashlar::dispatch {

template <class Function>
struct entry {
  target compiled_for;
  Function* function;
};

/// The last entry of the table that `have` executes (so list better targets later), or nullptr when there is none.
template <class Function, decltype(sizeof(0)) Entries>
ASHLAR_INLINE constexpr Function* choose(target have, const entry<Function> (&table)[Entries]) {
  Function* chosen = nullptr;
  for (const entry<Function>& e : table)
    if (executes(have, e.compiled_for)) chosen = e.function;
  return chosen;
}

}  // namespace ashlar::dispatch
