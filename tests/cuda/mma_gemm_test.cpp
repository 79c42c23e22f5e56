// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/mma_gemm_test.cpp: the kernels of mma_gemm.cuh without a GPU: their blocks replayed.
//
// The replay runs mma_block as it is on virtual_warp.hpp and compares with a naive product: integers, exactly.
// Whatever lies around A, B and C is poison, and C's surroundings must stay as they are.
#include <doctest/doctest.h>

#include <ashlar/cuda/mma_block.cuh>
#include <ashlar/cuda/mma_config.cuh>
#include <cmath>

#include "support/cases.hpp"
#include "virtual_warp.hpp"

namespace ashlar::test {
namespace {

using namespace cuda::detail;
using cuda::tf32;

using large_tile = common_tiles::large;
using middle_tile = common_tiles::middle;
using small_tile = common_tiles::small;
using staged_tile = common_tiles::staged;

struct shape {
  int m, n, k, count = 1;
};

// A matrix of small integers amid poison; `step` elements from problem to problem.
template <class T>
struct poisoned {
  std::vector<T> memory;
  T* first;
  index step;

  poisoned(index elements, index count, T poison, int misaligned) {
    step = (elements + 15) / 16 * 16 + 16;
    memory.assign(std::size_t(step * count + 64), poison);
    auto address = reinterpret_cast<std::uintptr_t>(memory.data());
    first = memory.data() + 16 + (64 - address % 64) % 64 / sizeof(T) + misaligned;
  }
};

template <class T>
T poison_of() {
  if constexpr (narrow_floating_point<T>) {
    return T(NAN);
  } else {
    return std::floating_point<T> ? T(NAN) : T(77);
  }
}
template <class T>
T small_number(std::mt19937& r) {
  const int x = int(r() % 5) - (std::is_unsigned_v<T> ? 0 : 2);
  if constexpr (narrow_floating_point<T>) {
    return T(float(x));
  } else {
    return T(x);
  }
}
template <class T>
double as_double(T x) {
  if constexpr (narrow_floating_point<T>) {
    return double(float(x));
  } else {
    return double(x);
  }
}

// How A (rows x cols, lines along `major`) lies in memory: lines of `ld` elements, each `gap` apart.
struct lie {
  bool k_major;
  int pad;      // beyond the next multiple of 16 bytes, in elements
  int gap = 1;  // between neighbours
  int misaligned = 0;
};

template <class T>
struct matrix {
  poisoned<T> data;
  index mn_stride, k_stride;

  matrix(int mn, int k, int count, const lie& l, std::mt19937& r)
      : data(size(mn, k, l), count, poison_of<T>(), l.misaligned) {
    const index ld = line(l.k_major ? k : mn, l);
    mn_stride = l.k_major ? ld : l.gap, k_stride = l.k_major ? l.gap : ld;
    for (int p = 0; p < count; ++p) {
      for (int i = 0; i < mn; ++i) {
        for (int j = 0; j < k; ++j) at(p, i, j) = small_number<T>(r);
      }
    }
  }
  T& at(int p, int i, int j) { return data.first[p * data.step + i * mn_stride + j * k_stride]; }

  static index line(int n, const lie& l) {
    const int unit = 16 / int(sizeof(T));
    return (index(n) * l.gap + unit - 1) / unit * unit + l.pad;
  }
  static index size(int mn, int k, const lie& l) { return line(l.k_major ? k : mn, l) * (l.k_major ? mn : k); }
};

// C as it must become, from the definition.
template <class Sum, class A, class B, class C, class E>
void multiply_naively(A& a, B& b, const C& first, index step, const shape& s, const E& e) {
  for (int q = 0; q < s.count; ++q) {
    const auto c = shifted(first, q * step);
    for (int i = 0; i < s.m; ++i) {
      for (int j = 0; j < s.n; ++j) {
        double sum = 0;
        for (int k = 0; k < s.k; ++k) sum += as_double(a.at(q, i, k)) * as_double(b.at(q, j, k));
        c(i, j) = stored<typename C::value_type>(finished(e, Sum(sum), c, i, j));
      }
    }
  }
}

template <class Config, class D, class E>
void replay(const shape& s, const lie& la, const lie& lb, index c_row, index c_col, const E& e, unsigned seed) {
  using X = typename Config::x;
  using Y = typename Config::y;
  std::mt19937 r(seed);
  matrix<typename mma_element<X>::stored> a(s.m, s.k, s.count, la, r);
  matrix<typename mma_element<Y>::stored> b(s.n, s.k, s.count, lb, r);
  const tile_order tiles{int(ceil_div(s.m, Config::m)), int(ceil_div(s.n, Config::n)), 2, s.count};
  for (copies when : {copies::early, copies::late}) {
    poisoned<D> c((s.m - 1) * c_row + (s.n - 1) * c_col + 1, s.count, poison_of<D>(), 0);
    auto expected = c.memory;
    const matrix_view<D> there(expected.data() + (c.first - c.memory.data()), s.m, s.n, c_row, c_col);
    multiply_naively<typename mma_element<X>::sum>(a, b, there, c.step, s, e);
    const mma_arguments<X, Y, matrix_view<D>, E> p{{a.data.first, a.mn_stride, a.k_stride, s.m, s.k},
                                                   {b.data.first, b.mn_stride, b.k_stride, s.n, s.k},
                                                   {c.first, s.m, s.n, c_row, c_col},
                                                   e,
                                                   {s.count, a.data.step, b.data.step, c.step},
                                                   tiles};
    virtual_block gpu(Config::shared_bytes, seed, when);
    for (int block = 0; block < tiles.count(); ++block) {
      gpu.run(Config::threads, block, [&] { mma_block<Config, virtual_warp>(p); });
    }
    CHECK(gpu.misuses() == 0);
    CHECK(std::memcmp(expected.data(), c.memory.data(), expected.size() * sizeof(D)) == 0);
  }
}

template <class X, class Y, route A, route B, class Tile, class D, class E>
void replay_tile(const E& e, const shape& s, unsigned seed) {
  using config = mma_config<X, Y, A, B, Tile>;
  INFO(s.m << " x " << s.n << " x " << s.k << ", layout " << seed);
  const lie la{A != route::direct_mn, 0}, lb{B != route::direct_mn, 16};
  const index ldc = (s.n + 3) / 4 * 4;
  replay<config, D>(s, la, lb, ldc, 1, e, seed);
}

template <class X, class Y, class Tile, class D, class E>
void replay_layouts(const E& e, const shape& s) {
  constexpr route k = route::direct_k, mn = route::direct_mn;
  replay_tile<X, Y, k, k, Tile, D>(e, s, 1);
  replay_tile<X, Y, k, mn, Tile, D>(e, s, 2);
  replay_tile<X, Y, mn, k, Tile, D>(e, s, 3);
  replay_tile<X, Y, mn, mn, Tile, D>(e, s, 4);
}

std::vector<float> numbers(int n) {
  std::vector<float> v;
  for (int i = 0; i < n; ++i) v.push_back(float(i % 7 - 3));
  return v;
}

TEST_CASE_TEMPLATE("every layout of every element type equals the naive product", X, f16, bf16, tf32, e4m3, e5m2,
                   std::int8_t, std::uint8_t) {
  constexpr int k = 32 / mma_element<X>::size;  // of a step
  using sum = typename mma_element<X>::sum;
  for (const shape& s : {shape{70, 66, 5 * k + 3}, {1, 1, 1}, {33, 64, 13 * k - 1}, {5, 3, 0}}) {
    replay_layouts<X, X, small_tile, sum>(acc, s);
    if (scale() < 100) return;
  }
}

TEST_CASE("the larger tiles") {
  if (scale() < 100) return;  // minutes on an emulator
  const shape s{130, 131, 70};
  replay_layouts<f16, f16, middle_tile, f16>(acc, s);
  replay_layouts<std::int8_t, std::int8_t, middle_tile, std::int32_t>(acc, {3, 129, 130});
  replay_layouts<tf32, tf32, middle_tile, float>(acc, {131, 5, 45});
  replay_layouts<bf16, bf16, large_tile, float>(acc, {5, 258, 100});
  replay_layouts<std::int8_t, std::int8_t, large_tile, std::int32_t>(acc, {131, 200, 130});
  replay_layouts<tf32, tf32, large_tile, float>(acc, {127, 258, 18});
}

TEST_CASE("8-bit types mix, and C is of any type") {
  if (scale() < 100) return;
  replay_layouts<e4m3, e5m2, float8_tiles::small, bf16>(acc, {65, 67, 70});
  replay_layouts<e4m3, e4m3, float8_tiles::middle, f16>(acc, {65, 131, 70});
  replay_layouts<e5m2, e4m3, float8_tiles::large, float>(acc, {130, 129, 33});
  replay_layouts<std::uint8_t, std::int8_t, small_tile, std::int8_t>(acc, {65, 67, 3});
  replay_layouts<f16, f16, small_tile, e4m3>(acc, {65, 67, 33});
  replay_layouts<bf16, bf16, small_tile, bf16>(acc, {65, 67, 33});
}

TEST_CASE_TEMPLATE("staged: any strides, any alignment", X, f16, tf32, e4m3, std::int8_t) {
  using config = mma_config<X, X, route::staged, route::staged, staged_tile>;
  using sum = typename mma_element<X>::sum;
  unsigned seed = 10;
  for (bool a : {false, true}) {
    for (bool b : {false, true}) {
      replay<config, sum>({70, 66, 77}, {a, 1, 1, 1}, {b, 3, 2, 0}, 66, 1, acc, ++seed);
      if (a == b) replay<config, sum>({3, 70, 67, 2}, {a, 1, 3, 0}, {b, 1, 1, 3}, 70, 1, acc, ++seed);
    }
  }
  replay<config, sum>({3, 5, 0}, {true, 1}, {true, 1}, 5, 1, acc, ++seed);
}

TEST_CASE("C: batches, odd rows, columns first, gaps") {
  using config = mma_config<f16, f16, route::direct_k, route::direct_mn, small_tile>;
  const lie a{true, 0}, b{false, 8};
  for (unsigned seed = 0; seed < 2; ++seed) {
    replay<config, float>({65, 67, 40, 3}, a, b, 67, 1, acc, seed);
    replay<config, float>({65, 67, 40, 2}, a, b, 1, 66, acc, seed);
    replay<config, f16>({65, 67, 40}, a, b, 150, 2, acc, seed);
    replay<config, f16>({65, 68, 40, 2}, a, b, 68, 1, acc, seed);
    replay<config, f16>({1, 67, 40}, a, b, 67, 1, acc, seed);
  }
}

TEST_CASE("epilogues") {
  using config = mma_config<bf16, bf16, route::direct_k, route::direct_mn, small_tile>;
  const auto columns = numbers(67), rows = numbers(65), all = numbers(65 * 67);
  const lie a{true, 0}, b{false, 8};
  const auto ev = view(all.data(), 65, 67);
  const shape s{65, 67, 40};
  replay<config, float>(s, a, b, 68, 1, relu(acc + per_column(columns.data())), 1);
  replay<config, bf16>(s, a, b, 67, 1, acc * per_row(rows.data()) + elements(ev), 2);
  replay<config, f16>(s, a, b, 68, 1, gelu(acc), 3);

  using integers = mma_config<std::int8_t, std::int8_t, route::direct_k, route::direct_mn, small_tile>;
  std::vector<std::int32_t> bias(67, 5);
  replay<integers, std::int8_t>(s, {true, 0}, {false, 16}, 68, 1, clamp(acc + per_column(bias.data()), -128, 127), 4);
}

}  // namespace
}  // namespace ashlar::test
