// SPDX-License-Identifier: Apache-2.0
//
// loop/native_half_format.hpp: products of f16 or bf16 by the ISA's own instruction, where that gives the bits of
// loop/half_format.hpp (isa/dot_half.hpp). A is read as it lies in memory.
//
// Panels of B are those of half_format: weights packed for one serve the other.
//
// Depends on: loop/half_format.hpp, isa/dot_half.hpp.   Used by: gemm/kernel.hpp, conv/{kernels,product}.hpp.
#pragma once

#include <ashlar/isa/dot_half.hpp>
#include <ashlar/loop/half_format.hpp>

namespace ashlar {

/// Does Isa multiply N itself, with the bits of the converted numbers?
template <class N, class Isa>
inline constexpr bool multiplies_halves = half_dot_ops<N, Isa>::group > 0;

/// f16 or bf16 as they are.
template <class N, class Isa>
  requires multiplies_halves<N, Isa>
struct native_half_format : plain_format<float, Isa> {
  using O = half_dot_ops<N, Isa>;
  using a_type = N;
  using b_type = N;
  using a_unit = typename O::a_unit;
  using b_unit = typename O::b_unit;
  using semiring = dot_products;
  using as_floats = half_format<N, N, Isa>;  // for what is no N: the values of a prologue, other padding
  static constexpr bool in_place = false, units_in_place = true;

  template <class How>
  static ASHLAR_INLINE a_unit padding_of(const How& how) {
    return N(how.padding_value).bits;
  }
  static ASHLAR_INLINE void copy_a(const strided_block<N>& a, a_unit* out, index ld, index steps) {
    copy_half_rows<Isa>(a, reinterpret_cast<N*>(out), ld, steps);
  }
  static ASHLAR_INLINE void copy_b(const strided_block<N>& b, N* out, index nr) { copy_half_rows<Isa>(b, out, nr, nr); }
};

/// The format of narrow floating-point numbers that are multiplied as they are.
template <class TA, class TB, class Isa>
struct narrow_format {
  using type = half_format<TA, TB, Isa>;
};
template <class N, class Isa>
  requires multiplies_halves<N, Isa>
struct narrow_format<N, N, Isa> {
  using type = native_half_format<N, Isa>;
};
template <class TA, class TB, class Isa>
using narrow_format_of = typename narrow_format<TA, TB, Isa>::type;

}  // namespace ashlar
