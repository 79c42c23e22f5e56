// SPDX-License-Identifier: Apache-2.0
//
// epilogue/output.hpp: accumulators of O to elements of dst, of a type D: what the expression sees, and how it is
// stored.
//
//   D is the accumulators' type    the expression has it, too
//   accumulators of wide_ops       the expression is of std::int64_t; its value goes to D's nearer end when outside
//   D a smaller integer            the expression is of the accumulators' type; its value goes to D's nearer end when
//                                  outside
//   D float, accumulators int32    acc is the sum rounded to float, and so is the expression
//   D narrower than float          the expression is of float; its value is rounded to nearest even
//
// Depends on: isa/ops.hpp, epilogue/.   Used by: tile/, loop/finish.hpp, reference/.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/epilogue/math.hpp>
#include <ashlar/epilogue/operands.hpp>
#include <ashlar/isa/half.hpp>
#include <ashlar/isa/int64_lanes.hpp>
#include <ashlar/isa/ops.hpp>

namespace ashlar {

namespace detail {

/// The nearest D.
template <std::integral D, std::integral T>
ASHLAR_INLINE constexpr D nearest(T x) {
  return static_cast<D>(std::clamp<T>(x, T(std::numeric_limits<D>::min()), T(std::numeric_limits<D>::max())));
}

/// A place in a dst of another element type than the expression's: old values are converted.
template <class O, class D, bool Full>
struct converting_position {
  using value_type = typename O::value_type;
  static constexpr bool full = Full;

  ASHLAR_INLINE constexpr typename O::vec old_value() const {
    value_type lanes[O::max_lanes] = {};
    for (index l = 0; l < n; ++l) lanes[l] = static_cast<value_type>(dst[l]);
    return O::load(lanes);
  }

  index row, col, n;
  const D* dst;
};

}  // namespace detail

/// Ops that store a vector of std::int32_t as smaller integers, saturated.
template <class O, class D>
concept narrowing_ops = requires(D* p, const typename O::vec& v) { O::store_nearest(p, v); };

/// Ops that store two vectors of them side by side.
template <class O, class D>
concept narrowing_pairs = requires(D* p, const typename O::vec& v) { O::store_nearest(p, v, v); };

/// Expressions whose last step is a range, plus a zero point and within two ends, that a store of bytes may take over:
///
///     leaves_range(m, at)    may it, for the columns at `at` of all rows, whatever the sums are?
///     unranged(m, acc, at)   then the value before that step
///     range_left()           the step: zero_point, low<D>(), high<D>()
template <class X, class M, class At>
concept leaves_range = requires(const X& e, M m, const typename M::vec& sums, const At& at) {
  { e.leaves_range(m, at) } -> std::same_as<bool>;
  { e.unranged(m, sums, at) } -> std::convertible_to<typename M::vec>;
};

namespace detail {

// The type of the sums that accumulators of O are, and the ops of an expression of T about them.
template <class O>
struct sums_of {
  using type = typename O::value_type;
  template <class T>
  using expression_ops = ops<T, typename O::isa_type>;
};
template <class O>
  requires requires { typename O::sums; }
struct sums_of<O> {
  using type = typename O::sums;
  template <class>
  using expression_ops = int64_lanes<typename O::isa_type>;
};

}  // namespace detail

/// Of accumulators of O.
template <class O_, class D>
struct output {
  using O = ops<typename O_::value_type, typename O_::isa_type>;
  using T = typename detail::sums_of<O_>::type;
  static constexpr bool same = std::same_as<T, D>;
  static constexpr bool narrows = narrow_floating_point<D>;
  static constexpr bool to_float = std::integral<T> && (std::same_as<D, float> || narrows);
  static_assert(same || to_float || (std::integral<T> && std::integral<D>) || (std::same_as<T, float> && narrows));
  using expression_type = std::conditional_t<to_float, float, T>;
  using E = typename detail::sums_of<O_>::template expression_ops<expression_type>;  // what evaluates it
  using context = math<E>;
  static constexpr bool in_memory = !std::same_as<T, typename O::value_type>;  // E's vectors are no registers

  template <bool Full>
  using place =
      std::conditional_t<std::same_as<expression_type, D>, position<D, Full>, detail::converting_position<E, D, Full>>;

  /// The accumulator as the expression sees it: after what belongs to the sum (zero points: loop/dot_format.hpp).
  template <class Expression, class At>
  static ASHLAR_INLINE constexpr typename E::vec seen(const Expression& e, const typename O::vec& v, const At& at) {
    if constexpr (requires { e.template sum<O>(v, at); }) {
      return converted(e.template sum<O>(v, at));
    } else {
      return converted(v);
    }
  }
  static ASHLAR_INLINE constexpr void store(D* p, const typename E::vec& v) {
    if constexpr (std::same_as<expression_type, D>) {
      E::store(p, v);
    } else if constexpr (narrowing_ops<E, D>) {
      E::store_nearest(p, v);
    } else {
      store_lanes(p, v, E::lanes());
    }
  }
  static ASHLAR_INLINE constexpr void store_n(D* p, const typename E::vec& v, index n) {
    if constexpr (std::same_as<expression_type, D>) {
      E::store_n(p, v, n);
    } else {
      store_lanes(p, v, n);
    }
  }

 private:
  static ASHLAR_INLINE constexpr typename E::vec converted(const typename O::vec& v) {
    if constexpr (to_float) {
      return E::from_int(v);
    } else if constexpr (in_memory) {
      return E::from_double(v);
    } else {
      return v;
    }
  }
  static ASHLAR_INLINE constexpr void store_lanes(D* p, const typename E::vec& v, index n) {
    expression_type lanes[E::max_lanes] = {};
    E::store(lanes, v);
    if constexpr (!narrows) {
      for (index l = 0; l < n; ++l) p[l] = detail::nearest<D>(lanes[l]);
    } else {
      // Fewer lanes than are converted at a time: g++ warns of a loop that never runs.
      if constexpr (E::max_lanes >= 8) {
        if (!__builtin_is_constant_evaluated()) return narrowed<D, typename O::isa_type>(lanes, n, p);
      }
      for (index l = 0; l < n; ++l) p[l] = D(lanes[l]);
    }
  }
};

/// Does a store of whole vectors take over the range that E ends with? Accumulators are of O.
template <class O, class D, class E>
inline constexpr bool takes_range = false;
template <class O, class D, class E>
  requires(sizeof(D) == 1) && requires { typename output<O, D>::E::template byte_range<D>; }
inline constexpr bool takes_range<O, D, E> =
    leaves_range<E, typename output<O, D>::context, typename output<O, D>::template place<true>>;

/// That range, of an expression on the vectors of M.
template <class M, class D, class E>
ASHLAR_INLINE auto byte_range_of(const E& e) {
  const auto& left = e.range_left();
  return typename M::template byte_range<D>(left.zero_point, left.template low<D>(), left.template high<D>());
}

}  // namespace ashlar
