// SPDX-License-Identifier: Apache-2.0
//
// gemm/operands.hpp: what may stand in the place of A: a matrix, a matrix with a prologue, or one of floats that become
// small integers.
//
//     gemm(transform(A, silu(acc) * per_row(scale)), B, C);        // applied to A as it is read
//     gemm(quantized<std::uint8_t>(X, a), B, C);                   // quant/source.hpp
//
// Depends on: core/, epilogue/, loop/finish.hpp.   Used by: gemm/gemm.hpp.
#pragma once

#include <ashlar/core.hpp>
#include <ashlar/core/overlap.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/loop/finish.hpp>

namespace ashlar {

/// A matrix whose elements pass through an expression when they are read; `acc` is the element, rows and columns are
/// A's.
template <class View, class E>
struct transformed_matrix {
  View matrix;
  E prologue;
};

/// A(m, k) -> prologue(A(m, k)): takes the place of A in gemm; `acc` is the element, rows and columns are A's.
///
///     gemm(transform(A, relu(acc + per_column(shift))), B, C);
///
/// Computed once for each block of A that is copied to the workspace, with the bits of the reference. A is not changed;
/// what the expression points to must outlive the call and not share memory with C. Copies nothing by itself.
template <any_matrix View, expression E>
ASHLAR_INLINE constexpr transformed_matrix<View, E> transform(const View& matrix, const E& prologue) {
  return {matrix, prologue};
}

namespace detail {

template <class X>
inline constexpr bool is_transformed = false;
template <class V, class E>
inline constexpr bool is_transformed<transformed_matrix<V, E>> = true;

// A matrix whose elements become small integers as they are read, with its own zero point (quant/source.hpp).
template <class X>
concept converted_matrix = requires(const X& x) {
  typename X::element;
  x.matrix;
  x.prologue;
  x.zero_point();
};

template <any_matrix V>
ASHLAR_INLINE constexpr const V& matrix_of(const V& v) {
  return v;
}
template <class V, class E>
ASHLAR_INLINE constexpr const V& matrix_of(const transformed_matrix<V, E>& t) {
  return t.matrix;
}
template <converted_matrix X>
ASHLAR_INLINE constexpr const auto& matrix_of(const X& x) {
  return x.matrix;
}
template <any_matrix V>
ASHLAR_INLINE constexpr no_prologue prologue_of(const V&) {
  return {};
}
template <class V, class E>
ASHLAR_INLINE constexpr const E& prologue_of(const transformed_matrix<V, E>& t) {
  return t.prologue;
}
template <converted_matrix X>
ASHLAR_INLINE constexpr const auto& prologue_of(const X& x) {
  return x.prologue;
}

// The type of its elements as they are multiplied.
template <class A>
struct element_of {
  using type = typename std::decay_t<decltype(matrix_of(std::declval<const A&>()))>::value_type;
};
template <converted_matrix A>
struct element_of<A> {
  using type = typename A::element;
};
template <class A>
using matrix_element = typename element_of<A>::type;

}  // namespace detail
}  // namespace ashlar
