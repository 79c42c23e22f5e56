// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/device_memory.cuh: arrays on both sides of the bus, poisoned and guarded.
#pragma once

#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace ashlar_test {

inline void require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

inline bool has_device() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

// An array of T on the host and its copy on the device. `guard` elements of all ones lie before and behind it there.
template <class T>
class device_array {
 public:
  static constexpr std::size_t guard = 512 / sizeof(T);

  explicit device_array(std::size_t size) : host(size), whole_(size + 2 * guard) {
    require(cudaMalloc(reinterpret_cast<void**>(&memory_), whole_ * sizeof(T)), "cudaMalloc");
    poison();
  }
  device_array(const device_array&) = delete;
  ~device_array() { cudaFree(memory_); }

  T* data() const { return memory_ + guard; }
  // Every byte 0xFF: NaN, or -1.
  void poison() { require(cudaMemset(memory_, 0xFF, whole_ * sizeof(T)), "cudaMemset"); }
  void upload() { require(cudaMemcpy(data(), host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice), "upload"); }
  // To host; true when both guards are as they were.
  bool download() {
    std::vector<unsigned char> bytes(whole_ * sizeof(T));
    require(cudaMemcpy(bytes.data(), memory_, bytes.size(), cudaMemcpyDeviceToHost), "download");
    std::memcpy(static_cast<void*>(host.data()), bytes.data() + guard * sizeof(T), host.size() * sizeof(T));
    bool whole = true;
    for (std::size_t i = 0; i < guard * sizeof(T); ++i)
      whole &= bytes[i] == 0xFF && bytes[bytes.size() - 1 - i] == 0xFF;
    return whole;
  }

  std::vector<T> host;

 private:
  T* memory_ = nullptr;
  std::size_t whole_;
};

}  // namespace ashlar_test
