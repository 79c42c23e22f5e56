// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/byte_tiles_test.cpp: the tile that products of bytes take, of every height and width, equals the reference
// bit for bit: in one K block and in many, weights within 7 bits or not, bytes stored within a range.
#include <doctest/doctest.h>

#include <ashlar/quant.hpp>

#include "gemm/mixed_problem.hpp"

namespace ashlar::test {
namespace {

TEST_CASE("the tile of bytes") {
  mixed_problems<std::uint8_t, std::int8_t, std::uint8_t>(1500, [](random& r, auto& p) {
    std::vector<float> scales(std::size_t(p.shape.n) + 1);
    for (float& x : scales) x = 0x1p-20f * float(r.between(-(1 << 19), 1 << 19));
    const auto e = requantize<onnx>(acc, per_column(scales.data()), std::int32_t(r.between(0, 255)));
    const cache_sizes caches = r.chance(50) ? cache_sizes{1, 1} : cache_sizes{1 << 15, 1 << 18};
    REQUIRE(p.differs(p.B.read(), e, no_zeros{}, caches) == "");
  });
}

}  // namespace
}  // namespace ashlar::test
