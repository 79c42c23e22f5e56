// SPDX-License-Identifier: Apache-2.0
// bench/own.hpp: what the files that call Ashlar share: the ISA of this executable, its threads, and what becomes of an
// error.
//
// Depends on: <ashlar/core.hpp>, <ashlar/core/executors/thread_pool.hpp>.   Used by: own_gemm.hpp, own_conv.hpp,
// own_gradients.hpp.
#pragma once
#include <ashlar/core.hpp>
#include <ashlar/core/executors/thread_pool.hpp>
#include <ashlar/isa.hpp>
#include <cstdio>
#include <memory>

#define ASHLAR_BENCH_TEXT(x) #x
#define ASHLAR_BENCH_NAME(x) ASHLAR_BENCH_TEXT(x)

namespace bench {

using own_isa = ASHLAR_BENCH_ISA;
inline constexpr const char* own_isa_name = ASHLAR_BENCH_NAME(ASHLAR_BENCH_ISA_NAME);

// The threads of a pool, or the calling one: a single type, so that every kernel is compiled once.
struct own_executor {
  ashlar::thread_pool* pool = nullptr;

  template <class F>
  void parallel_for(ashlar::index tasks, const F& f) const {
    pool ? pool->parallel_for(tasks, f) : ashlar::serial{}.parallel_for(tasks, f);
  }
  ashlar::index concurrency() const { return pool ? pool->concurrency() : 1; }
};

inline std::shared_ptr<ashlar::aligned_buffer> own_memory(std::size_t bytes) {
  return std::make_shared<ashlar::aligned_buffer>(ashlar::aligned_buffer::make(bytes));
}

inline void expect_ok(const ashlar::status& s) {
  if (!s.ok()) [[unlikely]]
    std::fprintf(stderr, "ashlar: %s\n", s.message());
}

}  // namespace bench
