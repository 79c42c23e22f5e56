// SPDX-License-Identifier: Apache-2.0
//
// fused_epilogue.cpp: bias, activation, residual and a function of your own, applied while the sums are in registers.
#include <ashlar/gemm.hpp>
#include <cmath>
#include <cstdio>
#include <vector>

// Written against the math context m: every ISA runs this one source. x / (1 + |x|).
struct softsign {
  template <class M, class V>
  auto operator()(M m, const V& x) const {
    return m.div(x, m.add(m.constant(1), m.abs(x)));
  }
};

int main() {
  using namespace ashlar;
  using ashlar::index;
  const index m = 37, n = 50, k = 64;
  std::vector<float> a(m * k), b(k * n), bias(n), residual(m * n), c(m * n), sum(m * n);
  for (index i = 0; i < m * k; ++i) a[i] = std::sin(float(i));
  for (index i = 0; i < k * n; ++i) b[i] = std::cos(float(i)) / 4;
  for (index j = 0; j < n; ++j) bias[j] = float(j) / n;
  for (index i = 0; i < m * n; ++i) residual[i] = float(i % 7);
  const auto A = view(a.data(), m, k), B = view(b.data(), k, n);
  const auto C = view(c.data(), m, n), R = view(residual.data(), m, n);
  bool right = gemm(A, B, view(sum.data(), m, n)).ok();  // the plain sums, to compare with

  const auto largest_error = [&](auto expected) {
    double worst = 0;
    for (index i = 0; i < m * n; ++i)
      worst = std::fmax(worst, std::fabs(c[i] - expected(sum[i] + double(bias[i % n]), i)));
    std::printf("largest difference %.1e\n", worst);
    return worst < 2e-6 * 8;  // values to 8: a few float roundings
  };
  right &= gemm(A, B, C, gelu(acc + per_column(bias.data())) + elements(R)).ok();
  right &= largest_error([&](double x, index i) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)) + residual[i]; });
  right &= gemm(A, B, C, fn(softsign{}, acc + per_column(bias.data()))).ok();
  right &= largest_error([](double x, index) { return x / (1 + std::fabs(x)); });
  return right ? 0 : 1;
}
