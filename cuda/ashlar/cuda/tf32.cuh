// SPDX-License-Identifier: Apache-2.0
//
// cuda/tf32.cuh: the element type that asks for TF32: float in memory, multiplied with 11 significant bits.
//
// Depends on: nothing.   Used by: sm90_elements.cuh, mma_element.cuh.
#pragma once

namespace ashlar::cuda {

/// A float that the matrix unit may read as TF32: 8 bits of exponent, 10 of fraction.
struct tf32 {
  float value;
};

}  // namespace ashlar::cuda
