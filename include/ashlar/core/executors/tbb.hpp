// SPDX-License-Identifier: Apache-2.0
//
// core/executors/tbb.hpp: an executor on oneTBB, in the current task arena or a given one. Needs oneTBB's headers.
//
// Depends on: core/executor.hpp.   Used by: callers, through on(tbb_executor{}).
#pragma once

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>
#include <ashlar/core/config.hpp>
#include <ashlar/core/executor.hpp>

namespace ashlar {

/// Runs tasks on oneTBB's workers, each task its own unit of stealing.
///
///     gemm(A, B, C, on(tbb_executor{}));              // the current arena
///     tbb::task_arena four(4);
///     gemm(A, B, C, on(tbb_executor{&four}));
///
/// The arena must outlive the call. What oneTBB allocates is its own affair. Tasks must not throw.
struct tbb_executor {
  oneapi::tbb::task_arena* arena = nullptr;  ///< nullptr means the arena of the calling thread.

  [[nodiscard]] ASHLAR_INLINE index concurrency() const {
    return arena != nullptr ? arena->max_concurrency() : oneapi::tbb::this_task_arena::max_concurrency();
  }

  template <class F>
  void parallel_for(index tasks, const F& f) const {
    const auto loop = [tasks, &f] {
      oneapi::tbb::parallel_for(
          oneapi::tbb::blocked_range<index>(0, tasks, 1),
          [&f](const oneapi::tbb::blocked_range<index>& r) {
            for (index t = r.begin(); t < r.end(); ++t) f(t);
          },
          oneapi::tbb::simple_partitioner());
    };
    if (tasks <= 1) return serial{}.parallel_for(tasks, f);
    if (arena != nullptr) return arena->execute(loop);
    loop();
  }
};
static_assert(executor<const tbb_executor>);

}  // namespace ashlar
