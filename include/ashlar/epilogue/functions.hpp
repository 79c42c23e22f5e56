// SPDX-License-Identifier: Apache-2.0
//
// epilogue/functions.hpp: operators and functions of expressions:  silu(acc) * elements(gate),  clamp(acc, 0, 6) / 6.
//
// Arguments are expressions or numbers, at least one an expression. What a function computes, its error and its special
// values are stated once, in epilogue/math.hpp. A product and a sum are two roundings; whoever wants one says so:
//
//   fn([](auto m, auto x, auto y) { return m.fma(x, y, m.constant(1)); }, acc, dst)
//
// Depends on: epilogue/expression.hpp, epilogue/operands.hpp.   Used by: whoever writes an epilogue.
#pragma once

#include <ashlar/epilogue/expression.hpp>
#include <ashlar/epilogue/operands.hpp>
#include <type_traits>

namespace ashlar {

// Function objects that forward to the math context.
namespace functions {

// How much code a function is. A short formula is inlined for every accumulator of a tile; of a long one there is one
// copy, which a loop applies to the tile (tile/finish_rows.hpp). A user's function counts as long unless it says
// otherwise.
struct short_formula {
  static constexpr bool runs_long = false;
};
struct long_formula {
  static constexpr bool runs_long = true;
};

struct add : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& a, const V& b) const {
    return m.add(a, b);
  }
};
struct sub : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& a, const V& b) const {
    return m.sub(a, b);
  }
};
struct mul : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& a, const V& b) const {
    return m.mul(a, b);
  }
};
struct div : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& a, const V& b) const {
    return m.div(a, b);
  }
};
struct min : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& a, const V& b) const {
    return m.min(a, b);
  }
};
struct max : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& a, const V& b) const {
    return m.max(a, b);
  }
};
struct leaky_relu : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& a, const V& b) const {
    return m.leaky_relu(a, b);
  }
};
struct elu : long_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& a, const V& b) const {
    return m.elu(a, b);
  }
};
struct clamp : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x, const V& low, const V& high) const {
    return m.clamp(x, low, high);
  }
};
struct neg : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.neg(x);
  }
};
struct abs : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.abs(x);
  }
};
struct relu : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.relu(x);
  }
};
struct exp : long_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.exp(x);
  }
};
struct tanh : long_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.tanh(x);
  }
};
struct sigmoid : long_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.sigmoid(x);
  }
};
struct erf : long_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.erf(x);
  }
};
struct gelu_erf : long_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.gelu_erf(x);
  }
};
struct gelu_tanh : long_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.gelu_tanh(x);
  }
};
struct silu : long_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.silu(x);
  }
};
struct hardswish : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.hardswish(x);
  }
};
struct hardsigmoid : short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    return m.hardsigmoid(x);
  }
};

}  // namespace functions

namespace detail {

template <class... X>
concept any_expression = (expression<X> || ...);

// number * dst, in either order
template <class A, class B>
concept scales_dst = std::is_arithmetic_v<A> && std::same_as<B, dst_node>;

}  // namespace detail

/// The sum, rounded; of two expressions, or of one and a number.
template <class A, class B>
  requires detail::any_expression<A, B>
ASHLAR_INLINE constexpr auto operator+(const A& a, const B& b) {
  return detail::apply(functions::add{}, a, b);
}

/// The difference, rounded.
template <class A, class B>
  requires detail::any_expression<A, B>
ASHLAR_INLINE constexpr auto operator-(const A& a, const B& b) {
  return detail::apply(functions::sub{}, a, b);
}

/// The quotient, rounded. Floating point only.
template <class A, class B>
  requires detail::any_expression<A, B>
ASHLAR_INLINE constexpr auto operator/(const A& a, const B& b) {
  return detail::apply(functions::div{}, a, b);
}

/// The product; of a number and dst one that does not read dst when the number is zero.
template <class A, class B>
  requires detail::any_expression<A, B>
ASHLAR_INLINE constexpr auto operator*(const A& a, const B& b) {
  if constexpr (detail::scales_dst<A, B>) {
    return scaled_dst_node<A>(a);
  } else if constexpr (detail::scales_dst<B, A>) {
    return scaled_dst_node<B>(b);
  } else {
    return detail::apply(functions::mul{}, a, b);
  }
}

/// -x: the sign bit alone. Floating point only.
template <expression E>
ASHLAR_INLINE constexpr auto operator-(const E& e) {
  return detail::apply(functions::neg{}, e);
}

/// a < b ? a : b: the second when they are equal or one is NaN.
template <class A, class B>
  requires detail::any_expression<A, B>
ASHLAR_INLINE constexpr auto min(const A& a, const B& b) {
  return detail::apply(functions::min{}, a, b);
}

/// a > b ? a : b: the second when they are equal or one is NaN.
template <class A, class B>
  requires detail::any_expression<A, B>
ASHLAR_INLINE constexpr auto max(const A& a, const B& b) {
  return detail::apply(functions::max{}, a, b);
}

/// x within [low, high]; NaN stays.
template <expression E, class Low, class High>
ASHLAR_INLINE constexpr auto clamp(const E& x, const Low& low, const High& high) {
  return detail::apply(functions::clamp{}, x, low, high);
}

/// x > 0 ? x : slope * x.
template <expression E, class S = double>
ASHLAR_INLINE constexpr auto leaky_relu(const E& x, const S& slope = 0.01) {
  return detail::apply(functions::leaky_relu{}, x, slope);
}

/// x > 0 ? x : alpha * (e^x - 1).
template <expression E, class S = int>
ASHLAR_INLINE constexpr auto elu(const E& x, const S& alpha = 1) {
  return detail::apply(functions::elu{}, x, alpha);
}

/// |x|.
template <expression E>
ASHLAR_INLINE constexpr auto abs(const E& x) {
  return detail::apply(functions::abs{}, x);
}

/// x > 0 ? x : 0; NaN stays.
template <expression E>
ASHLAR_INLINE constexpr auto relu(const E& x) {
  return detail::apply(functions::relu{}, x);
}

/// e^x.
template <expression E>
ASHLAR_INLINE constexpr auto exp(const E& x) {
  return detail::apply(functions::exp{}, x);
}

/// The hyperbolic tangent.
template <expression E>
ASHLAR_INLINE constexpr auto tanh(const E& x) {
  return detail::apply(functions::tanh{}, x);
}

/// 1 / (1 + e^-x).
template <expression E>
ASHLAR_INLINE constexpr auto sigmoid(const E& x) {
  return detail::apply(functions::sigmoid{}, x);
}

/// The error function.
template <expression E>
ASHLAR_INLINE constexpr auto erf(const E& x) {
  return detail::apply(functions::erf{}, x);
}

/// x * Phi(x), Phi the normal distribution, by erf.
template <expression E>
ASHLAR_INLINE constexpr auto gelu(const E& x) {
  return detail::apply(functions::gelu_erf{}, x);
}

/// The tanh approximation of gelu: another function, up to 5e-4 away.
template <expression E>
ASHLAR_INLINE constexpr auto gelu_tanh(const E& x) {
  return detail::apply(functions::gelu_tanh{}, x);
}

/// x * sigmoid(x).
template <expression E>
ASHLAR_INLINE constexpr auto silu(const E& x) {
  return detail::apply(functions::silu{}, x);
}

/// x * hardsigmoid(x).
template <expression E>
ASHLAR_INLINE constexpr auto hardswish(const E& x) {
  return detail::apply(functions::hardswish{}, x);
}

/// x / 6 + 1/2 within [0, 1].
template <expression E>
ASHLAR_INLINE constexpr auto hardsigmoid(const E& x) {
  return detail::apply(functions::hardsigmoid{}, x);
}

/// f(m, x...) on vectors: m is the math context (epilogue/math.hpp), x... the values of the arguments.
///
///     fn([](auto m, auto x) { return m.mul(x, m.sigmoid(x)); }, acc)
///
/// A few instructions are best applied in registers: let f be a named type with `static constexpr bool runs_long =
/// false`. For CUDA f must be a named function object: nvcc refuses generic lambdas as kernel template arguments.
template <class F, class... X>
  requires detail::any_expression<X...>
ASHLAR_INLINE constexpr auto fn(const F& f, const X&... x) {
  return detail::apply(f, x...);
}

}  // namespace ashlar
