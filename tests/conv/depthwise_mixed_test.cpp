// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/depthwise_mixed_test.cpp: depthwise convolutions of bytes and of bf16 by the kernels that have tiles of
// their own, which conv.mixed does without; short epilogues, in registers, and long ones.
#include <doctest/doctest.h>

#include "support/small_gemm_tiles.hpp"
//
#include <ashlar/quant.hpp>

#include "conv/mixed_case.hpp"

namespace ashlar::test {
namespace {

// Channels: tails of a vector, several vectors, and as floats a multiple of 2 KiB.
conv3d square(random& r) {
  for (;;) {
    const index k = r.pick<index>({3, 3, 5, 7}), s = r.between(1, 2);
    const index c = r.chance(10) ? 512 : r.pick<index>({1, 7, 8, 16, 24, 33, 65});
    conv3d p;
    p.src = {r.between(1, 2), r.pick<index>({1, 1, 2}), r.between(1, 9), r.between(1, c > 100 ? 9 : 25), c};
    p.weights = {c, 1, k, k, 1};
    p.stride = {1, s, s};
    for (std::size_t i = 1; i < 3; ++i)
      p.padding.before[i] = r.between(0, k - 1), p.padding.after[i] = r.between(0, k - 1);
    p.groups = c;
    if (detail::geometry_of(p).ok()) return p;
  }
}

template <class Case, class F>
void cases(const F& differs) {
  for_each_case(scaled(150, 15), [&](random& r) {
    const conv3d p = square(r);
    const bool channels_last = r.chance(80);
    between_guards<Case>(r, p, false, channels_last, [&](auto& c) { REQUIRE(differs(c) == ""); });
  });
}

TEST_CASE("bytes, rounded to bytes: a float for each channel, or a multiplier and a shift for all") {
  cases<mixed_case<std::uint8_t, std::int8_t, std::uint8_t>>([](auto& c) {
    std::vector<float> scale(std::size_t(c.out.c));
    std::vector<std::int32_t> bias(scale.size());
    for (std::size_t i = 0; i < scale.size(); ++i) scale[i] = 0x1p-8f * float(1 + i % 9), bias[i] = 100 * int(i % 77);
    const auto sums = acc + per_column(static_cast<const std::int32_t*>(bias.data()));
    const float* const scales = scale.data();
    const std::string in_registers = c.differs(requantize<onnx>(sums, per_column(scales), 7, 0, 255));
    return in_registers + c.differs(requantize(sums, tflite{1 << 30, -6}, 3, 0, 255));
  });
}

TEST_CASE("bf16") {
  cases<mixed_case<bf16, bf16, bf16>>([](auto& c) {
    std::vector<float> bias(std::size_t(c.out.c), 0.5f);
    return c.differs(relu(acc + per_column(bias.data())));
  });
}

}  // namespace
}  // namespace ashlar::test
