// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/requantize_test.cpp: requantizing epilogues of integer products, element by element equal to
// requantized(), on every ISA; the product itself is that of the reference.
#include <doctest/doctest.h>
#include <ashlar/quant.hpp>
#include <cstdint>
#include <vector>

#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using T = std::int32_t;
using isa_t = isa_under_test;

// Few kernels: this file is about an expression.
using small_tile = with_tile<tile_shape{2, 1, 1}>;

gemm_shape any_shape(random& r) {
  gemm_shape s{r.between(1, 12), ragged(r, ops_under_test<T>::lanes(), 2 * ops_under_test<T>::lanes()),
               r.pick<index>({0, 1, 3, 30, 90})};
  s.a = r.pick({layout::rows, layout::columns}), s.c = layout(r.between(0, int(last_written)));
  return s;
}

// The sums themselves, by the reference.
std::vector<T> sums(problem<T>& p) {
  std::vector<T> c(std::size_t(p.shape.m * p.shape.n));
  reference::gemm(p.A.read(), p.B.read(), view(c.data(), p.shape.m, p.shape.n));
  return c;
}

TEST_CASE("one factor for all: a sum, its bias, its zero point and its range") {
  for_each_case(scaled(300, 12), [](random& r) {
    const gemm_shape s = any_shape(r);
    std::vector<T> bias(std::size_t(s.n));
    for (T& x : bias) x = r.value<T>() * 1000;
    const tflite policy{T(r.between(1 << 30, 0x7fffffff)), int(r.between(-18, 1))};
    const auto zero_point = T(r.between(-128, 127));
    at_both_ends<T>(r, s, [&](problem<T>& p) {
      const std::vector<T> sum = sums(p);
      const auto e = requantize(acc + per_column(bias.data()), policy, zero_point, -128, 127);
      REQUIRE(p.differs<isa_t>(e, small_tile{}) == "");
      for (index i = 0; i < s.m; ++i) {
        for (index j = 0; j < s.n; ++j) {
          const T biased = sum[std::size_t(i * s.n + j)] + bias[std::size_t(j)];
          REQUIRE(p.C.view()(i, j) == requantized<std::int8_t>(biased, policy, zero_point));
        }
      }
    });
  });
}

TEST_CASE("a factor for each column or row") {
  for_each_case(scaled(300, 12), [](random& r) {
    const gemm_shape s = any_shape(r);
    std::vector<T> multiplier(std::size_t(std::max(s.m, s.n))), shift(multiplier.size());
    for (T& x : multiplier) x = T(r.between(1 << 30, 0x7fffffff));
    for (T& x : shift) x = T(r.between(-20, 2));
    at_both_ends<T>(r, s, [&](problem<T>& p) {
      const std::vector<T> sum = sums(p);
      const auto columns = requantize<tflite>(acc, per_column(multiplier.data()), per_column(shift.data()), 5, 0, 255);
      REQUIRE(p.differs<isa_t>(columns, small_tile{}) == "");
      for (index i = 0; i < s.m; ++i) {
        for (index j = 0; j < s.n; ++j) {
          const tflite policy{multiplier[std::size_t(j)], shift[std::size_t(j)]};
          REQUIRE(p.C.view()(i, j) == requantized<std::uint8_t>(sum[std::size_t(i * s.n + j)], policy, 5));
        }
      }
      const auto rows = requantize<single_rounding>(acc, per_row(multiplier.data()), per_row(shift.data()));
      REQUIRE(p.differs<isa_t>(rows, small_tile{}) == "");
    });
  });
}

TEST_CASE("a floating factor for each column or row") {
  static_assert(scaling<onnx> && scaling<ncnn> && !scaling<tflite>);
  for_each_case(scaled(200, 12), [](random& r) {
    const gemm_shape s = any_shape(r);
    std::vector<float> scale(std::size_t(std::max(s.m, s.n)));
    for (float& x : scale) x = r.chance(3) ? r.value<float>() : 0.0005f * float(r.between(1, 2000));
    at_both_ends<T>(r, s, [&](problem<T>& p) {
      const std::vector<T> sum = sums(p);
      const auto columns = requantize<onnx>(acc + 1, per_column(scale.data()), 5, 0, 255);
      REQUIRE(p.differs<isa_t>(columns, small_tile{}) == "");
      for (index i = 0; i < s.m; ++i)
        for (index j = 0; j < s.n; ++j) {
          const onnx policy{scale[std::size_t(j)]};
          REQUIRE(p.C.view()(i, j) == requantized<std::uint8_t>(sum[std::size_t(i * s.n + j)] + 1, policy, 5));
        }
      REQUIRE(p.differs<isa_t>(requantize<ncnn>(acc, per_row(scale.data()), 0, -127, 127), small_tile{}) == "");
    });
  });
}

TEST_CASE("floating factors") {
  for_each_case(scaled(200, 12), [](random& r) {
    const float scale = 0.001f * float(r.between(1, 100));
    at_both_ends<T>(r, any_shape(r), [&](problem<T>& p) {
      REQUIRE(p.differs<isa_t>(requantize(acc, onnx{scale}, 128, 0, 255), small_tile{}) == "");
    });
  });
}

}  // namespace
}  // namespace ashlar::test
