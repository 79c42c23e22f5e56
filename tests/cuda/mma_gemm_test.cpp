// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/mma_gemm_test.cpp: the kernels of mma_gemm.cuh without a GPU: their maps proved, their blocks replayed.
//
// The replay runs mma_block as it is on virtual_block.hpp and compares with a naive product: integers, exactly.
// Whatever lies around A, B and C is poison, and C's surroundings must stay as they are.
#include "virtual_block.hpp"

#include <ashlar/cuda/mma_block.cuh>
#include <ashlar/cuda/mma_config.cuh>

namespace ashlar::test {
namespace {

using namespace cuda::detail;
using cuda::tf32;

// --- Order of tiles, choice of tiles
// -----------------------------------------------------------------------------------

constexpr bool is_permutation(const tile_order& order) {
  bool seen[128] = {};
  for (int i = 0; i < order.count(); ++i) {
    const tile_place t = order[i];
    if (t.m < 0 || t.m >= order.rows || t.n < 0 || t.n >= order.cols || t.batch < 0 || t.batch >= order.batch)
      return false;
    bool& here = seen[(t.batch * order.rows + t.m) * order.cols + t.n];
    if (here) return false;
    here = true;
  }
  return true;
}
static_assert([] {
  for (int m = 1; m <= 8; ++m) {
    for (int n = 1; n <= 8; ++n) {
      for (int group : {1, 2, 3, 8, 16}) {
        if (!is_permutation({m, n, group, 2})) return false;
      }
    }
  }
  return true;
}());
static_assert(tile_group(128, 256, 132) == 16 && tile_group(128, 128, 132) >= 8 && tile_group(128, 128, 1) == 1);

constexpr tile_choice choice(index m, index n, index count = 1) { return select_tile<common_tiles>(m, n, count, 132); }
static_assert(choice(8192, 8192) == tile_choice::large && choice(4096, 4096) == tile_choice::large,
              "many tiles: the largest");
static_assert(choice(64, 64) == tile_choice::small && choice(512, 512) == tile_choice::small, "few: the smallest");
static_assert(choice(1408, 1408) == tile_choice::middle && choice(1024, 1024, 132) == tile_choice::large);
static_assert(choice(1 << 20, 1 << 20, 1000) != tile_choice::small);

using large_tile = common_tiles::large;
using middle_tile = common_tiles::middle;
using small_tile = common_tiles::small;
using staged_tile = common_tiles::staged;

// --- Shared memory
// ------------------------------------------------------------------------------------------------------

// Do accesses of `bytes` at these addresses, which the machine serves together, meet no bank twice?
template <std::size_t N>
constexpr bool free_of_conflicts(const std::array<int, N>& address, int bytes) {
  bool taken[32] = {};
  for (int a : address) {
    for (int b = a / 4; b < (a + bytes) / 4; ++b) {
      if (taken[b % 32]) return false;
      taken[b % 32] = true;
    }
  }
  return true;
}

template <class Tile>
constexpr bool is_bijective() {
  std::array<bool, Tile::bytes / 16> seen{};
  for (int l = 0; l < Tile::lines; ++l) {
    for (int c = 0; c < Tile::chunks; ++c) {
      const int at = Tile::offset(l, c);
      if (at < 0 || at % 16 != 0 || at >= Tile::bytes || seen[std::size_t(at / 16)]) return false;
      seen[std::size_t(at / 16)] = true;
    }
  }
  return true;
}

template <class Tile>
constexpr bool words_without_conflict(int block, int step) {
  for (int part = 0; part < 4; ++part) {
    std::array<int, 32> at{};
    for (int l = 0; l < 32; ++l) at[std::size_t(l)] = word_offset<Tile>(l, block, step, part & 1, part >> 1);
    if (!free_of_conflicts(at, 4)) return false;
  }
  return true;
}
template <class Tile, side Side>
constexpr bool matrices_without_conflict(int block, int step) {
  for (int matrix = 0; matrix < 4; ++matrix) {
    std::array<int, 8> at{};
    for (int r = 0; r < 8; ++r) at[std::size_t(r)] = matrix_row_offset<Tile, Side>(8 * matrix + r, block, step);
    if (!free_of_conflicts(at, 16)) return false;
  }
  return true;
}
template <class Tile>
constexpr bool reads_without_conflict() {
  for (int block = 0; block < Tile::mn / 16; ++block) {
    for (int step = 0; step < Tile::k * Tile::size / 32; ++step) {
      if constexpr (loads_words<Tile>) {
        if (!words_without_conflict<Tile>(block, step)) return false;
      } else {
        if (!matrices_without_conflict<Tile, side::a>(block, step)) return false;
        if (!matrices_without_conflict<Tile, side::b>(block, step)) return false;
      }
    }
  }
  return true;
}

// The places of a warp's blocks in two parts are those places.
template <class Tile, int Blocks, side Side>
constexpr bool parts_add_up(int first, int block, int step) {
  using parts = block_parts<Tile, Blocks>;
  for (int lane = 0; lane < 32; ++lane) {
    for (int part = 0; part < 4; ++part) {
      const int upper = part & 1, beyond = part >> 1, number = parts::number(block, step, upper);
      const int sum = parts::template variable<Side>(lane, first, number) + parts::fixed(block, step, beyond);
      int expected = 0;
      if constexpr (loads_words<Tile>) {
        expected = word_offset<Tile>(lane, first + block, step, upper, beyond);
      } else {
        expected = matrix_row_offset<Tile, Side>(lane, first + block, step);
      }
      if (number >= parts::count || sum != expected) return false;
    }
  }
  return true;
}
template <class Tile, int Blocks>
constexpr bool parts_add_up() {
  for (int first = 0; first < Tile::mn / 16; first += Blocks) {
    for (int block = 0; block < Blocks; ++block) {
      for (int step = 0; step < Tile::k * Tile::size / 32; ++step) {
        if (!parts_add_up<Tile, Blocks, side::a>(first, block, step)) return false;
        if (!parts_add_up<Tile, Blocks, side::b>(first, block, step)) return false;
      }
    }
  }
  return true;
}

// Eight neighbouring threads write 16 bytes each at once.
template <class Tile, int Threads>
constexpr bool copies_without_conflict() {
  for (int first = 0; first < Threads; first += 8) {
    std::array<int, 8> at{};
    for (int t = 0; t < 8; ++t) {
      using plan = copy_plan<Tile, Threads>;
      at[std::size_t(t)] = Tile::offset(plan::line(first + t), plan::chunk(first + t));
    }
    if (!free_of_conflicts(at, 16)) return false;
  }
  return true;
}

template <int Size, major Major, int Mn, int WarpMn, int KBytes, int Threads>
constexpr bool good_tile() {
  using tile = shared_tile<Size, Major, Mn, KBytes>;
  static_assert(is_bijective<tile>());
  static_assert(reads_without_conflict<tile>());
  static_assert(parts_add_up<tile, WarpMn / 16>());
  static_assert(copies_without_conflict<tile, Threads>());
  return true;
}
template <class Tile, int Size>
constexpr bool good_tiles() {
  return good_tile<Size, major::k, Tile::m, Tile::warp_m, Tile::k_bytes, Tile::threads>() &&
         good_tile<Size, major::mn, Tile::m, Tile::warp_m, Tile::k_bytes, Tile::threads>() &&
         good_tile<Size, major::k, Tile::n, Tile::warp_n, Tile::k_bytes, Tile::threads>() &&
         good_tile<Size, major::mn, Tile::n, Tile::warp_n, Tile::k_bytes, Tile::threads>();
}
template <class Tiles, int Size>
constexpr bool good_set() {
  return good_tiles<typename Tiles::large, Size>() && good_tiles<typename Tiles::middle, Size>() &&
         good_tiles<typename Tiles::small, Size>();
}
static_assert(good_set<common_tiles, 1>() && good_set<common_tiles, 2>() && good_set<common_tiles, 4>());
static_assert(good_set<float8_tiles, 1>());

// The strip of the epilogue: 16 lanes write pairs of words, 8 read four words, 32 read one.
template <int Width>
constexpr bool good_strip() {
  using strip = store_strip<Width>;
  for (int half = 0; half < 2; ++half) {
    std::array<int, 16> at{};
    for (int l = 0; l < 16; ++l) {
      const int lane = 16 * half + l;
      at[std::size_t(l)] = strip::offset(accumulator_row<false>(lane, 0), accumulator_column<false>(lane, 0, 0));
    }
    if (!free_of_conflicts(at, 8)) return false;
  }
  for (int pass = 0; pass < 16 * Width / 32; ++pass) {
    std::array<int, 8> at{};
    for (int l = 0; l < 8; ++l)
      at[std::size_t(l)] = strip::offset((8 * pass + l) * 4 / Width % 16, (8 * pass + l) * 4 % Width);
    if (!free_of_conflicts(at, 16)) return false;
  }
  return strip::offset(1, 0) % 16 == 0;
}
static_assert(good_strip<64>() && good_strip<32>());

// Every element of a 16 x 16 block of sums belongs to one register of one lane.
template <bool Rows, bool Columns>
constexpr bool covers_block() {
  bool seen[16][16] = {};
  for (int lane = 0; lane < 32; ++lane) {
    for (int h = 0; h < 2; ++h) {
      for (int i = 0; i < 4; ++i) {
        bool& here = seen[accumulator_row<Rows>(lane, i)][accumulator_column<Columns>(lane, h, i)];
        if (here) return false;
        here = true;
      }
    }
  }
  return true;
}
static_assert(covers_block<false, false>() && covers_block<true, false>() && covers_block<false, true>() &&
              covers_block<true, true>());

// --- Replay
// -------------------------------------------------------------------------------------------------------------

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
  }
}

TEST_CASE("the larger tiles") {
  const shape s{130, 131, 70};
  replay_layouts<f16, f16, middle_tile, f16>(acc, s);
  replay_layouts<std::int8_t, std::int8_t, middle_tile, std::int32_t>(acc, {3, 129, 130});
  replay_layouts<tf32, tf32, middle_tile, float>(acc, {131, 5, 45});
  replay_layouts<bf16, bf16, large_tile, float>(acc, {5, 258, 100});
  replay_layouts<std::int8_t, std::int8_t, large_tile, std::int32_t>(acc, {131, 200, 130});
  replay_layouts<tf32, tf32, large_tile, float>(acc, {127, 258, 18});
}

TEST_CASE("8-bit types mix, and C is of any type") {
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
      replay<config, sum>({3, 129, 131, 2}, {a, 1, 3, 0}, {b, 1, 1, 3}, 129, 1, acc, ++seed);
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
