// SPDX-License-Identifier: Apache-2.0
// expect: no operations for this ISA and element type
// isa: avx2
#include <ashlar/gemm.hpp>

void product(const float* a, const float* b, float* c) {
  using namespace ashlar;
  (void)gemm<isa::avx2>(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2));
#ifdef MISTAKE
  (void)gemm<isa::avx512>(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2));
#endif
}
