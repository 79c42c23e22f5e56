// SPDX-License-Identifier: Apache-2.0
//
// core/executors/openmp.hpp: an executor on the OpenMP team of the calling thread. Empty without -fopenmp.
//
// Depends on: core/executor.hpp.   Used by: callers, through on(openmp{}).
#pragma once

#if defined(_OPENMP)

#include <omp.h>
#include <ashlar/core/config.hpp>
#include <ashlar/core/executor.hpp>

namespace ashlar {

/// Runs tasks on OpenMP threads, one at a time as threads become free.
///
///     gemm(A, B, C, on(openmp{}));            // omp_get_max_threads()
///     gemm(A, B, C, on(openmp{.threads = 4}));
///
/// Inside a parallel region OpenMP's own rules for nesting hold (by default: serial). Tasks must not throw.
struct openmp {
  int threads = 0;  ///< Size of the team; 0 means omp_get_max_threads().

  [[nodiscard]] ASHLAR_INLINE index concurrency() const { return threads > 0 ? threads : omp_get_max_threads(); }

  template <class F>
  void parallel_for(index tasks, const F& f) const {
    const int team = static_cast<int>(tasks < concurrency() ? tasks : concurrency());
    if (team <= 1) return serial{}.parallel_for(tasks, f);
#pragma omp parallel for schedule(dynamic, 1) num_threads(team)
    for (index t = 0; t < tasks; ++t) f(t);
  }
};
static_assert(executor<const openmp>);

}  // namespace ashlar

#endif
