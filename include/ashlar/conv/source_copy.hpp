// SPDX-License-Identifier: Apache-2.0
//
// conv/source_copy.hpp: the source rows of a block of output pixels, copied with their padding, channels innermost.
//
//   copy[(d * rows + h) * columns + w][c] = prologue(src(n, d0 + d, h0 + h, w0 + w, c)), or the padding value outside
//
// Any layout of src: rows that are contiguous are copied as such, planes of channels are transposed in registers,
// blocks of channels are put next to each other. What is stored are units of the format (loop/format.hpp): the elements
// themselves, or several small integers each.
//
// Depends on: conv/source.hpp, loop/{finish,format}.hpp.   Used by: conv/{implicit,depthwise_mixed,source_images}.hpp.
#pragma once

#include <algorithm>
#include <type_traits>

#include <ashlar/conv/source.hpp>
#include <ashlar/core/blocked_image.hpp>
#include <ashlar/loop/finish.hpp>
#include <ashlar/loop/format.hpp>

namespace ashlar {

/// What to copy: from (d, h, w) on, which may lie outside the image, `planes` planes `plane_step` apart.
struct source_block {
  index n, d, h, w;
  index planes, plane_step, rows, columns;
};

template <class Format>
class source_copy {
  using T = typename Format::a_type;
  using unit = typename Format::a_unit;
  using O = ops<unit, typename Format::O::isa_type>;

 public:
  /// Distances of planes, rows and pixels in the copy are `to`, in units; it holds planes * to.d of them.
  template <class Prologue>
  [[gnu::noinline]] static void run(const blocked_image_view<const T>& src, const source_block& b, unit* copy,
                                    const triple& to, const source_values<unit, Prologue>& values) {
    for (index p = 0; p < b.planes; ++p) {
      const index d = b.d + p * b.plane_step;
      for (index r = 0; r < b.rows; ++r) {
        const index h = b.h + r;
        unit* const row = copy + p * to.d + r * to.h;
        if (d < 0 || d >= src.extents().d || h < 0 || h >= src.extents().h) {
          fill(row, to.w * b.columns, values.padding);
        } else {
          copy_row(src, {b.n, d, h, b.w, b.columns}, row, to.w, values);
        }
      }
    }
  }

 private:
  struct row_part {
    index n, d, h, w, columns;
  };

  template <class Prologue>
  static void copy_row(const blocked_image_view<const T>& src, const row_part& x, unit* to, index pixel,
                       const source_values<unit, Prologue>& values) {
    const index width = src.extents().w;
    const index first = std::clamp<index>(x.w, 0, width), last = std::clamp<index>(x.w + x.columns, first, width);
    const index left = std::min(first - x.w, x.columns), inside = std::max<index>(0, last - first);
    unit* const pixels = to + left * pixel;
    fill(to, left * pixel, values.padding);
    for (index c = 0, run; c < src.extents().c; c += run) {
      run = src.run(c, src.extents().c - c);
      copy_pixels(src.strides(), run, src.pointer(x.n, x.d, x.h, first, c), inside, pixels + c / Format::group, pixel);
    }
    if constexpr (!std::is_same_v<Prologue, no_prologue>) {
      apply_rows<O>(values.prologue, pixels, pixel, inside, src.extents().c, 0, values.channel);
    }
    fill(pixels + inside * pixel, (x.columns - left - inside) * pixel, values.padding);
  }

  static void copy_pixels(const image_axes& strides, index channels, const T* from, index count, unit* to,
                          index pixel) {
    if (strides.c == 1 && strides.w == channels && pixel * Format::group == channels) {
      Format::copy_a({from, 0, 1, 1, count * channels}, to, 0, count * pixel);
    } else if (count > 0) {
      Format::copy_a({from, strides.w, strides.c, count, channels}, to, pixel, steps_of<Format>(channels));
    }
  }

  static void fill(unit* to, index count, unit value) {
    if constexpr (sizeof(unit) < 4) {
      std::fill_n(to, count, value);
    } else {
      fill_vectors(to, count, value);
    }
  }
  static void fill_vectors(unit* to, index count, unit value) {
    const auto all = O::broadcast(value);
    index i = 0;
    for (; i + O::lanes() <= count; i += O::lanes()) O::store(to + i, all);
    if (i < count) O::store_n(to + i, all, count - i);
  }
};

}  // namespace ashlar
