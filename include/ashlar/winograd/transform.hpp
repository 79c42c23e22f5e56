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
// cycle. z is an array that is indexed by constants alone, so that g++ keeps it in registers; SVE's vectors cannot be
// elements of arrays and are function parameters.
//
// g++ optimises the body of a function that is always inlined again in each of its callers: here few of them hold more
// than a column or a row, and what calls run() should be compiled once (F(6, 3), source: 15.7 -> 4.3 s with g++ 12).
//
// One code for every shape of kernel: an axis without taps has F(1, 1), the identity of one row.
//
// Depends on: winograd/linear_map.hpp.   Used by: winograd/pack.hpp, winograd/tiles.hpp, winograd/kernel.hpp.
#pragma once

#include <ashlar/winograd/linear_map.hpp>
#include <utility>

namespace ashlar {

/// y = V x H^T for the matrices V and H of two axes.
///
///     tile_transform<O, input_of<f43>, input_of<f43>>::run(load, store);
///
/// load(k, c) gives the vector in row k and column c of x; store(r, q, y) takes y's in row r and column q: ints, which
/// are constants after inlining. Columns first, then rows; every y in a fixed order of operations.
template <class O, class V, class H, class Groups = std::make_integer_sequence<int, linear_map<O, V>::group_count>>
class tile_transform;

template <class O, class V, class H, int... Groups>
class tile_transform<O, V, H, std::integer_sequence<int, Groups...>> {
  using vertical = linear_map<O, V>;
  using horizontal = linear_map<O, H>;
  using vec = typename O::vec;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  static constexpr int cols = horizontal::cols;

 public:
  template <class Load, class Store>
  static ASHLAR_INLINE constexpr void run(const Load& load, const Store& store) {
    (group<Groups>(std::make_integer_sequence<int, vertical::groups[Groups].count * cols>{}, load, store), ...);
  }

  /// x is in_rows x in_columns, y out_rows x out_columns.
  static constexpr int in_rows = vertical::cols, in_columns = horizontal::cols;
  static constexpr int out_rows = vertical::rows, out_columns = horizontal::rows;

  /// Vector operations of one call.
  static constexpr int operations = vertical::plan.operations() * cols + horizontal::plan.operations() * vertical::rows;

 private:
  // z of a group, column by column.
  template <int G, int... I, class Load, class Store>
  static ASHLAR_INLINE constexpr void group(seq<I...>, const Load& load, const Store& store) {
    if constexpr (requires { sizeof(vec); }) {
      vec z[sizeof...(I)];
      cells<G>(std::make_integer_sequence<int, cols>{}, load, store, z);
    } else {
      variables<G>(load, store, (void(I), O::zero())...);
    }
  }
  template <int G, class Load, class Store, class... Z>
  static ASHLAR_INLINE constexpr void variables(const Load& load, const Store& store, Z... z) {
    cells<G>(std::make_integer_sequence<int, cols>{}, load, store, z...);
  }
  template <int I, class Vec, std::size_t N>
  static ASHLAR_INLINE constexpr Vec& cell(Vec (&z)[N]) {
    return z[I];
  }
  template <int I, class... Z>
  static ASHLAR_INLINE constexpr vec& cell(Z&... z) {
    return detail::nth_argument<vec, I>::of(z...);
  }

  template <int G, int... C, class Load, class Store, class... Z>
  static ASHLAR_INLINE constexpr void cells(seq<C...>, const Load& load, const Store& store, Z&... z) {
    (column<G, C>(std::make_integer_sequence<int, vertical::groups[G].count>{}, load, z...), ...);
    rows<G>(std::make_integer_sequence<int, vertical::groups[G].count>{}, store, z...);
  }
  template <int G, int C, int... R, class Load, class... Z>
  static ASHLAR_INLINE constexpr void column(seq<R...>, const Load& load, Z&... z) {
    set<G, C>(std::make_integer_sequence<int, vertical::cols>{}, load, cell<C * sizeof...(R) + R>(z...)...);
  }
  template <int G, int C, int... K, class Load, class... Z>
  static ASHLAR_INLINE constexpr void set(seq<K...>, const Load& load, Z&... z) {
    vertical::template group<G>([&](const auto&... y) __attribute__((always_inline)) { ((z = y), ...); },
                                load(K, C)...);
  }

  template <int G, int... R, class Store, class... Z>
  static ASHLAR_INLINE constexpr void rows(seq<R...>, const Store& store, Z&... z) {
    (row<G, R>(std::make_integer_sequence<int, cols>{}, store, z...), ...);
  }
  template <int G, int R, int... C, class Store, class... Z>
  static ASHLAR_INLINE constexpr void row(seq<C...>, const Store& store, Z&... z) {
    finish<vertical::groups[G].rows[R]>(std::make_integer_sequence<int, horizontal::group_count>{}, store,
                                        cell<C * vertical::groups[G].count + R>(z...)...);
  }
  template <int Row, int... G, class Store, class... Z>
  static ASHLAR_INLINE constexpr void finish(seq<G...>, const Store& store, const Z&... z) {
    (horizontal::template group<G>(
         [&](const auto&... y) __attribute__((always_inline)) {
           store_all<Row, G>(std::make_integer_sequence<int, sizeof...(y)>{}, store, y...);
         },
         z...),
     ...);
  }
  template <int Row, int G, int... Q, class Store, class... Y>
  static ASHLAR_INLINE constexpr void store_all(seq<Q...>, const Store& store, const Y&... y) {
    (store(Row, horizontal::groups[G].rows[Q], y), ...);
  }
};

}  // namespace ashlar
