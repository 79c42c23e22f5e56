// SPDX-License-Identifier: Apache-2.0
// expect: C must not be const
// isa: avx2
#include <ashlar/gemm.hpp>

void product(const float* a, const float* b, float* c) {
  using namespace ashlar;
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2));
#ifdef MISTAKE
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(static_cast<const float*>(c), 2, 2));
#endif
}
