// SPDX-License-Identifier: Apache-2.0
//
// quant/rescale.hpp: from a 32-bit sum to the scale of the output, one policy for each rounding rule in use.
//
//   tflite{multiplier, shift}          TensorFlow Lite: doubling high product, then a rounding shift
//   single_rounding{multiplier, shift} the same factor, rounded once (TensorFlow Lite's and CMSIS-NN's switch)
//   gemmlowp{offset, multiplier, shift}  gemmlowp's integer scale
//   onnx{scale}                        a float factor, halves to even
//   ncnn{scale}                        a float factor, halves away from zero
//   power_of_two{shift}                a shift, halves upwards
//
// A policy is a literal value that maps a sum to an integer; requantized() adds the zero point and clamps. These
// functions are the specification: every kernel that requantizes gives their bits.
//
// Depends on: core/config.hpp, epilogue/conversion.hpp, isa/scalar.hpp.   Used by: users, through <ashlar/quant.hpp>.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>

#include <ashlar/core/config.hpp>
#include <ashlar/epilogue/conversion.hpp>
#include <ashlar/isa/scalar.hpp>

namespace ashlar {

/// What rescales a sum: P(x) for every x, a value without state.   static_assert(rescaling<tflite>);
///
/// A policy that also says rescale(m, x) of vectors of std::int32_t, or rescale(m, x, multiplier, shift) with those of
/// its numbers as vectors, too, is evaluated in registers where m has the operations (fixed_point_ops); so is one whose
/// number is a float and that says rescale_by(m, x, scale) of vectors, or rescale_within(m, x, scale, least, most), the
/// same within a range. (They stand before the operator, for clang's constant evaluation.)
template <class P>
concept rescaling = std::copyable<P> && requires(const P& policy, std::int32_t x) {
  { policy(x) } -> std::same_as<std::int32_t>;
};

/// A policy P{scale} of one float.   static_assert(scaling<onnx>);
template <class P>
concept scaling = rescaling<P> && requires(float scale) { P{scale}; };

/// The same of 64-bit sums (with_sums).   static_assert(wide_rescaling<tflite>);
template <class P>
concept wide_rescaling = rescaling<P> && requires(const P& policy, std::int64_t x) {
  { policy({x}) } -> std::same_as<std::int32_t>;  // braces: not by way of 32 bits
};

/// The zero point of an output and the range that its elements are clamped to.
struct output_range {
  std::int32_t zero_point = 0;
  std::int32_t low = std::numeric_limits<std::int32_t>::min(), high = std::numeric_limits<std::int32_t>::max();
};

namespace detail {

template <std::integral To, std::integral From>
ASHLAR_INLINE constexpr To clamped(From x) {
  return static_cast<To>(
      std::clamp<From>(x, From(std::numeric_limits<To>::min()), From(std::numeric_limits<To>::max())));
}

using scalar_int = ops<std::int32_t, isa::scalar>;
using scalar_float = ops<float, isa::scalar>;

// x / 2^n to the nearest integer, halves away from zero: what is cut off, against a half.
template <class O, class V = typename O::vec>
ASHLAR_INLINE constexpr V rounding_shift(O m, const V& x, const V& n) {
  const V one = m.broadcast(1), zero = m.zero();
  const V mask = m.sub(m.shift_left(one, n), one);
  const V half = m.add(m.shift_right(mask, one), m.select_gt(zero, x, one, zero));
  return m.add(m.shift_right(x, n), m.select_gt(m.bit_and(x, mask), half, one, zero));
}

// The floats of the same ISA.
template <class O>
using floats_of = ops<float, typename O::isa_type>;

// Of a 64-bit sum: the multiplier is rounded to 16 bits first, so that the product keeps within 64.
ASHLAR_INLINE constexpr std::int32_t rescaled_wide(std::int64_t x, std::int32_t multiplier, int shift) {
  const std::int64_t rounded = multiplier < 0x7fff0000 ? (multiplier + 0x8000) >> 16 : 0x7fff;
  const int total = 15 - shift;
  const auto product = std::int64_t(std::uint64_t(x) * std::uint64_t(rounded) + (std::uint64_t(1) << (total - 1)));
  return std::int32_t(product >> total);
}

// Of the integers up to x, on the side of zero, the last one that is a float.
ASHLAR_INLINE constexpr std::int32_t float_within(std::int32_t x) {
  const std::uint32_t size = x < 0 ? 0 - std::uint32_t(x) : std::uint32_t(x);
  const int dropped = std::max(0, int(std::bit_width(size)) - std::numeric_limits<float>::digits);
  const std::uint32_t kept = size >> dropped << dropped;
  return std::int32_t(x < 0 ? 0 - kept : kept);
}

// The sum with the zero point does not wrap: the clamp comes first, its ends less the zero point.
struct shifted_range {
  std::int32_t zero_point, least, most;

  ASHLAR_INLINE constexpr shifted_range(std::int32_t z, std::int64_t low, std::int64_t high)
      : zero_point(z), least(clamped<std::int32_t>(low - z)), most(clamped<std::int32_t>(high - z)) {}

  template <class M, class V>
  ASHLAR_INLINE constexpr V of(M m, const V& x) const {
    return m.add(m.min(m.broadcast(most), m.max(m.broadcast(least), x)), m.broadcast(zero_point));
  }

  /// Is a byte right where numbers, and their sums with the zero point, are saturated to 16 bits?
  ASHLAR_INLINE constexpr bool fits_words() const { return -32512 <= zero_point && zero_point <= 32512; }
  /// The ends, of what a store to bytes D makes of the range.
  template <std::integral D>
  ASHLAR_INLINE constexpr D low() const {
    return clamped<D>(std::int64_t(least) + zero_point);
  }
  template <std::integral D>
  ASHLAR_INLINE constexpr D high() const {
    return clamped<D>(std::int64_t(most) + zero_point);
  }
};

// The range of what the policy P makes: of a float's, both ends are floats.
template <rescaling P>
ASHLAR_INLINE constexpr shifted_range range_of(std::int32_t zero_point, std::int64_t low, std::int64_t high) {
  shifted_range r(zero_point, low, high);
  if constexpr (scaling<P>) r.least = float_within(r.least), r.most = float_within(r.most);
  return r;
}

// x * scale, one rounded product.
template <class O, class V = typename O::vec, class S>
ASHLAR_INLINE constexpr auto in_floats(O, const V& x, const S& scale) {
  using F = floats_of<O>;
  return F::mul(F::from_int(x), scale);
}

}  // namespace detail

/// x * multiplier * 2^(shift - 31) with two roundings: y = x * 2^max(shift, 0), as 32 bits keep it; then y * multiplier
/// / 2^31 to nearest, halves upwards, saturated; then that / 2^max(-shift, 0) to nearest, halves away from zero.
///
/// multiplier in [2^30, 2^31), shift in [-31, 30]: quantized_multiplier() makes them of a real factor.
///
///     requantized<std::int8_t>(sum, tflite{1342580370, -9}, zero_point);
///
/// Source: MultiplyByQuantizedMultiplier of TensorFlow Lite; CMSIS-NN's default, arm_nn_requantize_s64 of 64-bit sums.
struct tflite {
  std::int32_t multiplier;
  int shift;
  template <class O, class V = typename O::vec>
  static ASHLAR_INLINE constexpr V rescale(O m, const V& x, const V& multiplier, const V& shift) {
    const V y = m.shift_left(x, m.max(shift, m.zero()));
    return detail::rounding_shift(m, m.doubling_high_product(y, multiplier), m.max(m.sub(m.zero(), shift), m.zero()));
  }
  ASHLAR_INLINE constexpr std::int32_t operator()(std::int32_t x) const {
    return rescale(detail::scalar_int(), x, multiplier, std::int32_t(shift));
  }
  /// Of a 64-bit sum, |x| < 2^47: x * m * 2^(shift - 15) to nearest, halves upwards, m the multiplier rounded to 16
  /// bits, at most 2^15 - 1. shift in [-31, 7]; of the result 32 bits are kept.
  ASHLAR_INLINE constexpr std::int32_t operator()(std::int64_t x) const {
    return detail::rescaled_wide(x, multiplier, shift);
  }
};

/// x * multiplier * 2^(shift - 31) to nearest, halves upwards, saturated. The range is that of tflite.
///
/// Source: TensorFlow Lite with TFLITE_SINGLE_ROUNDING, CMSIS-NN with CMSIS_NN_USE_SINGLE_ROUNDING.
struct single_rounding {
  std::int32_t multiplier;
  int shift;
  ASHLAR_INLINE constexpr std::int32_t operator()(std::int32_t x) const {
    const int total = 31 - shift;
    return detail::clamped<std::int32_t>((std::int64_t(x) * multiplier + (std::int64_t(1) << (total - 1))) >> total);
  }
  /// Of a 64-bit sum: as tflite.
  ASHLAR_INLINE constexpr std::int32_t operator()(std::int64_t x) const {
    return detail::rescaled_wide(x, multiplier, shift);
  }
};

/// ((x + offset) * multiplier + 2^(shift - 1)) >> shift, all in 32 bits that wrap; no rounding term for shift 0.
/// shift in [0, 31].
///
/// Source: OutputStageQuantizeDownInt32ToUint8Scale of gemmlowp (its fixed-point stage is tflite with shift <= 0).
struct gemmlowp {
  std::int32_t offset, multiplier;
  int shift;
  template <class O, class V = typename O::vec>
  ASHLAR_INLINE constexpr V rescale(O m, const V& x) const {
    const std::int32_t half = shift > 0 ? std::int32_t(1) << (shift - 1) : 0;
    const V product = m.mul(m.add(x, m.broadcast(offset)), m.broadcast(multiplier));
    return m.shift_right(m.add(product, m.broadcast(half)), m.broadcast(shift));
  }
  ASHLAR_INLINE constexpr std::int32_t operator()(std::int32_t x) const { return rescale(detail::scalar_int(), x); }
};

/// float(x) * scale to the nearest integer, halves to even; beyond 32 bits the nearer end, NaN is 0. The product is
/// one rounded float product.
///
/// Source: ONNX QuantizeLinear, QLinearMatMul and QLinearConv; scale = scale_a * scale_b / scale_y.
struct onnx {
  float scale;
  template <class O, class V = typename O::vec, class S>
  static ASHLAR_INLINE constexpr V rescale_by(O m, const V& x, const S& scale) {
    return m.to_int(detail::floats_of<O>::round_even(detail::in_floats(m, x, scale)));
  }
  template <class O, class V = typename O::vec, class S>
  static ASHLAR_INLINE constexpr V rescale_within(O m, const V& x, const S& scale, const V& least, const V& most) {
    if constexpr (requires { m.nearest_scaled(x, scale, least, most); }) {
      return m.nearest_scaled(x, scale, least, most);
    } else {
      return m.min(most, m.max(least, rescale_by(m, x, scale)));
    }
  }
  // rescale_by of factors that scales_plainly() takes.
  template <class O, class V = typename O::vec, class S>
    requires requires(O m, V x, S s) { m.nearest_scaled(x, s); }
  static ASHLAR_INLINE V rescale_plainly(O m, const V& x, const S& scale) {
    return m.nearest_scaled(x, scale);
  }
  template <class O, class V = typename O::vec>
  ASHLAR_INLINE constexpr V rescale(O m, const V& x) const {
    return rescale_by(m, x, detail::floats_of<O>::broadcast(scale));
  }
  ASHLAR_INLINE constexpr std::int32_t operator()(std::int32_t x) const { return rescale(detail::scalar_int(), x); }
};

/// float(x) * scale to the nearest integer, halves away from zero; beyond 32 bits the nearer end, NaN is 0.
///
/// Source: ncnn's float2int8 (which clamps to [-127, 127]: give requantized() that range).
struct ncnn {
  float scale;
  template <class O, class V = typename O::vec, class S>
  static ASHLAR_INLINE constexpr V rescale_by(O m, const V& x, const S& scale) {
    using F = detail::floats_of<O>;
    const auto product = detail::in_floats(m, x, scale), size = F::abs(product), even = F::round_even(size);
    const auto half = F::broadcast(0.5f), up = F::add(even, F::broadcast(1));
    const auto away = F::select_gt(half, F::sub(size, even), even, up);  // the difference is exact
    return m.to_int(F::copysign(away, product));
  }
  template <class O, class V = typename O::vec>
  ASHLAR_INLINE constexpr V rescale(O m, const V& x) const {
    return rescale_by(m, x, detail::floats_of<O>::broadcast(scale));
  }
  ASHLAR_INLINE constexpr std::int32_t operator()(std::int32_t x) const { return rescale(detail::scalar_int(), x); }
};

/// x / 2^shift to nearest, halves upwards; a negative shift multiplies, as 32 bits keep it. shift in [-31, 31].
///
/// Source: the fixed-point formats of CMSIS-NN's legacy q7 and q15 kernels and of NNoM.
struct power_of_two {
  int shift;
  template <class O, class V = typename O::vec>
  ASHLAR_INLINE constexpr V rescale(O m, const V& x) const {
    if (shift <= 0) return m.shift_left(x, m.broadcast(-shift));
    const V half = m.bit_and(m.shift_right(x, m.broadcast(shift - 1)), m.broadcast(1));
    return m.add(m.shift_right(x, m.broadcast(shift)), half);
  }
  ASHLAR_INLINE constexpr std::int32_t operator()(std::int32_t x) const { return rescale(detail::scalar_int(), x); }
};

/// min(max(policy(x) + zero_point, low), high) as a U: how a sum becomes an element of the output. The sum with the
/// zero point does not wrap. Sums are of std::int32_t, or of std::int64_t where the policy takes them. Of a policy of a
/// float, low - zero_point and high - zero_point are floats, too: beyond 2^24 the next ones towards zero.
///
///     requantized<std::uint8_t>(sum, onnx{0.003f}, 128)     requantized<std::int8_t>(sum, ncnn{0.1f}, 0, -127, 127)
template <std::integral U, rescaling P, std::integral Sum>
  requires(std::same_as<Sum, std::int32_t> || (std::same_as<Sum, std::int64_t> && wide_rescaling<P>))
ASHLAR_INLINE constexpr U requantized(Sum x, const P& policy, std::int32_t zero_point,
                                      U low = std::numeric_limits<U>::min(), U high = std::numeric_limits<U>::max()) {
  const auto range = detail::range_of<P>(zero_point, std::int64_t(low), std::int64_t(high));
  return static_cast<U>(std::clamp(policy(x), range.least, range.most) + std::int64_t(range.zero_point));
}

/// The multiplier and shift of a positive real factor: factor = multiplier * 2^(shift - 31), multiplier rounded to the
/// nearest of [2^30, 2^31), halves upwards. A factor below 2^-32, zero, negative or NaN gives {0, 0}; one of 2^30 and
/// above the largest.
///
///     constexpr tflite by_half = quantized_multiplier(0.5);     // {1 << 30, 0}
///
/// Source: QuantizeMultiplier of TensorFlow Lite.
constexpr tflite quantized_multiplier(double factor) {
  constexpr double largest = 0x1p30, smallest = 0x1p-32;
  if (!(factor >= smallest)) return {0, 0};
  if (factor >= largest) return {std::numeric_limits<std::int32_t>::max(), 30};
  const auto bits = std::bit_cast<std::uint64_t>(factor);
  const auto fraction = std::int64_t(bits & ((std::uint64_t(1) << 52) - 1)) | std::int64_t(1) << 52;
  int shift = int(bits >> 52) - 1022;  // factor = fraction * 2^(shift - 53), in [2^(shift - 1), 2^shift)
  std::int64_t multiplier = (fraction + (std::int64_t(1) << 21)) >> 22;
  if (multiplier == std::int64_t(1) << 31) multiplier /= 2, ++shift;
  if (shift > 30) return {std::numeric_limits<std::int32_t>::max(), 30};
  return {std::int32_t(multiplier), shift};
}

}  // namespace ashlar
