// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/tiles_test.cpp: convolutions with the tiles that programs get, of every ISA, give the bits of the
// reference.
#include <doctest/doctest.h>

#include "conv/case.hpp"

namespace ashlar::test {
namespace {

TEST_CASE("a convolution with the default tile equals the reference bit for bit") {
  for_each_case(scaled(300, 25), [](random& r) {
    const conv3d p = some_problem(r);
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      conv_case<float> c(r, p, where);
      REQUIRE(c.differs<isa_under_test>() == "");
    }
  });
}

}  // namespace
}  // namespace ashlar::test
