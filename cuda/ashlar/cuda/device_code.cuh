// SPDX-License-Identifier: Apache-2.0
//
// cuda/device_code.cuh: the word before a function of a kernel: device code for nvcc, plain C++ for tests on a CPU.
//
// Depends on: nothing.   Used by: kernels whose machine is a policy (device_warp.cuh).
#pragma once

#if defined(__CUDACC__)
#define ASHLAR_DEVICE __device__ __forceinline__
#else
#define ASHLAR_DEVICE inline
#endif
