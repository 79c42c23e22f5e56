// SPDX-License-Identifier: Apache-2.0
//
// gemm/supported.hpp: mistakes that types show, each said in one line before anything is instantiated that would say it
// in fifty.
//
// Depends on: gemm/operands.hpp, gemm/packed_weights.hpp, tile/shape.hpp.   Used by: gemm/gemm.hpp.
#pragma once

#include <ashlar/gemm/operands.hpp>
#include <ashlar/gemm/packed_weights.hpp>
#include <ashlar/tile/shape.hpp>
#include <type_traits>

namespace ashlar::detail {

template <class A>
using matrix_element = typename std::decay_t<decltype(matrix_of(std::declval<const A&>()))>::value_type;

/// True, or a compile-time error that names the mistake; false then, and the caller instantiates nothing.
template <class Isa, class A, class B, class C, class Semiring, tile_shape S>
consteval bool supported() {
  using T = typename C::value_type;
  using O = ops<T, Isa>;
  constexpr bool writable = !std::is_const_v<typename C::element_type>;
  static_assert(writable, "gemm: C must not be const");
  constexpr bool one_type = std::is_same_v<matrix_element<A>, T> && std::is_same_v<typename B::value_type, T>;
  static_assert(one_type, "gemm: A, B and C must have one element type");
  constexpr bool known = simd_ops<O>;
  static_assert(known,
                "gemm: no operations for this ISA and element type: these compiler flags do not allow the ISA, or "
                "its adapter is not included");
  if constexpr (known) {
    constexpr bool defined = semiring_on<Semiring, O>;
    static_assert(defined, "gemm: the semiring is not defined for this element type");
    constexpr bool fits = tile_fits_in_registers<O, S>;
    static_assert(fits, "gemm: this tile shape needs more vector registers than the ISA has");
    return writable && one_type && defined && fits;
  } else {
    return false;
  }
}

}  // namespace ashlar::detail
