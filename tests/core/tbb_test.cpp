// SPDX-License-Identifier: Apache-2.0
//
// tbb_test.cpp: the oneTBB executor runs every task exactly once. Built with ASHLAR_TEST_TBB defined and oneTBB linked.
#include <doctest/doctest.h>

#if defined(ASHLAR_TEST_TBB)
#include <ashlar/core/executors/tbb.hpp>
#include <vector>

namespace ashlar {

TEST_CASE("each task runs exactly once, in the current arena and in a given one") {
  oneapi::tbb::task_arena four(4);
  for (const tbb_executor e : {tbb_executor{}, tbb_executor{&four}})
    for (const index tasks : {0, 1, 2, 5, 100}) {
      CHECK(e.concurrency() >= 1);
      std::vector<int> count(static_cast<std::size_t>(tasks));
      e.parallel_for(tasks, [&](index t) { ++count[static_cast<std::size_t>(t)]; });
      CHECK(count == std::vector<int>(count.size(), 1));
    }
  CHECK(tbb_executor{&four}.concurrency() == 4);
}

TEST_CASE("nested loops") {
  std::vector<int> count(12);
  const tbb_executor e;
  e.parallel_for(3, [&](index i) { e.parallel_for(4, [&](index j) { ++count[std::size_t(4 * i + j)]; }); });
  CHECK(count == std::vector<int>(12, 1));
}

}  // namespace ashlar
#endif
