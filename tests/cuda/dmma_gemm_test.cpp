// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/dmma_gemm_test.cpp: the product of doubles on the tensor cores without a GPU: its blocks replayed on
// virtual_warp.hpp equal reference::gemm bit for bit, signed zeros and infinities included.
//
// Whatever lies around A, B and C is NaN, and C's surroundings must stay as they are.
#include <doctest/doctest.h>

#include <algorithm>
#include <ashlar/cuda/dmma_block.cuh>
#include <ashlar/reference.hpp>
#include <cmath>
#include <set>

#include "support/bits.hpp"
#include "virtual_warp.hpp"

namespace ashlar::test {
namespace {

using namespace cuda::detail;

using tiles = tiles_of<double>;
template <route A, route B, class Tile>
using config = mma_config<double, double, A, B, Tile>;
constexpr route k_major = route::direct_k, mn_major = route::direct_mn, staged = route::staged;

struct shape {
  int m, n, k, count = 1;
};
struct strides {
  index row, col;
};

// `small`: products underflow to zeros of either sign. Otherwise numbers of many sizes, zeros and infinities among
// them.
double number(std::mt19937& r, bool small) {
  const double sign = r() % 2 ? 1.0 : -1.0;
  if (small) return sign * (r() % 3 ? 1e-200 : 0.0);
  switch (r() % 40) {
    case 0:
      return sign * 0.0;
    case 1:
      return r() % 20 ? sign * 1e-310 : sign * INFINITY;
    default:
      return sign * std::ldexp(1 + double(r()) / 4294967296.0, int(r() % 60) - 30);
  }
}

// `count` matrices amid NaN, the first at `data`; each begins on 16 bytes, or `off` elements after that.
struct matrices {
  index m, n, step;
  strides at;
  std::vector<double> memory;
  double* data;

  matrices(index rows, index cols, index count, strides s, int off) : m(rows), n(cols), at(s), memory(), data(nullptr) {
    const index span = (m - 1) * std::abs(s.row) + (n - 1) * std::abs(s.col) + 1;
    step = (std::max<index>(span, 0) + 17) / 2 * 2;
    memory.assign(std::size_t(step * count + 34), NAN);
    const bool odd = reinterpret_cast<std::uintptr_t>(memory.data()) % 16 != 0;
    data = memory.data() + 16 + odd + off;
    data += (s.row < 0 ? (1 - m) * s.row : 0) + (s.col < 0 ? (1 - n) * s.col : 0);
  }
  void fill(index count, std::mt19937& r, bool small) {
    for (index p = 0; p < count; ++p)
      for (index i = 0; i < m; ++i)
        for (index j = 0; j < n; ++j) data[p * step + i * at.row + j * at.col] = number(r, small);
  }
  matrix_view<double> view_in(std::vector<double>& other, index p) {
    return {other.data() + (data - memory.data()) + p * step, m, n, at.row, at.col};
  }
  matrix_view<double> view(index p) { return view_in(memory, p); }
};

template <class Config, class E>
void replay(const shape& s, strides la, strides lb, strides lc, const E& e, unsigned seed, bool small = false,
            int off = 0) {
  INFO(s.m << " x " << s.n << " x " << s.k << ", seed " << seed);
  std::mt19937 r(seed);
  matrices a(s.m, s.k, s.count, la, off), b(s.k, s.n, s.count, lb, off), c(s.m, s.n, s.count, lc, off);
  a.fill(s.count, r, small), b.fill(s.count, r, small), c.fill(s.count, r, false);
  const auto before = c.memory;
  auto expected = before;
  for (int p = 0; p < s.count; ++p) reference::gemm(a.view(p), b.view(p), c.view_in(expected, p), e);
  const tile_order order{int(cuda::detail::ceil_div(s.m, Config::m)), int(cuda::detail::ceil_div(s.n, Config::n)), 2,
                         s.count};
  for (copies when : {copies::early, copies::late}) {
    c.memory = before;
    const matrix_view<double> cv(c.memory.data() + (c.data - c.memory.data()), s.m, s.n, lc.row, lc.col);
    const mma_arguments<double, double, matrix_view<double>, E> p{{a.data, la.row, la.col, s.m, s.k},
                                                                  {b.data, lb.col, lb.row, s.n, s.k},
                                                                  cv,
                                                                  e,
                                                                  {s.count, a.step, b.step, c.step},
                                                                  order};
    virtual_block gpu(Config::shared_bytes, seed, when);
    for (int block = 0; block < order.count(); ++block) {
      gpu.run(Config::threads, block, [&] { mma_block<Config, virtual_warp>(p); });
    }
    CHECK(gpu.misuses() == 0);
    index wrong = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) wrong += !same_bits(expected[i], c.memory[i]);
    CHECK(wrong == 0);
  }
}

index even(index x) { return (x + 1) / 2 * 2; }
strides rows(index, index n) { return {even(n), 1}; }
strides columns(index m, index) { return {1, even(m)}; }

template <class Tile, class E>
void replay_layouts(const shape& s, const E& e, unsigned seed, bool small = false) {
  const strides ar = rows(s.m, s.k), ac = columns(s.m, s.k), br = rows(s.k, s.n), bc = columns(s.k, s.n);
  const strides c{s.n, 1};
  replay<config<k_major, k_major, Tile>>(s, ar, bc, c, e, seed, small);
  replay<config<k_major, mn_major, Tile>>(s, ar, br, c, e, seed + 1, small);
  replay<config<mn_major, k_major, Tile>>(s, ac, bc, c, e, seed + 2, small);
  replay<config<mn_major, mn_major, Tile>>(s, ac, br, c, e, seed + 3, small);
}

// The most that lanes [from, from + 16) ask of one of 32 banks.
template <class Tile>
int passes(int from, int eight, int i) {
  using parts = double_parts<Tile>;
  std::vector<std::set<int>> banks(32);
  for (int lane = from; lane < from + 16; ++lane) {
    const int at = parts::variable(lane, 16, parts::number(eight, i)) + parts::fixed(eight, i);
    for (int word : {at / 4, at / 4 + 1}) banks[std::size_t(word % 32)].insert(word);
  }
  std::size_t most = 0;
  for (const auto& bank : banks) most = std::max(most, bank.size());
  return int(most);
}

template <class Tile>
void check_map() {
  using parts = double_parts<Tile>;
  for (int eight = 0; eight < Tile::mn / 8 - 2; ++eight) {
    for (int i = 0; i < 4; ++i) {
      for (int lane = 0; lane < 32; ++lane) {
        const int at = parts::variable(lane, 16, parts::number(eight, i)) + parts::fixed(eight, i);
        REQUIRE(at == double_offset<Tile>(16 + 8 * eight + lane / 4, 4 * i + lane % 4));
      }
      REQUIRE((passes<Tile>(0, eight, i) == 1 && passes<Tile>(16, eight, i) == 1));
    }
  }
}

}  // namespace

TEST_CASE("fragments are read from where they lie, without bank conflicts") {
  check_map<shared_tile<8, major::k, 64, 128>>();
  check_map<shared_tile<8, major::k, 128, 128>>();
  check_map<shared_tile<8, major::mn, 64, 128>>();
  check_map<shared_tile<8, major::mn, 128, 128>>();
}

TEST_CASE("every layout equals the reference") {
  for (const shape& s : {shape{70, 66, 67}, {1, 1, 1}, {33, 64, 64}, {5, 3, 0}, {64, 64, 16}, {65, 9, 31}}) {
    replay_layouts<tiles::small>(s, acc, 1);
  }
}

TEST_CASE("what pads k does not touch the sign of a zero") {
  for (const int k : {1, 7, 15, 17, 33, 50}) replay_layouts<tiles::small>({9, 10, k}, acc, unsigned(k), true);
  replay<config<staged, staged, tiles::staged>>({9, 10, 5}, {5, 1}, {10, 1}, {10, 1}, acc, 1, true);
}

TEST_CASE("the larger tiles") {
  replay_layouts<tiles::middle>({130, 5, 35}, acc, 7);
  replay_layouts<tiles::large>({65, 130, 50}, acc, 8);
}

TEST_CASE("any strides, any alignment") {
  using c = config<staged, staged, tiles::staged>;
  replay<c>({130, 66, 37}, {37, 1}, {67, 1}, {66, 1}, acc, 1, false, 1);
  replay<c>({5, 70, 50}, {1, 5}, {1, 51}, {-71, 1}, acc, 2);
  replay<c>({131, 3, 16, 2}, {-33, 2}, {7, -2}, {1, 133}, acc, 3);
  replay<c>({3, 5, 0}, {1, 1}, {5, 1}, {5, 1}, acc, 4);
}

TEST_CASE("epilogues and batches") {
  std::vector<double> bias(80), scale(80);
  for (std::size_t i = 0; i < 80; ++i) bias[i] = double(i) - 40.5, scale[i] = 1.0 / double(i + 1);
  using c = config<k_major, mn_major, tiles::small>;
  const shape s{65, 70, 21, 2};
  const strides a{22, 1}, b{70, 1};
  replay<c>(s, a, b, {70, 1}, relu(acc + per_column(bias.data())), 1);
  replay<c>(s, a, b, {71, 1}, acc * per_row(scale.data()) + dst, 2);
  replay<c>(s, a, b, {1, 66}, 0.5 * acc + 2.0 * dst, 3);
  replay<c>(s, a, b, {140, 2}, gelu(acc), 4);
}

}  // namespace ashlar::test
