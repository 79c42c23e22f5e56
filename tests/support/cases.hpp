// SPDX-License-Identifier: Apache-2.0
//
// tests/support/cases.hpp: numbered random cases from one printed seed; a failing case prints the line that reruns it.
//
//   for_each_case(1000, [&](random& r) { ... REQUIRE(...); });
//
//   ASHLAR_SEED=n         this seed instead of a fresh one
//   ASHLAR_CASE=n         this case alone
//   ASHLAR_TEST_SCALE=p   p percent of the cases and of the work in each (a build for an emulator has its own default)
//
// Depends on: doctest.   Used by: every test with random cases; the parts that are not templates are in cases.cpp.
#pragma once

#include <doctest/doctest.h>
#include <ashlar/core/config.hpp>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>

#include "support/floats.hpp"

namespace ashlar::test {

/// Percent of the native amount of work.
int scale();

/// `count` at this scale, at least `least`.
inline index scaled(index count, index least = 1) {
  const index now = count * scale() / 100;
  return now < least ? least : now;
}

/// The seed of this run; printed when it is first asked for.
std::uint64_t seed();

/// ASHLAR_CASE, or -1 for all of them.
index only_case();

/// "rerun: ASHLAR_SEED=1 ASHLAR_CASE=2 program -tc='test'" for the test case that is running.
std::string rerun_line(index number);

/// Remembers the running case, for a crash; -1: none.
void begin_case(index number);

/// SplitMix64: small, good enough, the same everywhere.
class random {
 public:
  explicit random(std::uint64_t state) : state_(state) {}

  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// Within [low, high], both included.
  index between(index low, index high) { return low + index(bits() % std::uint64_t(high - low + 1)); }
  bool chance(index percent) { return between(1, 100) <= percent; }
  template <class X>
  X pick(std::initializer_list<X> from) {
    return *(from.begin() + between(0, index(from.size()) - 1));
  }
  /// A full-precision number in [-1, 1), an integer in [-1000, 1000], or 32 random bits: sums of the first depend on
  /// their order.
  template <class T>
  T value() {
    if constexpr (std::floating_point<T>) {
      return T(double(std::int64_t(bits()) >> 10) * 0x1p-53);
    } else if constexpr (std::signed_integral<T>) {
      return T(between(-1000, 1000));
    } else {
      return T(bits());
    }
  }

 private:
  std::uint64_t state_;
};

/// Runs f(random&) for each case, each with numbers of its own, so that one of them can be run alone.
template <class F>
void for_each_case(index count, const F& f) {
  for (index number = 0; number < count; ++number) {
    if (only_case() >= 0 && only_case() != number) continue;
    random r(random(seed() + std::uint64_t(number)).bits());
    begin_case(number);
    INFO(rerun_line(number));
    f(r);
  }
  begin_case(-1);
}

}  // namespace ashlar::test
