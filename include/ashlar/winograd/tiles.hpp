// SPDX-License-Identifier: Apache-2.0
//
// winograd/tiles.hpp: one tile in and out: pixels to V, M to pixels.
//
// A tile is read through the addresses of its pixels, one of which may be a row of zeros: the padding, and what a tile
// reaches beyond the image, need no code of their own (an address costs one scalar load beside a vector load).
//
// Depends on: winograd/algorithm.hpp, epilogue/, core/image.hpp.   Used by: winograd/kernel.hpp.
#pragma once

#include <algorithm>

#include <ashlar/core/image.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/winograd/algorithm.hpp>

namespace ashlar {

/// Where a tile lies: its first output pixel, and how many of its outputs exist.
struct winograd_tile {
  index n, d, h, w;
  index rows, columns;
};

/// V(point, c) = (B_v^T x B_h)(point) for every channel c of a tile.
template <class T, class Isa, class A>
class source_tile {
  using O = ops<T, Isa>;
  static constexpr int rows = A::vertical::a, columns = A::horizontal::a;

 public:
  /// The addresses of the pixels whose first one is (h, w) of a plane of src, which may lie outside.
  ASHLAR_INLINE source_tile(const image_view<const T>& src, index n, index d, index h, index w, const T* zeros) {
    const index row = src.strides().h, column = src.strides().w;
    const T* const first = src.pointer(n, d, 0, 0, 0);
    for (int r = 0; r < rows; ++r) {
      const bool inside = h + r >= 0 && h + r < src.extents().h;
      for (int c = 0; c < columns; ++c) {
        pixels_[r * columns + c] =
            inside && w + c >= 0 && w + c < src.extents().w ? first + (h + r) * row + (w + c) * column : zeros;
      }
    }
  }

  /// `v` has room for whole vectors; the channels after the last one become zero.
  ASHLAR_INLINE void run(index channels, T* v, index v_point) const {
    const index lanes = O::lanes();
    index c = 0;
    for (; c + lanes <= channels; c += lanes) vector([&](const T* p) { return O::load(p + c); }, v + c, v_point);
    if (c < channels) tail(c, channels - c, v + c, v_point);
  }

 private:
  // Not inlined: it runs once a tile, and is as long as the loop above.
  [[gnu::noinline]] void tail(index c, index n, T* v, index v_point) const {
    vector([&](const T* p) { return O::load_n(p + c, n); }, v, v_point);
  }

  template <class Load>
  ASHLAR_INLINE void vector(const Load& load, T* v, index v_point) const {
    A::template source_transform<O>::run(
        [&](auto k, auto c) __attribute__((always_inline)) { return load(pixels_[k.value * columns + c.value]); },
        [&](auto r, auto q, const typename O::vec& y)
            __attribute__((always_inline)) { O::store(v + (r.value * columns + q.value) * v_point, y); });
  }

  const T* pixels_[rows * columns];
};

/// dst = epilogue(A_v^T M A_h) for some output channels of a tile.
template <class T, class Isa, class A, class E>
class output_tile {
  using O = ops<T, Isa>;
  static constexpr int columns = A::horizontal::a, out_rows = A::vertical::m, out_columns = A::horizontal::m;

 public:
  /// `width` channels from `channel` on; the row of a pixel is its number within the image.
  ASHLAR_INLINE output_tile(const image_view<T>& dst, const winograd_tile& at, index channel)
      : first_(dst.pointer(at.n, at.d, at.h, at.w, channel)),
        row_stride_(dst.strides().h),
        column_stride_(dst.strides().w),
        pixel_((at.d * dst.extents().h + at.h) * dst.extents().w + at.w),
        image_width_(dst.extents().w),
        channel_(channel),
        rows_(at.rows),
        columns_(at.columns) {}

  ASHLAR_INLINE void run(const E& e, const T* m, index m_point, index width) const {
    const index lanes = O::lanes();
    index k = 0;
    if (!runs_long<E> && rows_ == out_rows && columns_ == out_columns) {
      for (; k + lanes <= width; k += lanes) whole(e, m + k, m_point, k);
    }
    for (; k < width; k += lanes) part(e, m + k, m_point, k, std::min(lanes, width - k));
  }

 private:
  // Everything exists: from the registers of the transform through the epilogue to dst.
  ASHLAR_INLINE void whole(const E& e, const T* m, index m_point, index k) const {
    transformed(m, m_point, [&](auto r, auto q, const typename O::vec& y) __attribute__((always_inline)) {
      T* const to = first_ + r.value * row_stride_ + q.value * column_stride_ + k;
      const position<T, true> at{pixel_ + r.value * image_width_ + q.value, channel_ + k, O::lanes(), to};
      O::store(to, e.eval(math<O>{}, y, at));
    });
  }

  // By way of memory: one copy of the epilogue for all pixels.
  [[gnu::noinline]] void part(const E& e, const T* m, index m_point, index k, index n) const {
    alignas(64) T y[A::outputs * O::max_lanes];
    const index lanes = O::lanes();
    transformed(m, m_point, [&](auto r, auto q, const typename O::vec& v) __attribute__((always_inline)) {
      O::store(y + (r.value * out_columns + q.value) * lanes, v);
    });
    for (index r = 0; r < rows_; ++r)
      for (index q = 0; q < columns_; ++q) {
        T* const to = first_ + r * row_stride_ + q * column_stride_ + k;
        const position<T, false> at{pixel_ + r * image_width_ + q, channel_ + k, n, to};
        O::store_n(to, e.eval(math<O>{}, O::load(y + (r * out_columns + q) * lanes), at), n);
      }
  }

  template <class Store>
  ASHLAR_INLINE void transformed(const T* m, index m_point, const Store& store) const {
    A::template output_transform<O>::run(
        [&](auto k, auto c)
            __attribute__((always_inline)) { return O::load(m + (k.value * columns + c.value) * m_point); },
        store);
  }

  T* first_;
  index row_stride_, column_stride_, pixel_, image_width_, channel_, rows_, columns_;
};

}  // namespace ashlar
