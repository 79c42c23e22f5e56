// SPDX-License-Identifier: Apache-2.0
//
// loop/half_format.hpp: products of bf16, f16 and other narrow floating-point numbers, summed in float.
//
//   acc = fma(float(A(i, k)), float(B(k, j)), acc)        k in increasing order: the bits of the reference
//
// A is converted where it is copied, B where the tile loads it: what streams from memory stays narrow.
//
// Depends on: loop/format.hpp, pack/half_block.hpp.   Used by: gemm/gemm.hpp, conv/product.hpp.
#pragma once

#include <concepts>

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/isa/half.hpp>
#include <ashlar/loop/format.hpp>
#include <ashlar/pack/half_block.hpp>

namespace ashlar {

template <class TA, class TB, class Isa>
struct half_format : plain_format<float, Isa> {
  using O = half_ops<TB, Isa>;
  using a_type = TA;
  using b_type = TB;
  using b_unit = TB;
  static constexpr bool in_place = false, units_in_place = false;

  static ASHLAR_INLINE void copy_a(const strided_block<TA>& a, float* out, index ld, index steps) {
    if constexpr (std::same_as<TA, float>) {
      block_copy<float, Isa>::run(a, out, ld, steps);
    } else {
      copy_widened<Isa>(a, out, ld, steps);
    }
  }
  static ASHLAR_INLINE void copy_b(const strided_block<TB>& b, TB* out, index nr) {
    if constexpr (std::same_as<TB, float>) {
      block_copy<float, Isa>::run(b, out, nr, nr);
    } else {
      copy_half_rows<Isa>(b, out, nr, nr);
    }
  }
};

}  // namespace ashlar
