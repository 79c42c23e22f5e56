// SPDX-License-Identifier: Apache-2.0
//
// loop/convert_rows.hpp: rows of A whose elements become others as they are copied, a piece at a time.
//
//   out(i, k) = unit of prologue(A(row + i, k))
//
// Depends on: loop/format.hpp.   Used by: loop/contract.hpp.
#pragma once

#include <algorithm>

#include <ashlar/loop/format.hpp>

namespace ashlar {

/// Format is a converting_format; `row` is the number of a's first one, `steps` the length of rows of units.
template <class Format, class Prologue>
[[gnu::noinline]] void convert_rows(const Prologue& prologue, index row,
                                    const strided_block<typename Format::a_type>& a, typename Format::a_unit* out,
                                    index ld, index steps) {
  using made = typename Format::made;
  using isa_type = typename Format::O::isa_type;
  constexpr index together = Format::rows_together, piece = 1024;
  static_assert(piece % (Format::group * Format::together) == 0);
  alignas(64) typename made::a_type rows[together][piece];
  for (index i = 0; i < a.rows; i += together, out += together * ld) {
    const index count = std::min(together, a.rows - i);
    for (index k = 0; k < a.cols; k += piece) {
      const index length = std::min(piece, a.cols - k), step = k / Format::group;
      for (index r = 0; r < count; ++r) {
        const auto* const from = a.data + (i + r) * a.row_stride + k * a.col_stride;
        prologue.template convert<isa_type>(row + i + r, from, length, a.col_stride, rows[r]);
      }
      const index own = k + length < a.cols ? piece / Format::group : steps - step;
      copy_rows<made>({rows[0], piece, 1, count, length}, out + together * step, ld, own);
    }
  }
}

}  // namespace ashlar
