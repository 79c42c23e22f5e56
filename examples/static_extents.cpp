// SPDX-License-Identifier: Apache-2.0
//
// static_extents.cpp: extents in the type: a product of constants, unrolled; nothing is packed and nothing is
// allocated.
#include <ashlar/gemm.hpp>
#include <cstdio>

int main() {
  using namespace ashlar;
  float a[16 * 16], b[16 * 16], c[16 * 16], d[16 * 16];
  for (int i = 0; i < 256; ++i) a[i] = float(i % 5), b[i] = float(i % 7) - 3;

  const auto A = view<16, 16>(a), B = view<16, 16>(b), C = view<16, 16>(c);
  static_assert(sizeof(A) == sizeof(float*) && decltype(A)::static_rows == 16);
  if (!gemm(A, B, C).ok() || !gemm(view(a, 16, 16), view(b, 16, 16), view(d, 16, 16)).ok()) return 1;

  bool same = true;
  for (int i = 0; i < 256; ++i) same = same && c[i] == d[i];
  std::printf("16 x 16 x 16, workspace of %zu bytes: c(0, 0) = %g, %s as with run-time extents\n",
              gemm_workspace_bytes(A, B, C), c[0], same ? "the same" : "NOT the same");

  // A 4 x 4 corner of each, still with constant extents.
  const auto corner = [](const auto& v) { return v.template block<4, 4>(0, 0); };
  if (!gemm(corner(A), corner(B), corner(C)).ok()) return 1;
  float sum = 0;
  for (int k = 0; k < 4; ++k) sum += A(3, k) * B(k, 2);
  std::printf("4 x 4 x 4: c(3, 2) = %g\n", C(3, 2));
  return same && C(3, 2) == sum ? 0 : 1;
}
