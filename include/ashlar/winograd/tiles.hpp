// SPDX-License-Identifier: Apache-2.0
//
// winograd/tiles.hpp: one tile in and out: pixels to V, M to pixels.
//
// A tile is read through the addresses of its pixels, one of which may be a row of padding: that, and what a tile
// reaches beyond the image, need no code of their own (an address costs one scalar load beside a vector load).
//
// Depends on: winograd/format.hpp, epilogue/, core/image.hpp.   Used by: winograd/kernel.hpp.
#pragma once

#include <algorithm>

#include <ashlar/core/image.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/epilogue/output.hpp>
#include <ashlar/winograd/format.hpp>

namespace ashlar {

/// Where a tile lies: its first output pixel, and how many of its outputs exist.
struct winograd_tile {
  index n, d, h, w;
  index rows, columns;
};

/// V(point, c) = (B_v^T x B_h)(point) for every channel c of a tile. `zeros`: a pixel outside the image, whose numbers
/// are src's zero point. Another Transform: of the gradient of dst, where the weights' gradient is computed.
template <class Format,
          class Transform = typename Format::algorithm::template source_transform<typename Format::lanes_of_src>>
class source_tile {
  using O = typename Format::lanes_of_src;
  using T = typename Format::src_type;
  using V = typename Format::v_element;
  static constexpr int rows = Transform::in_rows, columns = Transform::in_columns, points = Transform::out_columns;

 public:
  /// The addresses of the pixels whose first one is (d, h, w) of src, which may lie outside.
  ASHLAR_INLINE source_tile(const image_view<const T>& src, index n, index d, index h, index w, const T* zeros)
      : zero_(*zeros) {
    const index row = src.strides().h, column = src.strides().w;
    const T* const first = src.pointer(n, d, 0, 0, 0);
    const bool plane = d >= 0 && d < src.extents().d;
    for (int r = 0; r < rows; ++r) {
      const bool inside = plane && h + r >= 0 && h + r < src.extents().h;
      for (int c = 0; c < columns; ++c) {
        pixels_[r * columns + c] =
            inside && w + c >= 0 && w + c < src.extents().w ? first + (h + r) * row + (w + c) * column : zeros;
      }
    }
  }

  /// `v` has room for whole vectors; what it holds after the last channel is not read, or meets weights of zero.
  ///
  /// Not inlined: one copy for all epilogues, of what takes longest to compile.
  [[gnu::noinline]] void run(index channels, V* v, index v_point) const {
    const index lanes = O::lanes();
    const T zero = zero_;
    index c = 0;
    for (; c + lanes <= channels; c += lanes) {
      Transform::run([&](int k, int i) __attribute__((always_inline)) { return O::load(pixels_[k * columns + i] + c); },
                     [&](int r, int q, const typename O::vec& y) __attribute__((always_inline)) {
                       Format::store(v + c + (r * points + q) * v_point, y, r * points + q, zero);
                     });
    }
    if constexpr (O::max_lanes > 1) {
      if (c < channels) tail(c, channels - c, v + c, v_point);
    }
  }

 private:
  [[gnu::noinline]] void tail(index c, index n, V* v, index v_point) const {
    const T zero = zero_;
    Transform::run(
        [&](int k, int i) __attribute__((always_inline)) { return O::load_n(pixels_[k * columns + i] + c, n); },
        [&](int r, int q, const typename O::vec& y)
            __attribute__((always_inline)) { Format::store(v + (r * points + q) * v_point, y, r * points + q, zero); });
  }

  const T* pixels_[rows * columns];
  T zero_;
};

/// y = A_v^T M A_h of a vector of channels, in memory, rows and columns at distances: what all epilogues share.
template <class Format>
struct output_sums {
  using A = typename Format::algorithm;
  using O = typename Format::O;
  using T = typename Format::sum_type;

  [[gnu::noinline]] static void run(const T* m, index m_point, T* y, index row, index column) {
    A::template output_transform<O>::run(
        [&](int r, int c) __attribute__((always_inline)) { return O::load(m + (r * A::horizontal::a + c) * m_point); },
        [&](int r, int q, const typename O::vec& v)
            __attribute__((always_inline)) { O::store(y + r * row + q * column, Format::whole(v)); });
  }
};

/// dst = epilogue(A_v^T M A_h) for some output channels of a tile.
template <class Format, class D, class E>
class output_tile {
  using A = typename Format::algorithm;
  using O = typename Format::O;
  using T = typename Format::sum_type;
  using out = output<O, D>;
  static constexpr int columns = A::horizontal::a, out_rows = A::vertical::m, out_columns = A::horizontal::m;

 public:
  /// `width` channels from `channel` on; the row of a pixel is its number within the image.
  ASHLAR_INLINE output_tile(const blocked_image_view<D>& image, const winograd_tile& at, index channel)
      : first_(image.pointer(at.n, at.d, at.h, at.w, channel)),
        row_stride_(image.strides().h),
        column_stride_(image.strides().w),
        pixel_((at.d * image.extents().h + at.h) * image.extents().w + at.w),
        image_width_(image.extents().w),
        channel_(channel),
        rows_(at.rows),
        columns_(at.columns) {}

  ASHLAR_INLINE void run(const E& e, const T* m, index m_point, index width) const {
    const index lanes = O::lanes();
    index k = 0;
    if constexpr (!runs_long<E>) {
      if (rows_ == out_rows && columns_ == out_columns && width >= lanes) {
        k = width / lanes * lanes;
        whole(e, m, m_point, k);
      }
    }
    for (; k < width; k += lanes) part(e, m + k, m_point, k, std::min(lanes, width - k));
  }

 private:
  // Everything exists: from the registers of the transform through the epilogue to dst.
  // Members and the epilogue as variables, for a store of a vector could change what lies in memory.
  [[gnu::noinline]] void whole(const E& epilogue, const T* m, index m_point, index width) const {
    const E e = epilogue;
    const index row = row_stride_, column = column_stride_, pixel = pixel_, image_width = image_width_;
    const index channel = channel_;
    for (index k = 0; k < width; k += O::lanes()) {
      const T* from = m + k;
      D* first = first_ + k;
      asm("" : "+r"(from), "+r"(first));  // else g++ keeps a running pointer for every load and store, on the stack
      A::template output_transform<O>::run(
          [&](int r, int c) __attribute__((always_inline)) { return O::load(from + (r * columns + c) * m_point); },
          [&](int r, int q, const typename O::vec& y) __attribute__((always_inline)) {
            D* const to = first + r * row + q * column;
            const typename out::template place<true> at{pixel + r * image_width + q, channel + k, O::lanes(), to};
            out::store(to, e.eval(typename out::context{}, out::seen(e, Format::whole(y), at), at));
          });
    }
  }

  // By way of memory: one copy of the epilogue for all pixels.
  [[gnu::noinline]] void part(const E& e, const T* m, index m_point, index k, index n) const {
    alignas(64) T y[A::outputs * O::max_lanes];
    const index lanes = O::lanes();
    output_sums<Format>::run(m, m_point, y, out_columns * lanes, lanes);
    for (index r = 0; r < rows_; ++r)
      for (index q = 0; q < columns_; ++q) {
        D* const to = first_ + r * row_stride_ + q * column_stride_ + k;
        const typename out::template place<false> at{pixel_ + r * image_width_ + q, channel_ + k, n, to};
        const auto sum = O::load(y + (r * out_columns + q) * lanes);
        out::store_n(to, e.eval(typename out::context{}, out::seen(e, sum, at), at), n);
      }
  }

  D* first_;
  index row_stride_, column_stride_, pixel_, image_width_, channel_, rows_, columns_;
};

}  // namespace ashlar
