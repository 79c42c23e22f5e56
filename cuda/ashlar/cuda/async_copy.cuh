// SPDX-License-Identifier: Apache-2.0
//
// cuda/async_copy.cuh: copies from global to shared memory that do not wait: cp.async.
//
//   async_copy<16>(shared, global);  async_commit();  async_wait<1>();      all groups but the newest have arrived
//
// Before sm_80, and on the host, a copy is a copy and there is nothing to wait for. A thread sees what it has copied
// itself; the others see it after a barrier. A test on the host may define ASHLAR_MODEL_COPIES and three functions,
// model_copy, model_commit and model_wait, to let copies arrive as late as they may.
//
// Depends on: arch.cuh.   Used by: simt_panel.cuh.
#pragma once

#include <ashlar/core/config.hpp>
#include <ashlar/cuda/arch.cuh>
#include <cstddef>
#include <cstring>

namespace ashlar::cuda::detail {

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
#define ASHLAR_CP_ASYNC 1
#else
#define ASHLAR_CP_ASYNC 0
#endif

// `bytes` of `size`, then zeros.
ASHLAR_INLINE void host_copy(void* shared, const void* global, int bytes, int size) {
#if defined(ASHLAR_MODEL_COPIES)
  model_copy(shared, global, bytes, size);
#else
  std::memcpy(shared, global, std::size_t(bytes));
  std::memset(static_cast<char*>(shared) + bytes, 0, std::size_t(size - bytes));
#endif
}

/// Bytes is 4, 8 or 16, and both addresses are multiples of it.
template <int Bytes>
ASHLAR_INLINE void async_copy(void* shared, const void* global) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
#if ASHLAR_CP_ASYNC
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  if constexpr (Bytes == 16) {  // past L1: it is not read again from there
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(global) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(to), "l"(global), "n"(Bytes) : "memory");
  }
#else
  host_copy(shared, global, Bytes, Bytes);
#endif
}

/// The first `bytes` of 16, then zeros; nothing is read past `bytes`.
ASHLAR_INLINE void async_copy_part(void* shared, const void* global, int bytes) {
#if ASHLAR_CP_ASYNC
  const auto to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(bytes) : "memory");
#else
  host_copy(shared, global, bytes, 16);
#endif
}

/// What this thread has copied since the last commit is a group, empty or not.
ASHLAR_INLINE void async_commit() {
#if ASHLAR_CP_ASYNC
  asm volatile("cp.async.commit_group;" ::: "memory");
#elif defined(ASHLAR_MODEL_COPIES)
  model_commit();
#endif
}

/// Until at most the Newest last groups of this thread are on their way.
template <int Newest>
ASHLAR_INLINE void async_wait() {
#if ASHLAR_CP_ASYNC
  asm volatile("cp.async.wait_group %0;" ::"n"(Newest) : "memory");
#elif defined(ASHLAR_MODEL_COPIES)
  model_wait(Newest);
#endif
}

#undef ASHLAR_CP_ASYNC

}  // namespace ashlar::cuda::detail
