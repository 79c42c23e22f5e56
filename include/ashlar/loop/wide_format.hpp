// SPDX-License-Identifier: Apache-2.0
//
// loop/wide_format.hpp: products of 8- and 16-bit integers, summed in 64 bits.
//
//   acc = sum over k of A(i, k) * B(k, j)        exact: a double holds every partial sum, whatever the order
//
// Both operands become doubles where they are copied; the tile is that of f64.
//
// Depends on: core/small_integers.hpp, isa/int64_lanes.hpp, loop/format.hpp, pack/half_block.hpp.   Used by:
// gemm/gemm.hpp, conv/product.hpp.
#pragma once

#include <ashlar/core/small_integers.hpp>
#include <ashlar/isa/int64_lanes.hpp>
#include <ashlar/loop/format.hpp>
#include <ashlar/pack/half_block.hpp>

namespace ashlar {

template <class TA, class TB, class Isa>
  requires wide_integers<TA, TB>
struct wide_format : plain_format<double, Isa> {
  using O = wide_ops<Isa>;
  using a_type = TA;
  using b_type = TB;
  static constexpr bool in_place = false, units_in_place = false;

  static ASHLAR_INLINE void copy_a(const strided_block<TA>& a, double* out, index ld, index steps) {
    copy_widened<Isa>(a, out, ld, steps);
  }
  static ASHLAR_INLINE void copy_b(const strided_block<TB>& b, double* out, index nr) {
    copy_widened<Isa>(b, out, nr, nr);
  }
};

}  // namespace ashlar
