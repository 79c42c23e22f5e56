// SPDX-License-Identifier: Apache-2.0
//
// product.hpp: one gemm call in the form the kernels take, C row-major; what crosses from baseline code to code of an
// ISA.
//
// Nothing here has a function that both sides could compile differently: plain data, and always-inlined members.
//
// Depends on: ashlar/core.   Used by: kernels.cpp, column_major.cpp, workers.cpp.
#pragma once

#include <ashlar/core/config.hpp>
#include <ashlar/core/task_ref.hpp>

namespace ashlar_blas {

using ashlar::index;

/// An executor of erased type: the thread pool stays on the baseline side. Without a pool, one thread.
struct workers {
  void* pool = nullptr;
  index threads = 1;
  void (*run)(void* pool, index tasks, ashlar::task_ref) = nullptr;

  ASHLAR_INLINE index concurrency() const { return threads; }
  template <class F>
  ASHLAR_INLINE void parallel_for(index tasks, const F& f) const {
    if (run) return run(pool, tasks, ashlar::task_ref(f));
    for (index t = 0; t < tasks; ++t) f(t);
  }
};

/// C = alpha A B + beta C, with C of m rows, each contiguous, and A and B of any strides.
template <class T>
struct product {
  index m, n, k;
  T alpha;
  const T* a;
  index a_row_stride, a_k_stride;
  const T* b;
  index b_k_stride, b_column_stride;
  T beta;
  T* c;
  index c_row_stride;
  workers on;
};

}  // namespace ashlar_blas
