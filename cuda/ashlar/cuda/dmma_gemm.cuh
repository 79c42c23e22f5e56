// SPDX-License-Identifier: Apache-2.0
//
// cuda/dmma_gemm.cuh: the exact product of doubles on the tensor cores, from compute capability 8.0 on.
//
//   launch_dmma(A, B.transposed(), C, relu(acc + per_column(bias)), {}, stream)         bit-equal to reference::gemm
//
// Twice the peak rate of simt_gemm.cuh where the device has f64 tensor cores (8.0, 9.0); the others have them for the
// sake of their instructions only.
//
// Depends on: dmma_block.cuh, mma_gemm.cuh.   Used by: gemm.
#pragma once

#include <ashlar/cuda/dmma_block.cuh>
#include <ashlar/cuda/mma_gemm.cuh>
#include <ashlar/cuda/strides.cuh>
#include <limits>

namespace ashlar::cuda::detail {

/// C(m,n) = e( sum over k of A(m,k) * B(k,n) ) for each problem of the batch, on `stream`, k in order.
///
/// A and B of double with k contiguous, lines on 16 bytes; C of any element and strides. Shapes and aliasing are the
/// caller's.
///
/// Returns unsupported (device, extents, other strides) or device_error; C is untouched then. Of other strides only the
/// CPU's replay of this kernel is right: on an H200 every product of A or B with rows or columns contiguous was wrong.
template <class A, class B, class C, class E, class Unit = ashlar::detail::this_unit>
status launch_dmma(const A& a, const B& b, const C& c, const E& e, const batch_strides& batch, cudaStream_t stream) {
  static_assert(std::same_as<typename A::value_type, double> && std::same_as<typename B::value_type, double>);
  constexpr index most = std::numeric_limits<int>::max() - 1024;  // tiles round up
  const status unsuited = status::error(errc::unsupported, "gemm: A and B of double are not both contiguous in k");
  if constexpr (may_have_lines_of_rows<A> && may_have_lines_of_columns<B>) {
    if (c.empty() || batch.count <= 0) return {};
    if (c.rows() > most || c.cols() > most || a.cols() > most) return unsuited;
    const auto device = current_device("gemm");
    if (!device.ok()) return device.error();
    const auto p = mma_arguments_of<double, double>(a, b, c, e, batch);
    constexpr route k = route::direct_k;
    if (route_of(p.a, batch.a, batch.count) != k || route_of(p.b, batch.b, batch.count) != k) return unsuited;
    return launch_routes<double, double, k, k, Unit>(p, device.value(), stream);
  } else {
    return unsuited;
  }
}

}  // namespace ashlar::cuda::detail
