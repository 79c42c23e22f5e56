// SPDX-License-Identifier: Apache-2.0
//
// winograd/kernel.hpp: forward convolution by Winograd's minimal filtering: stride 1, channels innermost.
//
//   dst(n, o, k) = epilogue( A^T [ sum over c of (G g(k, c) G^T) . (B^T x(n, o, c) B) ] A )
//
// One matrix product for each transform point, with the register tile of gemm: the sum over channels is one fused
// multiply-add a channel in increasing order, the transforms have a fixed order, so the result depends neither on the
// ISA nor on blocking, tiles or threads. It differs from the direct convolution's within winograd/error_bound.hpp.
//
// Depends on: winograd/{cut,tiles,pack}.hpp, loop/row_tiles.hpp, tile/registry.hpp, core.   Used by: conv/.
#pragma once

#include <atomic>

#include <ashlar/core.hpp>
#include <ashlar/loop/row_tiles.hpp>
#include <ashlar/tile/registry.hpp>
#include <ashlar/winograd/cut.hpp>
#include <ashlar/winograd/pack.hpp>
#include <ashlar/winograd/tiles.hpp>

namespace ashlar {

/// The operands of one convolution; src has contiguous channels, dst too, or whole vectors of them in blocks.
template <class Format, class D = typename Format::sum_type>
struct winograd_operands {
  image_view<const typename Format::src_type> src;
  const typename Format::unit* weights;  // packed
  blocked_image_view<D> dst;
  typename Format::src_type padding{};  // of bytes src's zero point
};

/// The products of one group of tiles with one block of output channels: M = V x U, point by point.
template <class Format, tile_shape S>
struct winograd_product {
  using T = typename Format::sum_type;
  using unit = typename Format::unit;
  using operands = tile_operands<unit, unit, T, T>;
  using table = tile_table<typename Format::products, S, typename Format::semiring, acc_node, operands>;

  /// `width` output channels, a multiple of NR; `u` is the block's part of U; channels in units.
  static void run(const winograd_cut& b, index points, index channels, index tiles, index width, const unit* v,
                  const unit* u, T* m) {
    const index nr = table::nr(), panel = channels * nr, vectors = S.nv;
    const even_tiles rows = evenly(tiles, table::rows(vectors));
    // All register tiles of a panel together fetch the next one, each its share.
    const index share = ceil_div(nr * index(sizeof(T)), rows.count);
    for (index p = 0; p < points; ++p)
      for (index j = 0; j < width; j += nr, u += panel) {
        operands x;
        x.k = channels;
        x.a = v + p * b.v_point, x.a_stride = b.v_tile;
        x.b = u, x.b_stride = nr, x.b_group = 0;
        x.prefetch = reinterpret_cast<const char*>(u + panel), x.prefetch_stride = share;
        x.partial = nullptr, x.partial_stride = 0;
        x.dst = m + p * b.m_point + j, x.dst_stride = b.m_tile;
        x.row = 0, x.col = 0, x.n = nr;
        x.resume = false, x.last = true;
        row_tiles<table, operands, acc_node>::run(x, acc, rows, vectors, share * channels);
      }
  }
};

/// One worker's run of tasks; `memory` holds workspace_elements(cut).
template <class Format, class D, tile_shape S, class E>
class winograd_block {
  using A = typename Format::algorithm;
  using T = typename Format::sum_type;
  using src_type = typename Format::src_type;
  using unit = typename Format::unit;
  static_assert(sizeof(unit) == sizeof(T) && sizeof(src_type) <= sizeof(T));  // one size for all of the workspace
  using image_epilogue = decltype(std::declval<const E&>().at_image(0));

 public:
  winograd_block(const conv_geometry& g, const winograd_cut& cut, const winograd_operands<Format, D>& x, const E& e,
                 T* memory)
      : g_(g),
        cut_(cut),
        x_(x),
        epilogue_(e),
        zeros_(reinterpret_cast<src_type*>(memory)),
        v_(reinterpret_cast<unit*>(memory + cut.zeros)),
        m_(memory + cut.zeros + A::points * cut.v_point) {
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
      winograd_product<Format, S>::run(cut_, A::points, ceil_div(g_.group_channels(), Format::group), count_,
                                       multiple(width, nr), v_, u + k / cut_.block * cut_.u_block, m_);
      finish(k, width);
    }
  }

 private:
  void transform_source() {
    using element = typename Format::v_element;
    const image_view<const src_type> src = x_.src.channels(channel_group_ * g_.group_channels(), g_.group_channels());
    for (index t = 0; t < count_; ++t) {
      const winograd_tile at = place(first_ + t);
      source_tile<Format>(src, at.n, at.d, at.h - g_.before.h, at.w - g_.before.w, zeros_)
          .run(g_.group_channels(), reinterpret_cast<element*>(v_ + t * cut_.v_tile), cut_.v_point * Format::group);
    }
  }

  void finish(index k, index width) {
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

  winograd_tile place(index tile) const {
    const index w = tile % cut_.columns * A::horizontal::m;
    tile /= cut_.columns;
    const index h = tile % cut_.rows * A::vertical::m;
    tile /= cut_.rows;
    return {tile / g_.dst.d,
            tile % g_.dst.d,
            h,
            w,
            std::min<index>(A::vertical::m, g_.dst.h - h),
            std::min<index>(A::horizontal::m, g_.dst.w - w)};
  }

  const conv_geometry& g_;
  const winograd_cut& cut_;
  const winograd_operands<Format, D>& x_;
  const E& epilogue_;
  src_type* zeros_;
  unit* v_;
  T* m_;
  index channel_group_, first_, count_;
};

/// Convolution of a format (winograd/format.hpp) to elements D.
///
///     using K = winograd_kernel<winograd_floats<float, isa::native, f4x4_3x3>>;
///     if (K::serves(g)) { K::pack(g, weights, u);  const auto cut = K::plan(g, 1, caches);
///                         K::run(g, cut, {src, u, dst}, relu(acc), memory, executor); }
///
/// Allocates nothing. The caller has checked shapes, contiguous channels and aliasing.
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

  /// A kernel of the algorithm's size, stride and dilation 1, and nothing of it along the depth.
  static bool serves(const conv_geometry& g) {
    const triple one{};
    return g.kernel == triple{1, Algorithm::vertical::r, Algorithm::horizontal::r} && g.stride == one &&
           g.dilation == one && g.before.d == 0 && g.after.d == 0;
  }

  /// Units of the packed weights, and the packing: transformed, rounded once.
  static index packed_elements(const conv_geometry& g) {
    return g.groups * multiple(g.group_filters(), nr()) * Algorithm::points *
           ceil_div(g.group_channels(), Format::group);
  }
  static void pack(const conv_geometry& g, const filter_view<const typename Format::weight_type>& weights,
                   unit* packed) {
    winograd_pack<Format>::run(g, weights, nr(), reinterpret_cast<typename Format::u_element*>(packed));
  }

  static winograd_cut plan(const conv_geometry& g, index workers, const cache_sizes& caches) {
    return cut(g, shape(), workers, caches);
  }
  /// Elements of the workspace of one worker.
  static index workspace(const winograd_cut& b) { return workspace_elements(b, shape()); }

  /// `memory`: workspace(cut) elements for each worker, 64-byte aligned.
  template <class E, class Executor>
  static void run(const conv_geometry& g, const winograd_cut& b, const winograd_operands<Format, D>& x, const E& e,
                  T* memory, Executor& executor) {
    using block = winograd_block<Format, D, S, E>;
    const index tasks = b.tasks(g), workers = std::min<index>(executor.concurrency(), tasks), each = workspace(b);
    if (workers <= 1) {
      block work(g, b, x, e, memory);
      for (index t = 0; t < tasks; ++t) work.run(t);
      return;
    }
    std::atomic<index> next{0};
    executor.parallel_for(workers, [&](index w) {
      block work(g, b, x, e, memory + w * each);
      for (index t; (t = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) work.run(t);
    });
  }
};

}  // namespace ashlar
