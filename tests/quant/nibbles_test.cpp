// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/nibbles_test.cpp: every pair of 4-bit numbers there and back, odd counts, no byte more.
#include <doctest/doctest.h>

#include <ashlar/quant.hpp>

#include "support/guarded_matrix.hpp"

namespace ashlar::test {
namespace {

static_assert([] {
  const std::uint8_t bytes[] = {0x8f, 0x17};
  std::int8_t numbers[4] = {};
  std::uint8_t same[4] = {}, back[2] = {};
  unpack_nibbles(bytes, 3, numbers), unpack_nibbles(bytes, 4, same), pack_nibbles(numbers, 3, back);
  return numbers[0] == -1 && numbers[1] == -8 && numbers[2] == 7 && numbers[3] == 0 && same[0] == 15 && same[1] == 8 &&
         same[2] == 7 && same[3] == 1 && back[0] == 0x8f && back[1] == 0x07;
}());

TEST_CASE_TEMPLATE("every pair there and back", T, std::int8_t, std::uint8_t) {
  constexpr int least = std::is_signed_v<T> ? -8 : 0;
  for (int low = least; low < least + 16; ++low)
    for (int high = least; high < least + 16; ++high) {
      const T pair[] = {T(low), T(high)};
      std::uint8_t byte = 0;
      T back[2] = {};
      pack_nibbles(pair, 2, &byte);
      REQUIRE(byte == std::uint8_t((low & 15) | (high & 15) << 4));
      unpack_nibbles(&byte, 2, back);
      REQUIRE(back[0] == pair[0]);
      REQUIRE(back[1] == pair[1]);
    }
}

TEST_CASE("no byte more is read or written") {
  for (index count = 0; count < 70; ++count)
    for (placement where : {placement::at_end, placement::at_start}) {
      guarded_matrix<std::uint8_t> bytes(1, (count + 1) / 2, (count + 1) / 2, 1, where);
      guarded_matrix<std::int8_t> numbers(1, count, count, 1, where);
      for (index i = 0; i < count; ++i) numbers.view().data()[i] = std::int8_t(i * 5 % 16 - 8);
      const auto before = numbers.snapshot();
      pack_nibbles(numbers.view().data(), count, bytes.view().data());
      for (index i = 0; i < count; ++i) numbers.view().data()[i] = 77;
      unpack_nibbles(bytes.view().data(), count, numbers.view().data());
      REQUIRE(numbers.snapshot() == before);
    }
}

}  // namespace
}  // namespace ashlar::test
