// SPDX-License-Identifier: Apache-2.0
//
// loop/bf16_format.hpp: products of bf16 by the ISA's own instruction, whose rounding is its own (isa/dot_bf16.hpp).
//
// What is computed is the sum of loop/half_format.hpp within a bound (docs/low-precision.md), not bit for bit: an
// option that the caller asks for.
//
// Depends on: loop/format.hpp, pack/bf16_units.hpp, isa/dot_bf16.hpp.   Used by: gemm/kernel.hpp, conv/product.hpp.
#pragma once

#include <ashlar/isa/dot_bf16.hpp>
#include <ashlar/loop/format.hpp>
#include <ashlar/pack/bf16_units.hpp>

namespace ashlar {

/// Does Isa multiply bf16 itself?
template <class Isa>
inline constexpr bool multiplies_bf16 = bf16_dot_ops<Isa>::group > 0;

/// Groups of bf16, two of them a unit.
template <class Isa>
  requires multiplies_bf16<Isa>
struct bf16_format : plain_format<float, Isa> {
  using O = bf16_dot_ops<Isa>;
  using a_type = bf16;
  using b_type = bf16;
  using registered = std::int8_t;
  using semiring = dot_products;
  using groups = bf16_groups<O::group, Isa>;
  static constexpr index group = O::unit, together = O::group / O::unit, rows_together = multiplies_pairs<O> ? 2 : 1;
  static constexpr bool in_place = false, units_in_place = false;

  template <class How>
  static ASHLAR_INLINE float padding_of(const How& how) {
    const bf16 both[2] = {bf16(how.padding_value), bf16(how.padding_value)};
    return __builtin_bit_cast(float, both);
  }
  static ASHLAR_INLINE void copy_a(const strided_block<bf16>& a, float* out, index ld, index steps) {
    groups::rows(a, reinterpret_cast<bf16*>(out), ld * group, steps * group);
  }
  static ASHLAR_INLINE void copy_pairs(const strided_block<bf16>& a, float* out, index ld, index steps) {
    groups::row_pairs(a, reinterpret_cast<bf16*>(out), ld * group, steps * group);
  }
  static ASHLAR_INLINE void copy_b(const strided_block<bf16>& b, float* out, index nr) {
    groups::panel(b, reinterpret_cast<bf16*>(out), nr);
  }
};

}  // namespace ashlar
