// SPDX-License-Identifier: Apache-2.0
//
// One sgemm, as a program would instantiate it: what compile_cost.py measures.
#include <ashlar/gemm.hpp>

bool one_sgemm(const float* a, const float* b, float* c, ashlar::index m, ashlar::index n, ashlar::index k) {
  return ashlar::gemm(ashlar::view(a, m, k), ashlar::view(b, k, n), ashlar::view(c, m, n)).ok();
}
