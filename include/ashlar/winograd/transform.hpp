// SPDX-License-Identifier: Apache-2.0
//
// winograd/transform.hpp: a tile transformed along both axes, V X H^T, in registers from the loads to the stores.
//
//   for each group of rows of V that share sums (a pair +-p; all even rows; all odd rows)
//     z(r, c) = sum over k of V(r, k) x(k, c)             for the rows r of the group, all columns c: 12 to 24 vectors
//     y(r, q) = sum over c of H(q, c) z(r, c)             stored one by one
//
// x is read once for every group that wants it, and nothing in between goes to memory: for F(4, 3) 84 loads and 36
// stores, where columns first and rows then through a buffer are 72 and 72; Zen 4 stores a 512-bit vector every other
// cycle. Vectors are function parameter packs: SVE's cannot be elements of arrays.
//
// One code for every shape of kernel: an axis without taps has F(1, 1), the identity of one row.
//
// Depends on: winograd/linear_map.hpp.   Used by: winograd/pack.hpp, winograd/tiles.hpp, winograd/kernel.hpp.
#pragma once

#include <ashlar/winograd/linear_map.hpp>
#include <utility>

namespace ashlar {

namespace detail {

/// The rows of a plan in the order in which transform computes them, and where each group begins.
template <int Rows>
struct row_groups {
  std::array<int, Rows> order{};
  std::array<int, Rows + 1> first{};
  int count = 0;

  template <class Plan>
  consteval explicit row_groups(const Plan& plan) {
    std::array<bool, Rows> taken{};
    int place = 0;
    for (int i = 0; i < Rows; ++i) {
      if (taken[unsigned(i)]) continue;
      first[unsigned(count++)] = place;
      for (int j = i; j < Rows; ++j)
        if (plan.key(j) == plan.key(i)) taken[unsigned(j)] = true, order[unsigned(place++)] = j;
    }
    first[unsigned(count)] = place;
  }
};

/// The J-th of its arguments.
template <int J, class First, class... Rest>
ASHLAR_INLINE constexpr First pick_argument(First first, Rest... rest) {
  if constexpr (J == 0) {
    return first;
  } else {
    return pick_argument<J - 1>(rest...);
  }
}

}  // namespace detail

/// y = V x H^T for the matrices V and H of two axes.
///
///     tile_transform<O, input_of<f43>, input_of<f43>>::run(load, store);
///
/// load(k, c) gives the vector in row k and column c of x; store(r, q, y) takes y's in row r and column q: the numbers
/// are std::integral_constant<int>. Columns first, then rows; every y in a fixed order of operations.
template <class O, class V, class H>
class tile_transform {
  using vertical = linear_map<O, V>;
  using horizontal = linear_map<O, H>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  template <int N>
  using constant = std::integral_constant<int, N>;
  static constexpr detail::row_groups<vertical::rows> groups{vertical::plan};
  static constexpr int cols = horizontal::cols;

 public:
  template <class Load, class Store>
  static ASHLAR_INLINE constexpr void run(const Load& load, const Store& store) {
    all(std::make_integer_sequence<int, groups.count>{}, load, store);
  }

  /// Vector operations of one call.
  static constexpr int operations = vertical::plan.operations() * cols + horizontal::plan.operations() * vertical::rows;

 private:
  template <int... G, class Load, class Store>
  static ASHLAR_INLINE constexpr void all(seq<G...>, const Load& load, const Store& store) {
    (group<groups.first[G]>(std::make_integer_sequence<int, groups.first[G + 1] - groups.first[G]>{},
                            std::make_integer_sequence<int, (groups.first[G + 1] - groups.first[G]) * cols>{}, load,
                            store),
     ...);
  }

  // Rows order[First + R...]; cell I is row First + I / cols, column I % cols.
  template <int First, int... R, int... I, class Load, class Store>
  static ASHLAR_INLINE constexpr void group(seq<R...>, seq<I...>, const Load& load, const Store& store) {
    finish<First>(seq<R...>{}, store, column_value<groups.order[First + I / cols], I % cols>(load)...);
  }
  template <int Row, int Col, class Load>
  static ASHLAR_INLINE constexpr typename O::vec column_value(const Load& load) {
    return vertical::template row<Row>([&](auto k) __attribute__((always_inline)) { return load(k, constant<Col>{}); });
  }

  template <int First, int... R, class Store, class... Z>
  static ASHLAR_INLINE constexpr void finish(seq<R...>, const Store& store, Z... z) {
    (finish_row<groups.order[First + R], R>(std::make_integer_sequence<int, horizontal::rows>{}, store, z...), ...);
  }
  template <int Row, int Place, int... Q, class Store, class... Z>
  static ASHLAR_INLINE constexpr void finish_row(seq<Q...>, const Store& store, Z... z) {
    const auto at = [&](auto c)
                        __attribute__((always_inline)) { return detail::pick_argument<Place * cols + c.value>(z...); };
    (store(constant<Row>{}, constant<Q>{}, horizontal::template row<Q>(at)), ...);
  }
};

}  // namespace ashlar
