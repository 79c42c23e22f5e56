// SPDX-License-Identifier: Apache-2.0
//
// quant/requantize.hpp: rescaling as part of an epilogue: 32- or 64-bit sums to the integers of the output.
//
//   requantize(acc + per_column(bias), tflite{multiplier, shift}, zero_point, -128, 127)
//   requantize<tflite>(acc, per_column(multipliers), per_column(shifts), zero_point)          a factor for each channel
//   requantize<onnx>(acc, per_column(scales), zero_point)                                     the same, of floats
//
// By the policies of quant/rescale.hpp, which are the specification: in registers where the ISA has the operations,
// else lane by lane through a buffer on the stack; the same bits on every ISA.
//
// Depends on: quant/rescale.hpp, epilogue/.   Used by: users, through <ashlar/quant.hpp>.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>

#include <ashlar/epilogue/math.hpp>
#include <ashlar/epilogue/operands.hpp>
#include <ashlar/quant/rescale.hpp>

namespace ashlar {

namespace detail {
// Does the policy of floats clamp in registers while it rounds?
template <class P, class M>
inline constexpr bool scales_within = [] {
  if constexpr (scaling<P> && fixed_point_ops<M>) {
    return requires(M m, typename M::vec x, typename floats_of<M>::vec scale) { P::rescale_within(m, x, scale, x, x); };
  } else {
    return false;
  }
}();
template <class P, class M, class V, class S>
ASHLAR_INLINE constexpr V scaled_within(M m, const V& x, const S& scale, const shifted_range& r) {
  return m.add(P::rescale_within(m, x, scale, m.broadcast(r.least), m.broadcast(r.most)), m.broadcast(r.zero_point));
}

// f(l) in each lane.
template <class M, class F>
ASHLAR_INLINE constexpr auto by_lane(M m, const F& f) {
  typename M::value_type lanes[M::max_lanes] = {};
  for (index l = 0; l < M::lanes(); ++l) lanes[l] = f(l);
  return m.load(lanes);
}

// A vector's numbers.
template <class M>
struct lane_values {
  typename M::value_type lanes[M::max_lanes] = {};
  ASHLAR_INLINE constexpr explicit lane_values(const typename M::vec& x) { M::store(lanes, x); }
  ASHLAR_INLINE constexpr auto operator[](index l) const { return lanes[l]; }
};

// The expression is of sums, not of floats; of 64 bits if the policy takes them.
template <class M, class P>
ASHLAR_INLINE constexpr void expect_sums() {
  constexpr bool wide = std::same_as<typename M::value_type, std::int64_t>;
  static_assert(wide || std::same_as<typename M::value_type, std::int32_t>,
                "requantize: the sums must be std::int32_t, as those of integer products are, or std::int64_t");
  static_assert(!wide || wide_rescaling<P>, "requantize: this policy takes no 64-bit sums");
}

}  // namespace detail

namespace functions {

/// One policy for every element.
template <rescaling P>
struct requantize {
  static constexpr bool runs_long = !scaling<P>;

  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x) const {
    detail::expect_sums<M, P>();
    if constexpr (detail::scales_within<P, M>) {
      return detail::scaled_within<P>(m, x, detail::floats_of<M>::broadcast(policy.scale), range);
    } else {
      return range.of(m, rescaled(m, x));
    }
  }
  // What leaves_range (epilogue/output.hpp) asks for.
  template <class M>
    requires scaling<P>
  ASHLAR_INLINE bool leaves_range(M m) const {
    return range.fits_words() && m.scales_plainly(detail::floats_of<M>::broadcast(policy.scale));
  }
  template <class M, class V>
    requires requires(M m, V x, typename detail::floats_of<M>::vec s) { P::rescale_plainly(m, x, s); }
  ASHLAR_INLINE V unranged(M m, const V& x) const {
    return P::rescale_plainly(m, x, detail::floats_of<M>::broadcast(policy.scale));
  }

  P policy;
  detail::shifted_range range;

 private:
  template <class M, class V>
  ASHLAR_INLINE constexpr V rescaled(M m, const V& x) const {
    if constexpr (fixed_point_ops<M> && requires { policy.rescale(m, x); }) {
      return policy.rescale(m, x);
    } else if constexpr (fixed_point_ops<M> && requires { policy.rescale(m, x, x, x); }) {
      return policy.rescale(m, x, m.broadcast(policy.multiplier), m.broadcast(policy.shift));
    } else {
      const detail::lane_values<M> lanes(x);
      return detail::by_lane(m, [&](index l) { return policy(lanes[l]); });
    }
  }
};

/// The policy P{multiplier, shift} of each element.
template <rescaling P>
struct requantize_each {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x, const V& multiplier, const V& shift) const {
    detail::expect_sums<M, P>();
    return range.of(m, rescaled(m, x, multiplier, shift));
  }

  detail::shifted_range range;

 private:
  template <class M, class V>
  static ASHLAR_INLINE constexpr V rescaled(M m, const V& x, const V& multiplier, const V& shift) {
    if constexpr (fixed_point_ops<M> && requires { P::rescale(m, x, multiplier, shift); }) {
      return P::rescale(m, x, multiplier, shift);
    } else {
      const detail::lane_values<M> lanes(x), multipliers(multiplier), shifts(shift);
      return detail::by_lane(m, [&](index l) { return P{std::int32_t(multipliers[l]), int(shifts[l])}(lanes[l]); });
    }
  }
};

}  // namespace functions

namespace detail {

// The policy P{scale} of each element: an expression of integers and an operand of floats.
template <scaling P, expression E, memory_operand Scale>
struct scaled_sums_node : expression_base<scaled_sums_node<P, E, Scale>> {
  static constexpr bool reads_dst = E::reads_dst;
  static constexpr bool runs_long = is_long_expression<E>();
  static constexpr bool uses_rows = expression_uses_rows<E>() || expression_uses_rows<Scale>();

  ASHLAR_INLINE constexpr scaled_sums_node(const E& e, const Scale& s, const shifted_range& r)
      : sums(e), scale(s), range(r) {}

  template <class M, class At>
  ASHLAR_INLINE constexpr auto eval(M m, const typename M::vec& acc, const At& at) const {
    static_assert(std::same_as<typename M::value_type, std::int32_t>,
                  "requantize: a float for each channel is for sums of std::int32_t");
    static_assert(std::same_as<typename Scale::element_type, float>, "requantize: the scales must be floats");
    using F = floats_of<M>;
    const auto x = sums.eval(m, acc, at);
    const auto s = scale.eval(math<F>{}, F::zero(), at);
    if constexpr (scales_within<P, M>) {
      return scaled_within<P>(m, x, s, range);
    } else {
      return range.of(m, rescaled(m, x, s));
    }
  }
  // What leaves_range (epilogue/output.hpp) asks for.
  template <class M, class At>
    requires(!expression_uses_rows<Scale>())
  ASHLAR_INLINE bool leaves_range(M m, const At& at) const {
    return range.fits_words() && m.scales_plainly(scale.eval(math<floats_of<M>>{}, floats_of<M>::zero(), at));
  }
  template <class M, class At>
    requires requires(M m, typename M::vec x, typename floats_of<M>::vec s) { P::rescale_plainly(m, x, s); }
  ASHLAR_INLINE auto unranged(M m, const typename M::vec& acc, const At& at) const {
    const auto x = sums.eval(m, acc, at);
    return P::rescale_plainly(m, x, scale.eval(math<floats_of<M>>{}, floats_of<M>::zero(), at));
  }
  ASHLAR_INLINE constexpr const shifted_range& range_left() const { return range; }

  ASHLAR_INLINE constexpr auto transposed() const { return same(sums.transposed(), scale.transposed()); }
  ASHLAR_INLINE constexpr auto at_image(index n) const { return same(sums.at_image(n), scale.at_image(n)); }
  ASHLAR_INLINE constexpr bool fits(index m, index n) const { return sums.fits(m, n) && scale.fits(m, n); }
  ASHLAR_INLINE constexpr bool fits_batch(index batch) const {
    return sums.fits_batch(batch) && scale.fits_batch(batch);
  }
  template <class F>
  ASHLAR_HOST_INLINE constexpr void visit(const F& f, index m, index n) const {
    visit_memory(sums, f, m, n), visit_memory(scale, f, m, n);
  }

  E sums;
  Scale scale;
  shifted_range range;

 private:
  template <class A, class B>
  ASHLAR_INLINE constexpr auto same(const A& e, const B& s) const {
    return scaled_sums_node<P, A, B>(e, s, range);
  }
  template <class M, class V, class S>
  static ASHLAR_INLINE constexpr V rescaled(M m, const V& x, const S& s) {
    if constexpr (fixed_point_ops<M> && requires { P::rescale_by(m, x, s); }) {
      return P::rescale_by(m, x, s);
    } else {
      const lane_values<M> lanes(x);
      const lane_values<floats_of<M>> scales(s);
      return by_lane(m, [&](index l) { return P{scales[l]}(lanes[l]); });
    }
  }
};

}  // namespace detail

/// min(max(policy(e) + zero_point, low), high) of every element, in 32 bits: requantized() is the reference.
///
///     gemm(A, B, C, requantize(acc + per_column(bias), tflite{1342580370, -9}, -102, -128, 127));
///
/// For expressions of std::int32_t, or with wide_rescaling policies of std::int64_t; the default range is all of 32
/// bits. Without state, any thread.
template <expression E, rescaling P>
ASHLAR_INLINE constexpr auto requantize(const E& e, const P& policy, std::int32_t zero_point = 0,
                                        std::int32_t low = std::numeric_limits<std::int32_t>::min(),
                                        std::int32_t high = std::numeric_limits<std::int32_t>::max()) {
  return detail::apply(functions::requantize<P>{policy, detail::range_of<P>(zero_point, low, high)}, e);
}

/// The same with a policy P{multiplier, shift} for each row, column or element: multiplier and shift are expressions,
/// such as per_column(pointer to std::int32_t), of 64-bit sums cast(per_column(pointer to std::int32_t)).
///
///     gemm(A, B, C, requantize<tflite>(acc, per_column(multipliers), per_column(shifts), zero_point, -128, 127));
template <rescaling P, expression E, expression Multiplier, expression Shift>
ASHLAR_INLINE constexpr auto requantize(const E& e, const Multiplier& multiplier, const Shift& shift,
                                        std::int32_t zero_point = 0,
                                        std::int32_t low = std::numeric_limits<std::int32_t>::min(),
                                        std::int32_t high = std::numeric_limits<std::int32_t>::max()) {
  return detail::apply(functions::requantize_each<P>{detail::range_of<P>(zero_point, low, high)}, e, multiplier, shift);
}

/// The same with a policy P{scale} for each row, column or element: scale is per_row, per_column or elements of floats.
///
///     gemm(A, B, C, requantize<onnx>(acc + per_column(bias), per_column(scales), zero_point, 0, 255));
///
/// QLinearConv of ONNX: scales[k] = scale_src * scale_weights[k] / scale_dst, bias in 32 bits.
template <scaling P, expression E, memory_operand Scale>
ASHLAR_INLINE constexpr auto requantize(const E& e, const Scale& scale, std::int32_t zero_point = 0,
                                        std::int32_t low = std::numeric_limits<std::int32_t>::min(),
                                        std::int32_t high = std::numeric_limits<std::int32_t>::max()) {
  return detail::scaled_sums_node<P, E, Scale>(e, scale, detail::range_of<P>(zero_point, low, high));
}

}  // namespace ashlar
