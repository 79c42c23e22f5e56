// SPDX-License-Identifier: Apache-2.0
//
// conv/implicit.hpp: dense convolution as a contraction over pixel rows: exact, any geometry, any layout.
//
//   dst(pixel, k) = epilogue( sum over segments s, steps i of  src[pixel + offset(s) + i] * panel[s][i][k] )
//
// The tile reads pixels where they lie, in the source or in a copy of the few rows that a block needs; nothing like an
// im2col matrix exists.
//
// Depends on: conv/implicit_cut.hpp, conv/reduce.hpp, conv/source_copy.hpp, loop/{finish_planes,row_tiles}.hpp.
// Used by: conv/plan.hpp.
#pragma once

#include <atomic>
#include <utility>

#include <ashlar/conv/implicit_cut.hpp>
#include <ashlar/conv/reduce.hpp>
#include <ashlar/conv/source_copy.hpp>
#include <ashlar/core.hpp>
#include <ashlar/loop/finish_planes.hpp>
#include <ashlar/loop/row_tiles.hpp>
#include <ashlar/tile/registry.hpp>

namespace ashlar {

/// The operands of one convolution. Of small integers, src's zero point is `zeros`, which pads it.
template <class Format, class D = typename Format::sum_type, class Prologue = no_prologue>
struct conv_operands {
  conv_views<typename Format::a_type, D> views;
  const typename Format::b_unit* weights;  // packed
  source_values<typename Format::a_unit, Prologue> source;
  [[no_unique_address]] typename Format::zeros zeros{};
};

/// One worker's run of tasks; `memory` holds workspace_elements(cut).
template <class Format, tile_shape S, class E, class D, class Prologue>
class implicit_block {
  using O = typename Format::O;
  using T = typename Format::sum_type;
  using A = typename Format::a_unit;
  using B = typename Format::b_unit;
  using operands = segmented_operands<A, B, T, D>;
  using image_epilogue = decltype(std::declval<const E&>().at_image(0));
  using table = tile_table<O, S, typename Format::semiring, image_epilogue, operands>;
  using tiles = row_tiles<table, operands, image_epilogue>;
  static ASHLAR_INLINE index nr() { return table::nr(); }

 public:
  implicit_block(const conv_operands<Format, D, Prologue>& x, const implicit_cut& cut, const E& e, T* memory)
      : views_(x.views), g_(x.views.g), cut_(cut), x_(x), batch_epilogue_(e) {
    offsets_ = reinterpret_cast<index*>(memory);
    source_ = reinterpret_cast<A*>(memory + cut.offsets);
    sums_ = memory + cut.offsets + cut.source_elements;
    finished_ = sums_ + cut.sum_elements;
    set_offsets();
  }

  void run(index task) {
    panel0_ = task % cut_.panel_blocks * cut_.panel_block;
    task /= cut_.panel_blocks;
    w0_ = task % cut_.column_blocks * cut_.columns;
    task /= cut_.column_blocks;
    h0_ = task % cut_.row_blocks * cut_.rows;
    task /= cut_.row_blocks;
    d0_ = task % g_.dst.d;
    n_ = task / g_.dst.d;
    rows_ = std::min(cut_.rows, g_.dst.h - h0_);
    columns_ = std::min(cut_.columns, g_.dst.w - w0_);
    const auto e = batch_epilogue_.at_image(n_);
    for (index group = 0; group < g_.groups; ++group) run_group(group, e);
  }

 private:
  void set_offsets() {
    if (cut_.segments == 0) return;
    const index across = cut_.segments / (g_.kernel.d * g_.kernel.h * cut_.blocks);  // taps, or 1 for all of a row
    index s = 0;
    for (index d = 0; d < g_.kernel.d; ++d)
      for (index r = 0; r < g_.kernel.h; ++r)
        for (index t = 0; t < across; ++t)
          for (index c = 0; c < cut_.blocks; ++c)
            offsets_[s++] = (cut_.copies ? d : d * g_.dilation.d) * cut_.source.d + r * g_.dilation.h * cut_.source.h +
                            t * g_.dilation.w * cut_.source.w + c * views_.src.block_stride();
  }

  void run_group(index group, const image_epilogue& e) {
    const A* const source = group_source(group);
    const index last = std::min(panel0_ + cut_.panel_block, cut_.panels);
    for (index panel = panel0_; panel < last; ++panel) {
      const index first = panel * nr();
      const index width = std::min(nr(), g_.group_filters() - first);
      panel_ = x_.weights + (group * cut_.panels + panel) * panel_elements();
      for (index c = 0; c < width; c += width_, panel_ += width_ * Format::together) {
        column_ = group * g_.group_filters() + first + c;
        width_ = one_distance(width - c);
        run_columns(source, e);
      }
    }
  }

  // Of so many channels from column_ on, how many vectors of dst follow each other at one distance.
  index one_distance(index width) const {
    const bool all = cut_.strided_dst || views_.dst.block() == O::lanes();
    return all ? width : views_.dst.run(column_, width);
  }

  // Columns of a panel: sums of all segments.
  void run_columns(const A* source, const image_epilogue& e) {
    index s = 0;
    do {  // once without a tap, too
      run_segments(source, s, std::min(cut_.segment_block, cut_.segments - s), e);
      s += cut_.segment_block;
    } while (s < cut_.segments);
    if (cut_.strided_dst) finish(e);
  }

  index panel_elements() const { return cut_.segments * cut_.depth * nr(); }

  // The first pixel that the block's first output pixel reads, as the tile addresses it.
  const A* group_source(index group) {
    const auto src = views_.src.channels(group * g_.group_channels(), g_.group_channels());
    const index d = d0_ * g_.stride.d - g_.before.d, h = h0_ * g_.stride.h - g_.before.h,
                w = w0_ * g_.stride.w - g_.before.w;
    if (!cut_.copies) {
      if constexpr (Format::units_in_place) return reinterpret_cast<const A*>(src.pointer(n_, d, h, w, 0));
      return source_;  // there is no tap
    }
    const index rows = detail::span_of(rows_, g_.stride.h, g_.kernel.h, g_.dilation.h);
    const index columns = detail::span_of(columns_, g_.stride.w, g_.kernel.w, g_.dilation.w);
    auto values = x_.source;
    values.channel = group * g_.group_channels();
    source_copy<Format>::run(src, {n_, d, h, w, g_.kernel.d, g_.dilation.d, rows, columns}, source_, cut_.source,
                             values);
    return source_;
  }

  // One panel, some segments of it, all pixels of the block.
  void run_segments(const A* source, index first, index count, const image_epilogue& e) {
    const index vectors = ceil_div(width_, O::lanes());
    const even_tiles cut = evenly(columns_, table::rows(vectors));
    const index steps = count * cut_.depth, line = index(sizeof(B)) * nr();
    operands x;
    x.k = cut_.depth;
    x.segments = count;
    x.a_offset = offsets_ + first;
    x.a_stride = g_.stride.w * cut_.source.w;
    x.b = panel_ + first * cut_.depth * nr();
    x.b_stride = nr();
    x.b_group = 0;
    x.n = width_;
    x.col = column_;
    x.row_step = views_.pixel_step;
    x.resume = first > 0;
    x.last = first + count == cut_.segments && !cut_.strided_dst;
    x.partial_stride = nr();
    x.dst_stride = views_.dst.strides().w;
    x.dst_vector = views_.dst.block() == O::lanes() ? views_.dst.block_stride() : O::lanes();
    // All tiles together fetch what the panel holds next.
    const index share = ceil_div(line, cut.count * rows_);
    for (index r = 0; r < rows_; ++r) {
      x.a = source + r * g_.stride.h * cut_.source.h;
      x.partial = sums_ + r * columns_ * nr();
      x.dst = views_.dst.pointer(n_, d0_, h0_ + r, w0_, column_);
      x.row = pixel(r);
      x.prefetch = reinterpret_cast<const char*>(x.b + steps * nr()) + r * cut.count * share * steps;
      x.prefetch_stride = share;
      tiles::run(x, e, cut, vectors, share * steps);
    }
  }

  index pixel(index row) const {
    return views_.first_pixel + d0_ * views_.pixel_plane + (h0_ + row) * views_.pixel_row + w0_ * views_.pixel_step;
  }

  void finish(const image_epilogue& e) {
    for (index r = 0; r < rows_; ++r) {
      const pixel_sums<T> sums{sums_ + r * columns_ * nr(), nr(), columns_, width_};
      finish_pixels<O>(e, sums, views_.dst, {n_, d0_, h0_ + r, w0_, column_}, {pixel(r), views_.pixel_step, column_},
                       finished_);
    }
  }

  const conv_views<typename Format::a_type, D>& views_;
  const conv_geometry& g_;
  const implicit_cut& cut_;
  const conv_operands<Format, D, Prologue>& x_;
  const E& batch_epilogue_;
  index* offsets_;
  A* source_;
  T *sums_, *finished_;
  index panel0_, w0_, h0_, d0_, n_, rows_, columns_;
  index column_, width_;  // of the panel: the first output channel in hand, and how many
  const B* panel_;
};

/// Dense convolution: any geometry. packed: [group][panel][tap][units of channels][NR], then what the format keeps of
/// them (of small integers, the sum of each filter).
template <class Format, class D = typename Format::sum_type,
          tile_shape S = default_tile<typename Format::registered, typename Format::O::isa_type>>
struct implicit_kernel {
  using T = typename Format::sum_type;
  using unit = typename Format::b_unit;
  template <class Prologue>
  using operands = conv_operands<Format, D, Prologue>;
  static ASHLAR_INLINE index nr() { return S.nv * Format::O::lanes(); }

  static index packed_elements(const conv_geometry& g) {
    return panel_elements(g) + Format::filter_sums(g.filters, nr()) * index(sizeof(T) / sizeof(unit));
  }

  /// The filters of group i are filters_of(i); zeros: what is subtracted from those of each output channel.
  template <class Filters, class Zeros>
  static void pack(const conv_geometry& g, const Filters& filters_of, unit* packed, const Zeros& zeros) {
    T* const sums = reinterpret_cast<T*>(packed + panel_elements(g));
    for (index group = 0; group < g.groups; ++group) {
      const auto w = filters_of(group);
      for (index first = 0; first < g.group_filters(); first += nr()) {
        const index width = std::min(nr(), g.group_filters() - first), channel = group * g.group_filters() + first;
        pack_panel(g, w, {first, width, channel}, packed, zeros);
        Format::sum_filters(packed, nr(), g.taps() * units(g), width, sums + channel);
        packed += g.taps() * units(g) * nr();
      }
    }
  }

  static implicit_cut plan(const conv_geometry& g, const conv_layout& l, index lanes, const cache_sizes& caches) {
    conv_geometry in_units = g;
    in_units.channels = g.groups * units(g);
    return cut(in_units, l, nr(), lanes, caches);
  }

  /// Elements of memory for so many workers.
  static index workspace(const conv_geometry& g, const implicit_cut& cut, index workers) {
    return Format::filter_sums(g.filters, nr()) + workers * workspace_elements(cut);
  }

  template <class Prologue, class E, class Executor>
  static void run(const operands<Prologue>& x, const implicit_cut& cut, const E& e, T* memory, Executor& executor) {
    const T* const sums = reinterpret_cast<const T*>(x.weights + panel_elements(x.views.g));
    const auto whole = Format::with_terms(e, x.zeros, sums, x.views.g.filters, nr(), memory);
    run_blocks(x, cut, whole, memory + Format::filter_sums(x.views.g.filters, nr()), executor);
  }

 private:
  static index units(const conv_geometry& g) { return steps_of<Format>(g.group_channels()); }
  static index panel_elements(const conv_geometry& g) {
    return g.groups * multiple(g.group_filters(), nr()) * g.taps() * units(g);
  }

  struct panel_place {
    index first, width, channel;  // of the group's filters, and the first one's output channel
  };

  template <class W, class Zeros>
  static void pack_panel(const conv_geometry& g, const W& w, const panel_place& at, unit* to, const Zeros& zeros) {
    for (index d = 0; d < g.kernel.d; ++d)
      for (index r = 0; r < g.kernel.h; ++r)
        for (index s = 0; s < g.kernel.w; ++s, to += units(g) * nr()) {
          Format::copy_b({w.pointer(at.first, d, r, s, 0), w.strides().c, w.strides().k, g.group_channels(), at.width},
                         to, nr());
          Format::subtract(zeros, at.channel, g.group_channels(), at.width, to, nr());
        }
  }

  template <class Prologue, class E, class Executor>
  static void run_blocks(const operands<Prologue>& x, const implicit_cut& cut, const E& e, T* memory,
                         Executor& executor) {
    const index tasks = cut.tasks(x.views.g), workers = std::min<index>(executor.concurrency(), tasks);
    const index each = workspace_elements(cut);
    using block = implicit_block<Format, S, E, D, Prologue>;
    if (workers <= 1) {
      block work(x, cut, e, memory);
      for (index t = 0; t < tasks; ++t) work.run(t);
      return;
    }
    std::atomic<index> next{0};
    executor.parallel_for(workers, [&](index w) {
      block work(x, cut, e, memory + w * each);
      for (index t; (t = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) work.run(t);
    });
  }
};

}  // namespace ashlar
