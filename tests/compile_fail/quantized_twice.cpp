// SPDX-License-Identifier: Apache-2.0
// expect: gemm: an A that is quantized has zero points of its own
#include <ashlar/gemm.hpp>
#include <ashlar/quant.hpp>

void product(const float* x, const signed char* w, float* y) {
  using namespace ashlar;
  const auto A = quantized<unsigned char>(view(x, 2, 4), {0.5f, 3});
  (void)gemm<isa::scalar>(A, view(w, 4, 2), view(y, 2, 2), acc * 0.5f);
#ifdef MISTAKE
  (void)gemm<isa::scalar>(A, view(w, 4, 2), view(y, 2, 2), acc * 0.5f, a_zero_point(3));
#endif
}
