// SPDX-License-Identifier: Apache-2.0
//
// core/overlap.hpp: do two views share an element?
//
// Depends on: core/view.hpp.   Used by: the checks of every operation.
#pragma once

#include <ashlar/core/view.hpp>
#include <cstdint>

namespace ashlar::detail {

// The bytes from the first to the last element of a view, as integers.
struct address_range {
  std::uintptr_t first, last;
};
template <any_matrix V>
ASHLAR_HOST_INLINE address_range range_of(const V& v) {
  const index r = (v.rows() - 1) * v.row_stride(), c = (v.cols() - 1) * v.col_stride();
  const index low = (r < 0 ? r : 0) + (c < 0 ? c : 0), high = (r > 0 ? r : 0) + (c > 0 ? c : 0);
  const auto base = reinterpret_cast<std::uintptr_t>(v.data());
  const auto size = index(sizeof(typename V::value_type));
  return {base + std::uintptr_t(low * size), base + std::uintptr_t((high + 1) * size) - 1};
}

// Do the elements fill the bytes from the first to the last?
template <any_matrix V>
ASHLAR_HOST_INLINE bool dense(const V& v) {
  const address_range r = range_of(v);
  return index(r.last - r.first) + 1 == v.rows() * v.cols() * index(sizeof(typename V::value_type));
}

// Do two views share an element? Exact for views of one row-major or column-major parent; other interleaved views are
// taken to be disjoint when nothing proves otherwise.
template <any_matrix V, any_matrix W, class Unit = this_unit>
bool overlaps(const V& v, const W& w) {
  if (v.empty() || w.empty()) return false;
  const address_range a = range_of(v), b = range_of(w);
  if (a.last < b.first || b.last < a.first) return false;
  if (dense(v) && dense(w)) return true;
  // In bytes, for an operand of the epilogue may be of another type than C.
  constexpr auto v_size = index(sizeof(typename V::value_type)), w_size = index(sizeof(typename W::value_type));
  const auto address = [](const auto& x) { return reinterpret_cast<std::uintptr_t>(x.data()); };
  const bool by_rows = v.col_stride() == 1 && w.col_stride() == 1;
  const bool by_columns = v.row_stride() == 1 && w.row_stride() == 1;
  const index ld = (by_rows ? v.row_stride() : v.col_stride()) * v_size;
  const index w_ld = (by_rows ? w.row_stride() : w.col_stride()) * w_size;
  if (!(by_rows || by_columns) || ld != w_ld) return address(v) == address(w);
  if (ld <= 0) return true;
  const index vl = by_rows ? v.rows() : v.cols(), vs = (by_rows ? v.cols() : v.rows()) * v_size;
  const index wl = by_rows ? w.rows() : w.cols(), ws = (by_rows ? w.cols() : w.rows()) * w_size;
  const auto offset = index(address(w) - address(v));
  index line = offset / ld, place = offset % ld;
  if (place < 0) place += ld, --line;
  const auto meets = [&](index l, index p) { return l < vl && l + wl > 0 && p < vs && p + ws > 0; };
  return meets(line, place) || meets(line + 1, place - ld);
}

}  // namespace ashlar::detail
