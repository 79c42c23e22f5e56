// SPDX-License-Identifier: Apache-2.0
//
// memory.hpp: where the functions keep packed weights and scratch. Nothing is allocated.
//
//   lent           the caller's context: as many bytes as the function's _get_buffer_size asks for, at any address
//   on_the_stack   64 KiB, for the functions to which CMSIS-NN gives no such size
//
// Used by: convolution.hpp, product.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "ashlar_cmsis_nn.h"

namespace shim {

inline constexpr std::size_t line = 64;
constexpr std::size_t lines(std::size_t size) { return (size + line - 1) / line * line; }

// The parts of some memory, each on a cache line. Their sum is lines() of each, and a line for the address of the
// first.
class parts {
 public:
  explicit parts(std::span<std::byte> memory)
      : at_(reinterpret_cast<std::byte*>(lines(reinterpret_cast<std::uintptr_t>(memory.data())))) {}
  std::span<std::byte> take(std::size_t size) {
    std::byte* const start = at_;
    at_ += lines(size);
    return {start, size};
  }
  template <class T>
  T* take_array(std::size_t count) {
    return reinterpret_cast<T*>(take(count * sizeof(T)).data());
  }

 private:
  std::byte* at_;
};

// The caller's bias, or zeros.
template <class Sum>
const Sum* bias_or_zeros(const Sum* bias, std::size_t outputs, parts& memory) {
  Sum* const zeros = memory.take_array<Sum>(outputs);
  if (bias) return bias;
  std::fill(zeros, zeros + outputs, Sum(0));
  return zeros;
}

// A size as CMSIS-NN has it; -1 where it is more than that can say.
constexpr std::int32_t whole(std::size_t size) {
  return size > std::size_t(std::numeric_limits<std::int32_t>::max()) ? -1 : std::int32_t(size);
}

// The memory of a context: as much as it says, or, where it says 0, as was promised. None where that is too little.
inline std::span<std::byte> lent(const cmsis_nn_context* ctx, std::int32_t promised) {
  if (!ctx || !ctx->buf || promised < 0 || (ctx->size > 0 && ctx->size < promised)) return {};
  return {static_cast<std::byte*>(ctx->buf), std::size_t(std::max(ctx->size, promised))};
}

template <class F>
[[gnu::noinline]] arm_cmsis_nn_status on_the_stack(const F& f) {
  alignas(line) std::byte memory[64 * 1024];
  return f(std::span<std::byte>(memory));
}

}  // namespace shim
