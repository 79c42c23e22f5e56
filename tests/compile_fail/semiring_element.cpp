// SPDX-License-Identifier: Apache-2.0
// expect: the semiring is not defined for this element type
// isa: avx2
#include <ashlar/gemm.hpp>

void product(const float* a, const float* b, float* c) {
  using namespace ashlar;
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), min_plus{});
#ifdef MISTAKE
  (void)gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), or_and{});
#endif
}
