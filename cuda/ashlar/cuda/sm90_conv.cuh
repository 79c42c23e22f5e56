// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_conv.cuh: a convolution of NHWC images, or its gradient with respect to src, as one launch of the Hopper
// kernel: rows are pixels of what is written, k are (tap, channel) of what is read, columns are the channels written.
//
//   forward                 reads src, walks it by the stride; the filters are contiguous along k
//   gradient of src         reads dst's gradient with the taps in reverse; the filters are contiguous along the columns
//
// Depends on: pixel_map.cuh, sm90_launch.cuh, conv/geometry.hpp.   Used by: conv.cuh.
#pragma once

#include <ashlar/conv/geometry.hpp>
#include <ashlar/cuda/pixel_map.cuh>
#include <ashlar/cuda/sm90_launch.cuh>

namespace ashlar::cuda::detail {

/// What the kernel reads and writes, whichever way the convolution runs.
struct conv_walk {
  walked_axis x, y;
  index kernel_w, taps, dilation_w, dilation_h;
  index channels;  // of what is read
  bool mirrored;
};

constexpr conv_walk forward_walk(const conv_geometry& g) {
  return {{g.src.w, g.dst.w, g.stride.w, g.before.w},
          {g.src.h, g.dst.h, g.stride.h, g.before.h},
          g.kernel.w, g.taps(), g.dilation.w, g.dilation.h, g.channels, false};
}
/// Of stride 1: dst's gradient is convolved with the mirrored filters.
constexpr conv_walk gradient_walk(const conv_geometry& g) {
  const auto axis = [](index read, index written, index kernel, index dilation, index before) {
    return walked_axis{read, written, 1, (kernel - 1) * dilation - before};
  };
  return {axis(g.dst.w, g.src.w, g.kernel.w, g.dilation.w, g.before.w), axis(g.dst.h, g.src.h, g.kernel.h, g.dilation.h, g.before.h),
          g.kernel.w, g.taps(), g.dilation.w, g.dilation.h, g.filters, true};
}

/// Filters (k, r, s, c) with c contiguous and taps evenly spaced, in boxes of 128 bytes of c by `filters` filters.
template <class T>
constexpr boxed_matrix boxed_filters(const filter_view<const T>& w, int filters, int lines) {
  const filter_axes &e = w.extents(), &s = w.strides();
  constexpr index size = sizeof(T);
  (void)filters;
  return {w.data(),
          {std::uint64_t(e.c), std::uint64_t(e.r * e.s), std::uint64_t(e.k)},
          std::uint64_t(s.s * size), std::uint64_t(s.k * size),
          {std::uint32_t(128 / size), 1, std::uint32_t(lines)}};
}

template <class T>
constexpr bool evenly_spaced_taps(const filter_view<const T>& w) {
  const filter_axes &e = w.extents(), &s = w.strides();
  return s.c == 1 && e.d == 1 && (e.r == 1 || s.r == e.s * s.s);
}

/// The pixels of an image as rows, where they lie at one distance.
template <class D>
constexpr matrix_view<D> pixel_rows(const image_view<D>& v) {
  return {v.data(), v.extents().n * v.pixels(), v.extents().c, v.strides().w, v.strides().c};
}

/// read -> written, by `walk`, with tile S. MnB: the gradient of src.
template <class In, sm90_tile S, bool MnB, class C, class E>
status launch_sm90_conv(const image_view<const In>& read, const filter_view<const In>& weights, const C& written, const E& e,
                        const conv_walk& walk, const device_facts& device, cudaStream_t stream) {
  using Operands = pixels<MnB>;
  using Kind = sm90_kind<In, typename C::value_type, S, Operands>;
  constexpr const char* who = "conv";
  const auto encoder = find_map_encoder(who);
  if (!encoder.ok()) return encoder.error();
  CUtensorMap a_map{}, b_map{}, c_map{};
  const boxed_matrix filters = boxed_filters(weights, 1, MnB ? Kind::bk : S.bn / S.cluster_m);
  if (status s = encode<In>(a_map, walked(read, walk.x, walk.y, Kind::bk, S.bm), who); !s.ok()) return s;
  if (status s = encode<In>(b_map, filters, encoder.value(), who); !s.ok()) return s;
  const int blocks_of_tap = int((walk.channels + Kind::bk - 1) / Kind::bk);
  sm90_work<Operands> work{order_of<S>(written, 8, 1), blocks_of_tap * int(walk.taps), 0, false,
                           {int(walk.x.count), int(walk.y.count), int(walk.x.step), int(walk.y.step), int(walk.x.before),
                            int(walk.y.before), int(walk.dilation_w), int(walk.dilation_h), int(walk.kernel_w), int(walk.taps),
                            int(walk.channels), walk.mirrored}};
  if (status s = map_of_dst(c_map, work.boxed_c, written, 0, 1, encoder.value(), who); !s.ok()) return s;
  return launch_clusters(sm90_kernel<Kind, C, E>, S.cluster(), Kind::geometry::shared_bytes, work.order.count(), device, stream,
                         who, a_map, b_map, c_map, work, written, e);
}

}  // namespace ashlar::cuda::detail
