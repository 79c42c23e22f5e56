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

// A view as lines of bytes: `count` of them, `length` bytes each, from `first` on and `distance` bytes apart, which is
// more than their length: lines that touch are one. Of a view without contiguous rows or columns the count is 0.
struct address_lines {
  std::uintptr_t first;
  index count, length, distance;
};
template <any_matrix V>
ASHLAR_HOST_INLINE address_lines lines_of(const V& v) {
  constexpr auto size = index(sizeof(typename V::value_type));
  const address_range r = range_of(v);
  const index down = (v.row_stride() < 0 ? -v.row_stride() : v.row_stride()) * size;
  const index across = (v.col_stride() < 0 ? -v.col_stride() : v.col_stride()) * size;
  const bool by_rows = v.cols() == 1 || across <= size;  // a stride of 0 repeats: the line is one element
  if (!by_rows && v.rows() > 1 && down > size) return {r.first, 0, 0, 0};
  const index count = by_rows ? v.rows() : v.cols(), distance = by_rows ? down : across;
  const index length = size + (by_rows ? (v.cols() - 1) * across : (v.rows() - 1) * down);
  if (count == 1 || distance <= length) return {r.first, 1, index(r.last - r.first) + 1, index(r.last - r.first) + 2};
  return {r.first, count, length, distance};
}

// Do these lines share a byte?
template <class Unit = this_unit>
bool meet(const address_lines& v, const address_lines& w) {
  if (v.distance == w.distance) {  // every line of w lies at the same place between two lines of v
    const auto offset = index(w.first - v.first);
    index line = offset / v.distance, place = offset % v.distance;
    if (place < 0) place += v.distance, --line;
    const auto meets = [&](index l, index p) {
      return l < v.count && l + w.count > 0 && p < v.length && p + w.length > 0;
    };
    return meets(line, place) || meets(line + 1, place - v.distance);
  }
  if (v.count > w.count) return meet<Unit>(w, v);
  for (index l = 0; l < v.count; ++l) {
    const index from = index(v.first - w.first) + l * v.distance;
    const index next = from < w.length ? 0 : (from - w.length) / w.distance + 1;  // the first of w that ends behind it
    if (next < w.count && next * w.distance < from + v.length) return true;
  }
  return false;
}

// Do two views share an element? Exact for views with contiguous rows or columns, or a single one; others are taken to
// be disjoint unless they begin at one address.
template <any_matrix V, any_matrix W, class Unit = this_unit>
bool overlaps(const V& v, const W& w) {
  if (v.empty() || w.empty()) return false;
  const address_range a = range_of(v), b = range_of(w);
  if (a.last < b.first || b.last < a.first) return false;
  const address_lines x = lines_of(v), y = lines_of(w);
  return x.count > 0 && y.count > 0
             ? meet<Unit>(x, y)
             : reinterpret_cast<std::uintptr_t>(v.data()) == reinterpret_cast<std::uintptr_t>(w.data());
}

}  // namespace ashlar::detail
