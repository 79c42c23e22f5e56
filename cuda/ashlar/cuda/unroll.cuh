// SPDX-License-Identifier: Apache-2.0
//
// cuda/unroll.cuh: how a loop is written out in device code; nothing is said to the compiler of the host.
//
//   ASHLAR_UNROLL_ALL      the next loop, whole: an array indexed by it stays in registers
//   ASHLAR_UNROLL_BY(n)    n turns at once; n may be a constant of a template, and 1 keeps the loop as it is
//
// Depends on: nothing.   Used by: kernels whose bodies also run on a CPU in tests.
#pragma once

#if defined(__CUDA_ARCH__)
#define ASHLAR_PRAGMA(words) _Pragma(#words)
#define ASHLAR_UNROLL_ALL ASHLAR_PRAGMA(unroll)
#define ASHLAR_UNROLL_BY(count) ASHLAR_PRAGMA(unroll count)
#else
#define ASHLAR_UNROLL_ALL
#define ASHLAR_UNROLL_BY(count)
#endif
