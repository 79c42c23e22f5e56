// SPDX-License-Identifier: Apache-2.0
//
// pack/copy_block.hpp: any strided block copied to rows with contiguous columns. The only packing primitive.
//
//   dst[i * ld + j] = src[i * row_stride + j * col_stride],  j < cols;      zero for cols <= j < padded
//
// Rows of A, panels of B and transposed operands are all this copy: whole vectors where columns are contiguous,
// transposes in registers where rows are, element by element otherwise.
//
// Depends on: isa/.   Used by: pack/panels.hpp, loop/contract.hpp.
#pragma once

#include <algorithm>

#include <ashlar/isa.hpp>
#include <ashlar/isa/transpose.hpp>

namespace ashlar {

/// A block to copy: strides in elements, any sign.
template <class T>
struct strided_block {
  const T* data;
  index row_stride, col_stride;
  index rows, cols;
};

template <class T, class Isa>
class block_copy {
  using O = ops<T, Isa>;
  using transpose = block_transpose<T, Isa>;

 public:
  /// Copies src to rows of length `padded` at distance `ld`, filling with zeros behind src.cols. Reads exactly src.
  [[gnu::noinline]] static void run(const strided_block<T>& src, T* out, index ld, index padded) {
    if (src.col_stride == 1) return copy_rows(src, out, ld, padded);
    if (transpose::width > 1 && src.row_stride == 1) return copy_transposed(src, out, ld, padded);
    copy_elements(src, out, ld, padded);
  }

  /// Copies src, of contiguous columns, to so many panels of `nr` of them, whole vectors, each `distance` behind the
  /// one before. All panels row by row: a row of a large matrix is a page of its own, and then is visited once.
  [[gnu::noinline]] static void panels(const strided_block<T>& src, T* out, index nr, index distance) {
    const index ahead = rows_ahead(src.cols) * src.row_stride, lanes = O::lanes();
    const T* from = src.data;
    for (index i = 0; i < src.rows; ++i, from += src.row_stride, out += nr) {
      T* to = out;
      for (index first = 0; first < src.cols; first += nr, to += distance) {
        for (index j = 0; j < nr; j += lanes) {
          __builtin_prefetch(from + ahead + first + j, 0, 2);
          O::store(to + j, O::load(from + first + j));
        }
      }
    }
  }

 private:
  // Rows of a large matrix lie on pages of their own, where no hardware prefetcher follows: so many bytes are kept in
  // flight.
  static constexpr index lookahead = 4096;
  static ASHLAR_INLINE index rows_ahead(index cols) {
    return std::clamp<index>(lookahead / index(sizeof(T)) / std::max<index>(cols, 1), 1, 64);
  }

  static void copy_rows(const strided_block<T>& src, T* out, index ld, index padded) {
    const index lanes = O::lanes(), whole = src.cols / lanes * lanes, rest = src.cols - whole;
    const index ahead = rows_ahead(src.cols) * src.row_stride;
    const T* from = src.data;
    for (index i = 0; i < src.rows; ++i, from += src.row_stride, out += ld) {
      index j = 0;
      for (; j < whole; j += lanes) {
        __builtin_prefetch(from + ahead + j, 0, 2);
        O::store(out + j, O::load(from + j));
      }
      if (rest > 0) store_part(out + j, O::load_n(from + j, rest), padded - j), j += lanes;
      for (; j < padded; j += lanes) store_part(out + j, O::zero(), padded - j);
    }
  }
  static ASHLAR_INLINE void store_part(T* to, const typename O::vec& x, index room) {
    room >= O::lanes() ? O::store(to, x) : O::store_n(to, x, room);
  }

  // src is contiguous along its rows (k of a transposed B, or m of a transposed A): W x W blocks in registers, the last
  // ones against the end. A few columns at a time: each is a stream on pages of its own.
  static void copy_transposed(const strided_block<T>& src, T* out, index ld, index padded) {
    constexpr index w = std::max(1, transpose::width), streams = 4 * w;
    if (src.rows < w || src.cols < w) return copy_elements(src, out, ld, padded);
    if constexpr (w > 1) {
      for (index j0 = 0; j0 < src.cols; j0 += streams) {
        for (index i = 0; i < src.rows; i += w) {
          for (index j = j0; j < std::min(j0 + streams, src.cols); j += w) {
            const index row = std::min(i, src.rows - w), col = std::min(j, src.cols - w);
            transpose::run(src.data + col * src.col_stride + row, src.col_stride, out + row * ld + col, ld);
          }
        }
      }
    }
    copy_elements({nullptr, 0, 0, src.rows, 0}, out + src.cols, ld, padded - src.cols);
  }

  static void copy_elements(const strided_block<T>& src, T* out, index ld, index padded) {
    for (index i = 0; i < src.rows; ++i) {
      T* to = out + i * ld;
      for (index j = 0; j < src.cols; ++j) to[j] = src.data[i * src.row_stride + j * src.col_stride];
      for (index j = src.cols; j < padded; ++j) to[j] = T(0);
    }
  }
};

}  // namespace ashlar
