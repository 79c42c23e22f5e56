// SPDX-License-Identifier: Apache-2.0
//
// column_major.cpp: quick returns, the change to row-major form, and the choice of the ISA.
//
// A column-major C is the row-major C^T = op(B)^T op(A)^T: A and B change places and strides, nothing is moved.
//
// Depends on: column_major.hpp, workers.hpp, ashlar/dispatch.   Built at baseline flags.
#include "column_major.hpp"

#include <ashlar/dispatch/detect.hpp>
#include <ashlar/dispatch/entry.hpp>
#include <atomic>

#include "ashlar_blas.h"
#include "workers.hpp"

#define DECLARE(isa)                                                           \
  extern "C" bool ashlar_blas_sgemm_##isa(const ashlar_blas::product<float>&); \
  extern "C" bool ashlar_blas_dgemm_##isa(const ashlar_blas::product<double>&);
ASHLAR_FAT_ISAS(DECLARE)

namespace ashlar_blas {
namespace {

namespace dispatch = ashlar::dispatch;
#define SGEMM(isa) {dispatch::target::isa, ashlar_blas_sgemm_##isa},
#define DGEMM(isa) {dispatch::target::isa, ashlar_blas_dgemm_##isa},
constexpr dispatch::entry<bool(const product<float>&)> sgemm_table[] = {ASHLAR_FAT_ISAS(SGEMM)};
constexpr dispatch::entry<bool(const product<double>&)> dgemm_table[] = {ASHLAR_FAT_ISAS(DGEMM)};
#define TARGET(isa) {dispatch::target::isa, nullptr},
constexpr dispatch::entry<void()> targets[] = {ASHLAR_FAT_ISAS(TARGET)};

constinit std::atomic<std::uint64_t> calls{0};

bool run(const product<float>& p) {
  static const auto kernel = dispatch::choose(dispatch::detect(), sgemm_table);
  return kernel(p);
}
bool run(const product<double>& p) {
  static const auto kernel = dispatch::choose(dispatch::detect(), dgemm_table);
  return kernel(p);
}

template <class T>
void scale(const product<T>& p) {
  for (index i = 0; i < p.m; ++i)
    for (index j = 0; j < p.n; ++j) {
      T& c = p.c[i * p.c_row_stride + j];
      c = p.beta == T(0) ? T(0) : p.beta * c;
    }
}

// The reference's own order of loops, for what the kernels decline: with overlapping operands, which BLAS leaves
// undefined, a program gets what the reference would give; without memory for packing it still gets its product.
template <class T>
void plain(const product<T>& p) {
  if (p.beta != T(1)) scale(p);
  for (index i = 0; i < p.m; ++i)
    for (index l = 0; l < p.k; ++l) {
      const T x = p.alpha * p.a[i * p.a_row_stride + l * p.a_k_stride];
      for (index j = 0; j < p.n; ++j) p.c[i * p.c_row_stride + j] += x * p.b[l * p.b_k_stride + j * p.b_column_stride];
    }
}

template <class T>
product<T> row_major(const arguments<T>& x) {
  const bool ta = x.op_a == operation::transpose, tb = x.op_b == operation::transpose;
  product<T> p;
  p.m = x.n, p.n = x.m, p.k = x.k;
  p.alpha = x.alpha, p.beta = x.beta;
  p.a = x.b, p.a_row_stride = tb ? 1 : x.ldb, p.a_k_stride = tb ? x.ldb : 1;
  p.b = x.a, p.b_k_stride = ta ? 1 : x.lda, p.b_column_stride = ta ? x.lda : 1;
  p.c = x.c, p.c_row_stride = x.ldc;
  return p;
}

template <class T>
void multiply_any(const arguments<T>& x) {
  calls.fetch_add(1, std::memory_order_relaxed);
  const bool nothing_to_add = x.alpha == T(0) || x.k == 0;
  if (x.m == 0 || x.n == 0 || (nothing_to_add && x.beta == T(1))) return;
  product<T> p = row_major(x);
  if (nothing_to_add) return scale(p);
  p.on = workers_for(p.m, p.n, p.k);
  if (!run(p)) plain(p);
}

}  // namespace

void multiply(const arguments<float>& x) { multiply_any(x); }
void multiply(const arguments<double>& x) { multiply_any(x); }

}  // namespace ashlar_blas

std::uint64_t ashlar_blas_calls() { return ashlar_blas::calls.load(std::memory_order_relaxed); }

const char* ashlar_blas_isa() {
  const auto have = ashlar::dispatch::detect();
  auto chosen = ashlar::dispatch::target::scalar;
  for (const auto& e : ashlar_blas::targets)
    if (ashlar::dispatch::executes(have, e.compiled_for)) chosen = e.compiled_for;
  return ashlar::dispatch::name(chosen);
}

int ashlar_blas_threads() { return ashlar_blas::threads_wanted(); }
