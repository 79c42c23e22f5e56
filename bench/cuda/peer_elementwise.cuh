// SPDX-License-Identifier: Apache-2.0
// bench/cuda/peer_elementwise.cuh: C(m,n) = f(C(m,n), bias(n)) in place: what a product without a fused epilogue needs
// after it. Bound by memory: 16 bytes an access, a bias vector read once for all the rows a thread visits.
//
// Depends on: contender.hpp, device.cuh.   Used by: peer_cublaslt.cu.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

#include "contender.hpp"
#include "device.cuh"

namespace bench {

struct plus_bias {
  __device__ static float apply(float x) { return x; }
};
struct relu_of_sum {
  __device__ static float apply(float x) { return fmaxf(x, 0.0f); }
};
struct gelu_of_sum {
  __device__ static float apply(float x) {
    const float t = tanhf(0.7978845608f * (x + 0.044715f * x * x * x));  // sqrt(2 / pi)
    return 0.5f * x * (1.0f + t);
  }
};
struct silu_of_sum {
  __device__ static float apply(float x) { return __fdividef(x, 1.0f + __expf(-x)); }
};

template <class T, int Count>
struct alignas(Count * sizeof(T)) pack_of {
  T values[Count];
};

// blockIdx.x: columns, `Count` to a thread; blockIdx.y: rows, every gridDim.y-th.
template <class F, int Count, class T>
__global__ void apply_elementwise(T* c, const T* bias, index rows, index columns) {
  using pack = pack_of<T, Count>;
  const index column = (index(blockIdx.x) * blockDim.x + threadIdx.x) * Count;
  if (column >= columns) return;
  const pack b = *reinterpret_cast<const pack*>(bias + column);
  for (index row = blockIdx.y; row < rows; row += gridDim.y) {
    auto* place = reinterpret_cast<pack*>(c + row * columns + column);
    pack x = *place;
#pragma unroll
    for (int i = 0; i < Count; ++i) x.values[i] = T(F::apply(float(x.values[i]) + float(b.values[i])));
    *place = x;
  }
}

template <class F, int Count, class T>
cudaError_t launch_elementwise(T* c, const T* bias, index rows, index columns, cudaStream_t s) {
  constexpr int threads = 128;
  const index across = (columns + threads * Count - 1) / (threads * Count);
  // About 16 blocks for each of 132 multiprocessors: all resident at once, several rows each.
  const index down = std::clamp<index>(16 * 132 / across, 1, std::min<index>(rows, 65535));
  apply_elementwise<F, Count><<<dim3(unsigned(across), unsigned(down)), threads, 0, s>>>(c, bias, rows, columns);
  return cudaGetLastError();
}

template <class F, class T>
cudaError_t elementwise(void* c, const void* bias, index rows, index columns, cudaStream_t s) {
  constexpr int count = 16 / sizeof(T);
  auto* to = static_cast<T*>(c);
  auto* from = static_cast<const T*>(bias);
  if (columns % count == 0) return launch_elementwise<F, count>(to, from, rows, columns, s);
  return launch_elementwise<F, 1>(to, from, rows, columns, s);  // the rows are not aligned
}

template <class F>
cudaError_t elementwise(element e, void* c, const void* bias, index rows, index columns, cudaStream_t s) {
  switch (e) {
    case element::f32:
      return elementwise<F, float>(c, bias, rows, columns, s);
    case element::f16:
      return elementwise<F, __half>(c, bias, rows, columns, s);
    case element::bf16:
      return elementwise<F, __nv_bfloat16>(c, bias, rows, columns, s);
    default:
      return cudaErrorNotSupported;
  }
}

inline cudaError_t elementwise(epilogue f, element e, void* c, const void* bias, index rows, index columns,
                               cudaStream_t s) {
  switch (f) {
    case epilogue::bias:
      return elementwise<plus_bias>(e, c, bias, rows, columns, s);
    case epilogue::bias_relu:
      return elementwise<relu_of_sum>(e, c, bias, rows, columns, s);
    case epilogue::bias_gelu:
      return elementwise<gelu_of_sum>(e, c, bias, rows, columns, s);
    case epilogue::bias_silu:
      return elementwise<silu_of_sum>(e, c, bias, rows, columns, s);
    case epilogue::none:
      return cudaSuccess;
  }
  return cudaErrorNotSupported;
}

}  // namespace bench
