// SPDX-License-Identifier: Apache-2.0
//
// shortest_paths.cpp: all-pairs shortest paths by squaring the distance matrix in the (min, +) semiring, with the full
// blocking.
//
//   D1(i, j) = the edge i -> j, 0 on the diagonal, infinity without one;     D2p = Dp Dp has all paths of at most 2p
//   edges
#include <algorithm>
#include <ashlar/gemm.hpp>
#include <cstdio>
#include <limits>
#include <vector>

int main() {
  using namespace ashlar;
  using ashlar::index;
  const index n = 150;
  std::vector<float> now(n * n, std::numeric_limits<float>::infinity()), next(n * n);
  const auto D = view(now.data(), n, n);
  for (index i = 0; i < n; ++i) {
    D(i, i) = 0;
    for (index e = 1; e <= 3; ++e) D(i, (i * e + 7 * e + 1) % n) = float((i * 31 + e * 17) % 23 + 1);
    D(i, i) = 0;
  }
  std::vector<float> check = now;  // Floyd and Warshall's way; the lengths are small integers, so every sum is exact
  for (index k = 0; k < n; ++k)
    for (index i = 0; i < n; ++i)
      for (index j = 0; j < n; ++j) check[i * n + j] = std::min(check[i * n + j], check[i * n + k] + check[k * n + j]);

  int products = 0;
  for (index edges = 1; edges < n; edges *= 2, ++products) {
    if (!gemm(view(now.data(), n, n), view(now.data(), n, n), view(next.data(), n, n), min_plus{}).ok()) return 1;
    std::swap(now, next);
  }
  const bool right = now == check;
  std::printf("%lld nodes, %d products: 0 -> %lld costs %g; %s\n", (long long)n, products, (long long)n - 1, now[n - 1],
              right ? "all distances agree with Floyd-Warshall" : "WRONG");
  return right ? 0 : 1;
}
