// SPDX-License-Identifier: Apache-2.0
//
// tests/support/bits.hpp: equality of values bit for bit, all NaNs being one value; and the poison that nobody
// computes.
//
// Depends on: core/narrow_float.hpp.   Used by: tests that compare with the reference.
#pragma once

#include <ashlar/core/config.hpp>
#include <ashlar/core/narrow_float.hpp>
#include <bit>
#include <concepts>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>

namespace ashlar::test {

template <class T>
bool same_bits(const T& x, const T& y) {
  if constexpr (narrow_floating_point<T>) {
    return same_bits(float(x), float(y));  // exact, and one NaN
  } else if constexpr (std::floating_point<T>) {
    if (x != x || y != y) return x != x && y != y;
  }
  return std::memcmp(&x, &y, sizeof(T)) == 0;
}

/// A signalling-looking NaN with a payload of ours, or a conspicuous integer.
template <class T>
T poison() {
  T x;
  if constexpr (std::same_as<T, float>) {
    x = std::bit_cast<float>(std::uint32_t(0x7fdecade));
  } else if constexpr (std::same_as<T, double>) {
    x = std::bit_cast<double>(std::uint64_t(0x7ffdecadedecade5));
  } else {
    std::memset(static_cast<void*>(&x), 0x5a, sizeof x);
  }
  return x;
}

template <class T>
std::string shown(const T& x) {
  if constexpr (std::is_arithmetic_v<T>) {
    char text[64];
    std::snprintf(text, sizeof text, std::floating_point<T> ? "%a" : "%.0f", double(x));
    return text;
  } else if constexpr (narrow_floating_point<T>) {
    return shown(float(x));
  } else {
    return "(element)";
  }
}

}  // namespace ashlar::test
