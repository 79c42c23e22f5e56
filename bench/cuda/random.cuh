// SPDX-License-Identifier: Apache-2.0
// bench/cuda/random.cuh: normal(0,1) values on the device, each a function of the seed and its own position: the
// power a tensor core draws, and with it the clock, depends on the data (zeros: 13 % more TFLOP/s on an H200).
//
// s8 is uniform over its whole range instead. Integer operands of s32 (a bias) are uniform in [-1000, 1000].
//
// Depends on: contender.hpp, device.cuh.   Used by: operands.cuh.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

#include "contender.hpp"
#include "device.cuh"

namespace bench {

// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014: the finisher of SplitMix64.
__device__ inline std::uint64_t random_bits(std::uint64_t seed, std::uint64_t position) {
  std::uint64_t z = seed * 0xD1342543DE82EF95u + (position + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// Box and Muller, one of the pair. 24 bits for the radius: |x| stays under 5.8, inside every type's range.
template <class T>
__device__ T random_value(std::uint64_t bits) {
  const float u = float((bits >> 40) + 1) * 0x1p-24f;
  const float v = float(bits & 0xffffff) * 0x1p-24f;
  return T(sqrtf(-2.0f * __logf(u)) * cospif(2.0f * v));
}
template <>
__device__ inline double random_value<double>(std::uint64_t bits) {
  const double u = double((bits >> 40) + 1) * 0x1p-24;
  const double v = double(bits & 0xffffffffff) * 0x1p-40;
  return sqrt(-2.0 * log(u)) * cospi(2.0 * v);
}
template <>
__device__ inline std::int8_t random_value<std::int8_t>(std::uint64_t bits) {
  return std::int8_t(bits & 0xff);
}
template <>
__device__ inline std::int32_t random_value<std::int32_t>(std::uint64_t bits) {
  return std::int32_t(bits % 2001) - 1000;
}

template <class T>
__global__ void fill_random(T* values, index count, std::uint64_t seed) {
  const index step = index(gridDim.x) * blockDim.x;
  for (index i = index(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += step)
    values[i] = random_value<T>(random_bits(seed, std::uint64_t(i)));
}

// Calls visit with a value of the C++ type of `e`.
template <class Visit>
void with_type(element e, Visit visit) {
  switch (e) {
    case element::f32:
      return visit(float{});
    case element::f64:
      return visit(double{});
    case element::f16:
      return visit(__half{});
    case element::bf16:
      return visit(__nv_bfloat16{});
    case element::e4m3:
      return visit(__nv_fp8_e4m3{});
    case element::e5m2:
      return visit(__nv_fp8_e5m2{});
    case element::s8:
      return visit(std::int8_t{});
    case element::s32:
      return visit(std::int32_t{});
  }
}

inline void fill(void* values, element e, index count, std::uint64_t seed, cudaStream_t s) {
  if (count == 0) return;
  with_type(e, [&]<class T>(T) {
    fill_random<<<1024, 256, 0, s>>>(static_cast<T*>(values), count, seed);
    require(cudaGetLastError());
  });
}

}  // namespace bench
