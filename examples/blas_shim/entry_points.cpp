// SPDX-License-Identifier: Apache-2.0
//
// entry_points.cpp: cblas_sgemm, cblas_dgemm, sgemm_ and dgemm_, compiled once per naming scheme (ASHLAR_BLAS_NAME,
// ASHLAR_BLAS_INT).
//
// A row-major product is the column-major product of the operands exchanged, as in the reference CBLAS; so an illegal m
// of a row-major call is found as Fortran's n, and cblas_xerbla translates it back.
//
// Depends on: ashlar_blas.h, column_major.hpp.
#include "ashlar_blas.h"
#include "column_major.hpp"

namespace {

using ashlar_blas::arguments;
using ashlar_blas::operation;

operation from_letter(const char* letter) {
  switch (*letter | 0x20) {
    case 'n':
      return operation::none;
    case 't':
    case 'c':
      return operation::transpose;
    default:
      return operation::illegal;
  }
}

operation from_number(int trans) {
  switch (trans) {
    case ashlar_blas_no_trans:
      return operation::none;
    case ashlar_blas_trans:
    case ashlar_blas_conj_trans:
      return operation::transpose;
    default:
      return operation::illegal;
  }
}

constexpr const char* fortran_name(float) { return "SGEMM "; }
constexpr const char* fortran_name(double) { return "DGEMM "; }
constexpr const char* c_name(float) { return "cblas_sgemm"; }
constexpr const char* c_name(double) { return "cblas_dgemm"; }

template <class T>
void multiply_or_exit(const arguments<T>& x) {
  const ashlar_blas_int bad = illegal_parameter(x);
  if (bad == 0) return multiply(x);
  ASHLAR_BLAS_NAME(xerbla_)(fortran_name(T()), &bad, 6);
}

template <class T>
arguments<T> exchanged(const arguments<T>& x) {
  return {x.op_b, x.op_a, x.n, x.m, x.k, x.alpha, x.b, x.ldb, x.a, x.lda, x.beta, x.c, x.ldc};
}

// x holds the arguments as the caller gave them; transa and transb are for the messages.
template <class T>
void c_call(int layout, int transa, int transb, const arguments<T>& x) {
  const bool row_major = layout == ashlar_blas_row_major;
  int bad = 0, value = layout;
  const char* message = "Illegal layout setting, %d\n";
  if (!row_major && layout != ashlar_blas_column_major) {
    bad = 1;
  } else if (x.op_a == operation::illegal) {
    bad = 2, value = transa, message = "Illegal TransA setting, %d\n";
  } else if (x.op_b == operation::illegal) {
    bad = row_major ? 2 : 3, value = transb, message = "Illegal TransB setting, %d\n";  // 2: so does the reference
  }
  const arguments<T> column_major = row_major ? exchanged(x) : x;
  if (bad == 0 && illegal_parameter(column_major) == 0) return multiply(column_major);
  // These two tell the error exits, and testers that bring their own, where the call came from.
  ASHLAR_BLAS_NAME(CBLAS_CallFromC) = 1;
  ASHLAR_BLAS_NAME(RowMajorStrg) = row_major;
  if (bad != 0) {
    ASHLAR_BLAS_NAME(cblas_xerbla)(bad, c_name(T()), message, value);
  } else {
    multiply_or_exit(column_major);
  }
  ASHLAR_BLAS_NAME(CBLAS_CallFromC) = 0;
  ASHLAR_BLAS_NAME(RowMajorStrg) = 0;
}

}  // namespace

#define ASHLAR_BLAS_ENTRY_POINTS(T, letter)                                                                            \
  void ASHLAR_BLAS_NAME(letter##gemm_)(const char* transa, const char* transb, const ashlar_blas_int* m,               \
                                       const ashlar_blas_int* n, const ashlar_blas_int* k, const T* alpha, const T* a, \
                                       const ashlar_blas_int* lda, const T* b, const ashlar_blas_int* ldb,             \
                                       const T* beta, T* c, const ashlar_blas_int* ldc) {                              \
    multiply_or_exit<T>(                                                                                               \
        {from_letter(transa), from_letter(transb), *m, *n, *k, *alpha, a, *lda, b, *ldb, *beta, c, *ldc});             \
  }                                                                                                                    \
  void ASHLAR_BLAS_NAME(cblas_##letter##gemm)(                                                                         \
      int layout, int transa, int transb, ashlar_blas_int m, ashlar_blas_int n, ashlar_blas_int k, T alpha,            \
      const T* a, ashlar_blas_int lda, const T* b, ashlar_blas_int ldb, T beta, T* c, ashlar_blas_int ldc) {           \
    c_call<T>(layout, transa, transb,                                                                                  \
              {from_number(transa), from_number(transb), m, n, k, alpha, a, lda, b, ldb, beta, c, ldc});               \
  }
ASHLAR_BLAS_ENTRY_POINTS(float, s)
ASHLAR_BLAS_ENTRY_POINTS(double, d)
