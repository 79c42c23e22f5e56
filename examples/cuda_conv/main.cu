// SPDX-License-Identifier: Apache-2.0
//
// A 3x3 convolution of NHWC images on the GPU with a fused bias and relu, checked against the CPU's reference to the
// bit.
//
//     nvcc -std=c++20 -O3 -gencode arch=compute_90a,code=sm_90a -I../../include -I../../cuda main.cu -o cuda_conv
#include <ashlar/cuda/conv.cuh>
#include <ashlar/reference/conv.hpp>
#include <cstdio>
#include <cstring>
#include <vector>

using namespace ashlar;

template <class T>
T* on_device(const std::vector<T>& host) {
  T* p = nullptr;
  if (cudaMalloc(reinterpret_cast<void**>(&p), host.size() * sizeof(T)) != cudaSuccess) return nullptr;
  cudaMemcpy(p, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice);
  return p;
}

int main() {
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) return std::puts("skipped: no CUDA device"), 77;
  const auto plan = cuda::plan_conv2d({.src = {2, 14, 14, 32}, .weights = {48, 3, 3, 32}, .padding = same});
  if (!plan.ok()) return std::puts(plan.error().message()), 1;
  std::vector<float> src(2 * 14 * 14 * 32), weights(48 * 3 * 3 * 32), bias(48), dst(2 * 14 * 14 * 48);
  for (std::size_t i = 0; i < src.size(); ++i) src[i] = float(i * 37 % 101) / 64;
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = float(i * 53 % 97) / 128 - 0.4f;
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = float(i) / 16 - 1;

  float *dsrc = on_device(src), *dweights = on_device(weights), *dbias = on_device(bias), *ddst = on_device(dst);
  const status s = plan.value().run(nhwc(dsrc, 2, 14, 14, 32), ohwi(dweights, 48, 3, 3, 32), nhwc(ddst, 2, 14, 14, 48),
                                    relu(acc + per_column(static_cast<const float*>(dbias))));
  if (!s.ok()) return std::puts(s.message()), 1;
  std::vector<float> got(dst.size());
  if (cudaMemcpy(got.data(), ddst, got.size() * 4, cudaMemcpyDeviceToHost) != cudaSuccess) return 1;

  reference::convolution<float>(plan.value().geometry(), nhwc(src.data(), 2, 14, 14, 32),
                                ohwi(weights.data(), 48, 3, 3, 32), nhwc(dst.data(), 2, 14, 14, 48),
                                relu(acc + per_column(bias.data())));
  const bool equal = std::memcmp(got.data(), dst.data(), dst.size() * 4) == 0;
  std::puts(equal ? "the bits of the CPU's reference" : "differs from the CPU's reference");
  return equal ? 0 : 1;
}
