// SPDX-License-Identifier: Apache-2.0
//
// Every micro-kernel that the registry has for ASHLAR_TEST_ISA, compiled as gemm compiles it: what codegen.py reads.
#include <ashlar/gemm.hpp>

namespace {

using namespace ashlar;

using isa_type = ASHLAR_TEST_ISA;

// Asking for one kernel of each table, narrow and wide, makes the compiler emit them all.
template <class Table>
int kernels_of() {
  volatile ashlar::index rows = 1;
  return (Table::find(rows, 1) != nullptr) + (Table::find_wide(rows) != nullptr);
}

// Of units of small integers, or of bf16 or f16.
template <class O, class Tile>
int dot_kernels_of() {
  using operands = tile_operands<typename O::a_unit, typename O::b_unit, typename O::value_type>;
  return kernels_of<tile_table<O, Tile::shape, dot_products, acc_node, operands>>();
}

template <class Tile>
int kernels_for() {
  using T = typename Tile::value_type;
  if constexpr (multiplies_halves<f16, isa_type>) {  // those of other numbers are another ISA's
    constexpr bool of_halves = std::is_same_v<T, float> && std::is_base_of_v<typename Tile::isa_type, isa_type> &&
                               Tile::shape == default_tile<T, isa_type>;
    if constexpr (of_halves) {
      return dot_kernels_of<half_dot_ops<f16, isa_type>, Tile>() + dot_kernels_of<half_dot_ops<bf16, isa_type>, Tile>();
    }
    return 0;
  } else if constexpr (std::is_same_v<T, std::int8_t> && std::is_base_of_v<typename Tile::isa_type, isa_type> &&
                       Tile::shape == default_tile<T, isa_type> && multiplies_bf16<isa_type>) {
    return dot_kernels_of<bf16_dot_ops<isa_type>, Tile>();  // those of small integers are another ISA's
  } else if constexpr (std::is_same_v<T, std::int8_t> && std::is_base_of_v<typename Tile::isa_type, isa_type> &&
                       Tile::shape == default_tile<T, isa_type>) {
    int kernels = dot_kernels_of<dot_ops<isa_type>, Tile>();
    if constexpr (word_dot_ops<isa_type>::group > 1) kernels += dot_kernels_of<word_dot_ops<isa_type>, Tile>();
    if constexpr (seven_bit_dot_ops<isa_type>::group > 1)
      kernels += dot_kernels_of<seven_bit_dot_ops<isa_type>, Tile>();
    return kernels;
  } else if constexpr (std::is_same_v<typename Tile::isa_type, isa_type>) {
    return kernels_of<tile_table<ops<T, isa_type>, Tile::shape, plus_times, acc_node>>();
  } else {
    return 0;
  }
}

template <class... Tiles>
int count(const tile_list<Tiles...>*) {
  return (kernels_for<Tiles>() + ...);
}

}  // namespace

int registered_kernels() { return count(static_cast<const tile_registry*>(nullptr)); }
