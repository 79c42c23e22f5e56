// SPDX-License-Identifier: Apache-2.0
//
// tests/odr/kernels.cpp: compiled once per ISA; every copy instantiates the same templates, errors included. The tile
// is small: taller ones are the same templates once more (checks.codegen compiles them).
#include <ashlar/dispatch/entry.hpp>
#include <ashlar/gemm.hpp>

#include "kernels.hpp"

namespace {

using namespace ashlar;
using Isa = isa::ASHLAR_TARGET_ISA;

template <class T>
bool product(const problem& x, const T* a, const T* b, const T* bias, T* c) {
  const auto dst = view(c, x.m, x.n);
  const auto epilogue = silu(ashlar::dst + acc + per_column(bias));
  constexpr with_tile<tile_shape{3, 2, 2, 4}> tile;
  if (!gemm<Isa>(view(a, x.m, x.k), view(b, x.k, x.n), dst, tile).ok()) return false;
  if (gemm<Isa>(view(a, x.m, x.k), view(b, x.k + 1, x.n), dst, tile).code() != errc::shape_mismatch) return false;
  if (gemm<Isa>(view(a, x.m, x.k), view(b, x.k, x.n), view(const_cast<T*>(a), x.m, x.n), tile).code() != errc::aliasing)
    return false;
  return gemm<Isa>(view(a, x.m, x.k), view(b, x.k, x.n), dst, epilogue, tile).ok();
}

}  // namespace

extern "C" bool ASHLAR_ENTRY(product_f32)(const problem& x, const float* a, const float* b, const float* bias,
                                          float* c) {
  return product(x, a, b, bias, c);
}
extern "C" bool ASHLAR_ENTRY(product_f64)(const problem& x, const double* a, const double* b, const double* bias,
                                          double* c) {
  return product(x, a, b, bias, c);
}
