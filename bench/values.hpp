// SPDX-License-Identifier: Apache-2.0
// bench/values.hpp: the element types, memory for them, and what the operands hold.
//
// Used by: machine.hpp, session.hpp, gemm_problems.hpp, gemm_operands.hpp, conv_network.hpp, conv_check.hpp,
// conv_tensors.hpp.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <type_traits>

namespace bench {

// u8s8: A (or src) of unsigned bytes, B (or weights) of signed ones, C of 32-bit integers. bf16: C of floats.
enum class dtype { f32, f64, u8s8, bf16 };
inline const char* name_of(dtype t) {
  constexpr const char* names[] = {"f32", "f64", "u8s8", "bf16"};
  return names[int(t)];
}

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

// Uniform in [-1, 1], the same on every machine. Unsigned bytes: all of them; signed ones in [-64, 63], so that peers
// whose sums of two products saturate at 16 bits are right, too. 32-bit integers: those of 16 bits.
template <class T>
void fill(T* data, std::int64_t count, std::uint64_t seed) {
  std::uint64_t x = seed;
  for (std::int64_t i = 0; i < count; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    if constexpr (std::is_class_v<T>) {
      data[i] = T(static_cast<float>(static_cast<std::int32_t>(x >> 32)) / 2147483648.0f);
    } else if constexpr (sizeof(T) == 1) {
      data[i] = static_cast<T>(static_cast<T>(x >> 56) >> int(T(-1) < T(0)));
    } else if constexpr (T(0.5) == 0) {
      data[i] = static_cast<T>(static_cast<std::int32_t>(x >> 32) >> 16);
    } else {
      data[i] = static_cast<T>(static_cast<std::int32_t>(x >> 32)) / T(2147483648.0);
    }
  }
}

}  // namespace bench
