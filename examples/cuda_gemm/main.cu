// SPDX-License-Identifier: Apache-2.0
//
// A product of bf16 on the GPU with a fused bias and gelu, checked against the CPU's reference.
//
//     nvcc -std=c++20 -O3 -gencode arch=compute_90a,code=sm_90a -I../../include -I../../cuda main.cu -o cuda_gemm
#include <ashlar/cuda/gemm.cuh>
#include <ashlar/reference/gemm.hpp>
#include <cmath>
#include <cstdio>
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
  constexpr int m = 64, n = 96, k = 128;
  std::vector<float> a(m * k), b(k * n), bias(n), c(m * n);
  for (int i = 0; i < m * k; ++i) a[i] = float(i % 7 - 3) / 4;
  for (int i = 0; i < k * n; ++i) b[i] = float(i % 5 - 2) / 8;
  for (int i = 0; i < n; ++i) bias[i] = float(i % 3);
  const std::vector<bf16> a16(a.begin(), a.end()), b16(b.begin(), b.end());  // exact: few bits

  bf16 *da = on_device(a16), *db = on_device(b16), *dc = on_device(std::vector<bf16>(m * n));
  const float* dbias = on_device(bias);
  const status s = cuda::gemm(view(da, m, k), view(db, k, n), view(dc, m, n), gelu(acc + per_column(dbias)));
  if (!s.ok()) return std::puts(s.message()), 1;
  std::vector<bf16> got(m * n);
  if (cudaMemcpy(got.data(), dc, got.size() * 2, cudaMemcpyDeviceToHost) != cudaSuccess) return 1;

  reference::gemm(view(a.data(), m, k), view(b.data(), k, n), view(c.data(), m, n),
                  gelu(acc + per_column(bias.data())));
  int different = 0;
  for (int i = 0; i < m * n; ++i) different += got[i].bits != bf16(c[i]).bits;
  std::printf("%d of %d elements differ from the CPU's, rounded to bf16\n", different, m * n);
  return different == 0 ? 0 : 1;
}
