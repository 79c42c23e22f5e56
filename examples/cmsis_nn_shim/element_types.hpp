// SPDX-License-Identifier: Apache-2.0
//
// element_types.hpp: what CMSIS-NN's suffixes stand for, and the epilogue of sums of either width.
//
// Used by: convolution.hpp, product.hpp.
#pragma once

#include <ashlar/conv.hpp>
#include <ashlar/quant.hpp>
#include <concepts>
#include <cstdint>

#include "ashlar_cmsis_nn.h"

namespace shim {

using ashlar::index;

struct s8 {
  using element = std::int8_t;  // of input and output
  using sum = std::int32_t;     // and of the bias
  using types = ashlar::conv_types<std::int8_t, std::int8_t, std::int8_t>;
  static constexpr bool nibbles = false;  // are weights two a byte?
};
struct s4 : s8 {
  static constexpr bool nibbles = true;
};
struct s16 {
  using element = std::int16_t;
  using sum = std::int64_t;
  using types = ashlar::wide_conv_types<std::int16_t, std::int8_t, std::int16_t>;
  static constexpr bool nibbles = false;
};
// s16 whose bias has 32 bits: then so have the sums, and they are rounded as those of s8.
struct s16_in_32_bits : s16 {
  using sum = std::int32_t;
  using types = ashlar::conv_types<std::int16_t, std::int8_t, std::int16_t>;
};

template <class T>
inline constexpr bool has_zero_points = std::same_as<typename T::element, std::int8_t>;

// The weight of this index in memory.
template <class T>
std::int8_t weight(const std::int8_t* weights, index i) {
  if constexpr (!T::nibbles) return weights[i];
  std::int8_t pair[2];
  ashlar::unpack_nibbles(reinterpret_cast<const std::uint8_t*>(weights) + i / 2, 2, pair);
  return pair[i % 2];
}

template <class Sum>
auto epilogue(const Sum* bias, const std::int32_t* multiplier, const std::int32_t* shift, std::int32_t offset,
              const cmsis_nn_activation& range) {
  using namespace ashlar;
  if constexpr (std::same_as<Sum, std::int64_t>) {
    return requantize<tflite>(acc + per_column(bias), cast(per_column(multiplier)), cast(per_column(shift)), offset,
                              range.min, range.max);
  } else {
    return requantize<tflite>(acc + per_column(bias), per_column(multiplier), per_column(shift), offset, range.min,
                              range.max);
  }
}

}  // namespace shim
