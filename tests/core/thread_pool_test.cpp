// SPDX-License-Identifier: Apache-2.0
//
// thread_pool_test.cpp: every task exactly once, whoever calls, however often, from wherever. Run it under tsan, too.
#include <doctest/doctest.h>
#include <ashlar/core/executor.hpp>
#include <ashlar/core/executors/thread_pool.hpp>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

namespace ashlar {
namespace {

static_assert(executor<serial> && executor<const serial> && executor<thread_pool>);
static_assert(!executor<int> && !executor<const thread_pool>);

constexpr index sum_serially() {
  index sum = 0;
  serial{}.parallel_for(5, [&](index t) { sum += t; });
  return sum;
}
static_assert(sum_serially() == 10);

// Plain ints: a task run twice or unfinished at return is a data race, which tsan reports.
bool each_once(executor auto& e, index tasks) {
  std::vector<int> count(static_cast<std::size_t>(tasks));
  e.parallel_for(tasks, [&](index t) { ++count[static_cast<std::size_t>(t)]; });
  for (const int c : count)
    if (c != 1) return false;
  return true;
}

}  // namespace

TEST_CASE("each task runs exactly once, for any number of threads and tasks") {
  for (const auto how : {distribution::on_demand, distribution::blocked})
    for (const index threads : {-3, 0, 1, 2, 3, 4, 7}) {
      thread_pool pool(threads, how);
      CHECK(pool.concurrency() == (threads < 1 ? 1 : threads));
      for (const index tasks : {0, 1, 2, 3, 4, 5, 16, 63, 1000}) CHECK(each_once(pool, tasks));
      pool.parallel_for(-1, [](index) { FAIL("no task"); });
    }
}

TEST_CASE("many short loops in a row, and after the workers have gone to sleep") {
  thread_pool pool(4);
  for (int i = 0; i < 3000; ++i) REQUIRE(each_once(pool, 1 + i % 9));
  for (int i = 0; i < 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    REQUIRE(each_once(pool, 8));
  }
}

TEST_CASE("a pool that is never used, or once") {
  for (int i = 0; i < 100; ++i) thread_pool unused(3);
  for (int i = 0; i < 100; ++i) {
    thread_pool once(3);
    REQUIRE(each_once(once, 5));
  }
}

TEST_CASE("nested loops run on the thread of their task") {
  thread_pool pool(3);
  std::atomic<int> inner = 0;
  std::atomic<bool> elsewhere = false;
  pool.parallel_for(20, [&](index) {
    const auto self = std::this_thread::get_id();
    pool.parallel_for(10, [&](index) {
      ++inner;
      if (std::this_thread::get_id() != self) elsewhere = true;
    });
  });
  CHECK(inner == 200);
  CHECK(!elsewhere);
}

TEST_CASE("several threads may call one pool at once") {
  thread_pool pool(3);
  std::atomic<int> good = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c)
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) good += each_once(pool, 1 + (i * 7) % 40);
    });
  for (auto& c : callers) c.join();
  CHECK(good == 4 * 300);
}

TEST_CASE("all threads take part, and no more than asked for") {
  thread_pool pool(4);
  std::atomic<int> arrived = 0;
  std::mutex mutex;
  std::set<std::thread::id> ids;
  // Tasks of a real loop never wait for each other; these do, to see four threads at once.
  pool.parallel_for(4, [&](index) {
    ++arrived;
    while (arrived < 4) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  CHECK(ids.size() == 4);
  CHECK(ids.count(std::this_thread::get_id()) == 1);
}

TEST_CASE("on() refers to an lvalue and holds a temporary") {
  thread_pool pool(2);
  auto tag = on(pool);
  static_assert(std::is_same_v<decltype(tag), on_executor<thread_pool&>>);
  CHECK(&tag.get() == &pool);
  static_assert(std::is_same_v<decltype(on(serial{})), on_executor<serial>>);
  static_assert(detail::is_on_executor<decltype(tag)> && !detail::is_on_executor<thread_pool>);
  const auto held = on(serial{});
  CHECK(each_once(held.get(), 3));
}

}  // namespace ashlar
