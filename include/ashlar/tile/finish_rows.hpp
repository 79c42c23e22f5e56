// SPDX-License-Identifier: Apache-2.0
//
// tile/finish_rows.hpp: a long epilogue over the accumulators of one tile, by one loop and one copy of the code.
//
// gelu inlined for 28 accumulators of each of 47 kernels was 174 kB and a minute of compilation. Its forty operations a
// vector dwarf a store to L1 and a load: so tiles with such an epilogue put their accumulators down and this loop takes
// them up.
//
// Depends on: epilogue/, isa/.   Used by: tile/tile_sums.hpp.
#pragma once

#include <algorithm>

#include <ashlar/epilogue.hpp>
#include <ashlar/epilogue/output.hpp>
#include <ashlar/isa.hpp>

namespace ashlar {

/// Where rows stand in the epilogue's coordinates: row r at (row + r * row_step, col).
struct epilogue_place {
  index row, row_step, col;
};

/// dst(r, j) = e(acc[r * acc_stride + j]) for r < rows, j < n; `at` is dst's place in the whole matrix.
template <class O, class E, class D, class T = typename O::value_type>
[[gnu::noinline]] void finish_rows(const E& expression, const T* sums, index acc_stride, index rows, index n, D* target,
                                   index dst_stride, const epilogue_place& at) {
  using out = output<O, D>;
  using context = typename out::context;
  const E e = expression;  // of its own: a store of bytes may alias whatever has an address
  const index lanes = O::lanes();
  for (index r = 0; r < rows; ++r) {
    D* const to = target + r * dst_stride;
    const T* const from = sums + r * acc_stride;
    const index row = at.row + r * at.row_step;
    index j = 0;
    for (; j + lanes <= n; j += lanes) {
      const typename out::template place<true> here{row, at.col + j, lanes, to + j};
      out::store(to + j, e.eval(context{}, out::seen(e, O::load(from + j), here), here));
    }
    if (j < n) {
      const typename out::template place<false> last{row, at.col + j, n - j, to + j};
      out::store_n(to + j, e.eval(context{}, out::seen(e, O::load(from + j), last), last), n - j);
    }
  }
}

}  // namespace ashlar
