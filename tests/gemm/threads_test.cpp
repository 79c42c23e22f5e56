// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/threads_test.cpp: the bits do not depend on who runs the tasks, in what order, or how many at once; and
// calls on shared weights and a shared pool do not disturb each other.
#include <doctest/doctest.h>

#include <array>
#include <ashlar/core/executors/thread_pool.hpp>
#include <thread>

#include "gemm/executors.hpp"
#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

// Large enough for several blocks in either direction; now and then small enough for none.
template <class T>
gemm_shape blocks_shape(random& r) {
  const index nr = default_tile<T, isa_under_test>.nv * ops_under_test<T>::lanes();
  gemm_shape s{r.between(1, 60), r.between(1, r.pick<index>({1, 3, 6}) * nr + 3), r.pick<index>({0, 1, 70, 150, 520})};
  s.a = r.pick({layout::rows, layout::columns, layout::reversed_rows});
  s.b = r.pick({layout::rows, layout::columns, layout::rows_apart});
  s.c = r.pick({layout::rows, layout::columns, layout::rows_apart, layout::scattered});
  return within(s, 1000000);
}

template <class T, class Executor>
void equals_reference(const Executor& executor, index count, bool small_caches) {
  for_each_case(scaled(count, 4), [&](random& r) {
    problem<T> p(r, blocks_shape<T>(r), placement::at_end);
    const cache_sizes caches = small_caches ? cache_sizes{1, 1} : cache_sizes{1 << 15, 1 << 18};
    REQUIRE(p.template differs<isa_under_test>(executor, caches, T(0.5) * acc + T(0.25) * dst) == "");
  });
}

TEST_CASE_TEMPLATE("a pool of any size gives the bits of the reference", T, ASHLAR_TEST_FLOATS) {
  for (index threads = 1; threads <= 5; ++threads) {
    CAPTURE(threads);
    thread_pool pool(threads);
    equals_reference<T>(on(pool), 30, threads % 2 == 0);
  }
}

TEST_CASE("any concurrency on one thread, in either order, gives the bits of the reference") {
  for (index claimed : {1, 2, 3, 7, 16, 61}) {
    CAPTURE(claimed);
    equals_reference<float>(on(one_thread{claimed}), 30, claimed % 2 == 0);
    equals_reference<float>(on(in_reverse{claimed}), 30, claimed % 2 == 1);
  }
}

// A C of its own for each thread, everything else shared.
TEST_CASE("calls from several threads share weights and a pool") {
  random r(seed());
  const index m = 30, n = 70, k = 90;
  problem<float> shared(r, {m, n, k}, placement::at_end);
  auto storage = aligned_buffer::make(packed_weights_bytes<float, isa_under_test>(k, n));
  const auto weights = pack_weights<isa_under_test>(shared.B.read(), storage.span());
  REQUIRE(weights.ok());
  std::vector<float> expected(std::size_t(m * n));
  reference::gemm(shared.A.read(), shared.B.read(), view(expected.data(), m, n), relu(acc));

  thread_pool pool(2);
  std::array<int, 4> wrong{};
  const auto work = [&](std::size_t id) {
    std::vector<float> c(expected.size());
    for (int turn = 0; turn < int(scaled(50, 4)); ++turn) {
      std::fill(c.begin(), c.end(), poison<float>());
      const auto C = view(c.data(), m, n);
      const auto columns = column_major(c.data(), n, m).transposed();
      const bool ok = id % 2 == 0 ? gemm<isa_under_test>(shared.A.read(), weights.value(), C, relu(acc), on(pool)).ok()
                                  : gemm<isa_under_test>(shared.A.read(), weights.value(), columns, relu(acc)).ok();
      if (!ok || c != expected) ++wrong[id];
    }
  };
  {
    std::array<std::thread, 4> threads;
    for (std::size_t id = 0; id < threads.size(); ++id) threads[id] = std::thread(work, id);
    for (std::thread& t : threads) t.join();
  }
  for (int count : wrong) CHECK(count == 0);
}

}  // namespace
}  // namespace ashlar::test
