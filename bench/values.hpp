// SPDX-License-Identifier: Apache-2.0
// bench/values.hpp: the element types, memory for them, and what the operands hold.
//
// Used by: machine.hpp, session.hpp, gemm_problems.hpp, gemm_operands.hpp, conv_operands.hpp.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace bench {

enum class dtype { f32, f64 };
inline const char* name_of(dtype t) { return t == dtype::f64 ? "f64" : "f32"; }

struct free_memory {
  void operator()(void* p) const { std::free(p); }
};
template <class T>
using buffer = std::unique_ptr<T[], free_memory>;

template <class T>
buffer<T> allocate(std::int64_t count) {
  const auto bytes = (static_cast<std::size_t>(count) * sizeof(T) + 127) / 64 * 64;
  return buffer<T>(static_cast<T*>(std::aligned_alloc(64, bytes)));
}

// Uniform in [-1, 1], the same on every machine.
template <class T>
void fill(T* data, std::int64_t count, std::uint64_t seed) {
  std::uint64_t x = seed;
  for (std::int64_t i = 0; i < count; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    data[i] = static_cast<T>(static_cast<std::int32_t>(x >> 32)) / T(2147483648.0);
  }
}

}  // namespace bench
