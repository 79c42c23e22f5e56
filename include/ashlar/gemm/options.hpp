// SPDX-License-Identifier: Apache-2.0
//
// gemm/options.hpp: what may follow A, B and C in a call, in any order: an epilogue expression, on(executor), scratch
// memory, a semiring, a tile shape, cache sizes, zero points, 64-bit sums, native_rounding. Whatever is not said has
// its default.
//
// Depends on: core/, epilogue/, loop/blocking.hpp, tile/registry.hpp.   Used by: gemm/gemm.hpp.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include <ashlar/core.hpp>
#include <ashlar/core/narrow_float.hpp>
#include <ashlar/core/small_integers.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/loop/blocking.hpp>
#include <ashlar/tile/registry.hpp>

namespace ashlar {

/// Option: this tile instead of the default of the registry; the result is the same.
///     gemm(A, B, C, with_tile<tile_shape{9, 3, 1}>{})
template <tile_shape S>
struct with_tile {
  static constexpr tile_shape shape = S;
};

/// Option: caller-owned scratch memory; gemm then allocates nothing.  gemm(A, B, C, scratch(bytes))
struct scratch {
  std::span<std::byte> memory;
  ASHLAR_INLINE constexpr explicit scratch(std::span<std::byte> m) : memory(m) {}
};

/// Option: what is subtracted from each element of A, an integer for all or a pointer to one for each row.
///     gemm(A, B, C, a_zero_point(128))
template <class Z>
struct a_zero_point {
  static_assert(std::is_integral_v<Z> || std::is_pointer_v<Z>);
  Z z;
  ASHLAR_INLINE constexpr explicit a_zero_point(Z zero) : z(zero) {}
};

/// Option: what is subtracted from each element of B, an integer for all or a pointer to one for each column.
///     gemm(A, B, C, b_zero_point(zeros_of_columns))
template <class Z>
struct b_zero_point {
  static_assert(std::is_integral_v<Z> || std::is_pointer_v<Z>);
  Z z;
  ASHLAR_INLINE constexpr explicit b_zero_point(Z zero) : z(zero) {}
};

namespace detail {

struct no_scratch {};
ASHLAR_INLINE constexpr const std::span<std::byte>* memory_of(const no_scratch&) { return nullptr; }
ASHLAR_INLINE constexpr const std::span<std::byte>* memory_of(const scratch& s) { return &s.memory; }

template <class X>
inline constexpr bool is_tile_option = false;
template <tile_shape S>
inline constexpr bool is_tile_option<with_tile<S>> = true;
template <class X>
inline constexpr bool is_a_zero_point = false;
template <class Z>
inline constexpr bool is_a_zero_point<a_zero_point<Z>> = true;
template <class X>
inline constexpr bool is_b_zero_point = false;
template <class Z>
inline constexpr bool is_b_zero_point<b_zero_point<Z>> = true;
template <class X>
inline constexpr bool is_sums_option = false;
template <class Sum>
inline constexpr bool is_sums_option<with_sums<Sum>> = true;
template <class X>
concept gemm_option = is_tile_option<X> || is_sums_option<X> || std::is_same_v<X, native_rounding_option> ||
                      is_a_zero_point<X> || is_b_zero_point<X> || std::is_same_v<X, scratch> ||
                      std::is_same_v<X, cache_sizes> || expression<X> || semiring<X> || is_on_executor<X>;

// The first argument that satisfies a predicate, else the default.
template <template <class> class Predicate, class Default>
ASHLAR_INLINE constexpr Default option(const Default& otherwise) {
  return otherwise;
}
template <template <class> class Predicate, class Default, class First, class... Rest>
ASHLAR_INLINE constexpr auto option(const Default& otherwise, const First& first, const Rest&... rest) {
  if constexpr (Predicate<First>::value) {
    return first;
  } else {
    return option<Predicate>(otherwise, rest...);
  }
}
template <class X>
struct epilogue_option : std::bool_constant<expression<X>> {};
template <class X>
struct semiring_option : std::bool_constant<semiring<X>> {};
template <class X>
struct executor_option : std::bool_constant<is_on_executor<X>> {};
template <class X>
struct tile_option : std::bool_constant<is_tile_option<X>> {};
template <class X>
struct cache_option : std::is_same<X, cache_sizes> {};
template <class X>
struct scratch_option : std::is_same<X, scratch> {};
template <class X>
struct a_zero_option : std::bool_constant<is_a_zero_point<X>> {};
template <class X>
struct b_zero_option : std::bool_constant<is_b_zero_point<X>> {};

// Stands for the option that is not there.
struct no_zero_option {
  no_zero_point z;
};

// A user's semiring with a and b exchanged: the transposed problem multiplies B's elements by A's.
template <class S>
struct exchanged {
  template <class O>
    requires semiring_on<S, O>
  static ASHLAR_INLINE constexpr typename O::vec zero() {
    return S::template zero<O>();
  }
  template <class O>
    requires semiring_on<S, O>
  static ASHLAR_INLINE constexpr typename O::vec accumulate(const typename O::vec& a, const typename O::vec& b,
                                                            const typename O::vec& acc) {
    return S::template accumulate<O>(b, a, acc);
  }
};

// The same option for the transposed problem: expressions exchange rows and columns, semirings their operands.
template <class X>
ASHLAR_INLINE constexpr auto transposed_option(const X& x) {
  if constexpr (expression<X>) {
    return transposed(x);
  } else if constexpr (semiring<X> && !commutes<X>) {
    return exchanged<X>();
  } else if constexpr (is_a_zero_point<X>) {
    return b_zero_point(x.z);
  } else if constexpr (is_b_zero_point<X>) {
    return a_zero_point(x.z);
  } else {
    return x;
  }
}

}  // namespace detail
}  // namespace ashlar
