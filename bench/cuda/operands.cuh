// SPDX-License-Identifier: Apache-2.0
// bench/cuda/operands.cuh: the memory of one problem: as many buffer sets as together are more than three times the L2,
// each filled with its own random values, and a workspace.
//
// Depends on: random.cuh.   Used by: session.cuh.
#pragma once
#include <algorithm>

#include "random.cuh"

namespace bench {

inline constexpr std::size_t workspace_size = 64u << 20;

// Two sets at least, and no more than 64: a problem so small would be all launch overhead.
inline int sets_beyond_l2(const operand_shape& shape, std::size_t l2_bytes) {
  const index wanted = index(3 * l2_bytes) / std::max<index>(1, shape.bytes()) + 1;
  return int(std::clamp<index>(wanted, 2, 64));
}

class operand_memory {
 public:
  operand_memory(const operand_shape& shape, int sets, cudaStream_t s) : shape_(shape) {
    for (int i = 0; i < sets; ++i) add_set(std::uint64_t(i), s);
    buffers_.workspace = keep(workspace_size);
    buffers_.workspace_bytes = workspace_size;
    require(cudaStreamSynchronize(s));
  }
  const buffers& get() const { return buffers_; }
  int sets() const { return int(buffers_.sets.size()); }
  std::size_t result_bytes() const { return std::size_t(shape_.c * bytes_of(shape_.output)); }

 private:
  void* keep(std::size_t bytes) {
    memory_.push_back(allocate(bytes));
    return memory_.back().get();
  }
  void* random(element e, index count, std::uint64_t seed, cudaStream_t s) {
    void* values = keep(std::size_t(count * bytes_of(e)));
    fill(values, e, count, seed, s);
    return values;
  }
  void add_set(std::uint64_t i, cudaStream_t s) {
    operand_set set;
    set.a = random(shape_.input, shape_.a, 3 * i, s);
    set.b = random(shape_.input, shape_.b, 3 * i + 1, s);
    set.bias = random(shape_.output, shape_.bias, 3 * i + 2, s);
    set.c = keep(result_bytes());
    buffers_.sets.push_back(set);
  }

  operand_shape shape_;
  std::vector<device_memory> memory_;
  buffers buffers_;
};

}  // namespace bench
