// SPDX-License-Identifier: Apache-2.0
//
// isa/dot.hpp: sums of products of small integers, what an ISA has for them, and the form that operands are copied to.
//
//   lane l of dot(acc, a, b)  =  acc[l] + sum over g < group of a[l][g] * b[l][g]        in 32 bits that wrap
//
// A group is so many consecutive k of one row of A or one column of B; it stands together in a panel of B. A unit is a
// group, or of what fills more than 32 bits a part of one. Every ISA multiplies its own pair of element types, so
// operands are copied to those first; bytes of the other sign are stored with 128 added or taken away (shift_of), for
// which sums of rows and columns make up afterwards. Without an instruction of its own an ISA multiplies 32-bit
// numbers, a group of one.
//
//   scalar, neon and others   int32 * int32    1     isa/dot.hpp
//   avx2, avx512              int16 * int8     2     isa/dot_madd.hpp: vpmaddwd, exact; vpmaddubsw would saturate
//   avx2, B within 7 bits     uint8 * int8     4     isa/dot_madd.hpp: vpmaddubsw cannot saturate
//   avx_vnni, avx512_vnni     uint8 * int8     4     isa/dot_vnni.hpp: vpdpbusd
//   neon_dot, sve             int8 * int8      4     isa/dot_arm.hpp: SDOT
//   neon_i8mm, sve_i8mm       int8 * int8      8     isa/dot_arm.hpp: SMMLA, two rows by two columns in one step
//
// Of bf16: isa/dot_bf16.hpp; of both with one rounding: isa/dot_half.hpp.
//
// Depends on: isa/ops.hpp, isa/scalar.hpp.   Used by: tile/registry.hpp, pack/, loop/.
#pragma once

#include <algorithm>
#include <ashlar/isa/ops.hpp>
#include <ashlar/isa/scalar.hpp>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace ashlar {

/// ops<std::int32_t, Isa> and
///
///     a_element, b_element, group         what copied operands are made of
///     a_unit, b_unit, unit                integers of a unit's size, and how many elements that is
///     broadcast_load(const a_unit*)  load(const b_unit*)     a vector of units; a whole one for b
///     load(const a_unit*)                 consecutive units of one row of A
///     ones()                              a vector of units of ones, for a or b
///     dot(acc, a, b)
///     in_memory{const b_unit*}            where registers are short, a vector of b that dot() reads itself; optional
///
/// The one that has lanes of its own (lane_ops) also says fma_lane<L>(acc, b, a): dot() with unit L of a; the one that
/// multiplies two rows by two columns (pair_ops) says how, and add_columns(acc, b): to lane j the sum of group j.
template <class Isa>
struct dot_ops;

namespace detail {

template <int Bytes>
using integer_of = std::conditional_t<Bytes == 2, std::int16_t, std::int32_t>;

/// All of a dot_ops but dot(): units of Group elements A and Group elements B.
template <class Isa, std::integral A, std::integral B, int Group>
struct dot_units : ops<std::int32_t, Isa> {
  using a_element = A;
  using b_element = B;
  using a_unit = integer_of<Group* int(sizeof(A))>;
  using b_unit = integer_of<Group* int(sizeof(B))>;
  static constexpr index group = Group, unit = std::min(Group, 4 / int(sizeof(A)));

  /// A unit may lie anywhere: elements of A where the caller has them.
  static ASHLAR_INLINE auto broadcast_load(const a_unit* p) {
    a_unit x;
    std::memcpy(&x, p, sizeof x);
    return ops<std::int32_t, Isa>::broadcast(x);
  }
  static ASHLAR_INLINE constexpr auto ones() {
    std::int32_t all = 0;
    for (int g = 0; g < unit; ++g) all |= std::int32_t(1) << (8 * int(sizeof(A)) * g);
    return ops<std::int32_t, Isa>::broadcast(all);
  }
};

template <class Isa>
struct plain_dot_ops : dot_units<Isa, std::int32_t, std::int32_t, 1> {
  using vec = typename ops<std::int32_t, Isa>::vec;
  static ASHLAR_INLINE constexpr vec dot(const vec& acc, const vec& a, const vec& b) {
    return ops<std::int32_t, Isa>::fma(a, b, acc);
  }
};

}  // namespace detail

template <class Isa>
struct dot_ops : detail::plain_dot_ops<Isa> {};

/// The same for 16-bit A.
template <class Isa>
struct wide_dot_ops : detail::plain_dot_ops<Isa> {};

/// The same for 16-bit A and B.
template <class Isa>
struct word_dot_ops : detail::plain_dot_ops<Isa> {};

/// The same for B of numbers within [-64, 64], where an ISA has something faster for them; a group of 0: it has not.
template <class Isa>
struct seven_bit_dot_ops {
  static constexpr index group = 0;
};

/// Two rows by two columns in one step: a vector of A has a group of each row in turn, one of B a group of each of
/// lanes() / 2 columns, and two vectors of sums are those of two rows, each with one half of the columns.
template <class O>
concept pair_ops = requires(typename O::vec v, const typename O::a_unit* a) {
  { O::load_pair(a, a) } -> std::same_as<typename O::vec>;    // of two rows
  { O::load_groups(a) } -> std::same_as<typename O::vec>;     // of two rows side by side
  { O::dot_pair(v, v, v) } -> std::same_as<typename O::vec>;  // acc + A * B
  { O::first_row(v, v) } -> std::same_as<typename O::vec>;    // of two halves
  { O::second_row(v, v) } -> std::same_as<typename O::vec>;   //
  { O::first_half(v, v) } -> std::same_as<typename O::vec>;   // of two rows
  { O::second_half(v, v) } -> std::same_as<typename O::vec>;  //
};

template <class O>
inline constexpr bool multiplies_pairs = false;
template <pair_ops O>
inline constexpr bool multiplies_pairs<O> = true;

/// Do two vectors of B come from one load, load_two()? The second one is multiplied by O::second. Vectors: of a panel.
template <class O, int Vectors>
inline constexpr bool joins_vectors = false;
template <class O, int Vectors>
  requires requires { typename O::second; }
inline constexpr bool joins_vectors<O, Vectors> = Vectors % 2 == 0;

/// O or O::second.
template <class O, bool Second>
struct vector_ops {
  using type = O;
};
template <class O>
struct vector_ops<O, true> {
  using type = typename O::second;
};

/// The arithmetic of dot_ops as a semiring of units.
struct dot_products {
  template <class O>
  static ASHLAR_INLINE constexpr typename O::vec zero() {
    return O::zero();
  }
  template <class O, class B>
  static ASHLAR_INLINE constexpr typename O::vec accumulate(const typename O::vec& a, const B& b,
                                                            const typename O::vec& sums) {
    return O::dot(sums, a, b);
  }
  template <pair_ops O>
  static ASHLAR_INLINE typename O::vec accumulate_pair(const typename O::vec& a, const typename O::vec& b,
                                                       const typename O::vec& sums) {
    return O::dot_pair(sums, a, b);
  }
  template <lane_ops O, int L>
    requires(!pair_ops<O>)
  static ASHLAR_INLINE constexpr typename O::vec accumulate_lane(const typename O::vec& a, const typename O::vec& b,
                                                                 const typename O::vec& sums) {
    return O::template fma_lane<L>(sums, b, a);
  }
};

namespace detail {

/// What is taken away from a number of type Source where it is stored as an Element: 128, -128 or nothing.
template <std::integral Element, std::integral Source>
inline constexpr std::int32_t shift_of =
    sizeof(Element) > sizeof(Source) || std::is_signed_v<Element> == std::is_signed_v<Source> ? 0
    : std::is_signed_v<Element>                                                               ? 128
                                                                                              : -128;

}  // namespace detail
}  // namespace ashlar
