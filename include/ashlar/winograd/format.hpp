// SPDX-License-Identifier: Apache-2.0
//
// winograd/format.hpp: what a Winograd convolution multiplies: floats, or bytes as exact integers.
//
// A format says
//
//   src_type, weight_type, sum_type     elements of src and weights, and of their sums
//   O                                   the ops of the transforms: vectors of sums
//   products, semiring, group           the ops of the tile; `group` channels are one unit of it
//   v_element, u_element                what transformed pixels and weights are stored as
//   registered                          the element type of its tiles in the registry
//   weight(y)                           a transformed weight, computed in double, as it is stored
//   lanes_of_src                        the ops of the source's transform: load(p), load_n(p, n) of channels of a pixel
//   store(p, y, k, z)                   a vector of transformed ones, point k's, less what their zero point z makes of
//   it whole(y)                            an output of the transform as the sum that it is zero_of(how) what src is
//   padded with in a run of a convolution: its zero point, of bytes most_terms                          the longest sum
//   over channels, and planes of the kernel, that it computes
//
// Of bytes everything is a whole number (winograd/exact.hpp): the transforms give a multiple of the sum, of which
// whole() makes the sum.
//
// Depends on: isa/{dot,word_lanes}.hpp, epilogue/semiring.hpp, winograd/exact.hpp.   Used by: winograd/.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>

#include <ashlar/epilogue/output.hpp>
#include <ashlar/epilogue/semiring.hpp>
#include <ashlar/isa/dot.hpp>
#include <ashlar/isa/word_lanes.hpp>
#include <ashlar/winograd/algorithm.hpp>
#include <ashlar/winograd/exact.hpp>

namespace ashlar {

/// Elements of one floating-point type.
template <class T, class Isa, class A>
struct winograd_floats {
  using algorithm = A;
  using isa_type = Isa;
  using src_type = T;
  using weight_type = T;
  using sum_type = T;
  using O = ops<T, Isa>;
  using lanes_of_src = O;
  using products = O;
  using semiring = plus_times;
  using registered = T;
  using v_element = T;
  using u_element = T;
  using unit = T;
  static constexpr index group = 1;
  static constexpr index most_terms = std::numeric_limits<index>::max();
  template <class How>
  static ASHLAR_INLINE constexpr T zero_of(const How& how) {
    return how.padding_value;
  }
  static ASHLAR_INLINE constexpr T weight(double y) { return static_cast<T>(y); }
  static ASHLAR_INLINE void store(T* p, const typename O::vec& y, int, T) { O::store(p, y); }
  static ASHLAR_INLINE const typename O::vec& whole(const typename O::vec& y) { return y; }
};

/// Bytes, transformed to 16 bits and multiplied by pairs of them where the ISA does that, else as 32-bit numbers.
template <class Src, class Weight, class Isa, class A>
  requires(std::integral<Src> && std::integral<Weight> && sizeof(Src) == 1 && sizeof(Weight) == 1)
struct winograd_bytes {
  using exact = exact_bytes<Weight, A>;
  static_assert(exact::fits, "winograd: the transformed bytes of this algorithm do not fit 16 bits");
  using algorithm = typename exact::type;
  using isa_type = Isa;
  using src_type = Src;
  using weight_type = Weight;
  using sum_type = std::int32_t;
  using O = ops<std::int32_t, Isa>;
  using products = word_dot_ops<Isa>;
  using semiring = dot_products;
  using registered = std::int8_t;
  using v_element = typename products::a_element;
  using u_element = typename products::b_element;
  using lanes_of_src = word_lanes<Src, v_element, Isa, output<O, v_element>>;
  using unit = typename products::a_unit;
  static constexpr index group = products::group;

  static constexpr index most_terms = exact::most_terms;

  template <class How>
  static ASHLAR_INLINE constexpr Src zero_of(const How& how) {
    return static_cast<Src>(how.zeros.a);
  }
  static ASHLAR_INLINE constexpr u_element weight(double y) { return static_cast<u_element>(y); }
  // Where a point is infinity's or 1's, or where 1 is a root, zero points come to nothing: of 36 points one takes them
  // away, not every pixel that is loaded.
  static ASHLAR_INLINE void store(v_element* p, const typename lanes_of_src::vec& y, int point, Src zero) {
    const int ones = exact::ones[unsigned(point)];
    if (ones == 0) {
      lanes_of_src::store(p, y);
    } else {
      using number = typename lanes_of_src::value_type;
      lanes_of_src::store(p, lanes_of_src::sub(y, lanes_of_src::broadcast(static_cast<number>(ones * zero))));
    }
  }
  static ASHLAR_INLINE typename O::vec whole(const typename O::vec& y) {
    constexpr auto inverse = static_cast<std::int32_t>(exact::inverse);
    if constexpr (inverse == 1) {
      return O::shift_right(y, O::broadcast(exact::shift));
    } else {
      return O::shift_right(O::mul(y, O::broadcast(inverse)), O::broadcast(exact::shift));
    }
  }
};

}  // namespace ashlar
