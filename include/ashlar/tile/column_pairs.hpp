// SPDX-License-Identifier: Apache-2.0
//
// tile/column_pairs.hpp: accumulators of a tile whose two vectors of columns come from one load of B (isa/dot_half.hpp)
// as its even and its odd numbers.
//
//   while it sums      cell (r, 2j): the even columns of vectors 2j and 2j + 1; (r, 2j + 1): the odd ones
//   before and after   cell (r, j): row r, vector j
//
// Depends on: core/pick.hpp, isa/dot.hpp.   Used by: tile/tile_sums.hpp.
#pragma once

#include <utility>

#include <ashlar/core/pick.hpp>
#include <ashlar/isa.hpp>

namespace ashlar {

/// The two forms of an even number of cells a row.
template <class O>
class column_pairs {
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

 public:
  /// Even and odd columns become vectors.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void to_rows(seq<I...>, Acc&... sums) {
    [&](auto... from) __attribute__((always_inline)) {
      ((sums = O::template zipped<I % 2>(pick<I / 2 * 2>(from...), pick<I / 2 * 2 + 1>(from...))), ...);
    }(sums...);
  }
  /// Vectors become even and odd columns.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void from_rows(seq<I...>, Acc&... sums) {
    [&](auto... from) __attribute__((always_inline)) {
      ((sums = O::template unzipped<I % 2>(pick<I / 2 * 2>(from...), pick<I / 2 * 2 + 1>(from...))), ...);
    }(sums...);
  }
};

/// Are the sums of a tile even and odd columns? Group: vectors of a panel.
template <class O, int Group>
inline constexpr bool alternates_columns = false;
template <class O, int Group>
  requires requires(const typename O::vec& v) { O::template zipped<0>(v, v); }
inline constexpr bool alternates_columns<O, Group> = joins_vectors<O, Group>;

}  // namespace ashlar
