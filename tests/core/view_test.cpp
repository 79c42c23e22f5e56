// SPDX-License-Identifier: Apache-2.0
//
// view_test.cpp: addressing, blocks, transposes and conversions of matrix_view, in constant evaluation and at run time.
#include <doctest/doctest.h>
#include <array>
#include <ashlar/core/view.hpp>
#include <complex>
#include <numeric>
#include <type_traits>

namespace ashlar {
namespace {

template <class V>
constexpr bool is(V, index rows, index cols, index row_stride, index col_stride) {
  return V::static_rows == rows && V::static_cols == cols && V::static_row_stride == row_stride &&
         V::static_col_stride == col_stride;
}

constexpr float* null = nullptr;

// What is constant takes no storage, also when values repeat.
static_assert(sizeof(view<5, 5, 5>(null)) == sizeof(float*));
static_assert(sizeof(view<5, 5>(null, 7)) == sizeof(float*) + sizeof(index));
static_assert(sizeof(view(null, 2, 3)) == sizeof(float*) + 3 * sizeof(index));
static_assert(sizeof(matrix_view<float>) == sizeof(float*) + 4 * sizeof(index));
static_assert(std::is_trivially_copyable_v<matrix_view<float>>);
static_assert(std::is_trivially_copyable_v<matrix_view<std::complex<double>, 2, 3, dynamic, 1>>);

static_assert(is(view(null, 2, 3), dynamic, dynamic, dynamic, 1));
static_assert(is(view(null, 2, 3, 4), dynamic, dynamic, dynamic, 1));
static_assert(is(view(null, 2, 3, 4, 5), dynamic, dynamic, dynamic, dynamic));
static_assert(is(view<2, 3>(null), 2, 3, 3, 1));
static_assert(is(view<2, 3, 8>(null), 2, 3, 8, 1));
static_assert(is(view<2, 3>(null, 8), 2, 3, dynamic, 1));
static_assert(is(column_major(null, 2, 3), dynamic, dynamic, 1, dynamic));
static_assert(is(column_major<2, 3>(null), 2, 3, 1, 2));
static_assert(is(transposed(view<2, 3>(null)), 3, 2, 1, 3));
static_assert(is(view<4, 4>(null).block(0, 0, 2, 2), dynamic, dynamic, 4, 1));
static_assert(is(view<4, 4>(null).block<2, 2>(0, 0), 2, 2, 4, 1));
static_assert(std::is_same_v<decltype(column_major(null, 1, 1)), decltype(transposed(view(null, 1, 1)))>);

// Conversions go one way.
using fixed = matrix_view<float, 2, 3, 3, 1>;
static_assert(std::is_convertible_v<fixed, matrix_view<float>>);
static_assert(std::is_convertible_v<fixed, matrix_view<const float, dynamic, 3, dynamic, 1>>);
static_assert(std::is_convertible_v<fixed, matrix_view<const float, 2, 3, 3, 1>>);
static_assert(!std::is_constructible_v<fixed, matrix_view<float>>);
static_assert(!std::is_constructible_v<fixed, matrix_view<const float, 2, 3, 3, 1>>);
static_assert(!std::is_constructible_v<matrix_view<float, 3, 2, 3, 1>, fixed>);
static_assert(!std::is_constructible_v<matrix_view<double>, matrix_view<float>>);
struct base {};
struct derived : base {};
static_assert(!std::is_constructible_v<matrix_view<base>, matrix_view<derived>>);

static_assert(any_matrix<fixed> && any_matrix<const fixed&> && !any_matrix<float*>);
static_assert(static_or<4>(9) == 4 && static_or<dynamic>(9) == 9);
static_assert(matrix_view<float>().empty() && matrix_view<float>().data() == nullptr);

constexpr int trace_of_transposed_block() {
  std::array<int, 12> a{};
  std::iota(a.begin(), a.end(), 0);
  const auto b = view<3, 4>(a.data()).block(1, 1, 2, 3).transposed();  // {5, 9}, {6, 10}, {7, 11}
  b(2, 1) = 100;
  matrix_view<const int> any = b;
  return any(0, 0) + any(2, 1) + static_cast<int>(any.rows() * 10 + any.cols());
}
static_assert(trace_of_transposed_block() == 5 + 100 + 32);

constexpr int last_by_columns() {
  int a[6] = {0, 1, 2, 3, 4, 5};
  return column_major(a, 2, 3)(1, 2) * 10 + column_major(a, 2, 2, 3)(1, 1);
}
static_assert(last_by_columns() == 54);

}  // namespace

TEST_CASE("strides may be negative and zero") {
  int a[6] = {0, 1, 2, 3, 4, 5};
  const auto reversed = view(a + 5, 2, 3, -3, -1);
  CHECK(reversed(0, 0) == 5);
  CHECK(reversed(1, 2) == 0);
  CHECK(transposed(reversed)(2, 1) == 0);
  const auto repeated = view(a, 4, 3, 0, 1);
  CHECK(repeated(3, 2) == 2);
}

TEST_CASE("a leading dimension skips the padding") {
  double a[2 * 5] = {};
  const auto v = view(a, 2, 3, 5);
  v(1, 2) = 7;
  CHECK(a[7] == 7);
  CHECK(view<2, 3>(a, 5)(1, 2) == 7);
  CHECK(&v.block(1, 1, 1, 2)(0, 1) == a + 7);
}

TEST_CASE("any element type") {
  struct pixel {
    unsigned char r, g, b;
  };
  pixel image[4] = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}};
  CHECK(transposed(view(image, 2, 2))(1, 0).g == 5);
  CHECK(view(static_cast<const pixel*>(image), 2, 2)(1, 1).b == 12);
}

}  // namespace ashlar
