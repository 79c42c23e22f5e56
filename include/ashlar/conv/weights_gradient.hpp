// SPDX-License-Identifier: Apache-2.0
//
// conv/weights_gradient.hpp: the gradient of a convolution's weights as a contraction over pixels.
//
//   dw(k, t, c) = sum over images n, pixels o of  src(n, o * stride - before + t * dilation, c) * dy(n, o, k)
//
// The tile's rows are channels of src, its columns filters, its steps the pixels of an output row, its segments output
// rows. Rows must be contiguous along the pixels: src is copied in planes, for a stride s in s planes of every s-th
// column, and a tap is an offset into them. dy is copied to panels of NR filters.
//
//   for each block of output rows (of one image, or several images)
//     copy src to planes
//     for each panel: copy dy;  for each tap: for each tile of channels: the micro-kernel, sums resting in the
//     workspace
//
// Depends on: loop/, pack/, conv/{geometry,source_copy}.hpp.   Used by: conv/weights_plan.hpp.
#pragma once

#include <algorithm>

#include <ashlar/conv/geometry.hpp>
#include <ashlar/core.hpp>
#include <ashlar/loop/row_tiles.hpp>
#include <ashlar/pack/copy_block.hpp>
#include <ashlar/tile/registry.hpp>

namespace ashlar {

/// How the sum over pixels is cut: a plain value.
struct weights_cut {
  index images, rows;  // of a block; several images only when they are whole
  index image_blocks, row_blocks;
  index phases, columns;  // planes of every phases-th column, each so long
  index in_rows;          // source rows of a block's image
  index padded_filters;   // of a group, whole panels
  index channel_block;    // channels of src that a task has
  index source_elements, panel_elements, sum_elements, offset_elements;

  ASHLAR_INLINE constexpr index row_distance(index channels) const { return phases * channels * columns; }
  ASHLAR_INLINE constexpr index tasks(const conv_geometry& g) const {
    return ceil_div(g.group_channels(), channel_block);
  }
  ASHLAR_INLINE constexpr index elements_of_worker() const {
    return offset_elements + source_elements + panel_elements;
  }
};

template <class Unit = detail::this_unit>
constexpr weights_cut cut_weights(const conv_geometry& g, index element_bytes, index nr, index mr, index lanes,
                                  const cache_sizes& c) {
  weights_cut b{};
  const index channels = g.group_channels(), planes = g.batch * g.dst.d;
  b.phases = std::min(g.stride.w, (g.kernel.w - 1) * g.dilation.w + 1);
  b.columns = detail::row_distance(ceil_div(detail::span_of(g.dst.w, g.stride.w, g.kernel.w, g.dilation.w), g.stride.w),
                                   element_bytes);
  const auto in_rows = [&](index rows) { return detail::span_of(rows, g.stride.h, g.kernel.h, g.dilation.h); };
  const auto bytes = [&](index rows) {
    return saturated_product(saturated_product(in_rows(rows), b.row_distance(channels)), element_bytes) +
           saturated_product(rows * g.dst.w, nr * element_bytes);
  };
  const index share = c.l2 / 2;
  b.rows = g.dst.h;
  while (b.rows > 1 && bytes(b.rows) > share) b.rows = b.rows - ceil_div(b.rows, 8);
  b.rows = ceil_div(g.dst.h, ceil_div(g.dst.h, b.rows));
  b.images = b.rows < g.dst.h ? 1 : std::clamp<index>(share / std::max<index>(1, bytes(b.rows)), 1, planes);
  b.image_blocks = ceil_div(planes, b.images), b.row_blocks = ceil_div(g.dst.h, b.rows);
  b.in_rows = in_rows(b.rows);
  b.padded_filters = multiple(g.group_filters(), nr);
  b.channel_block = lanes > 1 ? multiple(ceil_div(channels, 2 * lanes), mr) : channels;
  const index line = 64 / element_bytes;
  b.source_elements = multiple(b.images * b.in_rows * b.row_distance(channels), line);
  b.panel_elements = multiple(b.images * b.rows * g.dst.w * nr, line);
  b.offset_elements = multiple(b.images * b.rows * index(sizeof(index)), 64) / element_bytes;
  b.sum_elements = g.taps() * channels * b.padded_filters;
  return b;
}

/// One worker: a range of channels of one group. `own` holds elements_of_worker(), sums the sums of all channels.
template <class T, class Isa, tile_shape S>
class weights_block {
  using O = ops<T, Isa>;
  using operands = segmented_operands<T>;
  using table = tile_table<ops<T, Isa>, S, plus_times, acc_node, operands>;
  using tiles = row_tiles<table, operands, acc_node>;

 public:
  weights_block(const conv_geometry& g, const weights_cut& cut, const blocked_image_view<const T>& src,
                const blocked_image_view<const T>& dy, T padding_value, T* own, T* sums)
      : g_(g), cut_(cut), src_(src), dy_(dy), padding_value_(padding_value), sums_(sums) {
    offsets_ = reinterpret_cast<index*>(own);
    source_ = own + cut.offset_elements;
    panel_ = source_ + cut.source_elements;
  }

  /// Sums of channels [first, first + count) of the group whose channels and filters src and dy are. bias: the sums of
  /// dy, by whoever has the first channel; or null.
  void run(index first, index count, T* bias) {
    first_ = first, channels_ = count;
    row_ = cut_.row_distance(count);
    for (index d = 0; d < g_.kernel.d; ++d) {
      for (index i = 0; i < cut_.image_blocks; ++i) {
        for (index r = 0; r < cut_.row_blocks; ++r) {
          set_block(i * cut_.images, r * cut_.rows);
          copy_source(d);
          for (index k = 0; k < g_.group_filters(); k += nr()) {
            copy_panel(k);
            if (bias && d == 0 && first == 0) add_bias(bias + k, std::min(nr(), g_.group_filters() - k), i + r > 0);
            run_taps(d, k, i + r > 0);
          }
        }
      }
    }
  }

 private:
  static ASHLAR_INLINE index nr() { return table::nr(); }

  void set_block(index image, index row) {
    image0_ = image, row0_ = row;
    images_ = std::min(cut_.images, g_.batch * g_.dst.d - image);
    rows_ = std::min(cut_.rows, g_.dst.h - row);
    for (index i = 0; i < images_; ++i)
      for (index r = 0; r < rows_; ++r) offsets_[i * rows_ + r] = (i * cut_.in_rows + r * g_.stride.h) * row_;
  }

  // Planes of the block's rows for tap d of depth: [image][row][phase][channel][column].
  void copy_source(index d) {
    const index rows = detail::span_of(rows_, g_.stride.h, g_.kernel.h, g_.dilation.h);
    for (index i = 0; i < images_; ++i) {
      const index image = image0_ + i;
      const index plane = image % g_.dst.d * g_.stride.d - g_.before.d + d * g_.dilation.d;
      for (index r = 0; r < rows; ++r) {
        const index h = row0_ * g_.stride.h - g_.before.h + r;
        T* const to = source_ + (i * cut_.in_rows + r) * row_;
        const bool inside = plane >= 0 && plane < g_.src.d && h >= 0 && h < g_.src.h;
        if (!inside) {
          std::fill(to, to + row_, padding_value_);
        } else {
          copy_row(image / g_.dst.d, plane, h, to);
        }
      }
    }
  }

  // Column j of phase p is source column j * stride + p - before.
  void copy_row(index n, index plane, index h, T* to) {
    const index step = g_.stride.w;
    for (index p = 0; p < cut_.phases; ++p, to += channels_ * cut_.columns) {
      const index start = p - g_.before.w;
      const index left = std::clamp<index>(start < 0 ? ceil_div(-start, step) : 0, 0, cut_.columns);
      const index end = g_.src.w > start ? std::min(cut_.columns, ceil_div(g_.src.w - start, step)) : 0;
      const index inside = std::max<index>(0, end - left);
      if (inside < cut_.columns) std::fill(to, to + channels_ * cut_.columns, padding_value_);
      if (inside == 0) continue;
      for (index c = 0, run; c < channels_; c += run) {
        run = src_.run(first_ + c, channels_ - c);
        const T* const from = src_.pointer(n, plane, h, start + left * step, first_ + c);
        block_copy<T, Isa>::run({from, src_.strides().c, step * src_.strides().w, run, inside},
                                to + c * cut_.columns + left, cut_.columns, inside);
      }
    }
  }

  void copy_panel(index first) {
    const index width = std::min(nr(), g_.group_filters() - first);
    T* to = panel_;
    for (index i = 0; i < images_; ++i) {
      const index image = image0_ + i;
      for (index r = 0; r < rows_; ++r, to += g_.dst.w * nr()) {
        for (index c = 0, run; c < width; c += run) {
          run = dy_.run(first + c, width - c);
          const T* const from = dy_.pointer(image / g_.dst.d, image % g_.dst.d, row0_ + r, 0, first + c);
          block_copy<T, Isa>::run({from, dy_.strides().w, dy_.strides().c, g_.dst.w, run}, to + c, nr(),
                                  c + run < width ? run : nr() - c);
        }
      }
    }
  }

  void add_bias(T* bias, index width, bool resume) {
    const index pixels = images_ * rows_ * g_.dst.w;
    for (index j = 0; j < width; j += O::lanes()) {
      const index n = std::min(O::lanes(), width - j);
      auto sum = resume ? O::load_n(bias + j, n) : O::zero();
      for (index p = 0; p < pixels; ++p) sum = O::add(sum, O::load(panel_ + p * nr() + j));
      O::store_n(bias + j, sum, n);
    }
  }

  void run_taps(index d, index first_filter, bool resume) {
    const index width = std::min(nr(), g_.group_filters() - first_filter), vectors = ceil_div(width, O::lanes());
    const even_tiles cut = evenly(channels_, table::rows(vectors));
    operands x;
    x.k = g_.dst.w;
    x.segments = images_ * rows_;
    x.a_offset = offsets_;
    x.a_stride = cut_.columns;
    x.b = panel_, x.b_stride = nr(), x.b_group = 0;
    x.partial_stride = cut_.padded_filters;
    x.dst = nullptr, x.dst_stride = 0, x.dst_vector = O::lanes();
    x.row = 0, x.row_step = 1, x.col = 0, x.n = width;
    x.resume = resume, x.last = false;
    for (index r = 0; r < g_.kernel.h; ++r) {
      for (index s = 0; s < g_.kernel.w; ++s) {
        const index column = s * g_.dilation.w, tap = (d * g_.kernel.h + r) * g_.kernel.w + s;
        x.a =
            source_ + r * g_.dilation.h * row_ + column % g_.stride.w * channels_ * cut_.columns + column / g_.stride.w;
        x.partial = sums_ + (tap * g_.group_channels() + first_) * cut_.padded_filters + first_filter;
        x.prefetch = reinterpret_cast<const char*>(x.partial), x.prefetch_stride = 0;
        tiles::run(x, acc, cut, vectors, 0);
      }
    }
  }

  const conv_geometry& g_;
  const weights_cut& cut_;
  const blocked_image_view<const T> src_, dy_;
  T padding_value_;
  index* offsets_;
  T *source_, *panel_, *sums_;
  index first_, channels_, row_;
  index image0_, row0_, images_, rows_;
};

}  // namespace ashlar
