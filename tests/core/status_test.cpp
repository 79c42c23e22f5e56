// SPDX-License-Identifier: Apache-2.0
//
// status_test.cpp: codes, messages cut safely, success in constant evaluation, result<T>.
#include <doctest/doctest.h>
#include <ashlar/core/checked.hpp>
#include <ashlar/core/status.hpp>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace ashlar {
namespace {

static_assert(std::is_trivially_copyable_v<status>);
static_assert(sizeof(status) <= 208);
static_assert(status().ok() && status().code() == errc::ok && status().message()[0] == '\0' && bool(status()));
static_assert(std::is_trivially_copyable_v<result<int>>);

constexpr status succeed() {
  status s;
  status copy = s;
  return copy;
}
constexpr status constant = succeed();
static_assert(constant.ok());

constexpr result<int> half(int x) {
  if (x % 2 != 0) return status::error(errc::unsupported, "half: %d is odd", x);
  return x / 2;
}
static_assert(half(8).ok() && half(8).value() == 4 && half(8).error().ok());

static_assert(std::string_view(name(errc::ok)) == "ok");
static_assert(std::string_view(name(errc::workspace_too_small)) == "workspace_too_small");
static_assert(std::string_view(name(errc::out_of_memory)) == "out_of_memory");

constexpr index largest = std::numeric_limits<index>::max();
static_assert((checked_index(largest / 8) * 8 + 7).value() == largest);
static_assert(!(checked_index(largest / 8) * 8 + 8).ok());
static_assert(!(checked_index(largest) * 2 * 0).ok(), "an overflow is not forgotten");
static_assert(!(checked_index(largest) + 1 + -1).ok());
static_assert(ceil_div(7, 4) == 2 && ceil_div(8, 4) == 2 && ceil_div(0, 4) == 0 &&
              ceil_div(largest, 2) == largest / 2 + 1);
static_assert(round_up(5, 4).value() == 8 && round_up(8, 4).value() == 8 && !round_up(largest, 4).ok());

}  // namespace

TEST_CASE("an error carries its code and its sentence") {
  const status s = status::error(errc::shape_mismatch, "A is %" PRId64 " x %d", index(64), 128);
  CHECK(!s.ok());
  CHECK(!s);
  CHECK(s.code() == errc::shape_mismatch);
  CHECK(std::string(s.message()) == "A is 64 x 128");
  const status copy = s;
  CHECK(std::string(copy.message()) == s.message());
}

TEST_CASE("a long message is cut and terminated") {
  const std::string longest(199, 'x');
  CHECK(std::string(status::error(errc::overflow, "%s", longest.c_str()).message()) == longest);
  CHECK(std::string(status::error(errc::overflow, "%sy", longest.c_str()).message()) == longest);
  CHECK(std::strlen(status::error(errc::overflow, "%5000d", 1).message()) == 199);
  CHECK(std::string(status::error(errc::overflow, "100 %%").message()) == "100 %");
}

TEST_CASE("every code has its own name") {
  for (int i = 0; i <= int(errc::out_of_memory); ++i)
    for (int j = 0; j < i; ++j) CHECK(std::string(name(errc(i))) != name(errc(j)));
}

TEST_CASE("result holds a value or an error") {
  volatile int three = 3;
  const auto bad = half(three);
  CHECK(!bad.ok());
  CHECK(bad.error().code() == errc::unsupported);
  CHECK(std::string(bad.error().message()) == "half: 3 is odd");

  result<std::unique_ptr<int>> owner(std::make_unique<int>(5));
  REQUIRE(owner.ok());
  CHECK(*owner.value() == 5);
  const std::unique_ptr<int> taken = std::move(owner).value();
  CHECK(*taken == 5);

  struct no_default {
    explicit no_default(int) {}
  };
  CHECK(!result<no_default>(status::error(errc::corrupt_blob, "no")).ok());
}

}  // namespace ashlar
