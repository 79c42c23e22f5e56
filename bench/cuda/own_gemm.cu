// SPDX-License-Identifier: Apache-2.0
//
// bench/cuda/own_gemm.cu: Ashlar's products as contenders, and those of 16-bit elements.
#include "own_gemm.cuh"

std::vector<bench::contender> bench::own_contenders() {
  std::vector<contender> all = own_gemm_8();
  for (contender& c : own_gemm_32()) all.push_back(std::move(c));
  all.push_back(own_gemm<ashlar::bf16, ashlar::bf16>(arithmetic::bf16).get());
  all.push_back(own_gemm<ashlar::f16, ashlar::f16>(arithmetic::f16).get());
  return all;
}
