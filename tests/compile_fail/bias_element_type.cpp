// SPDX-License-Identifier: Apache-2.0
// expect: per_column(p): p must point to dst's element type; of another type say cast(per_column(p))
// isa: avx2
#include <ashlar/gemm.hpp>

void product(const float* a, const float* b, float* c, const double* wrong) {
  using namespace ashlar;
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), acc + per_column(a));
#ifdef MISTAKE
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), acc + per_column(wrong));
#else
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), acc + cast(per_column(wrong)));
#endif
}
