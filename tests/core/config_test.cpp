// SPDX-License-Identifier: Apache-2.0
//
// tests/core/config_test.cpp: the index type and the compile-time-or-run-time choice that views rest on.
#include <doctest/doctest.h>
#include <ashlar/core/config.hpp>
#include <type_traits>

TEST_CASE("index is a signed 64-bit integer on every platform") {
  CHECK(std::is_signed_v<ashlar::index>);
  CHECK(sizeof(ashlar::index) == 8);
}

TEST_CASE("static_or takes the compile-time value where there is one") {
  static_assert(ashlar::static_or<4>(7) == 4);
  static_assert(ashlar::static_or<0>(7) == 0);
  CHECK(ashlar::static_or<ashlar::dynamic>(7) == 7);
}
