// SPDX-License-Identifier: Apache-2.0
//
// conv/winograd_weights.hpp: the gradient of a convolution's weights by Winograd's minimal filtering: stride 1.
//
//   dw(k, c) = A^T [ sum over tiles t of (G dy(k, t) G^T) . (B^T x(c, t) B) ] A
//
// It correlates src with dy: an output is a tap, and what the forward convolution calls the kernel is a tile of dy. So
// F(m, r) is used as F(r, m), with the same points: 3 x 3 taps and tiles of 4 x 4 take 36 products instead of 144, and
// what tiles reach beyond dy is zero. The tiles of all images are summed before the one inverse transform.
//
// One matrix product for each transform point, a fused multiply-add a tile in increasing order: the result depends
// neither on the ISA nor on blocking, layout or threads. It differs from the contraction's within
// winograd/error_bound.hpp.
//
// Depends on: conv/{winograd_weights_cut,source_copy,store_filters}.hpp, winograd/{tiles,format}.hpp,
// loop/row_tiles.hpp, pack/copy_block.hpp,
// tile/registry.hpp.   Used by: conv/{weights_choose,weights_plan}.hpp.
#pragma once

#include <algorithm>

#include <ashlar/conv/source_copy.hpp>
#include <ashlar/conv/store_filters.hpp>
#include <ashlar/conv/winograd_weights_cut.hpp>
#include <ashlar/core.hpp>
#include <ashlar/loop/row_tiles.hpp>
#include <ashlar/pack/copy_block.hpp>
#include <ashlar/tile/registry.hpp>
#include <ashlar/winograd/tiles.hpp>

namespace ashlar {

namespace detail {

template <class A>
struct weights_gradient_of;
template <int M, int R, class P, int N, int S, class Q>
struct weights_gradient_of<winograd<cook_toom<M, R, P>, cook_toom<N, S, Q>>> {
  using type = winograd<cook_toom<R, M, P>, cook_toom<S, N, Q>>;
};

}  // namespace detail

/// The algorithm of the weights' gradient that has the tiles and points of the convolution's algorithm A.
template <class A>
using winograd_weights_of = typename detail::weights_gradient_of<A>::type;

/// The operands: of all groups. bias: sums of dy, or null.
template <class T>
struct winograd_weights_operands {
  blocked_image_view<const T> src, dy;
  filter_view<T> dw;
  T* bias;
  T padding;
};

/// One worker's run of tasks; `memory` holds workspace_elements(cut). A: the gradient's algorithm.
template <class T, class Isa, class A, tile_shape S>
class winograd_weights_block {
  using O = ops<T, Isa>;
  using format = winograd_floats<T, Isa, A>;
  using operands = tile_operands<T>;
  using table = tile_table<O, S, plus_times, acc_node, operands>;
  using source = typename A::template source_transform<O>;
  using weights = typename A::template weights_transform<O>;
  static constexpr index m_h = A::vertical::r, m_w = A::horizontal::r;  // pixels of dy of a tile

 public:
  winograd_weights_block(const conv_geometry& g, const winograd_weights_cut& cut, const winograd_weights_operands<T>& x,
                         T* memory)
      : g_(g), cut_(cut), x_(x), padding_(memory) {
    zeros_ = padding_ + cut.zeros;
    u_ = zeros_ + cut.zeros, v_ = u_ + A::points * cut.u_point, m_ = v_ + A::points * cut.v_point;
    copy_ = m_ + A::points * cut.m_point;
    std::fill_n(padding_, cut.zeros, x.padding);
    std::fill_n(zeros_, cut.zeros, T(0));
  }

  void run(index task) {
    const index channel_block = task % cut_.channel_blocks;
    const index filter_block = task / cut_.channel_blocks % cut_.filter_blocks;
    task /= cut_.channel_blocks * cut_.filter_blocks;
    plane_ = task % g_.kernel.d, channel_group_ = task / g_.kernel.d;
    channel_ = channel_block * cut_.channels, filter_ = filter_block * cut_.filters;
    channels_ = std::min(cut_.channels, g_.group_channels() - channel_);
    filters_ = std::min(cut_.filters, g_.group_filters() - filter_);
    for (first_ = 0; first_ < cut_.tiles; first_ += cut_.group) {
      count_ = std::min(cut_.group, cut_.tiles - first_);
      transform<source>(src(), padding_, v_, cut_.v_tile, cut_.v_point);
      transform<weights>(dy(), zeros_, u_, cut_.u_tile, cut_.u_point);
      for (index p = 0; p < A::points; ++p) multiply(p);
    }
    for (index k = 0; k < filters_; ++k) inverse(k);
    store();
    if (x_.bias && plane_ == 0 && channel_ == 0) sum_dy(x_.bias + channel_group_ * g_.group_filters() + filter_);
  }

 private:
  // A tile's first pixel of dy.
  struct place {
    index n, d, h, w;
  };
  place at(index tile) const {
    const index w = tile % cut_.columns * m_w;
    tile /= cut_.columns;
    const index h = tile % cut_.rows * m_h;
    tile /= cut_.rows;
    return {tile / g_.dst.d, tile % g_.dst.d, h, w};
  }
  blocked_image_view<const T> src() const {
    return x_.src.channels(channel_group_ * g_.group_channels() + channel_, channels_);
  }
  blocked_image_view<const T> dy() const {
    return x_.dy.channels(channel_group_ * g_.group_filters() + filter_, filters_);
  }

  // All tiles of the group, of src or of dy: from the view, or from a copy of a segment with channels innermost.
  template <class Transform>
  void transform(const blocked_image_view<const T>& view, const T* outside, T* to, index tile, index point) {
    constexpr bool of_src = std::is_same_v<Transform, source>;
    const bool copies = view.strides().c != 1 || view.blocked();
    for (index t = 0, count; t < count_; t += count) {
      place p = at(first_ + t);
      count = std::min({cut_.segment, cut_.columns - p.w / m_w, count_ - t});
      if (of_src) {
        p.d = p.d * g_.stride.d - g_.before.d + plane_ * g_.dilation.d;
        p.h -= g_.before.h, p.w -= g_.before.w;
      }
      const index rows = Transform::in_rows, columns = (count - 1) * m_w + Transform::in_columns;
      const image_view<const T> image = copies ? copied(view, p, rows, columns, *outside) : view.image();
      if (copies) p = {0, 0, 0, 0};
      for (index i = 0; i < count; ++i) {
        source_tile<format, Transform>(image, p.n, p.d, p.h, p.w + i * m_w, outside)
            .run(view.extents().c, to + (t + i) * tile, point);
      }
    }
  }
  image_view<const T> copied(const blocked_image_view<const T>& view, const place& p, index rows, index columns,
                             T outside) {
    const index c = view.extents().c;
    source_copy<plain_format<T, Isa>>::run(view, {p.n, p.d, p.h, p.w, 1, 1, rows, columns}, copy_,
                                           {rows * columns * c, columns * c, c}, source_values<T>{outside});
    return ndhwc(static_cast<const T*>(copy_), 1, 1, rows, columns, c);
  }

  // M[p] += U[p]^T V[p]: rows are filters, columns channels, each step a tile.
  void multiply(index p) {
    block_copy<T, Isa>::run({u_ + p * cut_.u_point, 1, cut_.u_tile, filters_, count_}, copy_, cut_.a_filter, count_);
    operands x{};
    x.k = count_, x.a_stride = cut_.a_filter;
    x.b_stride = cut_.v_tile, x.b_group = 0;
    x.partial_stride = x.dst_stride = cut_.m_filter;
    x.resume = first_ > 0, x.last = false;
    for (index j = 0; j < channels_; j += table::nr()) {
      const index width = std::min(table::nr(), channels_ - j), vectors = ceil_div(width, O::lanes());
      x.a = copy_, x.b = v_ + p * cut_.v_point + j;
      x.partial = x.dst = m_ + p * cut_.m_point + j;
      x.row = x.col = 0, x.n = width;
      x.prefetch = reinterpret_cast<const char*>(x.b), x.prefetch_stride = 0;
      row_tiles<table, operands, acc_node>::run(x, acc, evenly(filters_, table::rows(vectors)), vectors, 0);
    }
  }

  // The taps of a filter take the place of its first points.
  void inverse(index k) {
    alignas(64) T taps[A::outputs * O::max_lanes];
    const index lanes = O::lanes();
    for (index c = 0; c < channels_; c += lanes) {
      T* const m = m_ + k * cut_.m_filter + c;
      output_sums<format>::run(m, cut_.m_point, taps, A::horizontal::m * lanes, lanes);
      for (index t = 0; t < A::outputs; ++t) O::store(m + t * cut_.m_point, O::load(taps + t * lanes));
    }
  }
  void store() const {
    for (index t = 0; t < A::outputs; ++t) {
      T* const to = x_.dw.pointer(channel_group_ * g_.group_filters() + filter_, plane_, t / A::horizontal::m,
                                  t % A::horizontal::m, channel_);
      store_filters<T, Isa>({m_ + t * cut_.m_point, cut_.m_filter, 1, filters_, channels_}, to, x_.dw.strides());
    }
  }

  // In increasing order of images and pixels, as the reference does.
  void sum_dy(T* bias) {
    const blocked_image_view<const T> view = dy();
    const bool copies = view.strides().c != 1 || view.blocked();
    std::fill_n(bias, filters_, T(0));
    for (index row = 0; row < g_.batch * g_.dst.d * g_.dst.h; ++row)
      for (index w = 0, count; w < g_.dst.w; w += count) {
        count = std::min(cut_.segment * m_w, g_.dst.w - w);
        const place p{row / g_.dst.h / g_.dst.d, row / g_.dst.h % g_.dst.d, row % g_.dst.h, w};
        if (copies) {
          add_pixels(copied(view, p, 1, count, T(0)).data(), filters_, count, bias);
        } else {
          add_pixels(view.pointer(p.n, p.d, p.h, p.w, 0), view.strides().w, count, bias);
        }
      }
  }
  void add_pixels(const T* dy, index pixel, index count, T* bias) const {
    for (index k = 0; k < filters_; k += O::lanes()) {
      const index n = std::min(O::lanes(), filters_ - k);
      auto sum = O::load_n(bias + k, n);
      for (index i = 0; i < count; ++i) sum = O::add(sum, O::load_n(dy + i * pixel + k, n));
      O::store_n(bias + k, sum, n);
    }
  }

  const conv_geometry& g_;
  const winograd_weights_cut& cut_;
  const winograd_weights_operands<T>& x_;
  T *padding_, *zeros_, *u_, *v_, *m_, *copy_;
  index plane_, channel_group_, filter_, filters_, channel_, channels_, first_, count_;
};

/// The gradient of weights by Forward's tiles: Forward a winograd<...> as plans of convolutions name it.
template <class T, class Isa, class Forward, tile_shape S = default_tile<T, Isa>>
struct winograd_weights {
  using algorithm = winograd_weights_of<Forward>;

  /// Planes of the algorithm's size, stride and dilation 1 within them; anything along the depth.
  static bool serves(const conv_geometry& g) {
    return g.kernel.h == algorithm::vertical::m && g.kernel.w == algorithm::horizontal::m && g.stride.h == 1 &&
           g.stride.w == 1 && g.dilation.h == 1 && g.dilation.w == 1;
  }
  static winograd_weights_cut plan(const conv_geometry& g, index workers, const cache_sizes& caches) {
    const index lanes = ops<T, Isa>::lanes();
    return cut_winograd_weights(
        g, {algorithm::vertical::r, algorithm::horizontal::r, algorithm::points, S.mr, S.nv * lanes, lanes, sizeof(T)},
        workers, caches);
  }
  /// Elements of the workspace of one worker.
  static index workspace(const winograd_weights_cut& b) { return workspace_elements(b, algorithm::points); }

  /// Task `task` of cut.tasks(g), in its worker's workspace. The caller has checked shapes and aliasing.
  static void run(const conv_geometry& g, const winograd_weights_cut& b, const winograd_weights_operands<T>& x,
                  index task, T* memory) {
    winograd_weights_block<T, Isa, algorithm, S>(g, b, x, memory).run(task);
  }
};

}  // namespace ashlar
