// SPDX-License-Identifier: Apache-2.0
//
// conv/algorithm.hpp: the names of the ways to compute a convolution, and the tolerance that admits them.
//
// Depends on: core/config.hpp.   Used by: conv/packed_filter.hpp, conv/plan.hpp.
#pragma once

#include <ashlar/core/config.hpp>
#include <cstdint>

namespace ashlar {

/// Ways to compute a convolution. All but Winograd's give the bits of the reference. Values are stored in blobs.
enum class conv_algorithm : std::uint32_t {
  implicit_gemm = 1,      // contraction over pixel rows: any dense geometry
  depthwise = 2,          // a channel a group
  grouped = 3,            // few channels a group
  parity_classes = 4,     // transposed with a stride: a contraction for each class of dst pixels
  seven_bits = 5,         // implicit_gemm of bytes, its weights packed as numbers within [-64, 64]
  depthwise_classes = 6,  // the same of a filter a channel
  winograd_2x2 = 18,      // F(m x m, 3 x 3): 16 + m
  winograd_4x4 = 20,
  winograd_6x6 = 22,
};

/// For logs and messages:  name(conv_algorithm::depthwise) == "depthwise".
ASHLAR_INLINE constexpr const char* name(conv_algorithm a) {
  switch (a) {
    case conv_algorithm::implicit_gemm:
      return "implicit_gemm";
    case conv_algorithm::depthwise:
      return "depthwise";
    case conv_algorithm::grouped:
      return "grouped";
    case conv_algorithm::parity_classes:
      return "parity_classes";
    case conv_algorithm::depthwise_classes:
      return "depthwise_classes";
    case conv_algorithm::seven_bits:
      return "seven_bits";
    case conv_algorithm::winograd_2x2:
      return "winograd_2x2";
    case conv_algorithm::winograd_4x4:
      return "winograd_4x4";
    case conv_algorithm::winograd_6x6:
      return "winograd_6x6";
  }
  return "unknown";
}

/// Option of plan_conv: the largest error, relative to the largest |dst|, that an algorithm may be expected to make.
/// 0, the default, is the reference bit for bit.   plan_conv2d<float>(problem, tolerance(1e-4))
struct tolerance {
  double value;
  ASHLAR_INLINE constexpr explicit tolerance(double v) : value(v) {}
};

}  // namespace ashlar
