// SPDX-License-Identifier: Apache-2.0
//
// epilogue/cast.hpp: other element types in an expression:  acc * cast(per_column(scale_f64)),  cast<std::int8_t>(acc).
//
//   cast(operand)     an operand in memory of any arithmetic type, each element converted to dst's element type
//   cast<U>(e)        the value of e rounded to U, in dst's element type
//
// Expressions have one type, dst's: conversions stand where values come in, or are there and back. What a conversion
// gives is stated in epilogue/conversion.hpp.
//
// Depends on: epilogue/operands.hpp, epilogue/conversion.hpp, epilogue/math.hpp.   Used by: whoever writes an epilogue.
#pragma once

#include <ashlar/epilogue/conversion.hpp>
#include <ashlar/epilogue/expression.hpp>
#include <ashlar/epilogue/math.hpp>
#include <ashlar/epilogue/operands.hpp>
#include <concepts>
#include <type_traits>

namespace ashlar {

/// An operand in memory whose elements are converted, one number or a vector of them by a buffer on the stack.
template <memory_operand Operand>
struct cast_node : expression_base<cast_node<Operand>> {
  static constexpr bool reads_dst = false;
  static constexpr bool runs_long = Operand::static_step != 0;
  static constexpr bool uses_rows = detail::expression_uses_rows<Operand>();

  ASHLAR_INLINE constexpr explicit cast_node(const Operand& x) : operand(x) {}
  template <class M, class At>
  ASHLAR_INLINE constexpr typename M::vec eval(M m, const typename M::vec& sums, const At& at) const {
    const auto* const p = operand.pointer(at.row, at.col);
    if constexpr (detail::same_element<M, typename Operand::element_type>) {
      return operand.eval(m, sums, at);
    } else if constexpr (Operand::static_step == 0) {
      return m.broadcast(detail::converted<typename M::value_type>(*p));
    } else if (operand.step() == 1 && at.n == M::lanes()) {
      return gather(m, p, 1, M::lanes());  // both known: the compiler makes it vector conversions
    } else {
      return gather(m, p, operand.step(), at.n);
    }
  }
  ASHLAR_INLINE constexpr auto transposed() const {
    return cast_node<decltype(operand.transposed())>(operand.transposed());
  }
  ASHLAR_INLINE constexpr auto at_image(index n) const {
    return cast_node<decltype(operand.at_image(n))>(operand.at_image(n));
  }
  ASHLAR_INLINE constexpr bool fits(index m, index n) const { return operand.fits(m, n); }
  ASHLAR_INLINE constexpr bool fits_batch(index batch) const { return operand.fits_batch(batch); }
  template <class F>
  ASHLAR_HOST_INLINE constexpr void visit(const F& f, index m, index n) const {
    operand.visit(f, m, n);
  }

  Operand operand;

 private:
  template <class M, class U>
  static ASHLAR_INLINE constexpr typename M::vec gather(M m, const U* p, index step, index n) {
    using T = typename M::value_type;
    T lanes[M::max_lanes] = {};
    for (index l = 0; l < n; ++l) lanes[l] = detail::converted<T>(p[l * step]);
    return m.load(lanes);
  }
};

namespace functions {

// From double to float and back there are no ops: lane by lane, and so long.
template <castable U>
struct cast {
  static constexpr bool runs_long = std::same_as<U, float>;

  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.template cast<U>(x);
  }
};

}  // namespace functions

/// per_row(p), per_column(p) or elements(v) of any arithmetic type, each element x as static_cast<T>(x), T dst's
/// element type: rounded to nearest even; from floating point to an integer T truncated, at most T's ends, NaN as 0.
///
///     gemm(A, B, C, acc * cast(per_column(scale_f64)) + cast(elements(view_of_int32)));
template <expression E>
ASHLAR_INLINE constexpr auto cast(const E& e) {
  static_assert(memory_operand<E>,
                "cast(e): e must be per_row(p), per_column(p) or elements(v); of another expression say cast<U>(e)");
  if constexpr (memory_operand<E>) {
    return cast_node<E>(e);
  } else {
    return acc;  // the assertion above has said it
  }
}

/// static_cast<T>(static_cast<U>(x)), T dst's element type. Floating point to an integer U truncates towards zero, is
/// the nearer end of U when outside, and of NaN and -0 is 0; integers to fewer bits wrap: clamp() first.
///
///     gemm(A, B, C, cast<std::int8_t>(clamp(acc * scale, -128, 127)));     gemm(A, B, C, cast<float>(acc));
template <castable U, expression E>
ASHLAR_INLINE constexpr auto cast(const E& e) {
  return detail::apply(functions::cast<U>{}, e);
}

}  // namespace ashlar
