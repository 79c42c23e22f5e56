// SPDX-License-Identifier: Apache-2.0
// expect: A, B and C must have one element type
// isa: avx2
#include <ashlar/gemm.hpp>

void product(const float* a, const double* d, const float* b, float* c) {
  using namespace ashlar;
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2));
#ifdef MISTAKE
  (void)gemm(view(a, 2, 2), view(d, 2, 2), view(c, 2, 2));
#else
  (void)d;
#endif
}
