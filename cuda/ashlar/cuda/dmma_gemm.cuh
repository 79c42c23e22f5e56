// SPDX-License-Identifier: Apache-2.0
//
// cuda/dmma_gemm.cuh: the exact product of doubles on the tensor cores, from compute capability 8.0 on.
//
//   launch_dmma(A, B, C, relu(acc + per_column(bias)), {}, stream)         bit-equal to reference::gemm
//
// Twice the peak rate of simt_gemm.cuh where the device has f64 tensor cores (8.0, 9.0); the others have them for the
// sake of their instructions only.
//
// Depends on: dmma_block.cuh, mma_gemm.cuh.   Used by: tests and the bench; not by
// gemm.cuh, until this kernel has passed its test on a GPU.
#pragma once

#include <ashlar/cuda/dmma_block.cuh>
#include <ashlar/cuda/mma_gemm.cuh>

namespace ashlar::cuda::detail {

/// C(m,n) = e( sum over k of A(m,k) * B(k,n) ) for each problem of the batch, on `stream`, k in order.
///
/// A and B of double, C of any element; any strides, extents up to 2^31. Lines of 16 bytes are copied as such, other
/// matrices element by element. Shapes and aliasing are the caller's.
///
/// Returns unsupported (device, extents) or device_error; C is untouched then.
template <class A, class B, class C, class E, class Unit = ashlar::detail::this_unit>
status launch_dmma(const A& a, const B& b, const C& c, const E& e, const batch_strides& batch, cudaStream_t stream) {
  static_assert(std::same_as<typename A::value_type, double> && std::same_as<typename B::value_type, double>);
  return launch_mma<as_stored, A, B, C, E, Unit>(a, b, c, e, batch, stream);
}

}  // namespace ashlar::cuda::detail
