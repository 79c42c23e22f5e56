// SPDX-License-Identifier: Apache-2.0
//
// conv/algorithm.hpp: the names of the ways to compute a convolution, and the tolerance that admits them.
//
// Depends on: core/config.hpp.   Used by: conv/packed_filter.hpp, conv/plan.hpp.
#pragma once

#include <array>
#include <ashlar/core/config.hpp>
#include <cstdint>
#include <type_traits>

namespace ashlar {

/// Ways to compute a convolution. All but Winograd's of floats give the bits of the reference. Values are stored in
/// blobs.
enum class conv_algorithm : std::uint32_t {
  implicit_gemm = 1,          // contraction over pixel rows: any dense geometry
  depthwise = 2,              // a channel a group
  grouped = 3,                // few channels a group
  parity_classes = 4,         // transposed with a stride: a contraction for each class of dst pixels
  seven_bits = 5,             // implicit_gemm of bytes, its weights packed as numbers within [-64, 64]
  depthwise_classes = 6,      // parity_classes of a filter a channel
  winograd_2x2 = 16 * 2 + 2,  // tiles of m x n pixels, whatever the kernel: 16 m + n (winograd_tiles)
  winograd_4x4 = 16 * 4 + 4,
  winograd_6x6 = 16 * 6 + 6,
};

/// Winograd's algorithm with tiles of rows x columns pixels, 1 to 15 of each.
///     name(winograd_tiles(1, 4)) == "winograd_1x4"
ASHLAR_INLINE constexpr conv_algorithm winograd_tiles(int rows, int columns) {
  return static_cast<conv_algorithm>(16 * rows + columns);
}
ASHLAR_INLINE constexpr bool is_winograd(conv_algorithm a) {
  const auto tile = static_cast<std::uint32_t>(a);
  return tile < 256 && tile / 16 > 0 && tile % 16 > 0;
}

namespace detail {

// "winograd_MxN" for every tile.
template <class Unit = this_unit>
inline constexpr auto winograd_names = [] {
  std::array<std::array<char, 16>, 256> all{};
  for (unsigned tile = 0; tile < 256; ++tile) {
    unsigned length = 0;
    const auto add = [&](char c) { all[tile][length++] = c; };
    const auto number = [&](unsigned n) {
      if (n > 9) add('1');
      add(char('0' + n % 10));
    };
    for (char c : {'w', 'i', 'n', 'o', 'g', 'r', 'a', 'd', '_'}) add(c);
    number(tile / 16), add('x'), number(tile % 16);
  }
  return all;
}();

}  // namespace detail

/// For logs and messages:  name(conv_algorithm::depthwise) == "depthwise".
ASHLAR_HOST_INLINE constexpr const char* name(conv_algorithm a) {
  if (is_winograd(a)) {
    auto tile = static_cast<std::uint32_t>(a);
    if (!std::is_constant_evaluated()) asm("" : "+r"(tile));  // g++ 12 warns that a row which it knows has no end
    return detail::winograd_names<>[tile].data();
  }
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
    default:
      return "unknown";
  }
}

/// Option of plan_conv: the largest error, relative to the largest |dst|, that an algorithm may be expected to make.
/// 0, the default, is the reference bit for bit.   plan_conv2d<float>(problem, tolerance(1e-4))
struct tolerance {
  double value;
  ASHLAR_INLINE constexpr explicit tolerance(double v) : value(v) {}
};

}  // namespace ashlar
