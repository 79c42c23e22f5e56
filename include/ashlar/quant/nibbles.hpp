// SPDX-License-Identifier: Apache-2.0
//
// quant/nibbles.hpp: 4-bit integers, two a byte, the even one in the low half: how files keep int4 weights.
//
//   unpack_nibbles(bytes, count, numbers)     to std::int8_t (-8 to 7) or std::uint8_t (0 to 15)
//   pack_nibbles(numbers, count, bytes)       their low four bits
//
// gemm and convolutions take such weights as bytes: unpack once, before packing.
//
// Depends on: core/config.hpp.   Used by: users, through <ashlar/quant.hpp>.
#pragma once

#include <concepts>
#include <cstdint>

#include <ashlar/core/config.hpp>

namespace ashlar {

/// An element that holds a 4-bit number.
template <class T>
concept nibble_holder = std::same_as<T, std::int8_t> || std::same_as<T, std::uint8_t>;

/// numbers[i] = nibble i, sign-extended for std::int8_t. Reads (count + 1) / 2 bytes, writes `count` numbers.
///
///     unpack_nibbles(weights_of_file, k * n, weights);       pack_weights(view(weights, k, n), storage);
///
/// Allocates nothing; bytes and numbers are distinct memory. Source: ONNX int4 and uint4; TensorFlow Lite; CMSIS-NN.
template <nibble_holder T, class Unit = detail::this_unit>
constexpr void unpack_nibbles(const std::uint8_t* bytes, index count, T* numbers) {
  const auto number = [](unsigned nibble) {
    return static_cast<T>(std::same_as<T, std::int8_t> ? int(nibble ^ 8u) - 8 : int(nibble));
  };
  for (index i = 0; i + 1 < count; i += 2) {
    numbers[i] = number(bytes[i / 2] & 15u);
    numbers[i + 1] = number(bytes[i / 2] >> 4);
  }
  if (count % 2 != 0) numbers[count - 1] = number(bytes[count / 2] & 15u);
}

/// The inverse: byte i / 2 has the low four bits of number i; the half after an odd count is 0. Whoever packs sees to
/// the range.
///
///     pack_nibbles(weights, k * n, bytes);       // (k * n + 1) / 2 bytes
template <nibble_holder T, class Unit = detail::this_unit>
constexpr void pack_nibbles(const T* numbers, index count, std::uint8_t* bytes) {
  for (index i = 0; i < count; i += 2) {
    const unsigned low = unsigned(numbers[i]) & 15u, high = i + 1 < count ? unsigned(numbers[i + 1]) & 15u : 0u;
    bytes[i / 2] = static_cast<std::uint8_t>(low | high << 4);
  }
}

}  // namespace ashlar
