// SPDX-License-Identifier: Apache-2.0
//
// cuda/launch.cuh: calls of the CUDA runtime as statuses, and the few facts of the current device.
//
// Depends on: core/status.hpp.   Used by: every operation.
#pragma once

#include <cuda_runtime.h>
#include <ashlar/core/status.hpp>

namespace ashlar::cuda {

/// What the kernels need to know of a device.
struct device_facts {
  int device;      // its number
  int capability;  // compute capability, 90 for 9.0
  int multiprocessors;
  int shared_bytes;  // most shared memory of a block
};

namespace detail {

/// ok, or the runtime's own words:  "gemm: cudaFuncSetAttribute: invalid device function".
template <class Unit = ashlar::detail::this_unit>
status checked(cudaError_t error, const char* who, const char* what) {
  if (error == cudaSuccess) return {};
  (void)cudaGetLastError();  // the next launch must not report it again
  const bool missing =
      error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver || error == cudaErrorNoKernelImageForDevice;
  return status::error(missing ? errc::unsupported : errc::device_error, "%s: %s: %s", who, what,
                       cudaGetErrorString(error));
}

template <class Unit = ashlar::detail::this_unit>
result<device_facts> current_device(const char* who) {
  device_facts d{};
  int major = 0, minor = 0;
  const auto ask = [&](int& value, cudaDeviceAttr attribute) {
    return cudaDeviceGetAttribute(&value, attribute, d.device);
  };
  if (status s = checked(cudaGetDevice(&d.device), who, "cudaGetDevice"); !s.ok()) return s;
  for (const auto& [value, attribute] : {std::pair<int*, cudaDeviceAttr>{&major, cudaDevAttrComputeCapabilityMajor},
                                         {&minor, cudaDevAttrComputeCapabilityMinor},
                                         {&d.multiprocessors, cudaDevAttrMultiProcessorCount},
                                         {&d.shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin}}) {
    if (status s = checked(ask(*value, attribute), who, "cudaDeviceGetAttribute"); !s.ok()) return s;
  }
  d.capability = 10 * major + minor;
  return d;
}

/// Is the kernel in this program, or was it compiled for other devices only? An empty body needs few registers, that of
/// a kernel with matrix instructions many.
template <class Unit = ashlar::detail::this_unit>
bool has_body(const void* kernel) {
  cudaFuncAttributes attributes{};
  const bool known = cudaFuncGetAttributes(&attributes, kernel) == cudaSuccess;
  if (!known) (void)cudaGetLastError();
  return known && attributes.numRegs > 64;
}

}  // namespace detail
}  // namespace ashlar::cuda
