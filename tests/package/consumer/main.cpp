// SPDX-License-Identifier: Apache-2.0
//
// The first program of a user: a product with a fused bias and ReLU.
#include <ashlar/gemm.hpp>
#include <cstdio>

int main() {
  using namespace ashlar;
  const float a[] = {1, 2, 3, 4}, b[] = {1, 0, 0, 1}, bias[] = {-2, 1};
  float c[4] = {};
  const status s = gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), relu(acc + per_column(bias)));
  if (!s.ok()) return std::puts(s.message()), 1;
  const bool right = c[0] == 0 && c[1] == 3 && c[2] == 1 && c[3] == 5;
  std::printf("%g %g %g %g: %s\n", double(c[0]), double(c[1]), double(c[2]), double(c[3]), right ? "right" : "wrong");
  return right ? 0 : 1;
}
