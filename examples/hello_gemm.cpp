// SPDX-License-Identifier: Apache-2.0
//
// hello_gemm.cpp: C = A B, views of plain memory, and what a wrong call says.
#include <ashlar/gemm.hpp>
#include <cstdio>

int main() {
  using namespace ashlar;
  const float a[] = {1, 2, 3,  //
                     4, 5, 6};
  const float b[] = {1, 0,  //
                     0, 1,  //
                     1, 1};
  float c[4];

  status s = gemm(view(a, 2, 3), view(b, 3, 2), view(c, 2, 2));
  std::printf("A B   = %g %g / %g %g\n", c[0], c[1], c[2], c[3]);
  const bool product = s.ok() && c[0] == 4 && c[1] == 5 && c[2] == 10 && c[3] == 11;

  float d[9];  // the same memory read as transposed matrices: B^T is 2 x 3, A^T is 3 x 2
  s = gemm(transposed(view(a, 2, 3)), transposed(view(b, 3, 2)), view(d, 3, 3));
  std::printf("A' B' = %g %g %g / ...\n", d[0], d[1], d[2]);
  const bool transposes = s.ok() && d[0] == 1 && d[1] == 4 && d[2] == 5;

  s = gemm(view(a, 2, 3), view(b, 2, 3), view(c, 2, 2));
  std::printf("a wrong call: %s\n", s.message());
  const bool refused = s.code() == errc::shape_mismatch && c[0] == 4;
  return product && transposes && refused ? 0 : 1;
}
