// SPDX-License-Identifier: Apache-2.0
//
// cuda/arch.cuh: for which GPU this pass of the compiler is: kernels have an empty body where they cannot run.
//
// Depends on: core/config.hpp.   Used by: every kernel.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::cuda {

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
