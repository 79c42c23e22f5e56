// SPDX-License-Identifier: Apache-2.0
//
// winograd/kernel.hpp: forward convolution by Winograd's minimal filtering: stride 1.
//
//   dst(n, o, k) = epilogue( A^T [ sum over d, c of (G g(k, d, c) G^T) . (B^T x(n, o, d, c) B) ] A )
//
// Planes of a kernel with a depth are transformed one by one and summed as channels are: one inverse transform for all.
// The depth may have any stride, dilation and padding.
//
// One matrix product for each transform point, with the register tile of gemm: the sum over planes and channels is one
// fused multiply-add each in increasing order, the transforms have a fixed order, so the result depends neither on the
// ISA nor on blocking, tiles or threads. It differs from the direct convolution's within winograd/error_bound.hpp.
//
// Depends on: winograd/{cut,tiles,pack}.hpp, loop/{row_tiles,finish_planes}.hpp, tile/registry.hpp, core.   Used by:
// conv/.
#pragma once

#include <atomic>

#include <ashlar/core.hpp>
#include <ashlar/loop/finish_planes.hpp>
#include <ashlar/loop/row_tiles.hpp>
#include <ashlar/tile/registry.hpp>
#include <ashlar/winograd/cut.hpp>
#include <ashlar/winograd/pack.hpp>
#include <ashlar/winograd/tiles.hpp>

namespace ashlar {

/// The operands of one convolution; where the cut neither copies nor writes planes, src has contiguous channels, dst
/// too, or whole vectors of them in blocks.
template <class Format, class D = typename Format::sum_type>
struct winograd_operands {
  blocked_image_view<const typename Format::src_type> src;
  const typename Format::unit* weights;  // packed
  blocked_image_view<D> dst;
  typename Format::src_type padding{};  // of bytes src's zero point
};

/// Copies nothing: src has contiguous channels and no prologue. Of others copy(src, block, channel, to) writes a block
/// of src's channels, which are the whole image's from `channel` on, to rows * columns pixels with contiguous channels.
struct no_source_copy {};

/// What to copy: from (d, h, w) of image n on, which may lie outside.
struct winograd_block_of_source {
  index n, d, h, w, rows, columns;
};

/// The products of one group of tiles with one block of output channels: M = V x U, point by point.
template <class Format, tile_shape S>
struct winograd_product {
  using T = typename Format::sum_type;
  using unit = typename Format::unit;
  using operands = tile_operands<unit, unit, T, T>;
  using table = tile_table<typename Format::products, S, typename Format::semiring, acc_node, operands>;

  /// `width` output channels, a multiple of NR; `u` is the block's part of U.
  static void run(const winograd_cut& b, index points, index tiles, index width, const unit* v, const unit* u, T* m) {
    const index nr = table::nr(), panel = b.terms * nr, vectors = S.nv;
    const even_tiles rows = evenly(tiles, table::rows(vectors));
    // All register tiles of a panel together fetch the next one, each its share.
    const index share = ceil_div(nr * index(sizeof(T)), rows.count);
    for (index p = 0; p < points; ++p)
      for (index j = 0; j < width; j += nr, u += panel) {
        operands x;
        x.k = b.terms;
        x.a = v + p * b.v_point, x.a_stride = b.v_tile;
        x.b = u, x.b_stride = nr, x.b_group = 0;
        x.prefetch = reinterpret_cast<const char*>(u + panel), x.prefetch_stride = share;
        x.partial = nullptr, x.partial_stride = 0;
        x.dst = m + p * b.m_point + j, x.dst_stride = b.m_tile;
        x.row = 0, x.col = 0, x.n = nr;
        x.resume = false, x.last = true;
        row_tiles<table, operands, acc_node>::run(x, acc, rows, vectors, share * b.terms);
      }
  }
};

/// One worker's run of tasks; `memory` holds workspace_elements(cut).
template <class Format, class D, tile_shape S, class E, class Copy>
class winograd_block {
  using A = typename Format::algorithm;
  using T = typename Format::sum_type;
  using src_type = typename Format::src_type;
  using unit = typename Format::unit;
  using O = typename Format::O;
  static_assert(sizeof(unit) == sizeof(T) && sizeof(src_type) <= sizeof(T));  // one size for all of the workspace
  using image_epilogue = decltype(std::declval<const E&>().at_image(0));
  static constexpr bool any_layout = !std::is_same_v<Copy, no_source_copy>;
  static constexpr index m_h = A::vertical::m, m_w = A::horizontal::m;

 public:
  winograd_block(const conv_geometry& g, const winograd_cut& cut, const winograd_operands<Format, D>& x, const E& e,
                 const Copy& copy, T* memory)
      : g_(g),
        cut_(cut),
        x_(x),
        epilogue_(e),
        copy_(copy),
        zeros_(reinterpret_cast<src_type*>(memory)),
        v_(reinterpret_cast<unit*>(memory + cut.zeros)),
        m_(memory + cut.zeros + A::points * cut.v_point),
        source_(m_ + A::points * cut.m_point),
        sums_(source_ + cut.source) {
    std::fill(zeros_, zeros_ + cut.zeros * index(sizeof(T) / sizeof(src_type)), x.padding);
  }

  void run(index task) {
    const index part = task % cut_.parts, group = task / cut_.parts % cut_.groups;
    channel_group_ = task / cut_.parts / cut_.groups;
    first_ = group * cut_.group;
    count_ = std::min(cut_.group, cut_.tiles - first_);
    transform_source();
    const unit* const u = x_.weights + channel_group_ * cut_.u_group;
    const index filters = g_.group_filters(), last = std::min(filters, (part + 1) * cut_.part);
    for (index k = part * cut_.part; k < last; k += cut_.block) {
      const index width = std::min(cut_.block, filters - k), nr = winograd_product<Format, S>::table::nr();
      winograd_product<Format, S>::run(cut_, A::points, count_, multiple(width, nr), v_,
                                       u + k / cut_.block * cut_.u_block, m_);
      finish(k, width);
    }
  }

 private:
  // Where the first pixel of a segment lies in a view.
  struct source_place {
    image_view<const src_type> view;
    index n, d, h, w;
  };

  void transform_source() {
    for (index t = 0, count; t < count_; t += count) {
      const winograd_tile at = place(first_ + t);
      count = beside(t, at);
      // In order: whole vectors are stored, which the next plane's first channels overwrite.
      for (index p = 0; p < g_.kernel.d; ++p) transform_segment(source_of(at, p, count), t, count, p);
    }
  }

  void transform_segment(const source_place& from, index first, index count, index plane) {
    using element = typename Format::v_element;
    for (index i = 0; i < count; ++i) {
      source_tile<Format>(from.view, from.n, from.d, from.h, from.w + i * m_w, zeros_)
          .run(g_.group_channels(), reinterpret_cast<element*>(v_ + (first + i) * cut_.v_tile + plane * cut_.channels),
               cut_.v_point * Format::group);
    }
  }

  // What the segment's tiles read of plane p of the kernel: src, or the copy of it.
  source_place source_of(const winograd_tile& at, index p, index count) {
    const index channel = channel_group_ * g_.group_channels(), channels = g_.group_channels();
    const blocked_image_view<const src_type> src = x_.src.channels(channel, channels);
    const index d = at.d * g_.stride.d - g_.before.d + p * g_.dilation.d, h = at.h - g_.before.h,
                w = at.w - g_.before.w;
    if constexpr (any_layout) {
      if (cut_.copies) {
        const index rows = A::vertical::a, columns = count * m_w + A::horizontal::r - 1;
        copy_(src, winograd_block_of_source{at.n, d, h, w, rows, columns}, channel, source_);
        return {ndhwc(static_cast<const src_type*>(source_), 1, 1, rows, columns, channels), 0, 0, 0, 0};
      }
    }
    return {src.image(), at.n, d, h, w};
  }

  void finish(index k, index width) {
    if constexpr (any_layout) {
      if (cut_.planes) return finish_in_planes(k, width);
    }
    for (index t = 0; t < count_; ++t) {
      const winograd_tile at = place(first_ + t);
      const index first = channel_group_ * g_.group_filters() + k;
      for (index c = 0, run; c < width; c += run) {
        run = x_.dst.run(first + c, width - c);
        output_tile<Format, D, image_epilogue>(x_.dst, at, first + c)
            .run(epilogue_.at_image(at.n), m_ + t * cut_.m_tile + c, cut_.m_point, run);
      }
    }
  }

  // By way of a segment's sums, pixels by channels, which are transposed a row of pixels at a time.
  void finish_in_planes(index k, index width) {
    for (index t = 0, count; t < count_; t += count) {
      const winograd_tile at = place(first_ + t);
      count = beside(t, at);
      const index pixel = cut_.m_tile, row = count * m_w * pixel;
      for (index i = 0; i < count; ++i)
        for (index c = 0; c < width; c += O::lanes())
          output_sums<Format>::run(m_ + (t + i) * cut_.m_tile + c, cut_.m_point, sums_ + i * m_w * pixel + c, row,
                                   pixel);
      for (index r = 0; r < at.rows; ++r) finish_row(at, r, k, {sums_ + r * row, pixel, columns_of(at, count), width});
    }
  }
  void finish_row(const winograd_tile& at, index r, index k, const pixel_sums<T>& sums) {
    const index channel = channel_group_ * g_.group_filters() + k, row = (at.d * g_.dst.h + at.h + r) * g_.dst.w + at.w;
    finish_pixels<O>(epilogue_.at_image(at.n), sums, x_.dst, {at.n, at.d, at.h + r, at.w, channel}, {row, 1, channel},
                     sums_ + cut_.sums);
  }

  // How many tiles from t on, which is at a place, are a segment; how many pixels of a row of dst they are.
  index beside(index t, const winograd_tile& at) const {
    return std::min({cut_.segment, cut_.columns - at.w / m_w, count_ - t});
  }
  index columns_of(const winograd_tile& at, index count) const { return std::min(count * m_w, g_.dst.w - at.w); }

  winograd_tile place(index tile) const {
    const index w = tile % cut_.columns * m_w;
    tile /= cut_.columns;
    const index h = tile % cut_.rows * m_h;
    tile /= cut_.rows;
    return {tile / g_.dst.d, tile % g_.dst.d, h, w, std::min(m_h, g_.dst.h - h), std::min(m_w, g_.dst.w - w)};
  }

  const conv_geometry& g_;
  const winograd_cut& cut_;
  const winograd_operands<Format, D>& x_;
  const E& epilogue_;
  const Copy& copy_;
  src_type* zeros_;
  unit* v_;
  T *m_, *source_, *sums_;
  index channel_group_, first_, count_;
};

/// Convolution of a format (winograd/format.hpp) to elements D.
///
///     using K = winograd_kernel<winograd_floats<float, isa::native, f4x4_3x3>>;
///     if (K::serves(g)) { K::pack(g, filters, u);  const auto cut = K::plan(g, 1, caches);
///                         K::run(g, cut, {src, u, dst}, relu(acc), memory, executor); }
///
/// Allocates nothing. The caller has checked shapes, layouts and aliasing.
/// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015.
template <class Format, class D = typename Format::sum_type,
          tile_shape S = default_tile<typename Format::registered, typename Format::isa_type>>
struct winograd_kernel {
  using Algorithm = typename Format::algorithm;
  using O = typename Format::O;
  using T = typename Format::sum_type;
  using unit = typename Format::unit;
  static ASHLAR_INLINE index nr() { return S.nv * O::lanes(); }

  static ASHLAR_INLINE winograd_shape shape() {
    return {Algorithm::vertical::m, Algorithm::horizontal::m, Algorithm::points, S.mr, nr(), O::lanes(), sizeof(T),
            Format::group};
  }

  /// Planes of the algorithm's size, stride and dilation 1 within them; anything along the depth.
  static bool serves(const conv_geometry& g) {
    return g.kernel.h == Algorithm::vertical::r && g.kernel.w == Algorithm::horizontal::r && g.stride.h == 1 &&
           g.stride.w == 1 && g.dilation.h == 1 && g.dilation.w == 1;
  }

  /// Units of the packed weights, and the packing: transformed, rounded once. filters(i): the view of group i's.
  static index packed_elements(const conv_geometry& g) {
    return g.groups * multiple(g.group_filters(), nr()) * Algorithm::points * g.kernel.d *
           ceil_div(g.group_channels(), Format::group);
  }
  template <class Filters>
  static void pack(const conv_geometry& g, const Filters& filters, unit* packed) {
    winograd_pack<Format>::run(g, filters, nr(), reinterpret_cast<typename Format::u_element*>(packed));
  }

  static winograd_cut plan(const conv_geometry& g, index workers, const cache_sizes& caches,
                           const winograd_layout& layout = {}) {
    return cut(g, shape(), layout, workers, caches);
  }
  /// Elements of the workspace of one worker.
  static index workspace(const winograd_cut& b) { return workspace_elements(b, shape()); }

  /// `memory`: workspace(cut) elements for each worker, 64-byte aligned.
  template <class E, class Executor, class Copy = no_source_copy>
  static void run(const conv_geometry& g, const winograd_cut& b, const winograd_operands<Format, D>& x, const E& e,
                  T* memory, Executor& executor, const Copy& copy = {}) {
    using block = winograd_block<Format, D, S, E, Copy>;
    const index tasks = b.tasks(g), workers = std::min<index>(executor.concurrency(), tasks), each = workspace(b);
    if (workers <= 1) {
      block work(g, b, x, e, copy, memory);
      for (index t = 0; t < tasks; ++t) work.run(t);
      return;
    }
    std::atomic<index> next{0};
    executor.parallel_for(workers, [&](index w) {
      block work(g, b, x, e, copy, memory + w * each);
      for (index t; (t = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) work.run(t);
    });
  }
};

}  // namespace ashlar
