// SPDX-License-Identifier: Apache-2.0
//
// Every operation of the ISA under test equals isa::scalar lane by lane, bit for bit, on special values and on random
// bits; partial loads and stores touch nothing but what they name.
#include <doctest/doctest.h>

#include <algorithm>
#include <ashlar/epilogue/conversion.hpp>
#include <ashlar/epilogue/output.hpp>
#include <ashlar/quant/rescale.hpp>
#include <cmath>
#include <limits>

#include "support/guard.hpp"
#include "support/isa.hpp"

namespace ashlar::test {
namespace {

template <class T>
using vector_ops = ops<T, isa_under_test>;
template <class T>
using scalar_ops = ops<T, isa::scalar>;

// Four operands per lane and room for two results.
template <class T>
struct lanes_of {
  T a[vector_ops<T>::max_lanes], b[vector_ops<T>::max_lanes], c[vector_ops<T>::max_lanes], d[vector_ops<T>::max_lanes];
  T result[vector_ops<T>::max_lanes], expected[vector_ops<T>::max_lanes];
};

// f(O, a, b, c, d) with the vectors of O; the lanes of the ISA under test against the scalar ops.
template <class T, class F>
void compare(lanes_of<T>& x, F f) {
  using V = vector_ops<T>;
  using S = scalar_ops<T>;
  V::store(x.result, f(V(), V::load(x.a), V::load(x.b), V::load(x.c), V::load(x.d)));
  for (index l = 0; l < V::lanes(); ++l) {
    x.expected[l] = f(S(), x.a[l], x.b[l], x.c[l], x.d[l]);
    if (!same(x.result[l], x.expected[l])) {
      FAIL_CHECK("a = " << x.a[l] << ", b = " << x.b[l] << ", c = " << x.c[l] << ", d = " << x.d[l] << ": "
                        << x.result[l] << " must be " << x.expected[l] << ", lane " << l);
    }
  }
}

// As compare, for selections: a NaN keeps its payload too.
template <class T, class F>
void compare_exactly(lanes_of<T>& x, F f) {
  compare(x, f);
  CHECK(std::memcmp(x.result, x.expected, sizeof(T) * static_cast<std::size_t>(vector_ops<T>::lanes())) == 0);
}

// What requantizing is made of; counts of shifts are the low bits of b.
template <class T>
void compare_fixed_point(lanes_of<T>& x) {
  using V = vector_ops<T>;
  compare(x, [](auto o, auto a, auto b, auto, auto) { return o.shift_left(a, o.bit_and(b, o.broadcast(31))); });
  compare(x, [](auto o, auto a, auto b, auto, auto) { return o.shift_right(a, o.bit_and(b, o.broadcast(31))); });
  compare(x, [](auto o, auto a, auto b, auto, auto) { return o.doubling_high_product(a, b); });
  float floats[V::max_lanes];
  std::memcpy(floats, x.a, sizeof floats);
  V::store(x.result, V::to_int(vector_ops<float>::load(floats)));
  for (index l = 0; l < V::lanes(); ++l) REQUIRE(x.result[l] == detail::converted<T>(floats[l]));
  if constexpr (requires(typename vector_ops<float>::vec y) { V::whole(y); }) {
    for (index l = 0; l < V::lanes(); ++l) floats[l] = float(x.b[l]) < 0x1p31f ? float(x.b[l]) : 0;
    V::store(x.result, V::whole(vector_ops<float>::load(floats)));
    for (index l = 0; l < V::lanes(); ++l) REQUIRE(x.result[l] == T(floats[l]));
    std::memcpy(floats, x.a, sizeof floats);
  }
  if constexpr (requires(typename vector_ops<float>::vec y, typename V::vec n) { V::nearest_scaled(n, y, n, n); }) {
    const T least = std::min(x.b[0] >> 8, x.b[1] >> 8), most = std::max(x.b[0] >> 8, x.b[1] >> 8);  // floats, too
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const float special[] = {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()};
    if (x.b[0] % 8 == 0) floats[x.b[0] / 8 & 1] = special[(x.b[1] % 3 + 3) % 3];
    const auto factors = vector_ops<float>::load(floats);
    for (T factor_of_zero : {1, 0}) {
      const T* const numbers = x.b;
      T scaled[V::max_lanes];
      for (index l = 0; l < V::lanes(); ++l) scaled[l] = numbers[l] * factor_of_zero;
      V::store(x.result, V::nearest_scaled(V::load(scaled), factors, V::broadcast(least), V::broadcast(most)));
      for (index l = 0; l < V::lanes(); ++l) {
        const T nearest = detail::converted<T>(std::nearbyint(float(scaled[l]) * floats[l]));
        REQUIRE(x.result[l] == std::clamp(nearest, least, most));
      }
    }
  }
}

// Sums of words with a zero point, within two ends.
template <class D, class T>
void compare_ranges(const lanes_of<T>& x) {
  using V = vector_ops<T>;
  if constexpr (requires { typename V::template byte_range<D>; }) {
    const T zero = std::clamp(x.b[0] >> 12, -32512, 32512);
    const D ends[] = {D(x.b[1]), D(x.b[2])};
    const typename V::template byte_range<D> range(zero, ends[0], ends[1]);
    const T* const sources[] = {x.a, x.b, x.b, x.a};
    const auto bytes = V::bytes_within(V::load(x.a), V::load(x.b), V::load(x.b), V::load(x.a), range);
    constexpr index size = 4 * V::max_lanes, lanes = V::lanes();
    D together[size / 2], apart[size], quarters[size];
    V::store_bytes(together, bytes), V::store_bytes(apart, apart + size / 2, bytes);
    V::template store_quarter<0>(quarters, bytes), V::template store_quarter<1>(quarters + lanes, bytes);
    V::template store_quarter<2>(quarters + 2 * lanes, bytes),
        V::template store_quarter<3>(quarters + 3 * lanes, bytes);
    for (index l = 0; l < 4 * lanes; ++l) {
      const auto sum = std::int64_t(sources[l / lanes][l % lanes]) + zero;
      const D expected = std::min(ends[1], std::max(ends[0], detail::clamped<D>(sum)));
      REQUIRE(apart[l] == expected);
      REQUIRE(quarters[l] == expected);
      if (l < 2 * lanes) REQUIRE(together[l] == expected);
    }
  }
}

// Factors below one: without ends.
template <class T>
void compare_plain_scales(lanes_of<T>& x) {
  using V = vector_ops<T>;
  using F = vector_ops<float>;
  if constexpr (requires(typename V::vec n, typename F::vec s) { V::nearest_scaled(n, s); }) {
    constexpr float least_refused[] = {1, -1, std::numeric_limits<float>::infinity(),
                                       std::numeric_limits<float>::quiet_NaN()};
    float factors[V::max_lanes];
    for (index l = 0; l < V::lanes(); ++l) factors[l] = 0x1.fffffep-1f * float(x.b[l] >> 8) * 0x1p-23f;
    factors[0] = x.b[0] < 0 ? 0x1.fffffep-1f : -0x1.fffffep-1f;
    REQUIRE(V::scales_plainly(F::load(factors)));
    V::store(x.result, V::nearest_scaled(V::load(x.a), F::load(factors)));
    for (index l = 0; l < V::lanes(); ++l)
      REQUIRE(x.result[l] == detail::converted<T>(std::nearbyint(float(x.a[l]) * factors[l])));
    for (float refused : least_refused) {
      factors[(x.b[1] & 7) % V::lanes()] = refused;
      REQUIRE(!V::scales_plainly(F::load(factors)));
    }
  }
}

// Smaller integers, saturated.
template <class T>
void compare_stores(const lanes_of<T>& x) {
  using V = vector_ops<T>;
  std::int8_t s8[V::max_lanes];
  std::uint8_t u8[V::max_lanes];
  std::int16_t s16[V::max_lanes];
  V::store_nearest(s8, V::load(x.a)), V::store_nearest(u8, V::load(x.a)), V::store_nearest(s16, V::load(x.a));
  for (index l = 0; l < V::lanes(); ++l) {
    REQUIRE(s8[l] == std::clamp(x.a[l], -128, 127));
    REQUIRE(u8[l] == std::clamp(x.a[l], 0, 255));
    REQUIRE(s16[l] == std::clamp(x.a[l], -32768, 32767));
  }
  if constexpr (requires(typename V::vec v) { V::store_nearest(s8, v, v); }) {
    std::int8_t both_s8[2 * V::max_lanes];
    std::uint8_t both_u8[2 * V::max_lanes];
    V::store_nearest(both_s8, V::load(x.a), V::load(x.b)), V::store_nearest(both_u8, V::load(x.a), V::load(x.b));
    for (index l = 0; l < 2 * V::lanes(); ++l) {
      const T number = l < V::lanes() ? x.a[l] : x.b[l - V::lanes()];
      REQUIRE(both_s8[l] == std::clamp(number, -128, 127));
      REQUIRE(both_u8[l] == std::clamp(number, 0, 255));
    }
  }
}

template <class T>
void compare_from_int(lanes_of<T>& x) {
  if constexpr (std::is_same_v<T, float> && requires { vector_ops<T>::from_int(vector_ops<std::int32_t>::zero()); }) {
    std::int32_t ints[vector_ops<T>::max_lanes];
    std::memcpy(ints, x.a, sizeof ints);
    vector_ops<T>::store(x.result, vector_ops<T>::from_int(vector_ops<std::int32_t>::load(ints)));
    for (index l = 0; l < vector_ops<T>::lanes(); ++l) REQUIRE(x.result[l] == float(ints[l]));
  }
}

template <class T>
void compare_all(lanes_of<T>& x) {
  compare(x, [](auto o, auto a, auto b, auto, auto) { return o.add(a, b); });
  compare(x, [](auto o, auto a, auto b, auto, auto) { return o.sub(a, b); });
  compare(x, [](auto o, auto a, auto b, auto, auto) { return o.mul(a, b); });
  compare(x, [](auto o, auto a, auto b, auto c, auto) { return o.fma(a, b, c); });
  compare(x, [](auto o, auto a, auto b, auto c, auto) { return o.add(o.mul(a, b), c); });  // two roundings
  compare(x, [](auto o, auto a, auto b, auto c, auto) { return o.sub(c, o.mul(a, b)); });
  compare_exactly(x, [](auto o, auto a, auto b, auto, auto) { return o.min(a, b); });
  compare_exactly(x, [](auto o, auto a, auto b, auto, auto) { return o.max(a, b); });
  compare_exactly(x, [](auto o, auto a, auto b, auto c, auto d) { return o.select_gt(a, b, c, d); });
  if constexpr (std::is_integral_v<T>) {
    compare(x, [](auto o, auto a, auto b, auto, auto) { return o.bit_and(a, b); });
    compare(x, [](auto o, auto a, auto b, auto, auto) { return o.bit_or(a, b); });
    if constexpr (fixed_point_ops<vector_ops<T>>) compare_fixed_point(x);
    if constexpr (narrowing_ops<vector_ops<T>, std::int8_t>) compare_stores(x);
    if constexpr (std::is_signed_v<T>)
      compare_ranges<std::int8_t>(x), compare_ranges<std::uint8_t>(x), compare_plain_scales(x);
  } else {
    compare(x, [](auto o, auto a, auto b, auto, auto) { return o.div(a, b); });
    compare_exactly(x, [](auto o, auto a, auto, auto, auto) { return o.abs(a); });
    compare_exactly(x, [](auto o, auto a, auto, auto, auto) { return o.neg(a); });
    compare_exactly(x, [](auto o, auto a, auto b, auto, auto) { return o.copysign(a, b); });
    compare(x, [](auto o, auto a, auto, auto, auto) { return o.round_even(a); });
    compare_from_int(x);
  }
}

TEST_CASE_TEMPLATE("operations equal the scalar ones on special values", T, ASHLAR_TEST_FLOATS, std::int32_t,
                   std::uint32_t) {
  const std::vector<T> values = special_values<T>();
  lanes_of<T> x;
  const std::size_t count = values.size();
  std::size_t next = 0;
  // Every pair (a, b) in some lane, c and d walking through the values at other speeds.
  while (next < count * count) {
    for (index l = 0; l < vector_ops<T>::lanes(); ++l, ++next) {
      x.a[l] = values[next % count];
      x.b[l] = values[next / count % count];
      x.c[l] = values[next * 7 % count];
      x.d[l] = values[next * 11 % count];
    }
    compare_all(x);
  }
}

TEST_CASE_TEMPLATE("operations equal the scalar ones on random bits", T, ASHLAR_TEST_FLOATS, std::int32_t,
                   std::uint32_t) {
  std::mt19937_64 random(20);
  lanes_of<T> x;
  for (int round = 0; round < 4000; ++round) {
    for (index l = 0; l < vector_ops<T>::lanes(); ++l) {
      x.a[l] = random_bits<T>(random);
      x.b[l] = random_bits<T>(random);
      x.c[l] = random_bits<T>(random);
      x.d[l] = random_bits<T>(random);
    }
    compare_all(x);
  }
}

TEST_CASE_TEMPLATE("fma rounds once", T, ASHLAR_TEST_FLOATS) {
  // (1 + e)(1 - e) - 1 = -e^2: the two roundings of mul and add give 0.
  const T e = std::numeric_limits<T>::epsilon();
  lanes_of<T> x;
  for (index l = 0; l < vector_ops<T>::lanes(); ++l) x.a[l] = 1 + e, x.b[l] = 1 - e, x.c[l] = -1, x.d[l] = 0;
  compare(x, [](auto o, auto a, auto b, auto c, auto) { return o.fma(a, b, c); });
  CHECK(x.result[0] == -e * e);
  compare(x, [](auto o, auto a, auto b, auto c, auto) { return o.add(o.mul(a, b), c); });
  CHECK(x.result[0] == 0);
}

TEST_CASE_TEMPLATE("pow2 is exact over the normal exponents", T, ASHLAR_TEST_FLOATS) {
  using V = vector_ops<T>;
  lanes_of<T> x;
  const int largest = std::numeric_limits<T>::max_exponent - 1;
  for (int k = 1 - largest; k <= largest; ++k) {
    V::store(x.result, V::pow2(V::broadcast(T(k))));
    for (index l = 0; l < V::lanes(); ++l) REQUIRE(x.result[l] == std::ldexp(T(1), k));
    REQUIRE(scalar_ops<T>::pow2(T(k)) == std::ldexp(T(1), k));
  }
}

TEST_CASE_TEMPLATE("zero and broadcast", T, ASHLAR_TEST_FLOATS, std::int32_t, std::uint32_t) {
  using V = vector_ops<T>;
  lanes_of<T> x;
  const T value = T(7);
  V::store(x.a, V::zero());
  V::store(x.b, V::broadcast(value));
  V::store(x.c, V::broadcast_load(&value));
  for (index l = 0; l < V::lanes(); ++l) {
    CHECK(bits(x.a[l]) == 0);
    CHECK(x.b[l] == value);
    CHECK(x.c[l] == value);
  }
  CHECK(V::lanes() >= 1);
  CHECK(V::lanes() <= V::max_lanes);
}

TEST_CASE_TEMPLATE("loads and stores keep within what they name", T, ASHLAR_TEST_FLOATS, std::int32_t, std::uint32_t) {
  using V = vector_ops<T>;
  const guarded_pages pages(4096);
  T buffer[V::max_lanes + 2];
  for (index n = 0; n <= V::lanes(); ++n) {
    for (T* p : {pages.first<T>(), pages.last<T>(static_cast<std::size_t>(n))}) {
      for (index l = 0; l < n; ++l) p[l] = T(l + 1);
      V::store(buffer, V::load_n(p, n));
      for (index l = 0; l < V::lanes(); ++l) CHECK(bits(buffer[l]) == bits(l < n ? T(l + 1) : T(0)));

      V::store_n(p, V::broadcast(T(9)), n);
      for (index l = 0; l < n; ++l) CHECK(p[l] == T(9));
    }
    // Neighbours in memory that may be written, too.
    for (T& t : buffer) t = T(5);
    V::store_n(buffer + 1, V::broadcast(T(3)), n);
    CHECK(buffer[0] == T(5));
    for (index l = 0; l < V::lanes(); ++l) CHECK(buffer[l + 1] == (l < n ? T(3) : T(5)));
  }
  const auto all = static_cast<std::size_t>(V::lanes());
  for (T* p : {pages.first<T>(), pages.last<T>(all)}) {
    V::store(p, V::broadcast(T(4)));
    V::store(buffer, V::load(p));
    for (std::size_t l = 0; l < all; ++l) CHECK(buffer[l] == T(4));
  }
}

template <class T, int L>
void check_lane() {
  using V = vector_ops<T>;
  if constexpr (lane_ops<V>) {
    if constexpr (L < V::quad) {
      lanes_of<T> x;
      std::mt19937_64 random(3);
      for (int round = 0; round < 100; ++round) {
        for (index l = 0; l < V::lanes(); ++l) {
          x.a[l] = random_bits<T>(random), x.b[l] = random_bits<T>(random), x.c[l] = random_bits<T>(random);
        }
        V::store(x.result, V::template fma_lane<L>(V::load(x.c), V::load(x.b), V::load(x.a)));
        for (index l = 0; l < V::lanes(); ++l) CHECK(same(x.result[l], scalar_ops<T>::fma(x.b[l], x.a[L], x.c[l])));
      }
      check_lane<T, L + 1>();
    }
  }
}

TEST_CASE_TEMPLATE("fma by lane, where the ISA has it", T, ASHLAR_TEST_FLOATS) { check_lane<T, 0>(); }

// The definition is usable in constant evaluation.
static_assert(scalar_ops<float>::round_even(2.5f) == 2 && scalar_ops<float>::round_even(-0.3f) == 0);
static_assert(scalar_ops<double>::pow2(-1022) == std::numeric_limits<double>::min());
static_assert(scalar_ops<float>::min(std::numeric_limits<float>::quiet_NaN(), 1) == 1);
static_assert(scalar_ops<std::int32_t>::add(std::numeric_limits<std::int32_t>::max(), 1) ==
              std::numeric_limits<std::int32_t>::min());
static_assert(scalar_ops<float>::fma(1 + 0x1p-23f, 1 - 0x1p-23f, -1) == -0x1p-46f);

}  // namespace
}  // namespace ashlar::test
