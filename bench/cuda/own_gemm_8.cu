// SPDX-License-Identifier: Apache-2.0
//
// bench/cuda/own_gemm_8.cu: Ashlar's products of 8-bit elements as contenders.
#include "own_gemm.cuh"

std::vector<bench::contender> bench::own_gemm_8() {
  return {own_gemm<ashlar::e4m3, ashlar::bf16>(arithmetic::e4m3_fast).get(),
          own_gemm<std::int8_t, std::int32_t>(arithmetic::s8).get()};
}
