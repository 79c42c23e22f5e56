// SPDX-License-Identifier: Apache-2.0
//
// gemm/packed_rows.hpp: A packed once into a blob of the same kind: rows with contiguous k, at a distance that caches
// like.
//
// The micro-kernel reads A by rows, so packed rows are a plain matrix: the blob is a single panel whose NR is the
// distance of the rows. It pays for a transposed A and for one whose rows lie a multiple of 4 KiB apart, and serves
// every ISA.
//
// Depends on: gemm/packed_weights.hpp, loop/blocking.hpp.   Used by: users, through <ashlar/gemm.hpp>.
#pragma once

#include <algorithm>

#include <ashlar/gemm/packed_weights.hpp>
#include <ashlar/loop/blocking.hpp>

namespace ashlar {

/// Packed rows of A: an M x K matrix that takes the place of A in gemm.
template <class T>
using packed_rows = matrix_view<const T, dynamic, dynamic, dynamic, 1>;

/// Bytes of the blob of an M x K matrix of T: header and rows. 0 when that exceeds 64 bits or an extent is negative.
template <class T, class Unit = detail::this_unit>
std::size_t packed_rows_bytes(index m, index k) {
  index elements = 0, bytes = 0;
  if (m < 0 || k < 0 || k > (index(1) << 60)) return 0;
  if (__builtin_mul_overflow(m, detail::row_distance(k, sizeof(T)), &elements)) return 0;
  if (__builtin_mul_overflow(elements, index(sizeof(T)), &bytes)) return 0;
  return std::size_t(bytes) + sizeof(packed_header);
}

/// Opens a blob made by pack_rows, in memory or mapped from a file. Copies nothing. Errors as open_weights.
template <class T, class Unit = detail::this_unit>
result<packed_rows<T>> open_rows(std::span<const std::byte> blob, bool verify = true) {
  const auto opened = open_weights<T>(blob, verify);
  if (!opened.ok()) return opened.error();
  const packed_weights<T>& w = opened.value();
  if (w.n > w.nr) {
    return status::error(errc::wrong_blob, "open_rows: rows of %lld elements at distance %lld: this blob holds weights",
                         detail::lld(w.n), detail::lld(w.nr));
  }
  return packed_rows<T>(w.panels, w.k, w.n, w.nr, 1);
}

/// Packs A (M x K, any strides) into `storage`, which then is a blob: keep it, share it, write it to a file.
///
///     auto storage = aligned_buffer::make(packed_rows_bytes<float>(m, k));
///     auto a = pack_rows(column_major(data, m, k), storage.span());
///     if (a.ok()) gemm(a.value(), B, C);
///
/// Errors as pack_weights; storage is untouched then. A is free afterwards.
template <class Isa = isa::native, any_matrix A>
auto pack_rows(const A& a, std::span<std::byte> storage) -> result<packed_rows<typename A::value_type>> {
  using T = typename A::value_type;
  const std::size_t bytes = packed_rows_bytes<T>(a.rows(), a.cols());
  if (status s = detail::check_packing("pack_rows", "A", a, storage, bytes); !s.ok()) return s;
  const index stride = detail::row_distance(a.cols(), sizeof(T));
  T* rows = reinterpret_cast<T*>(storage.data() + sizeof(packed_header));
  block_copy<T, Isa>::run({a.data(), a.row_stride(), a.col_stride(), a.rows(), a.cols()}, rows, stride, stride);
  const index nr = std::max<index>(1, stride);  // a panel of empty rows has a width, too
  detail::write_header<T>(storage.data(), nr, a.rows(), a.cols(), bytes - sizeof(packed_header));
  return packed_rows<T>(rows, a.rows(), a.cols(), stride, 1);
}

}  // namespace ashlar
