// SPDX-License-Identifier: Apache-2.0
//
// xerbla_test.cpp: a program's own xerbla_ and cblas_xerbla are called instead of the library's, with the position that
// the reference passes, and a call that returns from them has changed nothing. This is what the error tests of BLAS and
// CBLAS do.
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "ashlar_blas.h"

namespace {

using integer = ashlar_blas_int;
enum : int {
  rows = ashlar_blas_row_major,
  columns = ashlar_blas_column_major,
  no = ashlar_blas_no_trans,
  yes = ashlar_blas_trans
};

// What the last error exit was told.
struct {
  char routine[16];
  integer parameter;
  bool from_c, row_major;
} seen;
int failures = 0;

}  // namespace

extern "C" void ASHLAR_BLAS_NAME(xerbla_)(const char* routine, const integer* parameter, size_t length) {
  std::snprintf(seen.routine, sizeof seen.routine, "%.*s", int(length), routine);
  seen.parameter = *parameter;
  seen.from_c = ASHLAR_BLAS_NAME(CBLAS_CallFromC), seen.row_major = ASHLAR_BLAS_NAME(RowMajorStrg);
}
extern "C" void ASHLAR_BLAS_NAME(cblas_xerbla)(integer parameter, const char* routine, const char*, ...) {
  std::snprintf(seen.routine, sizeof seen.routine, "%s", routine);
  seen.parameter = parameter;
  seen.from_c = true, seen.row_major = ASHLAR_BLAS_NAME(RowMajorStrg);
}

namespace {

const double a[64] = {1}, b[64] = {1};
double c[64] = {};

void expect(int line, const char* routine, integer parameter, bool from_c, bool row_major) {
  bool untouched = true;
  for (double x : c) untouched = untouched && x == 0;
  const bool left = ASHLAR_BLAS_NAME(CBLAS_CallFromC) || ASHLAR_BLAS_NAME(RowMajorStrg);
  if (std::strcmp(seen.routine, routine) || seen.parameter != parameter || seen.from_c != from_c ||
      seen.row_major != row_major || !untouched || left) {
    ++failures;
    std::printf("line %d: \"%s\" parameter %d, expected \"%s\" parameter %d\n", line, seen.routine, int(seen.parameter),
                routine, int(parameter));
  }
  seen = {};
}

void fortran(int line, integer parameter, const char* ta, const char* tb, integer m, integer n, integer k, integer lda,
             integer ldb, integer ldc) {
  const double one = 1;
  ASHLAR_BLAS_NAME(dgemm_)(ta, tb, &m, &n, &k, &one, a, &lda, b, &ldb, &one, c, &ldc);
  expect(line, parameter ? "DGEMM " : "", parameter, false, false);
}

void from_c(int line, const char* routine, integer parameter, int layout, int ta, int tb, integer m, integer n,
            integer k, integer lda, integer ldb, integer ldc) {
  ASHLAR_BLAS_NAME(cblas_dgemm)(layout, ta, tb, m, n, k, 1, a, lda, b, ldb, 1, c, ldc);
  expect(line, routine, parameter, parameter != 0, parameter != 0 && layout == rows);
}

}  // namespace

int main() {
  fortran(__LINE__, 1, "/", "/", -1, 1, 1, 1, 1, 1);
  fortran(__LINE__, 2, "N", "\0", 1, 1, 1, 1, 1, 1);
  fortran(__LINE__, 3, "n", "t", -1, -1, -1, 1, 1, 1);
  fortran(__LINE__, 4, "T", "C", 1, -1, 1, 1, 1, 1);
  fortran(__LINE__, 5, "c", "N", 1, 1, -1, 1, 1, 1);
  fortran(__LINE__, 8, "N", "N", 2, 1, 1, 1, 1, 2);
  fortran(__LINE__, 8, "T", "N", 1, 1, 2, 1, 2, 1);
  fortran(__LINE__, 10, "N", "N", 1, 1, 2, 1, 1, 1);
  fortran(__LINE__, 10, "N", "T", 1, 2, 1, 1, 1, 1);
  fortran(__LINE__, 13, "N", "N", 2, 1, 1, 2, 1, 1);
  fortran(__LINE__, 8, "N", "N", 0, 0, 0, 0, 1, 1);  // a leading dimension is never below 1
  fortran(__LINE__, 0, "N", "N", 0, 4, 4, 1, 4, 1);

  from_c(__LINE__, "cblas_dgemm", 1, 7, no, no, 1, 1, 1, 1, 1, 1);
  from_c(__LINE__, "cblas_dgemm", 2, columns, 0, no, 1, 1, 1, 1, 1, 1);
  from_c(__LINE__, "cblas_dgemm", 3, columns, no, 0, 1, 1, 1, 1, 1, 1);
  from_c(__LINE__, "cblas_dgemm", 2, rows, no, 0, 1, 1, 1, 1, 1, 1);
  // Fortran's numbers: a row-major call exchanges m with n and A with B.
  from_c(__LINE__, "DGEMM ", 3, columns, no, no, -1, 1, 1, 1, 1, 1);
  from_c(__LINE__, "DGEMM ", 4, rows, no, no, -1, 1, 1, 1, 1, 1);
  from_c(__LINE__, "DGEMM ", 3, rows, no, no, 1, -1, 1, 1, 1, 1);
  from_c(__LINE__, "DGEMM ", 5, rows, yes, yes, 1, 1, -1, 1, 1, 1);
  from_c(__LINE__, "DGEMM ", 8, columns, no, no, 2, 1, 1, 1, 1, 2);
  from_c(__LINE__, "DGEMM ", 10, rows, no, no, 1, 1, 2, 1, 1, 1);
  from_c(__LINE__, "DGEMM ", 8, rows, no, no, 1, 2, 1, 1, 1, 2);
  from_c(__LINE__, "DGEMM ", 13, rows, no, no, 1, 2, 1, 1, 2, 1);
  from_c(__LINE__, "", 0, rows, no, no, 4, 0, 4, 4, 1, 1);
  std::printf("error exits: %d failures\n", failures);
  return failures != 0;
}
