// SPDX-License-Identifier: Apache-2.0
//
// cuda/batch.cuh: a batch of products whose matrices lie at equal distances.
//
//   problem p   ->   A at a.data() + p * batch.a,  B at b.data() + p * batch.b,  C at c.data() + p * batch.c
//
// Depends on: core/config.hpp.   Used by: every GEMM kernel.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::cuda {

/// How many problems, and how far apart in elements; signed, and 0 shares a matrix (not C). One problem by default.
struct batch_strides {
  index count = 1;
  index a = 0, b = 0, c = 0;
};

}  // namespace ashlar::cuda
