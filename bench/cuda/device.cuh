// SPDX-License-Identifier: Apache-2.0
// bench/cuda/device.cuh: the CUDA runtime with its errors as exceptions and its objects owned: memory, stream, events,
// and the question whether there is a device at all.
//
// Used by: everything here but contender.hpp.
#pragma once
#include <cuda_runtime.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace bench {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline std::string place(const std::source_location& at) {
  const std::string file = at.file_name();
  return file.substr(file.find_last_of('/') + 1) + ":" + std::to_string(at.line());
}

inline void require(cudaError_t e, const std::source_location& at = std::source_location::current()) {
  if (e != cudaSuccess) throw failure(place(at) + ": " + cudaGetErrorName(e) + ": " + cudaGetErrorString(e));
}

// A C library's handle, given back by `Release`.
template <class Handle, auto Release>
class owned {
 public:
  owned() = default;
  explicit owned(Handle handle) : handle_(handle) {}
  owned(owned&& other) noexcept : handle_(std::exchange(other.handle_, Handle{})) {}
  owned& operator=(owned&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~owned() {
    if (handle_) static_cast<void>(Release(handle_));  // nothing to be done about an error here
  }
  Handle get() const { return handle_; }
  Handle* out() { return &handle_; }

 private:
  Handle handle_{};
};

using stream = owned<cudaStream_t, cudaStreamDestroy>;
using event = owned<cudaEvent_t, cudaEventDestroy>;
using device_memory = owned<void*, cudaFree>;

inline stream make_stream() {
  stream s;
  require(cudaStreamCreateWithFlags(s.out(), cudaStreamNonBlocking));
  return s;
}
inline event make_event() {
  event e;
  require(cudaEventCreate(e.out()));
  return e;
}
inline device_memory allocate(std::size_t bytes) {
  device_memory memory;
  if (bytes) require(cudaMalloc(memory.out(), bytes));
  return memory;
}

// Waits for the stream. A kernel that hangs would make every destructor hang that waits for the device, so after
// `seconds` the program says what it was waiting for, and ends.
inline void wait(cudaStream_t s, double seconds, const std::string& what,
                 const std::source_location& at = std::source_location::current()) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + std::chrono::duration<double>(seconds);
  cudaError_t state;
  while ((state = cudaStreamQuery(s)) == cudaErrorNotReady) {
    if (clock::now() > end) {
      std::printf("HANGS: %s: still running after %.0f s\n", what.c_str(), seconds);
      std::fflush(stdout);
      std::_Exit(EXIT_FAILURE);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(20));
  }
  require(state, at);
}

inline cudaDeviceProp device_properties() {
  cudaDeviceProp p;
  require(cudaGetDeviceProperties(&p, 0));
  return p;
}

// An empty string where device 0 can run the kernels of this program; otherwise why not.
inline std::string missing_device() {
  int count = 0;
  if (const cudaError_t e = cudaGetDeviceCount(&count); e != cudaSuccess) return cudaGetErrorString(e);
  if (count == 0) return "no CUDA device is visible";
  const cudaDeviceProp p = device_properties();
  if (p.major == 9 && p.minor == 0) return "";
  return std::string("these kernels are for compute capability 9.0, but ") + p.name + " has " +
         std::to_string(p.major) + "." + std::to_string(p.minor);
}

}  // namespace bench
