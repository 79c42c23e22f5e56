// SPDX-License-Identifier: Apache-2.0
//
// kernels.cpp: the products, compiled once per ISA with ASHLAR_TARGET_ISA defined as its name: ashlar_blas_sgemm_avx2,
// ...
//
// Depends on: product.hpp, ashlar/gemm.hpp.   Used by: column_major.cpp, through ASHLAR_FAT_ISAS.
#include "product.hpp"

#include <ashlar/dispatch/entry.hpp>
#include <ashlar/gemm.hpp>

namespace {

// False when nothing was done: no memory for packing, or C overlaps an operand (undefined in BLAS, an error in Ashlar).
template <class T>
bool multiply(const ashlar_blas::product<T>& p) {
  using namespace ashlar;
  using target = isa::ASHLAR_TARGET_ISA;
  const auto a = view(p.a, p.m, p.k, p.a_row_stride, p.a_k_stride);
  const auto b = view(p.b, p.k, p.n, p.b_k_stride, p.b_column_stride);
  const auto c = view(p.c, p.m, p.n, p.c_row_stride);
  // An epilogue of its own for beta == 0: partial sums may then rest in C between K blocks.
  if (p.beta == T(0)) return gemm<target>(a, b, c, p.alpha * acc, on(p.on)).ok();
  return gemm<target>(a, b, c, p.alpha * acc + p.beta * dst, on(p.on)).ok();
}

}  // namespace

extern "C" bool ASHLAR_ENTRY(ashlar_blas_sgemm)(const ashlar_blas::product<float>& p) { return multiply(p); }
extern "C" bool ASHLAR_ENTRY(ashlar_blas_dgemm)(const ashlar_blas::product<double>& p) { return multiply(p); }
