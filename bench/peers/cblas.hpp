// SPDX-License-Identifier: Apache-2.0
// bench/peers/cblas.hpp: a peer that offers cblas_sgemm and cblas_dgemm in a shared library opened at run time (no
// headers needed).
//
// Depends on: peer.h.   Used by: openblas.cpp, blis.cpp, mkl.cpp.
#pragma once
#include <dlfcn.h>

#include <cstdlib>
#include <initializer_list>

#include "peer.h"

namespace ashlar_peers {

enum cblas_layout : int { cblas_row_major = 101 };
enum cblas_operation : int { cblas_plain = 111, cblas_transposed = 112 };

template <class T>
using cblas_gemm = void (*)(int layout, int transa, int transb, int m, int n, int k, T alpha, const T* a, int lda,
                            const T* b, int ldb, T beta, T* c, int ldc);

inline void* cblas_library = nullptr;

template <class Function>
Function symbol(const char* name) {
  return reinterpret_cast<Function>(dlsym(cblas_library, name));
}

// The first of the names that opens. A name with a slash is a path.
inline bool open_first(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (!name || !*name) continue;
    cblas_library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (cblas_library) return true;
  }
  return false;
}

struct cblas_call {
  ashlar_peer_gemm_problem p;
  int trans_a, trans_b, lda, ldb, ldc;

  explicit cblas_call(const ashlar_peer_gemm_problem& problem)
      : p(problem),
        trans_a(p.transposed_a ? cblas_transposed : cblas_plain),
        trans_b(p.transposed_b ? cblas_transposed : cblas_plain),
        lda(static_cast<int>(p.transposed_a ? p.m : p.k)),
        ldb(static_cast<int>(p.transposed_b ? p.k : p.n)),
        ldc(static_cast<int>(p.n)) {}

  template <class T>
  void gemm(cblas_gemm<T> function) const {
    function(cblas_row_major, trans_a, trans_b, static_cast<int>(p.m), static_cast<int>(p.n), static_cast<int>(p.k),
             T(1), static_cast<const T*>(p.a), lda, static_cast<const T*>(p.b), ldb, T(0), static_cast<T*>(p.c), ldc);
  }
};

inline cblas_gemm<float> sgemm = nullptr;
inline cblas_gemm<double> dgemm = nullptr;

inline bool bind_gemm() {
  sgemm = symbol<cblas_gemm<float>>("cblas_sgemm");
  dgemm = symbol<cblas_gemm<double>>("cblas_dgemm");
  return sgemm && dgemm;
}

inline int supports_plain(const ashlar_peer_gemm_problem* p) { return !p->prepacked && p->dtype <= ashlar_peer_f64; }
inline void* prepare_plain(const ashlar_peer_gemm_problem* p) { return new cblas_call(*p); }
inline void release_plain(void* state) { delete static_cast<cblas_call*>(state); }
inline void run_plain(void* state) {
  auto* call = static_cast<cblas_call*>(state);
  call->p.dtype == ashlar_peer_f64 ? call->gemm(dgemm) : call->gemm(sgemm);
}

}  // namespace ashlar_peers
