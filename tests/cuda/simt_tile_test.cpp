// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/simt_tile_test.cpp: the arithmetic of the exact CUDA product's tiles: who owns which element, bank
// conflicts, the order of the blocks, the model that chooses.
//
// Depends on: cuda/, support/.
#include <doctest/doctest.h>

#include <algorithm>
#include <ashlar/cuda/simt_choose.cuh>
#include <ashlar/cuda/simt_orders.cuh>
#include <vector>

#include "support/cases.hpp"

namespace ashlar::test {
namespace {

namespace cd = cuda::detail;

template <int... Shapes>
struct shapes {};
using every_shape = shapes<0, 1, 2, 3, 4>;

}  // namespace

TEST_CASE("every element of a tile belongs to one thread") {
  const auto check = [](auto tile, int v) {
    using t = decltype(tile);
    std::vector<int> owners(std::size_t(t::bm * t::bn));
    for (int thread = 0; thread < t::threads; ++thread) {
      for (int i = 0; i < t::tm; ++i) {
        for (int j = 0; j < t::tn; ++j) {
          const int row = t::first_row(thread, v) + t::row_offset(i, v),
                    col = t::first_col(thread, v) + t::col_offset(j, v);
          ++owners.at(std::size_t(row * t::bn + col));
        }
      }
    }
    for (const int n : owners) REQUIRE(n == 1);
  };
  [&]<int... S>(shapes<S...>) {
    (check(cd::simt_tile<cd::simt_shapes<4>[S]> {}, 4), ...);
    (check(cd::simt_tile<cd::simt_shapes<8>[S]> {}, 2), ...);
  }(every_shape{});
}

TEST_CASE("blocks take every tile of C once") {
  for_each_case(scaled(200), [](random& r) {
    const int m = int(r.between(1, 40)), n = int(r.between(1, 40)), count = int(r.between(1, 3));
    std::vector<int> taken(std::size_t(m * n * count));
    const cd::tile_order order = cd::simt_order(m, n, count);
    for (int i = 0; i < order.count(); ++i) {
      const cd::tile_place at = order[i];
      REQUIRE((at.m < m && at.n < n && at.batch < count));
      ++taken.at(std::size_t((at.batch * m + at.m) * n + at.n));
    }
    for (const int t : taken) REQUIRE(t == 1);
  });
  static_assert(cd::simt_order(2147483647, 1, 1)[2147483646].m == 2147483646);
  static_assert(cd::simt_order(1, 2147483647, 1)[2147483646].n == 2147483646);
}

namespace {
// The most that lanes [from, from + count) ask of one of 32 banks, where equal words count once.
int passes(const std::vector<int>& words, int from, int count) {
  std::vector<std::vector<int>> banks(32);
  for (int lane = from; lane < from + count; ++lane) {
    auto& bank = banks[std::size_t(words[std::size_t(lane)] % 32)];
    if (std::find(bank.begin(), bank.end(), words[std::size_t(lane)]) == bank.end()) {
      bank.push_back(words[std::size_t(lane)]);
    }
  }
  std::size_t most = 0;
  for (const auto& bank : banks) most = std::max(most, bank.size());
  return int(most);
}
}  // namespace

TEST_CASE_TEMPLATE("shared memory is read and written without bank conflicts", T, ASHLAR_TEST_FLOATS) {
  constexpr int v = cd::strip<T>, words = int(sizeof(T) / 4);
  const auto check = [&](auto tile) {
    using t = decltype(tile);
    using memory = cd::simt_shared<t, T>;
    // Half of the lanes read 16 bytes each in one pass: the first words of their strips lie in different bank groups.
    std::vector<int> a, b, copied;
    for (int lane = 0; lane < 32; ++lane) {
      a.push_back(t::first_row(lane, v) * words), b.push_back(t::first_col(lane, v) * words);
      const auto w = cd::k_fastest::walk<t::bm, t::threads>(lane, cd::simt_side<T>{});
      copied.push_back((w.k * memory::a_pitch + w.x) * words);
    }
    for (int half : {0, 16}) REQUIRE((passes(a, half, 16) == 1 && passes(b, half, 16) == 1));
    // A 64-bit copy takes two passes of half of the lanes each, a 32-bit one a single pass.
    for (int from = 0; from < 32; from += 32 / words) REQUIRE(passes(copied, from, 32 / words) == 1);
  };
  [&]<int... S>(shapes<S...>) { (check(cd::simt_tile<cd::simt_shapes<sizeof(T)>[S]> {}), ...); }(every_shape{});
}

TEST_CASE("the model chooses large tiles for large products and flat ones for flat products") {
  constexpr cd::simt_machine sm;
  static_assert(cd::best_simt_shape<4>(8192, 8192, 8192, 1, sm) == 0);
  static_assert(cd::best_simt_shape<4>(4096, 4096, 64, 1, sm) == 0);
  static_assert(cd::best_simt_shape<8>(4096, 4096, 4096, 1, sm) == 0);
  static_assert(cd::best_simt_shape<4>(16, 16384, 4096, 1, sm) == 3);
  static_assert(cd::best_simt_shape<4>(16384, 16, 4096, 1, sm) == 4);
  static_assert(cd::best_simt_shape<4>(1024, 1024, 1024, 1, sm) == 1);  // these three as measured: simt_choose.cuh
  static_assert(cd::best_simt_shape<4>(2048, 2048, 2048, 1, sm) == 0);
  static_assert(cd::best_simt_shape<4>(4096, 4096, 4096, 1, sm) == 0);
  static_assert(cd::simt_shapes<4>[0].bk == 16 && cd::simt_shapes<4>[0].bm == 128 && cd::simt_shapes<4>[1].bm == 64);
  static_assert(cd::best_simt_shape<4>(256, 256, 256, 1, sm) == 2);
  static_assert(cd::best_simt_shape<4>(32, 32, 512, 1000, sm) == 2);
  static_assert(cd::best_simt_shape<4>(128, 128, 512, 264, sm) == 0);
  for_each_case(scaled(300), [](random& r) {  // twice the batch never takes less time, nor much more than twice
    const index m = r.between(1, 2000), n = r.between(1, 2000), k = r.between(0, 2000);
    const index count = r.between(1, 500);
    for (const auto& s : cd::simt_shapes<4>) {
      const index one = cd::cycles(s, m, n, k, count, 4, {}), two = cd::cycles(s, m, n, k, 2 * count, 4, {});
      REQUIRE((one <= two && two <= 2 * one + one / 8));  // the last wave may wait for latency
    }
  });
}

TEST_CASE("16 bytes at once only where every copy is aligned") {
  alignas(16) float x[64];
  CHECK(cd::all_aligned(x, 8, 0, 4, 16));
  CHECK(!cd::all_aligned(x + 1, 8, 0, 4, 16));
  CHECK(!cd::all_aligned(x, 7, 0, 4, 16));
  CHECK(!cd::all_aligned(x, 8, 3, 4, 16));
  CHECK(cd::all_aligned(x, -8, -4, 4, 16));
  CHECK(cd::strips_of_c<4>(view(x, 4, 8), {}));
  CHECK(cd::strips_of_c<4>(view(x, 4, 8), {1, 0, 0, 3}));
  CHECK(!cd::strips_of_c<4>(view(x, 4, 8), {2, 0, 0, 3}));
  CHECK(!cd::strips_of_c<4>(view(x, 4, 8, 1, 8), {}));
}

}  // namespace ashlar::test
