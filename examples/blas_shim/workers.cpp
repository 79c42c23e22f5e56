// SPDX-License-Identifier: Apache-2.0
//
// workers.cpp: a thread pool made on first use, without a lock and without anything that runs before main or after it.
//
// Depends on: workers.hpp, ashlar/core/executors/thread_pool.hpp.
#include "workers.hpp"

#include <pthread.h>

#include <ashlar/core/executors/thread_pool.hpp>
#include <atomic>
#include <cstdlib>

namespace ashlar_blas {
namespace {

// Never destroyed: another library's destructor may still multiply, and workers may not be joined after fork().
constinit std::atomic<ashlar::thread_pool*> shared_pool{nullptr};

// A child process has no workers: it starts its own when it needs them.
void forget_pool() { shared_pool.store(nullptr, std::memory_order_relaxed); }

ashlar::thread_pool* make_pool() {
  try {
    return new ashlar::thread_pool(threads_wanted());
  } catch (...) {
    return nullptr;  // no thread or no memory left: this call runs on its own thread
  }
}

ashlar::thread_pool* pool() {
  if (auto* ready = shared_pool.load(std::memory_order_acquire)) return ready;
  static const int registered = pthread_atfork(nullptr, nullptr, forget_pool);
  (void)registered;
  ashlar::thread_pool* mine = make_pool();
  ashlar::thread_pool* theirs = nullptr;
  if (!mine || shared_pool.compare_exchange_strong(theirs, mine, std::memory_order_acq_rel)) return mine;
  delete mine;  // another thread was first
  return theirs;
}

void run_on_pool(void* p, index tasks, ashlar::task_ref f) {
  static_cast<ashlar::thread_pool*>(p)->parallel_for(tasks, f);
}

}  // namespace

int threads_wanted() {
  static const int wanted = [] {
    const char* text = std::getenv("ASHLAR_NUM_THREADS");
    const long n = text ? std::strtol(text, nullptr, 10) : 1;
    return n < 1 ? 1 : n > 1024 ? 1024 : static_cast<int>(n);
  }();
  return wanted;
}

workers workers_for(index m, index n, index k) {
  // A sleeping pool takes 5 to 50 us to wake; 128^3 multiply-adds take as long as that on one core.
  constexpr double worth_waking = 128.0 * 128.0 * 128.0;
  if (threads_wanted() == 1 || double(m) * double(n) * double(k) < worth_waking) return {};
  ashlar::thread_pool* const p = pool();
  return p ? workers{p, p->concurrency(), run_on_pool} : workers{};
}

}  // namespace ashlar_blas
