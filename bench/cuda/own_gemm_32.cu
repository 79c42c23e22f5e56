// SPDX-License-Identifier: Apache-2.0
//
// bench/cuda/own_gemm_32.cu: Ashlar's products of f32 and f64 as contenders.
#include "own_gemm.cuh"

std::vector<bench::contender> bench::own_gemm_32() {
  return {own_gemm<float, float>(arithmetic::f32).get(),
          own_gemm<float, float, ashlar::cuda::tf32_option>(arithmetic::tf32, ashlar::cuda::allow_tf32).get(),
          own_gemm<double, double>(arithmetic::f64).get()};
}
