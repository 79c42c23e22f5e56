// SPDX-License-Identifier: Apache-2.0
//
// cuda/direct_conv.cuh: any convolution, and its gradient with respect to src, one thread an element: what runs where no
// faster kernel fits.
//
//   launch_direct_conv<float>(src, weights, dst, relu(acc + per_column(bias)), g, stream)
//   launch_direct_conv_backward_data<float>(dst_gradient, weights, src_gradient, acc, g, stream)
//
// The first template argument is the type of the sum: float, double (bit-equal to the reference) or std::int32_t. One to
// three dimensions, groups, dilation, any strides. Views are in device memory and have the extents of g; the caller has
// checked them. Nothing is allocated and nothing waits.
//
// Depends on: direct_sum.cuh, launch.cuh.   Used by: depthwise_conv.cuh, conv.cuh.
#pragma once

#include <ashlar/cuda/direct_sum.cuh>
#include <ashlar/cuda/launch.cuh>

namespace ashlar::cuda::detail {

inline constexpr int direct_threads = 256;
inline constexpr index most_direct_blocks = index(1) << 24;  // and then threads take several elements

template <bool Gradient, class P>
__global__ void __launch_bounds__(direct_threads) direct_kernel(const __grid_constant__ P p) {
  direct_thread<Gradient>(p, index(blockIdx.x), index(gridDim.x), index(threadIdx.x), direct_threads);
}

template <class T, bool Gradient, class X, class D, class E, class Unit = ashlar::detail::this_unit>
status launch_direct(const image_view<const X>& read, const filter_view<const X>& weights, const image_view<D>& written,
                     const E& e, const conv_geometry& g, cudaStream_t stream) {
  if (written.empty()) return {};
  using P = direct_problem<T, X, D, E>;
  const P p{read, weights, written, e, g, lies_in_planes(written)};
  const index all = (p.count() + direct_threads - 1) / direct_threads;
  const auto blocks = static_cast<unsigned>(all < most_direct_blocks ? all : most_direct_blocks);
  direct_kernel<Gradient, P><<<blocks, direct_threads, 0, stream>>>(p);
  return checked(cudaGetLastError(), "conv", "launch");
}

/// dst(n, o, k) = epilogue( sum over taps t, channels c of src(n, o * stride - before + t * dilation, c) * weights(k, t, c) ).
/// Specification: reference::convolution (bit-equal for float and double).
template <class T, class X, class D, class E>
status launch_direct_conv(const image_view<const X>& src, const filter_view<const X>& weights, const image_view<D>& dst,
                          const E& epilogue, const conv_geometry& g, cudaStream_t stream) {
  return launch_direct<T, false>(src, weights, dst, epilogue, g, stream);
}

/// The gradient of convolution g: `dy` has the extents of g's dst, `dx` those of g's src, and is what the epilogue sees.
/// Specification: reference::transposed_convolution (bit-equal for float and double).
template <class T, class X, class D, class E>
status launch_direct_conv_backward_data(const image_view<const X>& dy, const filter_view<const X>& weights,
                                        const image_view<D>& dx, const E& epilogue, const conv_geometry& g,
                                        cudaStream_t stream) {
  return launch_direct<T, true>(dy, weights, dx, epilogue, g, stream);
}

}  // namespace ashlar::cuda::detail
