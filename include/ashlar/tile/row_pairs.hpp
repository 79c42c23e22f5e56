// SPDX-License-Identifier: Apache-2.0
//
// tile/row_pairs.hpp: accumulators of a tile that multiplies two rows by two columns at a time (isa/dot.hpp, pair_ops).
//
//   while it sums      cell (2p, j): rows 2p and 2p + 1, the left half of the columns of vector j; (2p + 1, j): the
//                      right half
//   before and after   cell (r, j): row r, vector j
//
// Depends on: core/pick.hpp, isa/dot.hpp.   Used by: tile/{register_tile,tile_sums}.hpp.
#pragma once

#include <utility>

#include <ashlar/core/pick.hpp>
#include <ashlar/isa.hpp>

namespace ashlar {

/// The two forms of NV cells a row, an even number of rows.
template <class O, int NV>
class row_pairs {
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

 public:
  /// Halves of two rows become rows.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void to_rows(seq<I...>, Acc&... sums) {
    [&](auto... from) __attribute__((always_inline)) { ((sums = row<I>(from...)), ...); }(sums...);
  }
  /// Rows become halves of two.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void from_rows(seq<I...>, Acc&... sums) {
    [&](auto... from) __attribute__((always_inline)) { ((sums = half<I>(from...)), ...); }(sums...);
  }

 private:
  static constexpr int upper(int cell) { return cell / (2 * NV) * (2 * NV) + cell % NV; }
  static constexpr bool is_upper(int cell) { return cell / NV % 2 == 0; }

  template <int I, class... V>
  static ASHLAR_INLINE auto row(V... from) {
    const auto left = pick<upper(I)>(from...), right = pick<upper(I) + NV>(from...);
    if constexpr (is_upper(I)) {
      return O::first_row(left, right);
    } else {
      return O::second_row(left, right);
    }
  }
  template <int I, class... V>
  static ASHLAR_INLINE auto half(V... from) {
    const auto row0 = pick<upper(I)>(from...), row1 = pick<upper(I) + NV>(from...);
    if constexpr (is_upper(I)) {
      return O::first_half(row0, row1);
    } else {
      return O::second_half(row0, row1);
    }
  }
};

}  // namespace ashlar
