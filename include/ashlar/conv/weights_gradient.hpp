// SPDX-License-Identifier: Apache-2.0
//
// conv/weights_gradient.hpp: the gradient of a convolution's weights as a contraction over pixels.
//
//   dw(k, t, c) = sum over images n, pixels o of  src(n, o * stride - before + t * dilation, c) * dy(n, o, k)
//
// The tile's rows are channels of src, its columns filters, its steps the pixels of a block of dst, one segment an
// image. So src is copied for each column of taps, as that column reads it: channel by channel, the block's columns of
// each source row side by side, rows of one residue modulo the stride together. A row of taps is an offset. dy is
// copied to panels of NR filters.
//
//   for each block of channels, depth of taps, and block of columns of taps
//     for each block of dst: rows of one image, several images, or a part of a row
//       copy src
//       for each panel: copy dy;  for each tap: for each tile of channels: the micro-kernel, sums resting in the
//       workspace
//
// Depends on: loop/, pack/, conv/geometry.hpp.   Used by: conv/weights_plan.hpp.
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
  index images, rows, columns;  // of a block of dst: several rows only when they are whole, and images likewise
  index image_blocks, row_blocks, column_blocks;
  index tap_columns;             // whose copies of src are there at a time
  index row_phases, phase_rows;  // of source rows under a block's image: residues modulo the stride, rows of each
  index distance;                // from a channel to the next in the copy
  index channel_block;           // channels of src that a task has
  index padded_filters;          // of a group, whole panels
  index source_elements, panel_elements, sum_elements, offset_elements;

  ASHLAR_INLINE constexpr index phase_elements() const { return phase_rows * columns; }
  ASHLAR_INLINE constexpr index image_elements() const { return row_phases * phase_elements(); }
  ASHLAR_INLINE constexpr index tasks(const conv_geometry& g) const {
    return ceil_div(g.group_channels(), channel_block);
  }
  ASHLAR_INLINE constexpr index elements_of_worker() const {
    return offset_elements + source_elements + panel_elements;
  }
};

namespace detail {

// Blocks of dst: so many pixels that their panel of dy takes half of L1. With fewer the sums of all weights would come
// and go more often (AVX2, 512 channels and filters, 3 x 3: 49 pixels 20 % of the peak, 245 pixels 62 %).
template <class Unit = this_unit>
constexpr void cut_pixels(weights_cut& b, const conv_geometry& g, index pixels) {
  const index planes = g.batch * g.dst.d;
  b.columns = std::clamp<index>(pixels, 1, g.dst.w);
  b.columns = ceil_div(g.dst.w, ceil_div(g.dst.w, b.columns));
  b.rows = b.columns < g.dst.w ? 1 : std::clamp<index>(pixels / g.dst.w, 1, g.dst.h);
  b.rows = ceil_div(g.dst.h, ceil_div(g.dst.h, b.rows));
  b.images = b.columns < g.dst.w || b.rows < g.dst.h ? 1 : std::clamp<index>(pixels / (g.dst.h * g.dst.w), 1, planes);
  b.image_blocks = ceil_div(planes, b.images);
  b.row_blocks = ceil_div(g.dst.h, b.rows);
  b.column_blocks = ceil_div(g.dst.w, b.columns);
}

// As many channels as half of L2 holds copies of, and as many columns of taps as L2 does: each tile reads its rows as
// few streams, each pass copies dy again. Several workers have two blocks of channels each.
template <class Unit = this_unit>
constexpr void cut_channels(weights_cut& b, const conv_geometry& g, index fit, index mr, index lanes) {
  const index channels = g.group_channels(), most = std::max(mr, fit / 2 / mr * mr);
  const index blocks = std::max(ceil_div(channels, most), lanes > 1 ? 2 * lanes : 1);
  b.channel_block = std::min(channels, multiple(ceil_div(channels, blocks), mr));
  b.tap_columns = std::clamp<index>(fit / b.channel_block, 1, g.kernel.w);
  b.tap_columns = ceil_div(g.kernel.w, ceil_div(g.kernel.w, b.tap_columns));
}

}  // namespace detail

template <class Unit = detail::this_unit>
constexpr weights_cut cut_weights(const conv_geometry& g, index element_bytes, index nr, index mr, index lanes,
                                  const cache_sizes& c) {
  weights_cut b{};
  detail::cut_pixels(b, g, c.l1 / 2 / (nr * element_bytes));
  b.row_phases = std::min(g.stride.h, (g.kernel.h - 1) * g.dilation.h + 1);
  b.phase_rows = b.rows + (g.kernel.h - 1) * g.dilation.h / g.stride.h;
  b.distance = detail::row_distance(b.images * b.image_elements(), element_bytes);
  detail::cut_channels(b, g, c.l2 / element_bytes / b.distance, mr, lanes);
  b.padded_filters = multiple(g.group_filters(), nr);
  const index line = 64 / element_bytes;
  b.source_elements = multiple(b.tap_columns * b.channel_block * b.distance, line);
  b.panel_elements = multiple(b.images * b.rows * b.columns * nr, line);
  b.offset_elements = multiple(b.images * index(sizeof(index)), 64) / element_bytes;
  b.sum_elements = g.taps() * g.group_channels() * b.padded_filters;
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
    for (index d = 0; d < g_.kernel.d; ++d) {
      for (tap_ = 0; tap_ < g_.kernel.w; tap_ += cut_.tap_columns) {
        for_each_block([&](bool resume) {
          copy_source(d);
          for (index k = 0; k < g_.group_filters(); k += nr()) {
            copy_panel(k);
            const bool sums_dy = bias && d == 0 && tap_ == 0 && first == 0;
            if (sums_dy) add_bias(bias + k, std::min(nr(), g_.group_filters() - k), resume);
            run_taps(d, k, resume);
          }
        });
      }
    }
  }

 private:
  static ASHLAR_INLINE index nr() { return table::nr(); }

  // Blocks of dst in increasing order; f(is it a later one).
  template <class F>
  void for_each_block(const F& f) {
    bool resume = false;
    for (index i = 0; i < cut_.image_blocks; ++i) {
      for (index r = 0; r < cut_.row_blocks; ++r) {
        for (index w = 0; w < cut_.column_blocks; ++w, resume = true) {
          image0_ = i * cut_.images, row0_ = r * cut_.rows, column0_ = w * cut_.columns;
          images_ = std::min(cut_.images, g_.batch * g_.dst.d - image0_);
          rows_ = std::min(cut_.rows, g_.dst.h - row0_);
          columns_ = std::min(cut_.columns, g_.dst.w - column0_);
          f(resume);
        }
      }
    }
  }

  // What the columns of taps from tap_ on read, for tap d of depth: [tap][channel][image][phase][row][column].
  void copy_source(index d) {
    const index rows = detail::span_of(rows_, g_.stride.h, g_.kernel.h, g_.dilation.h);
    const index taps = tap_columns();
    for (index i = 0; i < images_; ++i) {
      offsets_[i] = i * cut_.image_elements();
      const index image = image0_ + i;
      const index plane = image % g_.dst.d * g_.stride.d - g_.before.d + d * g_.dilation.d;
      for (index r = 0; r < rows; ++r) {
        const index h = row0_ * g_.stride.h - g_.before.h + r, phase = r % g_.stride.h;
        if (phase >= cut_.row_phases) continue;  // no tap reads it
        const bool inside = plane >= 0 && plane < g_.src.d && h >= 0 && h < g_.src.h;
        const source_row row{image / g_.dst.d, plane, h, inside};
        T* const to = source_ + offsets_[i] + phase * cut_.phase_elements() + r / g_.stride.h * columns_;
        for (index s = 0; s < taps; ++s) copy_row(row, tap_ + s, to + s * channels_ * cut_.distance);
      }
    }
  }

  struct source_row {
    index n, d, h;
    bool inside;
  };
  // The source columns that the block's pixels meet at column s of the taps; a row outside: padding.
  void copy_row(const source_row& row, index s, T* to) {
    const index step = g_.stride.w, start = column0_ * step - g_.before.w + s * g_.dilation.w;
    const index left = std::clamp<index>(start < 0 ? ceil_div(-start, step) : 0, 0, columns_);
    const index end = g_.src.w > start ? std::min(columns_, ceil_div(g_.src.w - start, step)) : 0;
    const index inside = row.inside ? std::max<index>(0, end - left) : 0;
    for (index c = 0; inside < columns_ && c < channels_; ++c) {
      std::fill_n(to + c * cut_.distance, columns_, padding_value_);
    }
    if (inside == 0) return;
    const index stride = step * src_.strides().w;
    for (index c = 0, run; c < channels_; c += run) {
      run = src_.run(first_ + c, channels_ - c);
      const T* const from = src_.pointer(row.n, row.d, row.h, start + left * step, first_ + c);
      block_copy<T, Isa>::run({from, src_.strides().c, stride, run, inside}, to + c * cut_.distance + left,
                              cut_.distance, inside);
    }
  }

  void copy_panel(index first) {
    const index width = std::min(nr(), g_.group_filters() - first);
    T* to = panel_;
    for (index i = 0; i < images_; ++i) {
      const index image = image0_ + i;
      for (index r = 0; r < rows_; ++r, to += columns_ * nr()) {
        for (index c = 0, run; c < width; c += run) {
          run = dy_.run(first + c, width - c);
          const T* const from = dy_.pointer(image / g_.dst.d, image % g_.dst.d, row0_ + r, column0_, first + c);
          block_copy<T, Isa>::run({from, dy_.strides().w, dy_.strides().c, columns_, run}, to + c, nr(),
                                  c + run < width ? run : nr() - c);
        }
      }
    }
  }

  void add_bias(T* bias, index width, bool resume) {
    const index pixels = images_ * rows_ * columns_;
    for (index j = 0; j < width; j += O::lanes()) {
      const index n = std::min(O::lanes(), width - j);
      auto sum = resume ? O::load_n(bias + j, n) : O::zero();
      for (index p = 0; p < pixels; ++p) sum = O::add(sum, O::load(panel_ + p * nr() + j));
      O::store_n(bias + j, sum, n);
    }
  }

  // A row of taps: a tap's channels lie behind those of the tap before it, in the copy and, of all channels of the
  // group, in the sums. Then tiles need not end with a tap.
  void run_taps(index d, index first_filter, bool resume) {
    const index width = std::min(nr(), g_.group_filters() - first_filter), vectors = ceil_div(width, O::lanes());
    const bool together = channels_ == g_.group_channels();
    const index taps = tap_columns(), rows = together ? taps * channels_ : channels_;
    const even_tiles tiles_of_rows = evenly(rows, table::rows(vectors));
    operands x = block_operands(first_filter, width, resume);
    for (index r = 0; r < g_.kernel.h; ++r) {
      for (index s = 0; s < (together ? 1 : taps); ++s) {
        const index row = r * g_.dilation.h, tap = (d * g_.kernel.h + r) * g_.kernel.w + tap_ + s;
        x.a = source_ + s * channels_ * cut_.distance + row % g_.stride.h * cut_.phase_elements() +
              row / g_.stride.h * columns_;
        x.partial = sums_ + (tap * g_.group_channels() + first_) * cut_.padded_filters + first_filter;
        x.dst = x.partial, x.dst_stride = x.partial_stride;  // not stored to: but fetched a tile ahead
        tiles::run(x, acc, tiles_of_rows, vectors, 0);
        x.prefetch_stride = 0;
      }
    }
  }
  operands block_operands(index first_filter, index width, bool resume) const {
    const bool together = cut_.image_elements() == rows_ * columns_;  // nothing between the images
    operands x{};
    x.k = rows_ * columns_ * (together ? images_ : 1);
    x.segments = together ? 1 : images_;
    x.a_offset = offsets_;
    x.a_stride = cut_.distance;
    x.b = panel_, x.b_stride = nr(), x.b_group = 0;
    x.partial_stride = cut_.padded_filters;
    x.dst_vector = O::lanes();
    x.row = 0, x.row_step = 1, x.col = 0, x.n = width;
    x.resume = resume, x.last = false;
    x.prefetch = reinterpret_cast<const char*>(next_panel(first_filter));
    x.prefetch_stride = dy_.strides().w * index(sizeof(T));
    return x;
  }
  // What copy_panel will read next, as far as dy's pixels have one distance: of this block, or of the next one. The
  // first tile fetches it (56 x 56 x 64 -> 256, 1 x 1, dy from memory: a third of the time was the copy's).
  const T* next_panel(index first_filter) const {
    const index next = first_filter + nr();
    const bool last = next >= g_.group_filters();
    const T* const block = dy_.pointer(image0_ / g_.dst.d, image0_ % g_.dst.d, row0_, column0_, last ? 0 : next);
    return last ? block + images_ * rows_ * columns_ * dy_.strides().w : block;
  }
  index tap_columns() const { return std::min(cut_.tap_columns, g_.kernel.w - tap_); }

  const conv_geometry& g_;
  const weights_cut& cut_;
  const blocked_image_view<const T> src_, dy_;
  T padding_value_;
  index* offsets_;
  T *source_, *panel_, *sums_;
  index first_, channels_;
  index tap_;  // the first column of taps whose copies are there
  index image0_, row0_, column0_, images_, rows_, columns_;
};

}  // namespace ashlar
