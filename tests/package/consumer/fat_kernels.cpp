// SPDX-License-Identifier: Apache-2.0
//
// Compiled once per ISA with ASHLAR_TARGET_ISA defined as the ISA's name.
#include "fat_kernels.hpp"

#include <ashlar/dispatch/entry.hpp>
#include <ashlar/gemm.hpp>

extern "C" bool ASHLAR_ENTRY(product)(int m, int n, int k, const float* a, const float* b, float* c) {
  using namespace ashlar;
  return gemm<isa::ASHLAR_TARGET_ISA>(view(a, m, k), view(b, k, n), view(c, m, n)).ok();
}
