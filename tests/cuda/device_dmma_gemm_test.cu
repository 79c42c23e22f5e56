// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/device_dmma_gemm_test.cu: the product of doubles on the tensor cores of a GPU equals reference::gemm bit
// for bit: every tile, layout and edge, k tails, zeros of either sign, infinities. Exits 77 without a GPU.
//
//     nvcc -std=c++20 -O3 -gencode arch=compute_90a,code=sm_90a -Iinclude -Icuda -Itests
//       tests/cuda/device_dmma_gemm_test.cu -o device_dmma_gemm_test
//
// What is no element of a matrix is NaN, in A and B too, and C's surroundings must stay as they are.
//
// Depends on: cuda/, reference.hpp, device_memory.cuh.
#include <ashlar/cuda/dmma_gemm.cuh>
#include <ashlar/reference.hpp>
#include <cmath>
#include <cstdio>
#include <random>

#include "cuda/device_memory.cuh"
#include "support/bits.hpp"

namespace ashlar::test {
namespace {

namespace cd = cuda::detail;
using ashlar_test::device_array;

int failures = 0, products = 0;
std::mt19937 generator(1);

struct problem {
  index m, n, k, count = 1;
};
struct strides {
  index row, col;
};
enum class values { sizes, zeros };

// Of many sizes, zeros, subnormals and infinities among them; or such that all products underflow to zeros.
double number(values v) {
  const double sign = generator() % 2 ? 1.0 : -1.0;
  if (v == values::zeros) return sign * (generator() % 3 ? 1e-200 : 0.0);
  const unsigned which = generator() % 100000;
  if (which < 2500) return sign * 0.0;
  if (which < 3500) return sign * 1e-310;
  if (which == 3500) return sign * INFINITY;
  return sign * std::ldexp(1 + double(generator()) / 4294967296.0, int(generator() % 60) - 30);
}

/// `count` matrices on the host and on the device, `off` elements after an address on 512 bytes.
struct matrices {
  index m, n, distance, first;
  strides at;
  device_array<double> memory;

  matrices(index rows, index cols, const problem& p, strides s, int off = 0)
      : m(rows),
        n(cols),
        distance((span(rows, cols, s) + 17) / 2 * 2),
        at(s),
        memory(std::size_t(p.count * distance + 2)) {
    first = off + (s.row < 0 ? (1 - m) * s.row : 0) + (s.col < 0 ? (1 - n) * s.col : 0);
    for (double& x : memory.host) x = NAN;
  }
  static index span(index m, index n, strides s) {
    return m == 0 || n == 0 ? 0 : (m - 1) * std::abs(s.row) + (n - 1) * std::abs(s.col) + 1;
  }
  void fill(const problem& p, values v) {
    for (index q = 0; q < p.count; ++q)
      for (index i = 0; i < m; ++i)
        for (index j = 0; j < n; ++j) on_host(q)(i, j) = number(v);
    memory.upload();
  }
  matrix_view<double> on_host(index q) { return {memory.host.data() + first + q * distance, m, n, at.row, at.col}; }
  matrix_view<double> on_device() { return {memory.data() + first, m, n, at.row, at.col}; }
};

// launch(a, b, c, batch) and the reference on the same problem.
template <class E, class Launch>
void compare(const char* name, const problem& p, strides la, strides lb, strides lc, values v, const E& e,
             const Launch& launch, int off = 0) {
  matrices a(p.m, p.k, p, la, off), b(p.k, p.n, p, lb, off), c(p.m, p.n, p, lc, off);
  a.fill(p, v), b.fill(p, v), c.fill(p, values::sizes);
  const status s = launch(a.on_device(), b.on_device(), c.on_device(),
                          cuda::batch_strides{p.count, a.distance, b.distance, c.distance});
  ashlar_test::require(cudaDeviceSynchronize(), name);
  for (index q = 0; q < p.count; ++q) reference::gemm(a.on_host(q), b.on_host(q), c.on_host(q), e);
  const auto expected = c.memory.host;
  const bool guarded = c.memory.download();
  index wrong = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) wrong += !same_bits(expected[i], c.memory.host[i]);
  ++products;
  if (s.ok() && guarded && wrong == 0) return;
  if (++failures > 20) return;
  std::printf("FAILED %s %lld x %lld x %lld: %s, %lld elements differ%s\n", name, (long long)p.m, (long long)p.n,
              (long long)p.k, s.ok() ? "ok" : s.message(), (long long)wrong, guarded ? "" : ", guards overwritten");
}

index even(index x) { return (x + 1) / 2 * 2; }

/// One tile by itself, of A and B as the routes say.
template <cd::route RouteA, cd::route RouteB, class Tile>
void test_tile(const char* name, const problem& p, values v) {
  constexpr bool ak = RouteA != cd::route::direct_mn, bn = RouteB == cd::route::direct_mn;
  const strides la = ak ? strides{even(p.k), 1} : strides{1, even(p.m)};
  const strides lb = bn ? strides{even(p.n), 1} : strides{1, even(p.k)};
  const auto launch = [](const auto& a, const auto& b, const auto& c, const cuda::batch_strides& batch) {
    using config = cd::mma_config<double, double, RouteA, RouteB, Tile>;
    const auto device = cd::current_device("test");
    return cd::launch_config<config>(cd::mma_arguments_of<double, double>(a, b, c, acc, batch), device.value(),
                                     nullptr);
  };
  compare(name, p, la, lb, {p.n, 1}, v, acc, launch);
}

template <class Tile>
void test_layouts(const char* name) {
  constexpr cd::route k = cd::route::direct_k, mn = cd::route::direct_mn;
  for (const problem& p : {problem{1, 1, 1},
                           {128, 128, 64},
                           {129, 67, 83},
                           {300, 257, 31},
                           {64, 64, 16},
                           {5, 3, 0},
                           {200, 310, 1000},
                           {70, 66, 17},
                           {33, 129, 15},
                           {256, 256, 2048}}) {
    for (const values v : {values::sizes, values::zeros}) {
      test_tile<k, k, Tile>(name, p, v), test_tile<k, mn, Tile>(name, p, v);
      test_tile<mn, k, Tile>(name, p, v), test_tile<mn, mn, Tile>(name, p, v);
    }
  }
}

/// What launch_dmma chooses; strides known when it runs.
template <class E>
void test_chosen(const char* name, const problem& p, strides la, strides lb, strides lc, const E& here, const E& there,
                 int off = 0) {
  const auto launch = [&](const auto& a, const auto& b, const auto& c, const cuda::batch_strides& batch) {
    return cd::launch_dmma(a, b, c, there, batch, nullptr);
  };
  for (const values v : {values::sizes, values::zeros}) compare(name, p, la, lb, lc, v, here, launch, off);
}

void test_strides() {
  for (const problem& p :
       {problem{130, 67, 37, 1}, {5, 70, 50, 3}, {131, 3, 16, 2}, {1, 1, 1, 1}, {257, 300, 129, 2}}) {
    const strides odd{p.k | 1, 1};
    test_chosen("rows", p, {even(p.k), 1}, {even(p.n), 1}, {p.n, 1}, acc, acc);
    test_chosen("columns", p, {1, even(p.m)}, {1, even(p.k)}, {1, p.m}, acc, acc);
    test_chosen("odd rows", p, odd, {p.n | 1, 1}, {p.n | 1, 1}, acc, acc);
    test_chosen("off 16 bytes", p, {even(p.k), 1}, {even(p.n), 1}, {even(p.n), 1}, acc, acc, 1);
    test_chosen("gaps", p, {2 * p.k + 1, 2}, {3, 3 * p.k}, {2 * p.n + 4, 2}, acc, acc);
    test_chosen("backwards", p, {-even(p.k), 1}, {p.n + 1, -1}, {-p.n, 1}, acc, acc);
  }
}

void test_epilogues() {
  device_array<double> bias(400);
  for (double& x : bias.host) x = number(values::sizes);
  bias.upload();
  const double *here = bias.host.data(), *there = bias.data();
  for (const problem& p : {problem{130, 67, 37}, {64, 300, 64}}) {
    const strides a{even(p.k), 1}, b{even(p.n), 1}, c{even(p.n), 1};
    test_chosen("bias", p, a, b, c, relu(acc + per_column(here)), relu(acc + per_column(there)));
    test_chosen("scale", p, a, b, c, acc * per_row(here) + dst, acc * per_row(there) + dst);
    test_chosen("old", p, a, b, c, 0.5 * acc + 2.0 * dst, 0.5 * acc + 2.0 * dst);
    test_chosen("gelu", p, a, b, c, gelu(acc), gelu(acc));
  }
}

int run_all() {
  using tiles = cd::tiles_of<double>;
  test_layouts<tiles::large>("large");
  test_layouts<tiles::middle>("middle");
  test_layouts<tiles::small>("small");
  test_strides();
  test_epilogues();
  std::printf("%d products, %d wrong\n", products, failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ashlar::test

int main() {
  if (!ashlar_test::has_device()) return std::puts("skipped: no CUDA device"), 77;
  return ashlar::test::run_all();
}
