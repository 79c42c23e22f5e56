// SPDX-License-Identifier: Apache-2.0
//
// loop/format.hpp: what a contraction multiplies: the elements of its matrices themselves, or (loop/dot_format.hpp)
// units of small integers that they are copied to.
//
// A format says
//
//   O, semiring                        the ops of the tile, and its arithmetic where the caller names none
//   a_type, b_type, sum_type           elements of A and B in memory, and of their sums
//   a_unit, b_unit, group              what a step of the tile multiplies: `group` consecutive k
//   together                           so many steps stand together in a panel: sums have a multiple of them
//   rows_together                      and so many rows where A is copied: tiles start at a multiple of them
//   in_place                           may the tile read A and B where they are?
//   units_in_place                     is a unit of A so many elements as they lie in memory?
//   zeros                              zero points
//   registered                         the element type of its tiles in the registry
//   copy_a, copy_b                     blocks to rows of units and to panels
//   copy_pairs                         the same of A where two rows are together
//   corrections<E>                     what one block keeps beside its operands, and the epilogue of its tiles
//   filter_sums, sum_filters, subtract, with_terms          the same for a convolution (conv/implicit.hpp)
//   padding_of(how)              what src is padded with in a run of a convolution
//
// Depends on: pack/copy_block.hpp, epilogue/semiring.hpp.   Used by: loop/contract.hpp, conv/.
#pragma once

#include <ashlar/core/checked.hpp>
#include <ashlar/core/config.hpp>
#include <ashlar/epilogue/semiring.hpp>
#include <ashlar/pack/copy_block.hpp>

namespace ashlar {

/// Steps of the tile for a sum of k products.
template <class Format>
ASHLAR_INLINE constexpr index steps_of(index k) {
  return ceil_div(k, Format::group * Format::together) * Format::together;
}

/// Format's operands, of which A is From in memory: a prologue makes a_type of it as rows are copied
/// (loop/convert_rows.hpp).
template <class Format, class From>
struct converting_format : Format {
  using a_type = From;
  using made = Format;
  static constexpr bool units_in_place = false;
};

/// Rows of A to rows of units, `steps` long.
template <class Format>
ASHLAR_INLINE void copy_rows(const strided_block<typename Format::a_type>& a, typename Format::a_unit* out, index ld,
                             index steps) {
  if constexpr (Format::rows_together > 1) {
    Format::copy_pairs(a, out, ld, steps);
  } else {
    Format::copy_a(a, out, ld, steps);
  }
}

/// Elements as they are.
template <class T, class Isa>
struct plain_format {
  using O = ops<T, Isa>;
  using a_type = T;
  using b_type = T;
  using sum_type = T;
  using a_unit = T;
  using b_unit = T;
  using registered = T;
  using semiring = plus_times;
  static constexpr index group = 1, together = 1, rows_together = 1;
  static constexpr bool in_place = true, units_in_place = true;
  struct zeros {};

  static ASHLAR_INLINE void copy_a(const strided_block<T>& a, T* out, index ld, index steps) {
    block_copy<T, Isa>::run(a, out, ld, steps);
  }
  static ASHLAR_INLINE void copy_b(const strided_block<T>& b, T* out, index nr) {
    block_copy<T, Isa>::run(b, out, nr, nr);
  }
  static ASHLAR_INLINE void copy_panels(const strided_block<T>& b, T* out, index nr, index distance) {
    block_copy<T, Isa>::panels(b, out, nr, distance);
  }

  template <class How>
  static ASHLAR_INLINE a_unit padding_of(const How& how) {
    return how.padding_value;
  }
  /// A convolution keeps nothing of its filters, and no zero points.
  static ASHLAR_INLINE constexpr index filter_sums(index, index) { return 0; }
  template <class B>
  static ASHLAR_INLINE void sum_filters(const B*, index, index, index, T*) {}
  template <class Zeros, class B>
  static ASHLAR_INLINE void subtract(const Zeros&, index, index, index, B*, index) {}
  template <class E>
  static ASHLAR_INLINE const E& with_terms(const E& e, const zeros&, const T*, index, index, T*) {
    return e;
  }

  /// There are none.
  template <class E>
  class corrections {
   public:
    using epilogue = E;
    static constexpr index elements(index, index) { return 0; }
    ASHLAR_INLINE corrections(const zeros&, index, index, const E& e, T*, index) : e_(e) {}
    ASHLAR_INLINE void start(index, index, index) {}
    template <class A>
    ASHLAR_INLINE void add_rows(const A*, index, index, index, index, bool) {}
    template <class B>
    ASHLAR_INLINE void add_panel(const B*, index, index, index, bool) {}
    ASHLAR_INLINE void take_sums(const T*, index, index) {}
    ASHLAR_INLINE void finish_panel(index, index) {}
    ASHLAR_INLINE const E& get() const { return e_; }

   private:
    const E& e_;
  };
};

}  // namespace ashlar
