// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/host_team.hpp: a block of a GPU on the CPU: all of its threads, one after the other, from barrier to
// barrier.
//
// Threads take their turns in a new random order in every phase, so a phase in which one thread needs what another does
// shows. Asynchronous copies arrive either at once, over what is still read there, or at the wait that needs them, so
// that a read too early finds poison.
//
// Depends on: support/, and must precede every include of cuda/async_copy.cuh.   Used by: tests/cuda/.
#pragma once

#include <cstddef>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

#include "support/bits.hpp"
#include "support/cases.hpp"

#define ASHLAR_MODEL_COPIES

namespace ashlar::test {

struct pending_copy {
  void* to;
  const void* from;
  int bytes, size;

  void arrive() const {
    std::memcpy(to, from, std::size_t(bytes));
    std::memset(static_cast<char*>(to) + bytes, 0, std::size_t(size - bytes));
  }
};

/// The copies of one block that are on their way: for each thread its groups, the last one open.
struct copy_model {
  bool late = true;
  std::size_t thread = 0;
  std::vector<std::deque<std::vector<pending_copy>>> groups;

  void start(std::size_t threads) { groups.assign(threads, {{}}); }
  void copy(const pending_copy& c) {
    if (late) {
      groups[thread].back().push_back(c);
    } else {
      c.arrive();
    }
  }
  void commit() { groups[thread].emplace_back(); }
  void wait(int newest) {
    auto& g = groups[thread];
    for (; g.size() > std::size_t(newest) + 1; g.pop_front()) {
      for (const pending_copy& c : g.front()) c.arrive();
    }
  }
};
inline copy_model copies;

}  // namespace ashlar::test

namespace ashlar::cuda::detail {
inline void model_copy(void* to, const void* from, int bytes, int size) { test::copies.copy({to, from, bytes, size}); }
inline void model_commit() { test::copies.commit(); }
inline void model_wait(int newest) { test::copies.wait(newest); }
}  // namespace ashlar::cuda::detail

#include <ashlar/cuda/async_copy.cuh>

namespace ashlar::test {

/// All threads of a block; Thread is what one of them keeps in registers.
template <class Thread>
class host_team {
 public:
  host_team(std::size_t threads, random& r) : random_(r), threads_(threads), order_(threads) {
    for (std::size_t t = 0; t < threads; ++t) order_[t] = t;
    std::memset(static_cast<void*>(threads_.data()), 0x7f, threads * sizeof(Thread));
    copies.start(threads);
  }

  template <class F>
  void each(const F& f) const {
    for (std::size_t t = order_.size(); t > 1; --t) {
      std::swap(order_[t - 1], order_[std::size_t(random_.between(0, index(t) - 1))]);
    }
    for (const std::size_t t : order_) {
      copies.thread = t;
      f(threads_[t], int(t));
    }
  }
  template <int Newest>
  void arrive() const {
    each([](Thread&, int) { cuda::detail::async_wait<Newest>(); });
  }

 private:
  random& random_;
  mutable std::vector<Thread> threads_;
  mutable std::vector<std::size_t> order_;
};

}  // namespace ashlar::test
