// SPDX-License-Identifier: Apache-2.0
// bench/cuda/compare.cuh: ||x - y|| / ||y|| in the Frobenius norm, on the device and in double: shows a wrong kernel in
// its row of the table. A NaN or an infinity in x comes through.
//
// Depends on: random.cuh (with_type), device.cuh.   Used by: session.cuh.
#pragma once
#include "random.cuh"

namespace bench {

// Adds this block's sums of (x - y)^2 and y^2 to sums[0] and sums[1]. 256 threads.
template <class T>
__global__ void add_squares(const T* x, const T* y, index count, double* sums) {
  __shared__ double part[2][256];
  double difference = 0, size = 0;
  const index step = index(gridDim.x) * blockDim.x;
  for (index i = index(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step) {
    const double xi = double(x[i]), yi = double(y[i]);
    difference += (xi - yi) * (xi - yi);
    size += yi * yi;
  }
  part[0][threadIdx.x] = difference, part[1][threadIdx.x] = size;
  for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x >= half) continue;
    part[0][threadIdx.x] += part[0][threadIdx.x + half];
    part[1][threadIdx.x] += part[1][threadIdx.x + half];
  }
  if (threadIdx.x < 2) atomicAdd(&sums[threadIdx.x], part[threadIdx.x][0]);
}

inline double distance(const void* x, const void* y, element e, index count, cudaStream_t s) {
  const device_memory memory = allocate(2 * sizeof(double));
  auto* sums = static_cast<double*>(memory.get());
  require(cudaMemsetAsync(sums, 0, 2 * sizeof(double), s));
  with_type(e, [&]<class T>(T) {
    add_squares<<<512, 256, 0, s>>>(static_cast<const T*>(x), static_cast<const T*>(y), count, sums);
    require(cudaGetLastError());
  });
  double values[2];
  require(cudaMemcpyAsync(values, sums, sizeof values, cudaMemcpyDeviceToHost, s));
  require(cudaStreamSynchronize(s));
  return values[1] > 0 ? std::sqrt(values[0] / values[1]) : std::sqrt(values[0]);
}

}  // namespace bench
