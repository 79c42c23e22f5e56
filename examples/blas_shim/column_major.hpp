// SPDX-License-Identifier: Apache-2.0
//
// column_major.hpp: gemm as the BLAS standard defines it, apart from names, integer types and error exits.
//
// Depends on: product.hpp.   Used by: entry_points.cpp.
#pragma once

#include "product.hpp"

namespace ashlar_blas {

enum class operation { none, transpose, illegal };

/// The arguments of ?gemm in Fortran's order: C = alpha op(A) op(B) + beta C, every matrix column-major.
template <class T>
struct arguments {
  operation op_a, op_b;
  index m, n, k;
  T alpha;
  const T* a;
  index lda;
  const T* b;
  index ldb;
  T beta;
  T* c;
  index ldc;
};

/// The position of the first illegal argument of ?gemm, from 1, or 0.
template <class T>
int illegal_parameter(const arguments<T>& x) {
  const auto least = [](index rows) { return rows > 1 ? rows : 1; };
  if (x.op_a == operation::illegal) return 1;
  if (x.op_b == operation::illegal) return 2;
  if (x.m < 0) return 3;
  if (x.n < 0) return 4;
  if (x.k < 0) return 5;
  if (x.lda < least(x.op_a == operation::none ? x.m : x.k)) return 8;
  if (x.ldb < least(x.op_b == operation::none ? x.k : x.n)) return 10;
  return x.ldc < least(x.m) ? 13 : 0;
}

/// Runs a call whose arguments are legal. beta == 0: C is not read; alpha == 0 or k == 0: neither A nor B is.
void multiply(const arguments<float>&);
void multiply(const arguments<double>&);

}  // namespace ashlar_blas
