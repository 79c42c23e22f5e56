// SPDX-License-Identifier: Apache-2.0
//
// Every micro-kernel that the registry has for ASHLAR_TEST_ISA, compiled as gemm compiles it: what codegen.py reads.
#include <ashlar/gemm.hpp>

namespace {

using namespace ashlar;

// Asking for one kernel of each table, narrow and wide, makes the compiler emit them all.
template <class Tile>
int kernels_of() {
  if constexpr (std::is_same_v<typename Tile::isa_type, ASHLAR_TEST_ISA>) {
    using T = typename Tile::value_type;
    using table = tile_table<T, ASHLAR_TEST_ISA, Tile::shape, plus_times, acc_node>;
    volatile ashlar::index rows = 1;
    return (table::find(rows, 1) != nullptr) + (table::find_wide(rows) != nullptr);
  } else {
    return 0;
  }
}

template <class... Tiles>
int count(const tile_list<Tiles...>*) {
  return (kernels_of<Tiles>() + ...);
}

}  // namespace

int registered_kernels() { return count(static_cast<const tile_registry*>(nullptr)); }
