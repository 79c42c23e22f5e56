// SPDX-License-Identifier: Apache-2.0
// bench/machine.hpp: what this core can do at this moment: fused multiply-adds a second, and bytes read a second from
// each cache.
//
// Both are also timed inside every round of a problem, so that "% of peak" never compares two moments of a drifting
// clock.
//
// Used by: session.hpp.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "values.hpp"

namespace bench {

// Runs about `flops` floating-point operations (two for a fused multiply-add) in independent chains; returns how many
// exactly.
double fma_burst(dtype type, double flops);

// How memory is read: in so many streams side by side, each prefetched `ahead` bytes (0: not).
struct read_pattern {
  std::size_t streams, ahead;
};

// Reads [data, data + bytes) once; `bytes` is a multiple of 2048. Returns a checksum.
std::uint64_t read_stream(const std::byte* data, std::size_t bytes, read_pattern pattern);

// The pattern with which a buffer of this size is read fastest, again and again: four streams may be half as fast again
// as one.
read_pattern best_pattern(const std::byte* data, std::size_t bytes);

struct read_level {
  const char* name;
  std::size_t bytes;  // size of the buffer that is read again and again
  double rate = 0;    // bytes a second
};

struct machine {
  double fma_f32 = 0, fma_f64 = 0;  // flops a second
  double dot_u8s8 = 0;              // the same of exact products of bytes; 0 where it has not been measured
  double dot_bf16 = 0;              // and of the ISA's own products of bf16, 0 where it has none
  std::array<read_level, 4> levels{{{"L1", 24u << 10}, {"L2", 512u << 10}, {"L3", 8u << 20}, {"DRAM", 256u << 20}}};

  double fma(dtype type) const {
    if (type == dtype::u8s8 && dot_u8s8 > 0) return dot_u8s8;
    if (type == dtype::bf16 && dot_bf16 > 0) return dot_bf16;
    return type == dtype::f64 ? fma_f64 : fma_f32;
  }
  // The level a working set of this size is read from.
  const read_level& level(double bytes) const {
    for (const auto& l : levels)
      if (bytes <= 2.0 * double(l.bytes)) return l;
    return levels.back();
  }
};

// About half a second. `data` holds at least 256 MiB.
machine measure_machine(const std::byte* data);

}  // namespace bench
