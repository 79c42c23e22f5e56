// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_conv.cuh: a convolution of NHWC images, or its gradient with respect to src, as one launch of the Hopper
// kernel: rows are pixels of what is written, k are (tap, channel) of what is read, columns are the channels written.
//
//   forward                 reads src, walks it by the stride; the filters are contiguous along k
//   gradient of src         reads dst's gradient with the taps in reverse; the filters are contiguous along the columns
//
// Depends on: boxes.cuh, pixel_map.cuh, sm90_launch.cuh.   Used by: conv.cuh.
#pragma once

#include <ashlar/cuda/pixel_map.cuh>
#include <ashlar/cuda/sm90_launch.cuh>

namespace ashlar::cuda::detail {

/// read -> written, by `walk`, with tile S. MnB: the gradient of src.
template <class In, sm90_tile S, bool MnB, class C, class E>
status launch_sm90_conv(const image_view<const In>& read, const filter_view<const In>& weights, const C& written,
                        const E& e, const conv_walk& walk, const device_facts& device, cudaStream_t stream) {
  using Operands = pixels<MnB>;
  using Kind = sm90_kind<In, typename C::value_type, S, Operands>;
  constexpr const char* who = "conv";
  const auto encoder = find_map_encoder(who);
  if (!encoder.ok()) return encoder.error();
  CUtensorMap a_map{}, b_map{}, c_map{};
  const boxed_matrix filters = boxed_filters(weights, MnB ? Kind::bk : S.bn / S.cluster_m);
  if (status s = encode<In>(a_map, walked(read, walk.x, walk.y, Kind::bk, S.bm), who); !s.ok()) return s;
  if (status s = encode<In>(b_map, filters, encoder.value(), who); !s.ok()) return s;
  const int blocks_of_tap = int((walk.channels + Kind::bk - 1) / Kind::bk);
  sm90_work<Operands> work{order_of<S>(written, 8, 1),
                           blocks_of_tap * int(walk.taps),
                           0,
                           false,
                           {int(walk.x.count), int(walk.y.count), int(walk.x.step), int(walk.y.step),
                            int(walk.x.before), int(walk.y.before), int(walk.dilation_w), int(walk.dilation_h),
                            int(walk.kernel_w), int(walk.taps), int(walk.channels), walk.mirrored}};
  if (status s = map_of_dst(c_map, work.boxed_c, written, 0, 1, encoder.value(), who); !s.ok()) return s;
  return launch_clusters(sm90_kernel<Kind, C, E>, S.cluster(), Kind::geometry::shared_bytes, work.order.count(), device,
                         stream, who, a_map, b_map, c_map, work, written, e);
}

}  // namespace ashlar::cuda::detail
