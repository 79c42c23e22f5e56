// SPDX-License-Identifier: Apache-2.0
//
// cast: values through another type and back, and operands of another type in memory, on the ISA under test against
// plain static_casts guarded by comparisons in a type that holds both; constant evaluation gives the same bits.
#include <doctest/doctest.h>

#include <ashlar/core/view.hpp>
#include <ashlar/epilogue.hpp>
#include <string>

#include "support/guard.hpp"
#include "support/isa.hpp"

namespace ashlar::test {
namespace {

// static_cast, with the ends of an integer type for what lies outside and 0 for NaN. Every 64-bit integer and every
// double is a long double.
template <class To, class From>
To expected(From x) {
  if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>) {
    const long double wide = x;
    if (wide != wide) return 0;
    if (wide <= static_cast<long double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
    if (wide >= static_cast<long double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  }
  return static_cast<To>(x);
}
template <class To, class From>
To through_memory(From x) {
  volatile To stored = expected<To>(x);  // g++ must not see both conversions
  return stored;
}

// Special values of T, the neighbourhoods of the ends of U, halves, where rounding to U ties, and any bits.
template <class T, class U>
std::vector<T> interesting() {
  std::vector<T> x = special_values<T>();
  const auto near = [&](T centre) {
    for (double d : {-2.0, -1.5, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0}) {
      if constexpr (std::is_floating_point_v<T>) {
        x.push_back(centre + T(d));
        x.push_back(centre * (1 + T(d) * std::numeric_limits<T>::epsilon()));
      } else {
        x.push_back(ops<T, isa::scalar>::add(centre, T(int(2 * d))));
      }
    }
  };
  near(0);
  near(expected<T>(std::numeric_limits<U>::max()));
  near(expected<T>(std::numeric_limits<U>::lowest()));
  if constexpr (std::is_same_v<T, double>) {
    for (double b : {0x1p-149, 0x1p-126, 1.0, 0x1p127}) {  // half an ulp of float, and its neighbours
      for (double odd : {1.0, 1 + 0x1p-23, 2 - 0x1p-23})
        for (double half : {0.0, 0x1p-24, 0x1p-24 - 0x1p-52, 0x1p-24 + 0x1p-52})
          for (double sign : {-1, 1}) x.push_back(sign * b * (odd + half));
    }
    for (double d : {0.5, 1.5, 2.5, 0.49999999999999994}) x.push_back(d * 0x1p-149), x.push_back(-d * 0x1p-149);
  } else if constexpr (sizeof(T) == 4 && std::is_integral_v<T>) {
    for (T b : {T(1) << 24, T(1) << 25, T(1) << 30}) near(b), near(T(0) - b);
  }
  std::mt19937_64 random(11);
  for (int i = 0; i < 2000; ++i) {
    x.push_back(random_bits<T>(random));
    x.push_back(T(int(random() % 80001) - 40000) / (std::is_floating_point_v<T> ? 64 : 1));
  }
  return x;
}

template <class T, class U>
void there_and_back_is_exact() {
  using V = math<ops<T, isa_under_test>>;
  std::vector<T> x = interesting<T, U>();
  while (x.size() % std::size_t(V::max_lanes) != 0) x.push_back(0);
  T result[V::max_lanes];
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < x.size(); i += std::size_t(V::lanes())) {
    V::store(result, V::template cast<U>(V::load(&x[i])));
    for (index l = 0; l < V::lanes(); ++l) {
      const T from = x[i + std::size_t(l)], want = expected<T>(through_memory<U>(from));
      const bool right = same(result[l], want) && same(math<ops<T, isa::scalar>>::template cast<U>(from), want);
      if (!right && ++wrong == 1) FAIL_CHECK("x = " << from << ": " << result[l] << " must be " << want);
    }
  }
  INFO("through " << 8 * sizeof(U) << " bits, an integer: " << std::is_integral_v<U>);
  CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("cast<U>: a value there and back", T, ASHLAR_TEST_FLOATS, std::int32_t, std::uint32_t) {
  there_and_back_is_exact<T, float>();
  there_and_back_is_exact<T, double>();
  there_and_back_is_exact<T, std::int8_t>();
  there_and_back_is_exact<T, std::uint8_t>();
  there_and_back_is_exact<T, std::int16_t>();
  there_and_back_is_exact<T, std::uint16_t>();
  there_and_back_is_exact<T, std::int32_t>();
  there_and_back_is_exact<T, std::uint32_t>();
  there_and_back_is_exact<T, std::int64_t>();
  there_and_back_is_exact<T, std::uint64_t>();
}

// e on `rows` rows of `cols` columns, whole vectors and the rest.
template <class T, class E>
std::vector<T> evaluate(const E& e, index rows, index cols) {
  using V = ops<T, isa_under_test>;
  std::vector<T> result(static_cast<std::size_t>(rows * cols));
  T* out = result.data();
  for (index i = 0; i < rows; ++i, out += cols) {
    index j = 0;
    for (; j + V::lanes() <= cols; j += V::lanes())
      V::store(out + j, e.eval(math<V>(), V::zero(), position<T, true>{i, j, V::lanes(), nullptr}));
    if (j < cols)
      V::store_n(out + j, e.eval(math<V>(), V::zero(), position<T, false>{i, j, cols - j, nullptr}), cols - j);
  }
  return result;
}

// The elements of `got`, row after row, against those that `want` lists.
template <class T>
void check(const char* what, const std::vector<T>& got, const std::vector<T>& want, index cols) {
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    if (!same(got[i], want[i]) && ++wrong == 1)
      FAIL_CHECK(what << " at " << i / std::size_t(cols) << ", " << i % std::size_t(cols) << " of " << cols << ": "
                      << got[i] << " instead of " << want[i]);
  }
  CHECK(wrong == 0);
}

template <class T, class U>
std::vector<T> converted(const U* p, index rows, index cols, index row_stride, index col_stride) {
  std::vector<T> result;
  for (index i = 0; i < rows; ++i)
    for (index j = 0; j < cols; ++j) result.push_back(expected<T>(p[i * row_stride + j * col_stride]));
  return result;
}

// How an operand lies decides whether one number is converted, a vector of neighbours or one that is gathered; what is
// converted has no part in that. Each element type once in each of the three ways, these also as every kind of view.
template <class T, class U>
inline constexpr bool in_every_view =
    std::is_same_v<T, U> || std::is_same_v<U, double> || std::is_same_v<U, std::int8_t>;

// Operands of type U that end at a guard page.
template <class T, class U>
void operands_are_converted() {
  const index lanes = ops<T, isa_under_test>::lanes(), rows = 3;
  std::vector<U> source = {std::numeric_limits<U>::max(), std::numeric_limits<U>::lowest(), U(0), U(1)};
  if constexpr (sizeof(U) >= 4) source = interesting<U, std::conditional_t<std::is_same_v<T, double>, float, T>>();
  for (index n : {index(1), lanes - 1, lanes, 12 * lanes + 1}) {
    if (n <= 0) continue;
    const guarded_pages pages(static_cast<std::size_t>(rows * n) * sizeof(U));
    U* const p = pages.template last<U>(static_cast<std::size_t>(rows * n));
    for (std::size_t first = 0; first < source.size(); first += std::size_t(rows * n)) {
      for (std::size_t i = 0; i < std::size_t(rows * n); ++i) p[i] = source[(first + i) % source.size()];
      U* const row = p + (rows - 1) * n;
      const auto reversed = view(p + rows * n - 1, rows, n, -n, -1);
      [[maybe_unused]] const auto repeated = matrix_view<U, dynamic, dynamic, dynamic, 0>(p, rows, n, 1, 0);
      const auto want = [&](index m, index row_stride, index col_stride, const U* start) {
        return converted<T>(start, m, n, row_stride, col_stride);
      };
      check<T>("per_row", evaluate<T>(cast(per_row(p)), rows, n), want(rows, 1, 0, p), n);
      check<T>("per_column", evaluate<T>(cast(per_column(row)), 1, n), want(1, 0, 1, row), n);
      check<T>("reversed", evaluate<T>(cast(elements(reversed)), rows, n), want(rows, -n, -1, reversed.data()), n);
      if constexpr (in_every_view<T, U>) {
        const auto columns = column_major(p, rows, n);
        check<T>("rows", evaluate<T>(cast(elements(view(p, rows, n))), rows, n), want(rows, n, 1, p), n);
        check<T>("columns", evaluate<T>(cast(elements(columns)), rows, n), want(rows, 1, rows, p), n);
        check<T>("repeated", evaluate<T>(cast(elements(repeated)), rows, n), want(rows, 1, 0, p), n);
      }
      if (n <= lanes && first > 0) break;  // all of the values at one length
    }
  }
}

TEST_CASE_TEMPLATE("cast(operand): elements of another type", T, ASHLAR_TEST_FLOATS, std::int32_t, std::uint32_t) {
  operands_are_converted<T, float>();
  operands_are_converted<T, double>();
  operands_are_converted<T, std::int8_t>();
  operands_are_converted<T, std::uint8_t>();
  operands_are_converted<T, std::int16_t>();
  operands_are_converted<T, std::uint16_t>();
  operands_are_converted<T, std::int32_t>();
  operands_are_converted<T, std::uint32_t>();
  operands_are_converted<T, std::int64_t>();
  operands_are_converted<T, std::uint64_t>();
  operands_are_converted<T, bool>();
}

TEST_CASE("fits, transposed, and the memory that is read") {
  double x[12] = {};
  const auto e = relu(acc * cast(per_row(x))) + cast(elements(view(x, 3, 4)));
  CHECK(fits(e, 3, 4));
  CHECK_FALSE(fits(e, 4, 3));
  CHECK(fits(transposed(e), 4, 3));
  static_assert(std::is_same_v<decltype(transposed(cast(per_row(x)))), decltype(cast(per_column(x)))>);
  static_assert(std::is_same_v<decltype(transposed(cast(per_column(x)))), decltype(cast(per_row(x)))>);
  std::size_t bytes = 0;
  detail::visit_memory(e, [&](const auto& v) { bytes += std::size_t(v.rows() * v.cols()) * sizeof(v(0, 0)); }, 3, 4);
  CHECK(bytes == (3 + 12) * sizeof(double));
}

// Types, and constant evaluation.
constexpr double wide[3] = {0.1, -2.5, 1e39};
constexpr std::int32_t counts[3] = {16777217, -16777219, 7};
constexpr auto literal = acc * cast(per_row(wide)) + cast(elements(view<1, 3>(counts)));
static_assert(std::is_trivially_copyable_v<decltype(literal)> && expression<decltype(cast<int>(acc))>);
static_assert(reads_dst<decltype(cast<float>(dst))> && !reads_dst<decltype(literal)>);
static_assert(runs_long<decltype(cast(per_column(wide)))> && !runs_long<decltype(cast(per_row(wide)))>);
static_assert(!runs_long<decltype(cast<std::int8_t>(acc))> && runs_long<decltype(cast<std::int8_t>(exp(acc)))>);
static_assert(memory_operand<decltype(per_row(wide))> && !memory_operand<decltype(acc)>);
static_assert(castable<char> && !castable<bool> && !castable<const double*>);

using f32 = math<ops<float, isa::scalar>>;
using f64 = math<ops<double, isa::scalar>>;
using i32 = math<ops<std::int32_t, isa::scalar>>;
constexpr float at(index column) {
  return cast(elements(view<1, 3>(counts))).eval(f32{}, 0, position<float, true>{0, column, 1, nullptr});
}
static_assert(at(0) == 16777216 && at(1) == -16777220 && at(2) == 7);  // ties to even
constexpr float wide_at(index row) {
  return cast(per_row(wide)).eval(f32{}, 0, position<float, true>{row, 0, 1, nullptr});
}
static_assert(wide_at(0) == 0.1f && wide_at(1) == -2.5f && wide_at(2) == std::numeric_limits<float>::infinity());
static_assert(f64::cast<float>(0.1) == double(0.1f) && f32::cast<double>(0.1f) == 0.1f);
static_assert(f64::cast<float>(0x1.fffffefffffffp127) == 0x1.fffffep127 && f64::cast<float>(0x1.ffffffp127) > 1e300);
static_assert(f64::cast<float>(-0x1.fffffefffffffp127) == -0x1.fffffep127 && f64::cast<float>(-1e39) < -1e300);
static_assert(f64::cast<float>(0x1p-150) == 0 && f64::cast<float>(0x1.8p-149) == 0x1p-148);
static_assert(f32::cast<std::int8_t>(-1.9f) == -1 && f32::cast<std::int8_t>(1e9f) == 127);
static_assert(f32::cast<std::uint8_t>(-7) == 0 && f32::cast<std::uint8_t>(255.9f) == 255);
static_assert(f32::cast<std::int32_t>(std::numeric_limits<float>::quiet_NaN()) == 0);
static_assert(f32::cast<std::int32_t>(std::numeric_limits<float>::infinity()) == 0x1p31f);
static_assert(std::bit_cast<std::uint32_t>(f32::cast<std::int8_t>(-0.5f)) == 0);
static_assert(f64::cast<std::int64_t>(-1e300) == -0x1p63 && f64::cast<std::uint64_t>(1e300) == 0x1p64);
static_assert(i32::cast<std::int8_t>(200) == -56 && i32::cast<std::uint16_t>(-1) == 65535 && i32::cast<long>(-5) == -5);
static_assert(i32::cast<float>(16777217) == 16777216 && i32::cast<float>(0x7fffffff) == 0x7fffffff);
static_assert(math<ops<std::int64_t, isa::scalar>>::cast<std::int32_t>(0x180000001) == -0x7fffffff);

}  // namespace
}  // namespace ashlar::test
