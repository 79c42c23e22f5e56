// SPDX-License-Identifier: Apache-2.0
//
// gemm/supported.hpp: mistakes that types show, each said in one line before anything is instantiated that would say it
// in fifty.
//
// Depends on: gemm/operands.hpp, gemm/packed_weights.hpp, loop/dot_format.hpp, tile/shape.hpp.   Used by:
// gemm/gemm.hpp.
#pragma once

#include <ashlar/gemm/operands.hpp>
#include <ashlar/gemm/packed_weights.hpp>
#include <ashlar/loop/dot_format.hpp>
#include <ashlar/loop/half_format.hpp>
#include <ashlar/loop/wide_format.hpp>
#include <ashlar/tile/shape.hpp>
#include <type_traits>

namespace ashlar::detail {

/// Products of these sum small integers in 32 bits.
template <class A, class B>
inline constexpr bool sums_small_integers = small_integers<matrix_element<A>, typename B::value_type>;

/// Products of these sum narrow floating-point numbers in float, or round to them.
template <class A, class B, class C>
inline constexpr bool multiplies_narrow_floats =
    narrow_floats<matrix_element<A>, typename B::value_type, typename C::value_type>;

/// The same for 64-bit sums of small integers.
template <class Isa, class A, class B, class C, class Semiring, tile_shape S, bool ZeroPoints>
consteval bool supported_wide() {
  using D = typename C::value_type;
  constexpr bool writable = !std::is_const_v<typename C::element_type>;
  static_assert(writable, "gemm: C must not be const");
  constexpr bool integers = wide_integers<matrix_element<A>, typename B::value_type> && any_matrix<B>;
  static_assert(integers, "gemm: 64-bit sums are of matrices of integers of at most 16 bits");
  constexpr bool output = std::is_integral_v<D> && std::is_signed_v<D>;
  static_assert(output, "gemm: C of 64-bit sums must be of signed integers");
  constexpr bool known = simd_ops<ops<double, Isa>>;
  static_assert(known,
                "gemm: no operations for this ISA: these compiler flags do not allow it, or its adapter is not "
                "included");
  constexpr bool plain =
      std::is_same_v<Semiring, plus_times> && !is_transformed<A> && !converted_matrix<A> && !ZeroPoints;
  static_assert(plain, "gemm: 64-bit sums have no zero points, no semiring of their own and no prologue of A");
  if constexpr (known) {
    constexpr bool fits = tile_fits_in_registers<ops<double, Isa>, S>;
    static_assert(fits, "gemm: this tile shape needs more vector registers than the ISA has");
    return writable && integers && output && plain && fits;
  } else {
    return false;
  }
}

/// The same for narrow floating-point numbers; O: what their tiles work with.
template <class Isa, class C, class Semiring, tile_shape S, class O>
consteval bool supported_narrow() {
  constexpr bool writable = !std::is_const_v<typename C::element_type>;
  static_assert(writable, "gemm: C must not be const");
  constexpr bool known = simd_ops<ops<float, Isa>>;
  static_assert(known,
                "gemm: no operations for this ISA: these compiler flags do not allow it, or its adapter is not "
                "included");
  if constexpr (known) {
    constexpr bool defined = semiring_on<Semiring, ops<float, Isa>>;
    static_assert(defined, "gemm: the semiring is not defined for float");
    constexpr bool fits = tile_fits_in_registers<O, S>;
    static_assert(fits, "gemm: this tile shape needs more vector registers than the ISA has");
    return writable && defined && fits;
  } else {
    return false;
  }
}

/// The same for small integers.
template <class Isa, class A, class B, class C, class Semiring, tile_shape S>
consteval bool supported_integers() {
  using D = typename C::value_type;
  constexpr bool writable = !std::is_const_v<typename C::element_type>;
  static_assert(writable, "gemm: C must not be const");
  constexpr bool output = float_or_narrow<D> || (std::is_integral_v<D> && sizeof(D) <= 4);
  static_assert(output, "gemm: C of small integers must be float, narrower, or integers of at most 32 bits");
  constexpr bool known = simd_ops<ops<std::int32_t, Isa>>;
  static_assert(known,
                "gemm: no operations for this ISA: these compiler flags do not allow it, or its adapter is not "
                "included");
  constexpr bool plain = std::is_same_v<Semiring, plus_times> && !is_transformed<A>;
  static_assert(plain, "gemm: small integers have neither a semiring of their own nor a prologue of A");
  if constexpr (known) {
    constexpr bool fits = tile_fits_in_registers<dot_ops_for<Isa, matrix_element<A>>, S>;
    static_assert(fits, "gemm: this tile shape needs more vector registers than the ISA has");
    return writable && output && plain && fits;
  } else {
    return false;
  }
}

/// True, or a compile-time error that names the mistake; false then, and the caller instantiates nothing.
template <class Isa, class A, class B, class C, class Semiring, tile_shape S>
consteval bool supported() {
  using T = typename C::value_type;
  using O = ops<T, Isa>;
  constexpr bool writable = !std::is_const_v<typename C::element_type>;
  static_assert(writable, "gemm: C must not be const");
  constexpr bool one_type = std::is_same_v<matrix_element<A>, T> && std::is_same_v<typename B::value_type, T>;
  static_assert(one_type,
                "gemm: A, B and C must have one element type, A and B small integers, or all float or narrower");
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
