// SPDX-License-Identifier: Apache-2.0
//
// loop/fixed.hpp: products whose extents the compiler knows: straight-line tiles, nothing chosen at run time.
//
// The same tiles as everywhere, inlined with constants for rows, columns and steps: no table of kernels, no mask that
// is not a constant, no fetch. What a library otherwise generates at run time for each shape, the compiler does here.
//
// Depends on: loop/contract.hpp.   Used by: gemm/gemm.hpp.
#pragma once

#include <type_traits>
#include <utility>

#include <ashlar/loop/contract.hpp>

namespace ashlar {

template <class T, class Isa, tile_shape S, class Semiring, class E, index M, index N, index K>
struct fixed_contraction {
  using O = ops<T, Isa>;
  using ragged_ops = few_columns_ops<O>;

  /// Do the columns need no mask that is a constant?
  static constexpr bool whole = O::masked_memory || N % index(O::max_lanes) == 0;

  /// Few tiles of a vector length that is known, rows read in place: else the code would only be larger. Fewer of those
  /// with constant masks: four such shapes up to 23 x 23 x 23 were an eighth of the time that the benchmark compiles.
  static constexpr bool serves = M > 0 && N > 0 && K > 0 && isa::facts<Isa>::vector_bytes > 0 && K <= 64 &&
                                 !runs_long<E> && M * N <= (whole ? 64 * 64 : 16 * 16) &&
                                 (whole || ragged_ops::masked_memory);

  /// dst = epilogue(A * B). Of c's strides those of rows are used: columns are contiguous.
  static ASHLAR_INLINE void run(const contraction<plain_format<T, Isa>>& c, const E& e) {
    rows(c, e, std::make_integer_sequence<int, int(tiles.count)>{}, std::make_integer_sequence<int, int(panels)>{});
  }

 private:
  static constexpr index lanes = O::max_lanes, nr = S.nv * lanes;
  static constexpr even_tiles tiles = evenly(M, N <= lanes ? S.mr1 : S.mr);
  static constexpr index panels = ceil_div(N, nr);

  template <int... I, int... J>
  static ASHLAR_INLINE void rows(const contraction<plain_format<T, Isa>>& c, const E& e,
                                 std::integer_sequence<int, I...>, std::integer_sequence<int, J...> columns) {
    (row<I>(c, e, columns), ...);
  }
  template <int I, int... J>
  static ASHLAR_INLINE void row(const contraction<plain_format<T, Isa>>& c, const E& e,
                                std::integer_sequence<int, J...>) {
    (tile<I, J>(c, e), ...);
  }
  template <int I, int J>
  static ASHLAR_INLINE void tile(const contraction<plain_format<T, Isa>>& c, const E& e) {
    constexpr index height = tiles.height(I), first = tiles.first_row(I);
    constexpr index column = J * nr, width = N - column < nr ? N - column : nr;
    tile_operands<T> x;
    x.k = K;
    x.a = c.a + first * c.a_row_stride, x.a_stride = c.a_row_stride;
    x.b = c.b + column, x.b_stride = c.b_k_stride, x.b_group = 0;
    x.prefetch = nullptr, x.prefetch_stride = 0;
    x.partial = nullptr, x.partial_stride = 0;
    x.dst = c.dst + first * c.dst_row_stride + column, x.dst_stride = c.dst_row_stride;
    x.row = first, x.col = column, x.n = width;
    x.resume = false, x.last = true;
    using tile_ops = std::conditional_t<width % lanes == 0, O, ragged_ops>;
    register_tile<tile_ops, int(height), int(ceil_div(width, lanes)), S.ku, Semiring, E>::run_inline(x, e);
  }
};

}  // namespace ashlar
