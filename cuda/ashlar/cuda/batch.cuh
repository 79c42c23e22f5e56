// SPDX-License-Identifier: Apache-2.0
//
// cuda/batch.cuh: a strided batch: how many products, and the elements from one matrix to the next.
//
// Depends on: core/config.hpp.   Used by: every GEMM kernel.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::cuda {

/// Product p reads A + p * a and B + p * b and writes C + p * c (elements). A stride of 0 shares an operand.
struct batch_strides {
  index count = 1;
  index a = 0, b = 0, c = 0;
};

}  // namespace ashlar::cuda
