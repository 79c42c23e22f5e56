// SPDX-License-Identifier: Apache-2.0
//
// product.cpp: the least program: it takes the ISA of the flags it is compiled with.
#include <ashlar/gemm.hpp>
#include <cstdio>

int main() {
  const double a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8};
  double c[4];
  const bool ok = ashlar::gemm(ashlar::view(a, 2, 2), ashlar::view(b, 2, 2), ashlar::view(c, 2, 2)).ok();
  std::printf("%s: %g %g / %g %g\n", ashlar::isa::facts<ashlar::isa::native>::name, c[0], c[1], c[2], c[3]);
  return ok && c[0] == 19 && c[3] == 50 ? 0 : 1;
}
