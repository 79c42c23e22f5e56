// SPDX-License-Identifier: Apache-2.0
//
// cuda/depthwise_conv.cuh: depthwise convolutions of NHWC images, 3 x 3 and 5 x 5, made to run at the speed of memory.
//
//   launch_depthwise_conv<float>(src, weights, dst, relu(acc + per_column(bias)), g, stream)
//
// f32, f16 and bf16, one filter a channel, strides 1 and 2, no dilation; pixels of whole 16 bytes. Anything else runs
// as a direct convolution. Sums are float, in the reference's order (bit-equal to it for f32). Views are in device
// memory and have the extents of g; the caller has checked them. Nothing is allocated and nothing waits.
//
// Depends on: depthwise_choose.cuh, depthwise_strip.cuh, direct_conv.cuh.   Used by: conv.cuh.
#pragma once

#include <ashlar/cuda/depthwise_choose.cuh>
#include <ashlar/cuda/depthwise_strip.cuh>
#include <ashlar/cuda/direct_conv.cuh>

namespace ashlar::cuda::detail {

template <class Strip>
__global__ void __launch_bounds__(depthwise_threads, Strip::resident)
    depthwise_kernel(const __grid_constant__ typename Strip::problem p) {
  __shared__ typename Strip::filters shared;
  Strip mine;
  mine.start(p, shared, int(blockIdx.x), int(threadIdx.x));
  __syncthreads();
  mine.finish(p, shared);
}

/// With this strip. The caller has asked fits_depthwise.
template <depthwise_shape S, class X, class D, class E, class Unit = ashlar::detail::this_unit>
status launch_depthwise_strips(const image_view<const X>& src, const filter_view<const X>& weights,
                               const image_view<D>& dst, const E& e, const conv_geometry& g, cudaStream_t stream) {
  if (dst.empty()) return {};
  using P = depthwise_problem<X, D, E>;
  const P p{src, weights, dst, e, cut_depthwise(g, S, P::channels_of_vector), int(g.before.h), int(g.before.w)};
  if (!countable(p.cut)) return launch_direct_conv<float>(src, weights, dst, e, g, stream);
  depthwise_kernel<depthwise_strip<S, P>><<<unsigned(p.cut.blocks), depthwise_threads, 0, stream>>>(p);
  return checked(cudaGetLastError(), "conv", "launch");
}

/// dst = epilogue of a depthwise convolution g, or of any other. Specification: reference::convolution.
///
/// To the epilogue dst is, image by image, a matrix of pixels x channels.
template <class T, class X, class D, class E>
status launch_depthwise_conv(const image_view<const X>& src, const filter_view<const X>& weights,
                             const image_view<D>& dst, const E& epilogue, const conv_geometry& g, cudaStream_t stream) {
  if constexpr (has_depthwise_kernel<T, X>) {
    if (fits_depthwise(src, dst, g)) {
      return with_strip<X>(
          g, [&](auto strip) { return launch_depthwise_strips<strip.value>(src, weights, dst, epilogue, g, stream); });
    }
  }
  return launch_direct_conv<T>(src, weights, dst, epilogue, g, stream);
}

}  // namespace ashlar::cuda::detail
