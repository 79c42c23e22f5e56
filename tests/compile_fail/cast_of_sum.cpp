// SPDX-License-Identifier: Apache-2.0
// expect: cast(e): e must be per_row(p), per_column(p) or elements(v); of another expression say cast<U>(e)
// isa: avx2
#include <ashlar/gemm.hpp>

void product(const float* a, const float* b, float* c) {
  using namespace ashlar;
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), cast<signed char>(acc));
#ifdef MISTAKE
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), cast(acc));
#endif
}
