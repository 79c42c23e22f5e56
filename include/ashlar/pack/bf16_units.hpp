// SPDX-License-Identifier: Apache-2.0
//
// pack/bf16_units.hpp: bf16 to the groups that dot products take (isa/dot_bf16.hpp).
//
//   rows of A      out[i * ld + k]                       = A(i, k)                    k < columns, zero up to the
//   padding pairs of rows  out[(i / 2 * 2 * ld) + (k / G * 2 + i % 2) * G + k % G] = A(i, k) panels of B    out[(s * NR
//   + j) * G + g]             = B(s * G + g, j)            zero beyond either extent
//
// On the compiler's generic vectors of eight words, which become zips and unpacks.
//
// Depends on: core/{checked,narrow_float}.hpp, pack/copy_block.hpp.   Used by: loop/bf16_format.hpp,
// gemm/packed_weights.hpp.
#pragma once

#include <algorithm>
#include <cstring>

#include <ashlar/core/checked.hpp>
#include <ashlar/core/narrow_float.hpp>
#include <ashlar/pack/copy_block.hpp>

namespace ashlar {

/// Groups of G bf16 for Isa.
template <index G, class Isa>
class bf16_groups {
  static_assert(G == 2 || G == 4);
  typedef std::uint16_t words __attribute__((vector_size(16)));
  typedef std::uint32_t pairs __attribute__((vector_size(16)));
  static constexpr index lanes = 8;

 public:
  /// Copies `a` to rows at distance ld, with zeros from a.cols to `padded`.
  [[gnu::noinline]] static void rows(const strided_block<bf16>& a, bf16* out, index ld, index padded) {
    for (index i = 0; i < a.rows; ++i, out += ld) {
      const bf16* const in = a.data + i * a.row_stride;
      if (a.col_stride == 1) {
        std::memcpy(static_cast<void*>(out), in, std::size_t(a.cols) * sizeof(bf16));
      } else {
        for (index k = 0; k < a.cols; ++k) out[k] = in[k * a.col_stride];
      }
      std::fill(out + a.cols, out + padded, bf16(0.0f));
    }
  }

  /// The same of two rows side by side, group by group, at 2 * ld; zeros beside an odd last row.
  [[gnu::noinline]] static void row_pairs(const strided_block<bf16>& a, bf16* out, index ld, index padded) {
    for (index i = 0; i < a.rows; ++i) {
      const bf16* const in = a.data + i * a.row_stride;
      bf16* const to = out + i / 2 * 2 * ld + i % 2 * G;
      const index whole = a.col_stride == 1 ? a.cols / G * G : 0;
      for (index k = 0; k < whole; k += G) std::memcpy(static_cast<void*>(to + 2 * k), in + k, G * sizeof(bf16));
      for (index k = whole; k < padded; ++k) to[k / G * 2 * G + k % G] = k < a.cols ? in[k * a.col_stride] : bf16(0.0f);
    }
    if (a.rows % 2 == 0) return;
    bf16* const none = out + a.rows / 2 * 2 * ld + G;
    for (index k = 0; k < padded; k += G) std::fill(none + 2 * k, none + 2 * k + G, bf16(0.0f));
  }

  /// Copies b, K x at most nr, to one panel: ceil(K / G) times nr groups.
  [[gnu::noinline]] static void panel(const strided_block<bf16>& b, bf16* out, index nr) {
    for (index k = 0; k < b.rows; k += G, out += nr * G) {
      const index have = std::min(G, b.rows - k);
      const bf16* const in = b.data + k * b.row_stride;
      if (b.col_stride == 1) {
        for (index j = 0; j < nr; j += lanes)
          zip(in + j, b.row_stride, have, std::clamp<index>(b.cols - j, 0, lanes), out + j * G,
              std::min(lanes, nr - j));
      } else {
        for (index j = 0; j < nr; ++j)
          for (index g = 0; g < G; ++g)
            out[j * G + g] = g < have && j < b.cols ? in[g * b.row_stride + j * b.col_stride] : bf16(0.0f);
      }
    }
  }

 private:
  // `have` rows of `columns`, up to eight, to groups; `count` of them are stored.
  static ASHLAR_INLINE void zip(const bf16* in, index row_stride, index have, index columns, bf16* out, index count) {
    words row[G] = {};
    for (index g = 0; g < have; ++g) {
      if (columns == lanes) {
        std::memcpy(&row[g], in + g * row_stride, sizeof(words));
      } else if (columns > 0) {
        std::memcpy(&row[g], in + g * row_stride, std::size_t(columns) * sizeof(bf16));
      }
    }
    words zipped[G];
    if constexpr (G == 2) {
      zipped[0] = low(row[0], row[1]), zipped[1] = high(row[0], row[1]);
    } else {
      for (index half = 0; half < 2; ++half) {
        const pairs x = reinterpret_cast<pairs>(half == 0 ? low(row[0], row[1]) : high(row[0], row[1]));
        const pairs y = reinterpret_cast<pairs>(half == 0 ? low(row[2], row[3]) : high(row[2], row[3]));
        zipped[2 * half] = reinterpret_cast<words>(__builtin_shufflevector(x, y, 0, 4, 1, 5));
        zipped[2 * half + 1] = reinterpret_cast<words>(__builtin_shufflevector(x, y, 2, 6, 3, 7));
      }
    }
    const std::size_t bytes = std::size_t(count * G) * sizeof(bf16);
    count == lanes ? std::memcpy(static_cast<void*>(out), zipped, sizeof zipped)
                   : std::memcpy(static_cast<void*>(out), zipped, bytes);
  }
  static ASHLAR_INLINE words low(const words& a, const words& b) {
    return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
  }
  static ASHLAR_INLINE words high(const words& a, const words& b) {
    return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
  }
};

}  // namespace ashlar
