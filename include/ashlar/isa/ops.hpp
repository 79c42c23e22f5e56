// SPDX-License-Identifier: Apache-2.0
//
// isa/ops.hpp: what a kernel may ask of an instruction set: ops<T, Isa>, a stateless policy of static functions.
//
// Static functions and not a vector class with operators, because SVE vectors are sizeless: they cannot be members,
// array elements or captures by copy. Every function is inlined into the kernel, whose symbol carries the tag.
//
// The result of every function is the same on every ISA, bit for bit (a NaN made by arithmetic excepted: its sign and
// payload are the machine's). isa/scalar.hpp is the definition; the tests compare each adapter with it.
//
// Depends on: isa/tags.hpp.   Used by: the adapters and all kernels.
#pragma once

#include <ashlar/isa/tags.hpp>
#include <concepts>
#include <type_traits>

namespace ashlar {

/// Vectors of T on Isa. Specialised by the adapters: T = float, double, std::int32_t, std::uint32_t (isa::scalar: any
/// arithmetic type). A refinement of an ISA without an adapter of its own derives from its parent's specialisation.
///
///     using value_type, isa_type, vec
///     lanes()                            elements in a vector; constexpr where the width is fixed
///     max_lanes                          the most that lanes() can be, for buffers on the stack
///     masked_memory                      load_n and store_n cost about as much as load and store
///     masks_few                          tiles of few columns mask memory all the same; may be missing
///     zero()  broadcast(x)  broadcast_load(p)
///     load(p)  store(p, v)               no alignment needed
///     load_n(p, n)  store_n(p, v, n)     0 <= n <= lanes(); the others load as zero, and their memory is not touched
///     add  sub  mul                      integers wrap; mul is rounded before anything is done with it
///     fma(a, b, c)                       a * b + c: in one rounding for floating point
///     min(a, b)  max(a, b)               a < b ? a : b,  a > b ? a : b: the second when equal or unordered
///     select_gt(a, b, x, y)              a > b ? x : y
///
/// Floating point (float_ops):
///
///     div(a, b)
///     abs  neg  copysign(magnitude, sign)     on the sign bit alone, NaN included
///     round_even(x)                      to the nearest integer, ties to even; -0 and the sign are kept
///     from_int(i)                        (float) a vector of std::int32_t, each to the nearest float, ties to even
///     pow2(k)                            2^k for integral-valued k in [-126, 127], for double [-1022, 1023]
///
/// Integers (integer_ops):  bit_and  bit_or.
///
/// Optional (fixed_point_ops), std::int32_t:
///
///     shift_left(x, n)  shift_right(x, n)    by 0 <= n <= 31; to the right as numbers
///     doubling_high_product(a, b)        2 a b / 2^32 to the nearest integer, halves upwards, saturated
///     store_nearest(p, x)                to std::int8_t, std::uint8_t or std::int16_t, saturated
///     store_nearest(p, x, y)             the same of two vectors side by side, to bytes; may be missing
///     to_int(y)                          of floats, as converted<std::int32_t>: truncated, the nearer end, NaN is 0
///     whole(y)                           to_int of integers of 32 bits, without care for others; may be missing
///     nearest_scaled(x, s, least, most)  to_int(round_even(from_int(x) * s)) within two integers that are floats, too
///     scales_plainly(s)  nearest_scaled(x, s)    are all |s| < 1, and then the same without ends; may be missing
///     byte_range<D>(zero, low, high)     for bytes D: plus zero saturated to 16 bits, within low and high
///     bytes_within(x, y, z, w, range)    the bytes of x and y, then those of z and w
///     store_bytes(p, b)  store_bytes(p, q, b)  store_quarter<Q>(p, b)    the first half of them; each half; one
///                                        vector's; all of this may be missing
///
/// Optional (accumulating_ops):  fma_into(acc, a, b) = a * b + acc in the register of acc, for the inner loop. Written
/// as an assembler instruction where intrinsics leave the choice of registers open: g++ 12 then copies accumulators
/// from one register to another in unrolled loops (a tenth of NEON's vector instructions), and mixes FMAD with moves on
/// SVE. An operand that is both input and output keeps its register.
///
/// Optional (unzipping_ops):  even(a, b), odd(a, b) = elements 0, 2, 4 ... and 1, 3, 5 ... of a followed by b.
///
/// Optional (shuffling_ops):  shuffle(v, p) = lane l is element p[l] of v; p are unsigned integers of T's size.
/// shuffle_in_fours(v, p) = the same where every p[l] is in the four lanes of l; p aligned to 64 bytes; may be missing.
///
/// Optional (lane_ops):  quad = q;  fma_lane<L>(acc, b, a) = acc + b * a[L], 0 <= L < q;  undefined() = any value,
/// without an instruction.
template <class T, class Isa>
struct ops;

/// All that any kernel needs, integers included.
template <class O>
concept simd_ops = requires(typename O::value_type x, const typename O::value_type* in, typename O::value_type* out,
                            index n, const typename O::vec& v) {
  typename O::isa_type;
  requires isa::tag<typename O::isa_type>;
  requires std::bool_constant<(O::max_lanes > 0)>::value;
  requires std::same_as<decltype(O::masked_memory), const bool>;
  { O::lanes() } -> std::same_as<index>;
  { O::zero() } -> std::same_as<typename O::vec>;
  { O::broadcast(x) } -> std::same_as<typename O::vec>;
  { O::broadcast_load(in) } -> std::same_as<typename O::vec>;
  { O::load(in) } -> std::same_as<typename O::vec>;
  { O::load_n(in, n) } -> std::same_as<typename O::vec>;
  O::store(out, v);
  O::store_n(out, v, n);
  { O::add(v, v) } -> std::same_as<typename O::vec>;
  { O::sub(v, v) } -> std::same_as<typename O::vec>;
  { O::mul(v, v) } -> std::same_as<typename O::vec>;
  { O::fma(v, v, v) } -> std::same_as<typename O::vec>;
  { O::min(v, v) } -> std::same_as<typename O::vec>;
  { O::max(v, v) } -> std::same_as<typename O::vec>;
  { O::select_gt(v, v, v, v) } -> std::same_as<typename O::vec>;
};

template <class O>
concept float_ops = simd_ops<O> && requires(const typename O::vec& v) {
  { O::div(v, v) } -> std::same_as<typename O::vec>;
  { O::abs(v) } -> std::same_as<typename O::vec>;
  { O::neg(v) } -> std::same_as<typename O::vec>;
  { O::copysign(v, v) } -> std::same_as<typename O::vec>;
  { O::round_even(v) } -> std::same_as<typename O::vec>;
  { O::pow2(v) } -> std::same_as<typename O::vec>;
};

template <class O>
concept integer_ops = simd_ops<O> && requires(const typename O::vec& v) {
  { O::bit_and(v, v) } -> std::same_as<typename O::vec>;
  { O::bit_or(v, v) } -> std::same_as<typename O::vec>;
};

template <class O>
concept fixed_point_ops = integer_ops<O> && requires(const typename O::vec& v) {
  { O::shift_left(v, v) } -> std::same_as<typename O::vec>;
  { O::shift_right(v, v) } -> std::same_as<typename O::vec>;
  { O::doubling_high_product(v, v) } -> std::same_as<typename O::vec>;
};

template <class O>
concept accumulating_ops = simd_ops<O> && requires(const typename O::vec& v) {
  { O::fma_into(v, v, v) } -> std::same_as<typename O::vec>;
};

template <class O>
concept unzipping_ops = simd_ops<O> && requires(const typename O::vec& v) {
  { O::even(v, v) } -> std::same_as<typename O::vec>;
  { O::odd(v, v) } -> std::same_as<typename O::vec>;
};

template <class O>
concept shuffling_ops = simd_ops<O> && requires(const typename O::vec& v) {
  { O::shuffle(v, nullptr) } -> std::same_as<typename O::vec>;
};

template <class O>
concept lane_ops = simd_ops<O> && requires(const typename O::vec& v) {
  requires std::bool_constant<(O::quad > 0)>::value;
  { O::template fma_lane<0>(v, v, v) } -> std::same_as<typename O::vec>;
  { O::undefined() } -> std::same_as<typename O::vec>;
};

}  // namespace ashlar
