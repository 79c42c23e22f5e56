/* SPDX-License-Identifier: Apache-2.0
 *
 * ashlar_blas.h: what libashlar_blas.so and libashlar_blas64.so export, in C.
 *
 * The names and types are those of every CBLAS and Fortran BLAS, so a program needs this header only for the four functions at the
 * end: relinking, or LD_PRELOAD, is enough. ASHLAR_BLAS_ILP64 chooses the interface:
 *
 *   libashlar_blas.so     int32_t      sgemm_      cblas_sgemm         (LP64, the default)
 *   libashlar_blas64.so   int64_t      sgemm_64_   cblas_sgemm64_      (ILP64, when it is defined)
 *
 * Depends on: nothing.   Used by: entry_points.cpp, error_exits.cpp, programs.
 */
#ifndef ASHLAR_BLAS_H
#define ASHLAR_BLAS_H

#include <stddef.h>
#include <stdint.h>

#ifdef ASHLAR_BLAS_ILP64
#define ASHLAR_BLAS_INT int64_t
#define ASHLAR_BLAS_SUFFIX 64_
#endif
#ifndef ASHLAR_BLAS_INT
#define ASHLAR_BLAS_INT int32_t
#endif
#ifndef ASHLAR_BLAS_PREFIX
#define ASHLAR_BLAS_PREFIX
#endif
#ifndef ASHLAR_BLAS_SUFFIX
#define ASHLAR_BLAS_SUFFIX
#endif
#define ASHLAR_BLAS_JOIN_EXPANDED(prefix, name, suffix) prefix##name##suffix
#define ASHLAR_BLAS_JOIN(prefix, name, suffix) ASHLAR_BLAS_JOIN_EXPANDED(prefix, name, suffix)
#define ASHLAR_BLAS_NAME(name) ASHLAR_BLAS_JOIN(ASHLAR_BLAS_PREFIX, name, ASHLAR_BLAS_SUFFIX)

/* Also for programs that bring their own xerbla_ and are compiled with -fvisibility=hidden: it must be seen to be called. */
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef ASHLAR_BLAS_INT ashlar_blas_int;

/* The values of CBLAS_LAYOUT and CBLAS_TRANSPOSE. */
enum { ashlar_blas_row_major = 101, ashlar_blas_column_major = 102 };
enum { ashlar_blas_no_trans = 111, ashlar_blas_trans = 112, ashlar_blas_conj_trans = 113 };

/* C = alpha op(A) op(B) + beta C. beta == 0: C is not read; alpha == 0: neither A nor B is. */
void ASHLAR_BLAS_NAME(cblas_sgemm)(int layout, int transa, int transb, ashlar_blas_int m, ashlar_blas_int n, ashlar_blas_int k,
                                   float alpha, const float* a, ashlar_blas_int lda, const float* b, ashlar_blas_int ldb, float beta,
                                   float* c, ashlar_blas_int ldc);
void ASHLAR_BLAS_NAME(cblas_dgemm)(int layout, int transa, int transb, ashlar_blas_int m, ashlar_blas_int n, ashlar_blas_int k,
                                   double alpha, const double* a, ashlar_blas_int lda, const double* b, ashlar_blas_int ldb,
                                   double beta, double* c, ashlar_blas_int ldc);

/* Fortran: column-major. The hidden lengths of the character arguments, which follow, are not looked at. */
void ASHLAR_BLAS_NAME(sgemm_)(const char* transa, const char* transb, const ashlar_blas_int* m, const ashlar_blas_int* n,
                              const ashlar_blas_int* k, const float* alpha, const float* a, const ashlar_blas_int* lda,
                              const float* b, const ashlar_blas_int* ldb, const float* beta, float* c, const ashlar_blas_int* ldc);
void ASHLAR_BLAS_NAME(dgemm_)(const char* transa, const char* transb, const ashlar_blas_int* m, const ashlar_blas_int* n,
                              const ashlar_blas_int* k, const double* alpha, const double* a, const ashlar_blas_int* lda,
                              const double* b, const ashlar_blas_int* ldb, const double* beta, double* c,
                              const ashlar_blas_int* ldc);

/* Error exits; weak: a program that defines its own is called instead. See README.md. */
void ASHLAR_BLAS_NAME(xerbla_)(const char* routine, const ashlar_blas_int* parameter, size_t length);
void ASHLAR_BLAS_NAME(cblas_xerbla)(ashlar_blas_int parameter, const char* routine, const char* format, ...);
extern int ASHLAR_BLAS_NAME(CBLAS_CallFromC);
extern int ASHLAR_BLAS_NAME(RowMajorStrg);

/* Calls of the four functions above since the library was loaded: did this program really use it? */
uint64_t ashlar_blas_calls(void);
/* "avx512", "avx2", "sve" ...: the kernels that this machine gets. The environment variable ASHLAR_ISA can lower it. */
const char* ashlar_blas_isa(void);
/* The threads of a large product: the environment variable ASHLAR_NUM_THREADS, 1 without it. */
int ashlar_blas_threads(void);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#endif
