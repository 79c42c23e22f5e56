// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/executors.hpp: executors that are right and unusual: tasks in reverse, or on one thread with any
// concurrency.
//
// Depends on: core/executor.hpp.   Used by: tests/gemm/.
#pragma once

#include <ashlar/core/executor.hpp>

namespace ashlar::test {

/// The calling thread, whatever concurrency() says: more workers, so more and smaller tasks.
struct one_thread {
  index claimed;
  template <class F>
  void parallel_for(index tasks, const F& f) const {
    for (index t = 0; t < tasks; ++t) f(t);
  }
  index concurrency() const { return claimed; }
};

/// The last task first.
struct in_reverse {
  index claimed;
  template <class F>
  void parallel_for(index tasks, const F& f) const {
    for (index t = tasks; t-- > 0;) f(t);
  }
  index concurrency() const { return claimed; }
};

static_assert(executor<const one_thread> && executor<const in_reverse>);

}  // namespace ashlar::test
