// SPDX-License-Identifier: Apache-2.0
//
// gemm_test.cpp: every order, transposition, alpha and beta of {0, 1, other} on odd sizes with leading dimensions
// larger than needed, through CBLAS and through Fortran, against a loop in long double.
//
// What must not be read is NaN, what must not be written is compared bit for bit. Built for LP64 and, with
// ASHLAR_BLAS_ILP64, for ILP64. Prints the failing call; the exit status is 1 when there is one.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <vector>

#include "ashlar_blas.h"

namespace {

using integer = ashlar_blas_int;
int failures = 0;
std::uint64_t calls = 0;
std::uint64_t state = 1;

template <class T>
T random_value() {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return T(double(state >> 40) / double(1 << 24) * 2 - 1);
}

/// A matrix in memory: rows x cols with a leading dimension, row-major or column-major, surrounded by what nobody may
/// touch.
template <class T>
struct matrix {
  integer rows, cols, ld;
  bool by_rows;
  std::vector<T> data;

  matrix(integer r, integer c, integer extra, bool row_major, bool poison)
      : rows(r), cols(c), ld(std::max<integer>(1, row_major ? c : r) + extra), by_rows(row_major) {
    data.assign(std::size_t(std::max<integer>(1, (by_rows ? r : c) * ld)), std::numeric_limits<T>::quiet_NaN());
    for (integer i = 0; i < r && !poison; ++i)
      for (integer j = 0; j < c; ++j) at(i, j) = random_value<T>();
  }
  T& at(integer i, integer j) { return data[std::size_t(by_rows ? i * ld + j : i + j * ld)]; }
};

struct test_case {
  int layout, transa, transb;
  integer m, n, k;
  double alpha, beta;
  bool fortran;
};

void call(const test_case& t, const matrix<float>& a, const matrix<float>& b, matrix<float>& c) {
  const float alpha = float(t.alpha), beta = float(t.beta);
  const char letters[] = {'n', 'T', 'c'};
  if (!t.fortran)
    return ASHLAR_BLAS_NAME(cblas_sgemm)(t.layout, t.transa, t.transb, t.m, t.n, t.k, alpha, a.data.data(), a.ld,
                                         b.data.data(), b.ld, beta, c.data.data(), c.ld);
  ASHLAR_BLAS_NAME(sgemm_)(&letters[t.transa - 111], &letters[t.transb - 111], &t.m, &t.n, &t.k, &alpha, a.data.data(),
                           &a.ld, b.data.data(), &b.ld, &beta, c.data.data(), &c.ld);
}
void call(const test_case& t, const matrix<double>& a, const matrix<double>& b, matrix<double>& c) {
  const char letters[] = {'N', 't', 'C'};
  if (!t.fortran)
    return ASHLAR_BLAS_NAME(cblas_dgemm)(t.layout, t.transa, t.transb, t.m, t.n, t.k, t.alpha, a.data.data(), a.ld,
                                         b.data.data(), b.ld, t.beta, c.data.data(), c.ld);
  ASHLAR_BLAS_NAME(dgemm_)(&letters[t.transa - 111], &letters[t.transb - 111], &t.m, &t.n, &t.k, &t.alpha,
                           a.data.data(), &a.ld, b.data.data(), &b.ld, &t.beta, c.data.data(), &c.ld);
}

void fail(const char* what, char type, const test_case& t, integer i, integer j) {
  if (++failures > 20) return;
  std::printf("%s: %cgemm layout %d transa %d transb %d m %lld n %lld k %lld alpha %g beta %g %s at (%lld, %lld)\n",
              what, type, t.layout, t.transa, t.transb, (long long)t.m, (long long)t.n, (long long)t.k, t.alpha, t.beta,
              t.fortran ? "fortran" : "cblas", (long long)i, (long long)j);
}

template <class T>
void run(const test_case& t) {
  const bool rows = t.layout == ashlar_blas_row_major, ta = t.transa != ashlar_blas_no_trans,
             tb = t.transb != ashlar_blas_no_trans;
  const bool unread = t.alpha == 0;
  matrix<T> a(ta ? t.k : t.m, ta ? t.m : t.k, 3, rows, unread), b(tb ? t.n : t.k, tb ? t.k : t.n, 5, rows, unread);
  matrix<T> c(t.m, t.n, 2, rows, t.beta == 0), old = c;
  call(t, a, b, c);
  ++calls;
  const char type = sizeof(T) == 4 ? 's' : 'd';
  for (integer i = 0; i < t.m; ++i)
    for (integer j = 0; j < t.n; ++j) {
      long double sum = 0, size = 0;
      for (integer l = 0; l < t.k && !unread; ++l) {
        const long double x = static_cast<long double>(ta ? a.at(l, i) : a.at(i, l)) * (tb ? b.at(j, l) : b.at(l, j));
        sum += x, size += std::fabs(x);
      }
      const long double before = t.beta == 0 ? 0 : t.beta * static_cast<long double>(old.at(i, j));
      const long double exact = t.alpha * sum + before;
      // Higham, Accuracy and Stability, 3.5: k roundings of the sum, three of the rest.
      const long double bound =
          (std::fabs(t.alpha) * size + std::fabs(before)) * (t.k + 3) * std::numeric_limits<T>::epsilon() / 2;
      if (!(std::fabs(c.at(i, j) - exact) <= bound * 1.001L)) return fail("wrong", type, t, i, j);
      c.at(i, j) = old.at(i, j);
    }
  if (std::memcmp(c.data.data(), old.data.data(), c.data.size() * sizeof(T)) != 0)
    fail("wrote outside C", type, t, -1, -1);
}

void run_all(integer m, integer n, integer k, bool all_scalars) {
  for (int layout : {ashlar_blas_row_major, ashlar_blas_column_major})
    for (int transa : {111, 112, 113})
      for (int transb : {111, 112, 113})
        for (double alpha : {0.0, 1.0, -0.75})
          for (double beta : {0.0, 1.0, 0.5}) {
            if (!all_scalars && (alpha == 0 || (alpha == 1) != (beta == 0))) continue;
            for (bool fortran : {false, true}) {
              if (fortran && layout == ashlar_blas_row_major) continue;
              run<float>({layout, transa, transb, m, n, k, alpha, beta, fortran});
              run<double>({layout, transa, transb, m, n, k, alpha, beta, fortran});
            }
          }
}

// Overlapping operands are undefined in BLAS; here they must not lose the result.
void run_overlapping() {
  float c[4] = {1, 2, 3, 4};
  const float identity[4] = {1, 0, 0, 1};
  ASHLAR_BLAS_NAME(cblas_sgemm)(ashlar_blas_row_major, 111, 111, 2, 2, 2, 1, identity, 2, c, 2, 1, c, 2);
  ++calls;
  if (c[0] != 2 || c[3] != 8) ++failures, std::printf("overlapping: %g %g %g %g\n", c[0], c[1], c[2], c[3]);
}

}  // namespace

int main() {
  const integer sizes[][3] = {{1, 1, 1}, {3, 5, 7}, {17, 1, 9}, {1, 33, 13}, {31, 29, 37},
                              {0, 5, 3}, {5, 0, 3}, {7, 6, 0},  {0, 0, 0}};
  for (const auto& s : sizes) run_all(s[0], s[1], s[2], true);
  run_all(65, 67, 129, false);
  run_all(131, 133, 150, false);                                                   // large enough for the threads
  run<float>({ashlar_blas_column_major, 111, 112, 40, 50, 3001, 1.5, -1, false});  // several K blocks
  run<double>({ashlar_blas_row_major, 112, 111, 40, 50, 3001, 1.5, 0, false});
  run_overlapping();
  if (ashlar_blas_calls() != calls)
    ++failures, std::printf("ashlar_blas_calls() is %llu\n", (unsigned long long)ashlar_blas_calls());
  std::printf("%llu calls on %s with %d threads, %d failures\n", (unsigned long long)calls, ashlar_blas_isa(),
              ashlar_blas_threads(), failures);
  return failures != 0;
}
