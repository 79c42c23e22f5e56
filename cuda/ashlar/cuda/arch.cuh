// SPDX-License-Identifier: Apache-2.0
//
// cuda/arch.cuh: generations of GPUs, as tags: what a kernel is written for, and what a device can run.
//
//   any <- sm75 <- sm80 <- sm89          cp.async, mma.sync; FP8 from sm89
//                       <- sm90a         TMA, wgmma, setmaxnreg, clusters: machine code for compute capability 9.0
//                       alone
//
// Depends on: core/config.hpp.   Used by: every kernel.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::cuda {

namespace arch {
struct sm75 {};
struct sm80 : sm75 {};
struct sm89 : sm80 {};
struct sm90a : sm80 {};
}  // namespace arch

namespace detail {

// Is this pass of the compiler one for sm_90a? Kernels of that generation have an empty body in the others.
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
inline constexpr bool compiling_sm90a = true;
#else
inline constexpr bool compiling_sm90a = false;
#endif

// The compute capability this pass compiles for, times 10 (900 for sm_90); 0 on the host.
#if defined(__CUDA_ARCH__)
inline constexpr int compiling_arch = __CUDA_ARCH__;
#else
inline constexpr int compiling_arch = 0;
#endif

}  // namespace detail
}  // namespace ashlar::cuda
