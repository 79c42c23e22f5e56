// SPDX-License-Identifier: Apache-2.0
// bench/cuda/gemm.cu: Ashlar's matrix products on a GPU beside cuBLASLt's.
//
//     gemm --filter='^square/bf16/tn' --json=gemm.json
//
// Depends on: session.cuh, gemm_problems.hpp, peer_cublaslt.cuh, own_gemm.cu.
#include "gemm_problems.hpp"
#include "peer_cublaslt.cuh"

int main(int count, char** arguments) {
  return bench::run_suite(count, arguments, bench::all_gemm_problems(), bench::cublaslt_contenders,
                          bench::own_contenders);
}
