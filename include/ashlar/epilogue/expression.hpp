// SPDX-License-Identifier: Apache-2.0
//
// epilogue/expression.hpp: what happens to an accumulator before it is stored, written as an expression.
//
//   relu(acc + per_column(bias))       alpha * acc + beta * dst       silu(acc) * elements(gate)
//
// An expression is a value: a tree of small literal types, evaluated a vector at a time while the accumulator is in
// registers, on every ISA and in constant evaluation, from this one source. A node has
//
//   eval(m, acc, at)       its value for the accumulator vector `acc` that lies at `at`; m is the math context
//   reads_dst              does it need the old value of dst
//   transposed()           the same for the transposed problem
//   fits(m, n)             do its operands have the shape of an m x n dst
//
// Depends on: core/config.hpp.   Used by: epilogue/operands.hpp, epilogue/functions.hpp, tile/, loop/.
#pragma once

#include <ashlar/core/config.hpp>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace ashlar {

/// Base of every node, by its own type: two different empty nodes may then share an address.
///
/// A node whose operand lies differently in each image of a batch replaces these two (epilogue/image_operand.hpp).
template <class Self>
struct expression_base {
  /// The expression for the pixels of image n alone.
  ASHLAR_INLINE constexpr Self at_image(index) const { return static_cast<const Self&>(*this); }
  /// Have the image operands this batch?
  ASHLAR_INLINE constexpr bool fits_batch(index) const { return true; }
};

/// acc, dst, per_row(p), per_column(p), elements(v), constant(x), and whatever functions and operators make of them.
template <class E>
concept expression = std::derived_from<std::remove_cvref_t<E>, expression_base<std::remove_cvref_t<E>>>;

/// Where a vector lies: elements (row, col) to (row, col + n - 1) of dst; all of its lanes when Full.
template <class T, bool Full>
struct position {
  using value_type = T;
  static constexpr bool full = Full;

  index row, col;
  index n;       // lanes that exist
  const T* dst;  // dst(row, col), consecutive columns
};

/// Does the expression need the old value of dst?   static_assert(!reads_dst<decltype(relu(acc))>);
template <expression E>
inline constexpr bool reads_dst = std::remove_cvref_t<E>::reads_dst;

namespace detail {
// Functions say it themselves (functions::short_formula); others count as long.
template <class F>
consteval bool is_long_function() {
  if constexpr (requires { F::runs_long; }) {
    return F::runs_long;
  } else {
    return true;
  }
}
template <class E>
consteval bool is_long_expression() {
  if constexpr (requires { E::runs_long; }) {
    return E::runs_long;
  } else {
    return false;
  }
}
}  // namespace detail

/// Is the expression too long to be inlined for every accumulator of a tile?   runs_long<decltype(gelu(acc))>
template <expression E>
inline constexpr bool runs_long = detail::is_long_expression<std::remove_cvref_t<E>>();

namespace detail {
template <class E>
consteval bool expression_uses_rows() {
  if constexpr (requires { E::uses_rows; }) {
    return E::uses_rows;
  } else {
    return false;
  }
}
}  // namespace detail

/// Does a value depend on its row, other than through acc and dst?
template <expression E>
inline constexpr bool uses_rows = detail::expression_uses_rows<std::remove_cvref_t<E>>();

/// The expression for the transposed problem: per_row and per_column change places, elements() is transposed.
template <expression E>
ASHLAR_INLINE constexpr auto transposed(const E& e) {
  return e.transposed();
}

/// Do all elements() operands have the shape m x n?
template <expression E>
ASHLAR_INLINE constexpr bool fits(const E& e, index m, index n) {
  return e.fits(m, n);
}

/// The accumulator: sum over k of A(m, k) * B(k, n).
struct acc_node : expression_base<acc_node> {
  static constexpr bool reads_dst = false;

  template <class M, class At>
  ASHLAR_INLINE constexpr typename M::vec eval(M, const typename M::vec& acc, const At&) const {
    return acc;
  }
  ASHLAR_INLINE constexpr acc_node transposed() const { return {}; }
  ASHLAR_INLINE constexpr bool fits(index, index) const { return true; }
};
inline constexpr acc_node acc{};

/// A number, converted to the element type when it is evaluated.
template <class S>
struct constant_node : expression_base<constant_node<S>> {
  static_assert(std::is_arithmetic_v<S>);
  static constexpr bool reads_dst = false;

  ASHLAR_INLINE constexpr explicit constant_node(S x) : value(x) {}
  template <class M, class At>
  ASHLAR_INLINE constexpr typename M::vec eval(M m, const typename M::vec&, const At&) const {
    return m.broadcast(static_cast<typename M::value_type>(value));
  }
  ASHLAR_INLINE constexpr constant_node transposed() const { return *this; }
  ASHLAR_INLINE constexpr bool fits(index, index) const { return true; }

  S value;
};

/// A number as an expression, for where none stands beside it:  gemm(A, B, C, constant(1)).
template <class S>
  requires std::is_arithmetic_v<S>
ASHLAR_INLINE constexpr constant_node<S> constant(S x) {
  return constant_node<S>(x);
}

/// What may stand in an expression: another expression, or a number.
template <class X>
concept epilogue_operand = expression<X> || std::is_arithmetic_v<X>;

namespace detail {

template <class X>
ASHLAR_INLINE constexpr auto as_expression(const X& x) {
  static_assert(epilogue_operand<X>,
                "an epilogue operand is an expression (acc, dst, per_row(p), per_column(p), elements(v), fn(f, ...)) "
                "or a number");
  if constexpr (expression<X>) {
    return x;
  } else if constexpr (std::is_arithmetic_v<X>) {
    return constant_node<X>(x);
  } else {
    return acc;  // the assertion above has said it
  }
}

// f(view) for every matrix, vector or blocked_image_view that an expression over an m x n dst reads, dst apart.
template <class E, class F>
ASHLAR_HOST_INLINE constexpr void visit_memory(const E& e, const F& f, index m, index n) {
  if constexpr (requires { e.visit(f, m, n); }) e.visit(f, m, n);
}

// The arguments of a function, a number each: std::tuple is neither trivially copyable nor inlined without fail.
template <std::size_t I, class E>
struct argument {
  E value;
};

template <class Indices, class... E>
struct arguments;

template <std::size_t... I, class... E>
struct arguments<std::index_sequence<I...>, E...> : argument<I, E>... {
  ASHLAR_INLINE constexpr explicit arguments(const E&... e) : argument<I, E>{e}... {}

  template <class F, class M, class At>
  ASHLAR_INLINE constexpr auto call(const F& f, M m, const typename M::vec& acc, const At& at) const {
    return f(m, argument<I, E>::value.eval(m, acc, at)...);
  }
  template <class F>
  ASHLAR_INLINE constexpr auto transpose_into(const F& make) const {
    return make(argument<I, E>::value.transposed()...);
  }
  template <class F>
  ASHLAR_INLINE constexpr auto at_image_into(const F& make, index n) const {
    return make(argument<I, E>::value.at_image(n)...);
  }
  ASHLAR_INLINE constexpr bool fit_batch(index batch) const { return (argument<I, E>::value.fits_batch(batch) && ...); }
  ASHLAR_INLINE constexpr bool fit(index m, index n) const { return (argument<I, E>::value.fits(m, n) && ...); }
  template <class F>
  ASHLAR_HOST_INLINE constexpr void visit(const F& f, index m, index n) const {
    (visit_memory(argument<I, E>::value, f, m, n), ...);
  }
};

// A function of expressions: F's call operator takes the math context and a vector for each.
template <class F, class... E>
struct apply_node : expression_base<apply_node<F, E...>> {
  static constexpr bool reads_dst = (E::reads_dst || ...);
  static constexpr bool runs_long = is_long_function<F>() || (is_long_expression<E>() || ...);
  static constexpr bool uses_rows = (expression_uses_rows<E>() || ...);

  ASHLAR_INLINE constexpr explicit apply_node(const F& f, const E&... e) : function(f), operands(e...) {}

  template <class M, class At>
  ASHLAR_INLINE constexpr auto eval(M m, const typename M::vec& acc, const At& at) const {
    return operands.call(function, m, acc, at);
  }
  // What leaves_range (epilogue/output.hpp) asks for, of a function that knows it.
  template <class M, class At>
    requires requires(const F& f, M m) { f.leaves_range(m); }
  ASHLAR_INLINE bool leaves_range(M m, const At&) const {
    return function.leaves_range(m);
  }
  template <class M, class At>
    requires requires(const F& f, M m, const typename M::vec& x) { f.unranged(m, x); }
  ASHLAR_INLINE auto unranged(M m, const typename M::vec& acc, const At& at) const {
    return operands.call([this](M n, const typename M::vec& x) { return function.unranged(n, x); }, m, acc, at);
  }
  ASHLAR_INLINE constexpr const auto& range_left() const { return function.range; }

  ASHLAR_INLINE constexpr auto transposed() const { return operands.transpose_into(same_function{function}); }
  ASHLAR_INLINE constexpr auto at_image(index n) const { return operands.at_image_into(same_function{function}, n); }
  ASHLAR_INLINE constexpr bool fits(index m, index n) const { return operands.fit(m, n); }
  ASHLAR_INLINE constexpr bool fits_batch(index batch) const { return operands.fit_batch(batch); }
  template <class V>
  ASHLAR_HOST_INLINE constexpr void visit(const V& f, index m, index n) const {
    operands.visit(f, m, n);
  }

 private:
  struct same_function {
    template <class... U>
    ASHLAR_INLINE constexpr auto operator()(const U&... e) const {
      return apply_node<F, U...>(f, e...);
    }
    const F& f;
  };

  F function;
  arguments<std::index_sequence_for<E...>, E...> operands;
};

// f(m, e...) as a node; a number among e becomes a constant.
template <class F, class... X>
ASHLAR_INLINE constexpr auto apply(const F& f, const X&... x) {
  return apply_node<F, decltype(as_expression(x))...>(f, as_expression(x)...);
}

}  // namespace detail
}  // namespace ashlar
