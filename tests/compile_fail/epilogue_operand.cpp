// SPDX-License-Identifier: Apache-2.0
// expect: an epilogue operand is an expression
// isa: avx2
#include <ashlar/gemm.hpp>

void product(const float* a, const float* b, float* c, const float* bias) {
  using namespace ashlar;
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), acc + per_column(bias));
#ifdef MISTAKE
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), acc + bias);
#endif
}
