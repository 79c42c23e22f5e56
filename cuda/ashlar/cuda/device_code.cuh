// SPDX-License-Identifier: Apache-2.0
//
// cuda/device_code.cuh: the words before a function of a kernel: device code for nvcc, plain C++ for tests on a CPU.
//
// Depends on: nothing.   Used by: kernels whose machine is a policy (device_warp.cuh).
#pragma once

#if defined(__CUDACC__)
#define ASHLAR_DEVICE __device__ __forceinline__
#define ASHLAR_UNROLL _Pragma("unroll")    // the next loop, whole
#define ASHLAR_ROLLED _Pragma("unroll 1")  // the next loop, not at all
#else
#define ASHLAR_DEVICE inline
#define ASHLAR_UNROLL
#define ASHLAR_ROLLED
#endif
