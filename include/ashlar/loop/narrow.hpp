// SPDX-License-Identifier: Apache-2.0
//
// loop/narrow.hpp: products that are a few vectors on one side: matrix times vector above all, and few rows of A times
// a transposed B (weights stored as output x input).
//
//   few columns    n <= 8, rows of A with contiguous k           lanes are rows of A,    others are columns of B
//   few rows       m <= 8, columns of B with contiguous k        lanes are columns of B, others are rows of A
//                  (at most as many as a tile has rows)
//
// The large operand is read once, in place, a vector's width of its rows at a time; nothing is cut or copied and no
// workspace is needed. Tiles of rows and columns would use n of a vector's lanes, and would copy a transposed B.
//
// Depends on: loop/contract.hpp, tile/lane_sums.hpp.   Used by: gemm/gemm.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include <ashlar/loop/contract.hpp>
#include <ashlar/tile/lane_sums.hpp>

namespace ashlar {

template <class T, class Isa, tile_shape S, class Semiring, class E>
class narrow_contraction {
  using O = ops<T, Isa>;
  static constexpr index width = block_transpose<T, Isa>::width;
  // Are the vectors of the ISA those that transpose?
  static constexpr bool available = width > 1 && isa::facts<Isa>::vector_bytes == isa::transpose_bytes<Isa>;
  // Others: eight sums keep the multiply-adds busy beside the transposition; and no more than a tile has rows.
  static constexpr int most = S.mr < 8 ? S.mr : 8;
  static constexpr index buffer = (most + 1) * width;  // whole vectors are read from anywhere in `most` of them

 public:
  static ASHLAR_INLINE bool serves(const contraction<plain_format<T, Isa>>& c) {
    return available && (few_columns(c) || few_rows(c));
  }

  /// dst = epilogue(A * B).
  template <class Executor>
  [[gnu::noinline]] static void run(const contraction<plain_format<T, Isa>>& c, const E& e, Executor& executor) {
    if constexpr (available) {
      const bool columns = few_columns(c);
      const index extent = columns ? c.m : c.n, groups = ceil_div(extent, width);
      const index workers = executor.concurrency();
      const index chunks = workers <= 1 || detail::little_work(c.m, c.n, c.k) ? 1 : std::min(groups, 4 * workers);
      const auto chunk = [&](index t) {
        const index first = t * groups / chunks * width, last = std::min((t + 1) * groups / chunks * width, extent);
        columns ? run_columns(c, e, first, last) : run_rows(c, e, first, last);
      };
      chunks == 1 ? chunk(0) : executor.parallel_for(chunks, chunk);
    }
  }

 private:
  using kernel = void (*)(const lane_operands<T>&);
  // Up to four others at a time: a further pass finds the lanes in a cache, and takes no longer than a kernel of eight.
  static constexpr int at_once = most < 4 ? most : 4;
  template <bool LanesAreA, int... I>
  static consteval auto kernels(std::integer_sequence<int, I...>) {
    return std::array<kernel, sizeof...(I)>{&lane_sums<O, I + 1, Semiring, LanesAreA>::run...};
  }

  // sums[r * W + l] for all `others` of x.
  template <bool LanesAreA>
  static constexpr bool side = LanesAreA || commutes<Semiring>;  // where a * b = b * a, one set serves both
  template <bool LanesAreA>
  static ASHLAR_INLINE void sum(lane_operands<T> x, index others) {
    static constexpr auto table = kernels<side<LanesAreA>>(std::make_integer_sequence<int, at_once>{});
    for (index now; others > 0; others -= now) {
      now = std::min<index>(others, at_once);
      table[std::size_t(now - 1)](x);
      x.others += now * x.other_stride;
      x.sums += now * width;
    }
  }

  // The same of one other for several groups of lanes: sums[g * W + l]. Their rows must not evict each other.
  static constexpr int groups = lane_groups<T, Isa>;
  static ASHLAR_INLINE bool by_groups(index others, index lane_stride) {
    return groups > 1 && others == 1 && !detail::aliases(lane_stride, sizeof(T));
  }
  template <bool LanesAreA>
  static ASHLAR_INLINE void sum_groups(const lane_operands<T>& x) {
    lane_sums<O, 1, Semiring, side<LanesAreA>, groups>::run(x);
  }

  // More columns than half a vector's lanes are as well served by tiles, and so are sums so short that turning them
  // into rows of dst counts (50000 x 8 x 32: 48 here, 56 GFLOP/s by tiles).
  static ASHLAR_INLINE bool few_columns(const contraction<plain_format<T, Isa>>& c) {
    return c.n <= most && 2 * c.n <= width && c.m >= width && c.k >= 8 * c.n && c.a_k_stride == 1;
  }
  static ASHLAR_INLINE bool few_rows(const contraction<plain_format<T, Isa>>& c) {
    return c.m <= most && c.n >= width && !c.panels && c.b_k_stride == 1 && c.b_column_stride != 1;
  }

  // Rows first .. last of few columns. The last group lies against the end of A, so that all its lanes exist.
  static void run_columns(const contraction<plain_format<T, Isa>>& c, const E& e, index first, index last) {
    T sums[buffer] = {};
    const bool panels = c.panels != nullptr;
    const T* const b = panels ? c.panels : c.b;
    const index column_stride = panels ? 1 : c.b_column_stride, k_stride = panels ? c.nr : c.b_k_stride;
    lane_operands<T> x{c.k, nullptr, c.a_row_stride, b, column_stride, k_stride, sums};
    index i = first;
    for (; by_groups(c.n, c.a_row_stride) && i + groups * width <= last; i += groups * width) {
      x.lanes = c.a + i * c.a_row_stride;
      sum_groups<true>(x);
      for (index g = 0; g < groups; ++g) finish_columns(c, e, sums + g * width, i + g * width, 0, width);
    }
    for (; i < last; i += width) {
      const index lane0 = std::min(i, c.m - width);
      x.lanes = c.a + lane0 * c.a_row_stride;
      sum<true>(x, c.n);
      finish_columns(c, e, sums, i, i - lane0, std::min(width, last - i));
    }
  }

  // Columns first .. last of few rows.
  static void run_rows(const contraction<plain_format<T, Isa>>& c, const E& e, index first, index last) {
    T sums[buffer] = {};
    lane_operands<T> x{c.k, nullptr, c.b_column_stride, c.a, c.a_row_stride, c.a_k_stride, sums};
    index j = first;
    for (; by_groups(c.m, c.b_column_stride) && j + groups * width <= last; j += groups * width) {
      x.lanes = c.b + j * c.b_column_stride;
      sum_groups<false>(x);
      finish(c, e, sums, groups * width, 0, j, 1, groups * width);
    }
    for (; j < last; j += width) {
      const index lane0 = std::min(j, c.n - width);
      x.lanes = c.b + lane0 * c.b_column_stride;
      sum<false>(x, c.m);
      finish(c, e, sums + (j - lane0), width, 0, j, c.m, std::min(width, last - j));
    }
  }

  // The sums lie column by column. A single column with contiguous rows is a row of the transposed problem.
  static void finish_columns(const contraction<plain_format<T, Isa>>& c, const E& e, const T* sums, index i, index skip,
                             index rows) {
    if (c.n == 1 && c.dst_row_stride == 1) {
      const auto turned = transposed(e);
      return finish_rows<O>(turned, sums + skip, width, 1, rows, c.dst + i, 0, {0, 1, i});
    }
    T block[buffer] = {};
    for (index r = 0; r < rows; ++r)
      for (index j = 0; j < c.n; ++j) block[r * most + j] = sums[j * width + skip + r];
    finish(c, e, block, most, i, 0, rows, c.n);
  }

  static void finish(const contraction<plain_format<T, Isa>>& c, const E& e, const T* sums, index stride, index i,
                     index j, index rows, index cols) {
    T* const out = c.dst + i * c.dst_row_stride + j * c.dst_column_stride;
    if (c.dst_column_stride == 1) return finish_rows<O>(e, sums, stride, rows, cols, out, c.dst_row_stride, {i, 1, j});
    finish_strided<O>(e, sums, stride, rows, cols, out, c.dst_row_stride, c.dst_column_stride, {i, 1, j});
  }
};

}  // namespace ashlar
