// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/mixed_test.cpp: convolutions of 8- and 16-bit integers, and of bf16 and f16, equal the reference bit for
// bit: any geometry and layout, groups, padding with the zero point, zero points of weights, transposed, between guard
// pages.
//
// A plan's run compiles every algorithm of its types and epilogue: tests of other things take those of the first three.
#include <doctest/doctest.h>

#include <ashlar/quant.hpp>
#include <cstdint>
#include <limits>

#include "conv/mixed_case.hpp"

namespace ashlar::test {
namespace {

// A channel a group.
conv3d depthwise_problem(random& r) {
  for (;;) {
    conv3d p = some_problem(r, 100000);
    const index channels = r.pick<index>({1, 3, 8, 16, 17, 40});
    p.groups = p.src[4] = p.weights[0] = channels, p.weights[4] = 1;
    if (detail::geometry_of(p).ok()) return p;
  }
}

template <class Case, class F>
void cases(index count, bool gradient, const F& f) {
  for_each_case(scaled(count, count / 10), [&](random& r) {
    const conv3d p = r.chance(30) ? depthwise_problem(r) : some_problem(r, 100000);
    between_guards<Case>(r, p, gradient, false, f);
  });
}

// Three channels, which are copied by a loop of its own.
conv3d first_layer(random& r) {
  for (;;) {
    conv3d p = some_problem(r, 100000);
    p.src[3] = r.between(1, 40), p.src[4] = p.weights[4] = 3, p.groups = 1;
    if (detail::geometry_of(p).ok()) return p;
  }
}

template <class Case, class F>
void first_layers(const F& f) {
  for_each_case(scaled(60, 10), [&](random& r) { between_guards<Case>(r, first_layer(r), false, true, f); });
}

using signed_bytes = mixed_case<std::int8_t, std::int8_t, std::int8_t>;
using bytes_to_sums = mixed_case<std::uint8_t, std::int8_t, std::int32_t>;

TEST_CASE("signed bytes, requantized for each channel") {
  cases<signed_bytes>(200, false, [](auto& c) { REQUIRE(requantized_differs(c) == ""); });
  first_layers<signed_bytes>([](auto& c) { REQUIRE(requantized_differs(c) == ""); });
}

TEST_CASE("unsigned and signed bytes, sums as they are, and dst; transposed") {
  cases<bytes_to_sums>(100, false, [](auto& c) { REQUIRE(c.differs(acc + dst) == ""); });
  first_layers<bytes_to_sums>([](auto& c) { REQUIRE(c.differs(acc + dst) == ""); });
  cases<bytes_to_sums>(100, true, [](auto& c) { REQUIRE(c.differs(acc + dst) == ""); });
}

TEST_CASE("unsigned bytes, zero points of weights, floats as output") {
  using product = conv_types<std::uint8_t, std::uint8_t, float, true>;
  cases<mixed_case<std::uint8_t, std::uint8_t, float, product>>(100, false, [](auto& c) {
    const std::int32_t* const zeros = c.weight_zero.data();
    REQUIRE(c.differs(acc * 0.5f, zeros) == "");
  });
}

TEST_CASE("16-bit src") {
  cases<mixed_case<std::int16_t, std::int8_t, std::int16_t>>(
      60, false, [](auto& c) { REQUIRE(c.differs(requantize(acc, onnx{0.001f})) == ""); });
}

TEST_CASE("sums of 64 bits; transposed") {
  using i16 = std::int16_t;
  using words = wide_conv_types<i16, std::int8_t, i16>;
  cases<mixed_case<i16, std::int8_t, i16, words>>(100, false, [](auto& c) {
    REQUIRE(c.differs(requantize(acc + 7, tflite{1342580370, -20}, 0, -32768, 30000)) == "");
  });
  using squares = wide_conv_types<i16, i16, std::int64_t>;
  cases<mixed_case<i16, i16, std::int64_t, squares>>(60, true, [](auto& c) { REQUIRE(c.differs(acc + dst) == ""); });
  const conv2d large{.src = {1, 4096, 4096, 1}, .weights = {1, 4096, 4096, 1}};
  CHECK(plan_conv2d<squares, isa_t>(large).error().code() == errc::overflow);
}

TEST_CASE("bf16, and f16 to float; transposed") {
  cases<mixed_case<bf16, bf16, bf16>>(100, false, [](auto& c) { REQUIRE(c.differs(relu(acc)) == ""); });
  cases<mixed_case<f16, f16, float>>(60, true, [](auto& c) { REQUIRE(c.differs(acc) == ""); });
}

TEST_CASE("a channel a group has an algorithm of its own, where sums in floats are exact") {
  const conv2d small{.src = {1, 9, 9, 16}, .weights = {16, 3, 3, 1}, .groups = 16};
  const conv2d large{.src = {1, 30, 30, 16}, .weights = {16, 17, 17, 1}, .groups = 16};
  using bytes = conv_types<std::uint8_t, std::int8_t, std::int32_t>;
  using words = conv_types<std::int16_t, std::int8_t, std::int32_t>;
  CHECK(plan_conv2d<bytes, isa_t>(small).value().algorithm() == conv_algorithm::depthwise);
  CHECK(plan_conv2d<bf16, isa_t>(small).value().algorithm() == conv_algorithm::depthwise);
  CHECK(plan_conv2d<bytes, isa_t>(large).value().algorithm() == conv_algorithm::implicit_gemm);  // 289 taps
  CHECK(plan_conv2d<words, isa_t>(small).value().algorithm() == conv_algorithm::implicit_gemm);
  CHECK(plan_conv2d<bytes, isa_t>(large, conv_algorithm::depthwise).error().code() == errc::unsupported);
  CHECK(plan_conv2d<bytes, isa_t>(small, conv_algorithm::seven_bits).error().code() == errc::unsupported);
  CHECK(plan_conv2d<float, isa_t>(small, conv_algorithm::seven_bits).error().code() == errc::unsupported);
}

TEST_CASE("packing chooses a kernel for weights of seven bits") {
  using product = conv_types<std::uint8_t, std::int8_t, std::uint8_t>;
  const auto plan = plan_conv2d<product, isa_t>({.src = {1, 2, 2, 4}, .weights = {4, 1, 1, 4}}).value();
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const auto packed = [&](std::int8_t last) {
    std::vector<std::int8_t> w(16, 64);
    w.back() = last;
    return plan.pack(ohwi<const std::int8_t>(w.data(), 4, 1, 1, 4), storage.span()).value().key.algorithm;
  };
  constexpr bool seven = std::same_as<isa_t, isa::avx2>;
  CHECK(packed(-64) == (seven ? conv_algorithm::seven_bits : conv_algorithm::implicit_gemm));
  CHECK(packed(65) == conv_algorithm::implicit_gemm);
  CHECK(packed(-65) == conv_algorithm::implicit_gemm);
}

TEST_CASE("a zero point that src cannot hold, and weights packed for others, are refused") {
  std::vector<std::uint8_t> x(16);
  std::vector<std::int32_t> y(16);
  std::vector<std::int8_t> w(16);
  using product = conv_types<std::uint8_t, std::int8_t, std::int32_t>;
  const auto plan = plan_conv2d<product, isa_t>({.src = {1, 2, 2, 4}, .weights = {4, 1, 1, 4}}).value();
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  auto packed = plan.pack(ohwi<const std::int8_t>(w.data(), 4, 1, 1, 4), storage.span()).value();
  const auto src = nhwc<const std::uint8_t>(x.data(), 1, 2, 2, 4);
  const auto sums = nhwc(y.data(), 1, 2, 2, 4);
  const status s = plan.run(src, packed, sums, acc + dst, src_zero_point(-1));
  CHECK(s.code() == errc::unsupported);
  CHECK(std::string(s.message()) == "conv: a zero point of src is -1; it must be one of its numbers, 0 to 255");
  using zeroed = conv_types<std::uint8_t, std::int8_t, std::uint8_t, true>;
  const auto other = plan_conv2d<zeroed, isa_t>({.src = {1, 2, 2, 4}, .weights = {4, 1, 1, 4}}).value();
  const auto wide = aligned_buffer::make(other.packed_bytes());
  CHECK(other.pack(ohwi<const std::int8_t>(w.data(), 4, 1, 1, 4), wide.span(), 128).error().code() ==
        errc::unsupported);
  const std::int32_t* const nowhere = nullptr;
  CHECK(
      std::string(other.pack(ohwi<const std::int8_t>(w.data(), 4, 1, 1, 4), wide.span(), nowhere).error().message()) ==
      "pack: weights have 4 output channels but the pointer to their zero points is null");
  packed.key.group += 1;
  CHECK(plan.run(src, packed, sums, acc + dst).code() == errc::wrong_blob);
  packed.key.group -= 1;
  CHECK(plan.run(src, packed, sums, acc + dst).ok());
}

}  // namespace
}  // namespace ashlar::test
