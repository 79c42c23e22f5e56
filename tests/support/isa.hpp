// SPDX-License-Identifier: Apache-2.0
//
// support/isa.hpp: the ISA under test, its special values and the comparison of bits.
//
// ASHLAR_TEST_ISA is the tag, from the command line. Two NaNs are equal: sign and payload of an arithmetic NaN are the
// machine's.
//
// Depends on: ashlar/isa.hpp.   Used by: tests/isa, tests/epilogue, tests/reference.
#pragma once

#include <ashlar/isa.hpp>
#include <ashlar/isa/highway.hpp>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "support/floats.hpp"

#if !defined(ASHLAR_TEST_ISA)
#define ASHLAR_TEST_ISA ashlar::isa::native
#endif

namespace ashlar::test {

using isa_under_test = ASHLAR_TEST_ISA;

template <class T>
using bits_of = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

template <class T>
bits_of<T> bits(T x) {
  return std::bit_cast<bits_of<T>>(x);
}

template <class T>
bool same(T a, T b) {
  return bits(a) == bits(b) || (a != a && b != b);
}

/// Signed zeros, subnormals, the ends of the range, infinities, NaNs of both kinds, integers and halves where rounding
/// ties.
template <class T>
std::vector<T> special_values() {
  using limits = std::numeric_limits<T>;
  if constexpr (std::is_integral_v<T>) {
    return {0,
            1,
            T(-1),
            2,
            3,
            limits::max(),
            limits::min(),
            T(limits::max() - 1),
            T(limits::min() + 1),
            T(0x55555555),
            T(0xaaaaaaaa)};
  } else {
    std::vector<T> positive = {0,
                               limits::denorm_min(),
                               limits::min() / 2,
                               limits::min(),
                               limits::epsilon(),
                               T(0.5),
                               1,
                               T(1) + limits::epsilon(),
                               T(1) - limits::epsilon() / 2,
                               T(1.5),
                               2,
                               T(2.5),
                               T(3.5),
                               127,
                               T(1e6) + T(0.5),
                               T(1.0 / 3),
                               limits::max(),
                               limits::infinity(),
                               limits::quiet_NaN()};
    const T integral = T(std::uint64_t(1) << (limits::digits - 1));
    for (T x : {integral / 2 - T(0.5), integral - 1, integral - T(0.5), integral, integral + 1, 2 * integral})
      positive.push_back(x);
    std::vector<T> all = positive;
    for (T x : positive) all.push_back(std::bit_cast<T>(bits(x) ^ bits(T(-0.0))));
    return all;
  }
}

/// Any bits at all, so mostly ordinary numbers of every magnitude.
template <class T>
T random_bits(std::mt19937_64& random) {
  return std::bit_cast<T>(static_cast<bits_of<T>>(random()));
}

}  // namespace ashlar::test
