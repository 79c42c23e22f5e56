// SPDX-License-Identifier: Apache-2.0
//
// core/executors/thread_pool.hpp: an executor of std::threads, started once and asleep between loops.
//
// One 64-bit word, the gate, decides who takes part in a loop:
//
//   gate = loop number << 16 | members << 1 | open
//
//   the caller opens the gate, wakes the sleepers, runs tasks itself, closes the gate, waits for members == 0;
//   a worker enters an open gate of a new loop (members + 1), runs tasks, leaves (members - 1).
//
// Whoever is inside claims tasks from one atomic counter. A worker that wakes late finds the gate closed and sleeps
// again, so a loop never waits for a thread that has not begun to help. The pool runs one loop at a time: a call that
// finds it busy (nested in a task, or from another thread) runs its tasks on the calling thread, which can neither
// deadlock nor oversubscribe.
//
// Depends on: core/executor.hpp, core/task_ref.hpp.   Used by: callers, through on(pool).
#pragma once

#include <ashlar/core/config.hpp>
#include <ashlar/core/executor.hpp>
#include <ashlar/core/task_ref.hpp>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

namespace ashlar {

namespace detail {

#if defined(__x86_64__) || defined(__i386__)
ASHLAR_INLINE void pause() { __builtin_ia32_pause(); }
#elif defined(__aarch64__) || defined(__arm__)
ASHLAR_INLINE void pause() { asm volatile("yield"); }
#else
ASHLAR_INLINE void pause() {}
#endif

}  // namespace detail

/// How a thread_pool hands out tasks: one by one as threads become free, or as one run of neighbours per thread.
enum class distribution : std::uint8_t { on_demand, blocked };

/// An executor of `threads` threads in total: threads - 1 workers and the thread that calls parallel_for.
///
///     thread_pool pool(4);
///     gemm(A, B, C, on(pool));
///
/// Any thread may call parallel_for at any time, also from inside a task; a call that finds the pool busy runs
/// serially. parallel_for allocates nothing. Tasks must not throw. The destructor joins; no loop may be running then.
/// The constructor allocates and starts threads; std::thread throws std::system_error when the system has none left.
class thread_pool {
 public:
  template <class Unit = detail::this_unit>
  explicit thread_pool(index threads, distribution how = distribution::on_demand) : thread_pool(how, prepare{}) {
    // The delegated constructor is complete: if a thread fails to start, the destructor joins those that did.
    const index wanted = threads < 1 ? 0 : threads - 1 < max_workers ? threads - 1 : max_workers;
    workers_.reset(new (std::nothrow) std::thread[static_cast<std::size_t>(wanted)]);
    if (workers_ == nullptr) return;
    for (index i = 0; i < wanted; ++i, ++started_)
      workers_[static_cast<std::size_t>(i)] = std::thread([this] { work<Unit>(); });
  }
  ASHLAR_INLINE ~thread_pool() { join(); }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  [[nodiscard]] ASHLAR_INLINE index concurrency() const { return started_ + 1; }

  template <class F>
  ASHLAR_INLINE void parallel_for(index tasks, const F& f) {
    run(tasks, task_ref(f));
  }

 private:
  struct prepare {};
  using gate_word = std::uint64_t;
  static constexpr gate_word open = 1;
  static constexpr gate_word member = 2;
  static constexpr gate_word members = 0xfffe;
  static constexpr gate_word loop = 0x10000;
  static constexpr index max_workers = 0x7fff;
  // About 20 us of pauses on current machines: longer than the gap between the loops of one operation, shorter than a
  // time slice. Sleeping and waking costs 5 to 50 us.
  static constexpr int spins = 1000;

  ASHLAR_INLINE thread_pool(distribution how, prepare) : how_(how) {}

  template <class Unit = detail::this_unit>
  void run(index tasks, task_ref f) {
    if (tasks <= 1 || started_ == 0 || busy_.exchange(true, std::memory_order_acquire)) {
      for (index t = 0; t < tasks; ++t) f(t);
      return;
    }
    // The gate is closed and empty, so nobody reads these.
    task_ = f;
    tasks_ = tasks;
    runs_ = how_ == distribution::blocked && tasks > concurrency() ? concurrency() : tasks;
    next_.store(0, std::memory_order_relaxed);
    gate_.store(((gate_.load(std::memory_order_relaxed) & ~(loop - 1)) + loop) | open);
    if (sleepers_.load() != 0) wake(wake_);
    claim<Unit>();
    const gate_word left = gate_.fetch_sub(open, std::memory_order_acq_rel) - open;
    if ((left & members) != 0) await_members<Unit>();
    busy_.store(false, std::memory_order_release);
  }

  template <class Unit>
  void work() {
    gate_word seen = 0;
    while (await_open<Unit>(seen)) {
      gate_word g = gate_.load(std::memory_order_relaxed);
      while (is_new(g, seen) && !gate_.compare_exchange_weak(g, g + member, std::memory_order_acquire)) {
      }
      if (!is_new(g, seen)) continue;
      seen = g & ~(loop - 1);
      claim<Unit>();
      const gate_word left = gate_.fetch_sub(member, std::memory_order_acq_rel) - member;
      if ((left & (members | open)) == 0) wake(done_);
    }
  }

  // A run is one task, or one block of neighbours.
  template <class Unit>
  void claim() {
    const task_ref task = task_;
    const index runs = runs_, whole = tasks_ / runs_, extra = tasks_ % runs_;
    for (index r; (r = next_.fetch_add(1, std::memory_order_relaxed)) < runs;) {
      const index first = r * whole + (r < extra ? r : extra);
      const index last = first + whole + (r < extra);
      for (index t = first; t < last; ++t) task(t);
    }
  }

  ASHLAR_INLINE static bool is_new(gate_word g, gate_word seen) { return (g & open) != 0 && (g & ~(loop - 1)) != seen; }

  // False when the pool is being destroyed.
  template <class Unit>
  bool await_open(gate_word seen) {
    for (int i = 0; i < spins; ++i, detail::pause()) {
      if (is_new(gate_.load(std::memory_order_relaxed), seen)) return true;
    }
    std::unique_lock lock(mutex_);
    // Announce first, look second; run() opens first, looks for sleepers second: one of the two sees the other.
    sleepers_.fetch_add(1);
    while (!stopping_ && !is_new(gate_.load(), seen)) wake_.wait(lock);
    sleepers_.fetch_sub(1);
    return !stopping_;
  }

  template <class Unit>
  void await_members() {
    for (int i = 0; i < spins; ++i, detail::pause()) {
      if ((gate_.load(std::memory_order_acquire) & members) == 0) return;
    }
    std::unique_lock lock(mutex_);
    while ((gate_.load(std::memory_order_acquire) & members) != 0) done_.wait(lock);
  }

  // Passing through the mutex puts the notification after the check of whoever is about to sleep.
  ASHLAR_INLINE void wake(std::condition_variable& sleepers) {
    mutex_.lock();
    mutex_.unlock();
    sleepers.notify_all();
  }

  ASHLAR_INLINE void join() {
    mutex_.lock();
    stopping_ = true;
    mutex_.unlock();
    wake_.notify_all();
    for (index i = 0; i < started_; ++i) workers_[static_cast<std::size_t>(i)].join();
  }

  // The gate and the counter are written by every thread: each has a cache line (two, as prefetchers fetch pairs).
  alignas(128) std::atomic<gate_word> gate_{0};
  alignas(128) std::atomic<index> next_{0};
  alignas(128) task_ref task_;
  index tasks_ = 0;
  index runs_ = 0;
  std::atomic<bool> busy_{false};
  std::atomic<int> sleepers_{0};
  const distribution how_;
  bool stopping_ = false;  // under mutex_
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable done_;
  std::unique_ptr<std::thread[]> workers_;
  index started_ = 0;
};
static_assert(executor<thread_pool>);

}  // namespace ashlar
