// SPDX-License-Identifier: Apache-2.0
//
// openmp_test.cpp: the OpenMP executor runs every task exactly once. Without -fopenmp there is nothing to test.
#include <doctest/doctest.h>
#include <ashlar/core/executors/openmp.hpp>
#include <vector>

#if defined(_OPENMP)
namespace ashlar {

TEST_CASE("each task runs exactly once") {
  for (const int threads : {0, 1, 2, 4})
    for (const index tasks : {0, 1, 2, 5, 100}) {
      const openmp e{.threads = threads};
      CHECK(e.concurrency() >= 1);
      std::vector<int> count(static_cast<std::size_t>(tasks));
      e.parallel_for(tasks, [&](index t) { ++count[static_cast<std::size_t>(t)]; });
      CHECK(count == std::vector<int>(count.size(), 1));
    }
}

TEST_CASE("nested loops") {
  std::vector<int> count(12);
  openmp{3}.parallel_for(
      3, [&](index i) { openmp{4}.parallel_for(4, [&](index j) { ++count[std::size_t(4 * i + j)]; }); });
  CHECK(count == std::vector<int>(12, 1));
}

}  // namespace ashlar
#endif
