// SPDX-License-Identifier: Apache-2.0
// expect: this tile shape needs more vector registers than the ISA has
// isa: avx2
#include <ashlar/gemm.hpp>

void product(const float* a, const float* b, float* c) {
  using namespace ashlar;
  (void)gemm<isa::avx2>(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), with_tile<tile_shape{4, 2, 1}>{});
#ifdef MISTAKE
  (void)gemm<isa::avx2>(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), with_tile<tile_shape{20, 4, 1}>{});
#endif
}
