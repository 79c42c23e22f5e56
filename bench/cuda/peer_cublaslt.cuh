// SPDX-License-Identifier: Apache-2.0
// bench/cuda/peer_cublaslt.cuh: cuBLASLt's matrix products as contenders.
//
//   cublaslt_first         what its heuristic puts first, epilogue fused
//   cublaslt               the fastest of up to 64 that its heuristic lists, epilogue fused
//   cublaslt+elementwise   the fastest without epilogue, then one element-wise kernel over C
//
// The first two refuse an epilogue that cuBLASLt lacks (silu), the third a problem that has none.
//
// Depends on: contender.hpp.   Used by: gemm.cu.
#pragma once
#include "contender.hpp"

namespace bench {

std::vector<contender> cublaslt_contenders();

}  // namespace bench
