// SPDX-License-Identifier: Apache-2.0
//
// core/image_overlap.hpp: do two images share an element?
//
//   images_overlap(all.channels(0, 32), all.channels(32, 16))         no: slices of one image
//
// Depends on: core/blocked_image.hpp.   Used by: the checks of convolutions and pooling.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <ashlar/core/blocked_image.hpp>

namespace ashlar::detail {

// Bytes: `size` of them from `first` on, and as many again every `period`, `count` times.
struct byte_ranges {
  std::uintptr_t first;
  index size, period, count;

  ASHLAR_HOST_INLINE std::uintptr_t start(index i) const { return first + std::uintptr_t(i * period); }
  ASHLAR_HOST_INLINE std::uintptr_t end(index i) const { return start(i) + std::uintptr_t(size); }
};

// From the first to the last byte of each image.
template <class T, class Unit = this_unit>
byte_ranges ranges_of(const blocked_image_view<T>& v) {
  const matrix_view<T> m = covering_matrix(v);
  const index step = m.row_stride() * index(sizeof(T)), reach = step < 0 ? (m.rows() - 1) * step : 0;
  return {reinterpret_cast<std::uintptr_t>(m.data()) + std::uintptr_t(reach), m.cols() * index(sizeof(T)),
          step < 0 ? -step : step, step == 0 ? 1 : m.rows()};
}

// Both sequences rise, so whatever ends before the other's next range begins meets none of the later ones either.
template <class Unit = this_unit>
bool ranges_meet(const byte_ranges& a, const byte_ranges& b) {
  if (a.end(a.count - 1) <= b.first || b.end(b.count - 1) <= a.first) return false;
  for (index i = 0, j = 0; i < a.count && j < b.count;) {
    if (a.end(i) <= b.start(j)) {
      ++i;
    } else if (b.end(j) <= a.start(i)) {
      ++j;
    } else {
      return true;
    }
  }
  return false;
}

// Euclid's. By hand: std::gcd would leave symbols that belong to no ISA.
ASHLAR_HOST_INLINE index common_divisor(index a, index b) {
  while (b != 0) {
    const index rest = a % b;
    a = b, b = rest;
  }
  return a < 0 ? -a : a;
}

// Where all pixels of both are multiples of a period apart, do the channels take different parts of it? Those of slices
// of one image do.
template <class T, class U, class Unit = this_unit>
bool in_separate_lanes(const blocked_image_view<T>& v, const blocked_image_view<U>& w) {
  if (v.blocked() || w.blocked()) return false;
  index period = 0;
  const auto lane = [&](const auto& x) {
    using element = typename std::remove_cvref_t<decltype(x)>::value_type;
    const image_axes &e = x.extents(), &s = x.strides();
    const struct {
      index extent, stride;
    } axes[] = {{e.n, s.n}, {e.d, s.d}, {e.h, s.h}, {e.w, s.w}};
    for (const auto& [extent, stride] : axes)
      if (extent > 1) period = common_divisor(period, stride * index(sizeof(element)));
    const index reach = (e.c - 1) * s.c;
    return byte_ranges{reinterpret_cast<std::uintptr_t>(x.data() + std::min<index>(0, reach)),
                       ((reach < 0 ? -reach : reach) + 1) * index(sizeof(element)), 0, 1};
  };
  const byte_ranges a = lane(v), b = lane(w);
  if (period == 0) return false;
  const index apart = index(b.first - a.first) % period, place = apart < 0 ? apart + period : apart;
  return a.size <= place && place + b.size <= period;
}

/// Exact for images apart from each other and slices of one image; interleaved in other ways they are taken to overlap.
template <class T, class U, class Unit = this_unit>
bool images_overlap(const blocked_image_view<T>& v, const blocked_image_view<U>& w) {
  if (v.empty() || w.empty()) return false;
  return ranges_meet(ranges_of(v), ranges_of(w)) && !in_separate_lanes(v, w);
}

}  // namespace ashlar::detail
