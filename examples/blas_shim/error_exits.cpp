// SPDX-License-Identifier: Apache-2.0
//
// error_exits.cpp: xerbla_ and cblas_xerbla, weak, with the text and the end that the reference libraries give.
//
//   Fortran   " ** On entry to SGEMM parameter number  8 had an illegal value" on stdout, then STOP: exit status 0
//   CBLAS     "Parameter 9 to routine cblas_sgemm  was incorrect" on stderr, then exit(-1): status 255
//
// Depends on: ashlar_blas.h.   Compiled once per naming scheme.   Checked against the reference's output by
// tests/error_exits.cpp.
#include <cctype>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "ashlar_blas.h"

namespace {

// The arguments that a row-major call hands to Fortran exchanged. The other routines are here because this library,
// preloaded before a whole CBLAS, also answers for those.
struct exchange {
  const char* routine;
  int first, second;
};
constexpr exchange exchanges[] = {{"gemm", 4, 5}, {"gemm", 9, 11}, {"symm", 4, 5}, {"hemm", 4, 5}, {"trmm", 6, 7},
                                  {"trsm", 6, 7}, {"gemv", 3, 4},  {"gbmv", 3, 4}, {"gbmv", 5, 6}, {"ger", 2, 3},
                                  {"ger", 6, 8},  {"her2", 6, 8},  {"hpr2", 6, 8}};

ashlar_blas_int as_the_caller_counts(ashlar_blas_int parameter, const char* routine) {
  if (std::strstr(routine, "her2k")) return parameter;
  for (const exchange& x : exchanges) {
    if (!std::strstr(routine, x.routine)) continue;
    if (parameter == x.first) return x.second;
    if (parameter == x.second) return x.first;
  }
  return parameter;
}

}  // namespace

int ASHLAR_BLAS_NAME(CBLAS_CallFromC) = 0;
int ASHLAR_BLAS_NAME(RowMajorStrg) = 0;

[[gnu::weak]] void ASHLAR_BLAS_NAME(cblas_xerbla)(ashlar_blas_int parameter, const char* routine, const char* format,
                                                  ...) {
  if (ASHLAR_BLAS_NAME(RowMajorStrg)) parameter = as_the_caller_counts(parameter, routine);
  if (parameter != 0)
    std::fprintf(stderr, "Parameter %d to routine %s was incorrect\n", static_cast<int>(parameter), routine);
  std::va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::exit(-1);
}

[[gnu::weak]] void ASHLAR_BLAS_NAME(xerbla_)(const char* routine, const ashlar_blas_int* parameter, size_t length) {
  if (ASHLAR_BLAS_NAME(CBLAS_CallFromC)) {
    char name[13] = "cblas_";
    for (size_t i = 0; i < 6 && i < length; ++i) name[i + 6] = static_cast<char>(std::tolower(routine[i]));
    ASHLAR_BLAS_NAME(cblas_xerbla)(*parameter + 1, name, "");  // the layout comes first in C
    return;
  }
  while (length > 0 && routine[length - 1] == ' ') --length;
  std::printf(" ** On entry to %.*s parameter number %2d had an illegal value\n", static_cast<int>(length), routine,
              static_cast<int>(*parameter));
  std::exit(EXIT_SUCCESS);
}
