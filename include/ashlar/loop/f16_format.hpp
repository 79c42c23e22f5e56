// SPDX-License-Identifier: Apache-2.0
//
// loop/f16_format.hpp: products of f16 by the ISA's own instruction, which gives the bits of loop/half_format.hpp
// (isa/dot_f16.hpp) and reads A as it lies in memory.
//
// Panels of B are those of half_format: weights packed for one serve the other.
//
// Depends on: loop/half_format.hpp, isa/dot_f16.hpp.   Used by: gemm/kernel.hpp, conv/{kernels,product}.hpp.
#pragma once

#include <ashlar/isa/dot_f16.hpp>
#include <ashlar/loop/half_format.hpp>

namespace ashlar {

/// Does Isa multiply f16 itself?
template <class Isa>
inline constexpr bool multiplies_f16 = f16_dot_ops<Isa>::group > 0;

/// f16 as they are.
template <class Isa>
  requires multiplies_f16<Isa>
struct f16_format : plain_format<float, Isa> {
  using O = f16_dot_ops<Isa>;
  using a_type = f16;
  using b_type = f16;
  using a_unit = typename O::a_unit;
  using b_unit = typename O::b_unit;
  using semiring = dot_products;
  using as_floats = half_format<f16, f16, Isa>;  // for what is no f16: the values of a prologue, other padding
  static constexpr bool in_place = false, units_in_place = true;

  template <class How>
  static ASHLAR_INLINE a_unit padding_of(const How& how) {
    return f16(how.padding_value).bits;
  }
  static ASHLAR_INLINE void copy_a(const strided_block<f16>& a, a_unit* out, index ld, index steps) {
    copy_half_rows<Isa>(a, reinterpret_cast<f16*>(out), ld, steps);
  }
  static ASHLAR_INLINE void copy_b(const strided_block<f16>& b, f16* out, index nr) {
    copy_half_rows<Isa>(b, out, nr, nr);
  }
};

/// The format of narrow floating-point numbers that are multiplied as they are.
template <class TA, class TB, class Isa>
struct narrow_format {
  using type = half_format<TA, TB, Isa>;
};
template <class Isa>
  requires multiplies_f16<Isa>
struct narrow_format<f16, f16, Isa> {
  using type = f16_format<Isa>;
};
template <class TA, class TB, class Isa>
using narrow_format_of = typename narrow_format<TA, TB, Isa>::type;

}  // namespace ashlar
