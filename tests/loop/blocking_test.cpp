// SPDX-License-Identifier: Apache-2.0
//
// tests/loop/blocking_test.cpp: whatever the extents, tiles, workers and caches, the blocks cover dst exactly once, fit
// the tile, and need a workspace that no extent makes larger than a constant. At compile time on a few, at run time on
// many.
#include <doctest/doctest.h>

#include <ashlar/loop/blocking.hpp>

#include "support/cases.hpp"

namespace ashlar::test {
namespace {

struct tile_size {
  index mr, nr;
};

// Blocks of `size` cover `extent`: the last one is not empty, and none begins outside.
constexpr bool covers(index blocks, index size, index extent) {
  return blocks >= 1 && blocks * size >= extent && (blocks - 1) * size < extent;
}

constexpr bool sound(const contraction_shape& s, tile_size t, index workers, cache_sizes c) {
  const blocking b = cut(s, t.mr, t.nr, workers, c);
  const bool blocks = covers(b.m_blocks, b.mc, s.m) && covers(b.n_blocks, b.nc, s.n) && b.kc >= 1;
  const bool whole_tiles = b.mc % t.mr == 0 && b.nc % t.nr == 0 && b.ma % t.mr == 0 && b.ma >= t.mr && b.ma <= b.mc;
  const bool height = b.height >= 1 && b.height <= t.mr;
  const bool copies = (b.copy_a || !(s.a_transformed || s.a_k_stride != 1)) && (!b.copy_a || b.a_stride >= b.kc) &&
                      (b.copy_b || s.b_packed || s.b_column_stride == 1) && !(b.copy_b && s.b_packed);
  const bool panels = b.copy_b ? b.panels == std::min(b.strip, b.nc / t.nr) || b.panels * t.nr >= std::min(b.nc, s.n)
                               : b.panels == (s.b_edges && !s.b_packed ? 1 : 0);
  const bool strip = b.strip == 1 || (b.copy_b && s.b_column_stride == 1 && b.strip <= 4);
  const bool every_part_has_panels = !b.copy_b || b.ma == b.mc || b.panels * t.nr == b.nc;
  // Several K blocks leave partial sums in dst only where dst is contiguous and not read later.
  const bool sums = b.own_accumulators || (s.dst_contiguous && !(s.dst_read && b.kc < s.k));
  return blocks && whole_tiles && height && copies && panels && strip && every_part_has_panels && sums;
}

// What the workspace of a worker may be at most: a formula of the tile and the caches.
constexpr index most_elements(tile_size t, index element_bytes, cache_sizes c) {
  const index l2 = c.l2 / element_bytes, line = 64;
  const index kc = std::max<index>({80, l2 / (8 * t.mr), 512}) + 16;
  const index copied_rows = std::max(t.mr * (kc + 32), l2 + 4096 * 32) + line;
  const index panels = (2048 + t.nr) / t.nr * (kc * t.nr + line);
  const index sums = std::max((t.mr + 1) * (1024 + t.nr), 2 * l2 + 1024 * t.nr) + line;
  return copied_rows + panels + sums;
}

constexpr contraction_shape shape_of(index m, index n, index k, unsigned flags, index element_bytes = 4) {
  contraction_shape s{};
  s.m = m, s.n = n, s.k = k, s.element_bytes = element_bytes;
  s.a_transformed = flags & 1;
  s.a_row_stride = flags & 2 ? 1 : flags & 4 ? 1024 : k, s.a_k_stride = flags & 2 ? m : 1;
  s.b_packed = flags & 8;
  s.b_k_stride = flags & 16 ? 1 : n, s.b_column_stride = flags & 16 ? k : 1;
  if (s.b_packed) s.b_k_stride = 0, s.b_column_stride = 1;
  s.b_edges = (flags & 32) && n % 8 != 0;
  s.dst_contiguous = !(flags & 64), s.dst_read = flags & 128;
  return s;
}

consteval bool sound_at_compile_time() {
  for (index m : {1, 15, 200})
    for (index n : {1, 33, 3000})
      for (index k : {0, 1, 65, 5000})
        for (unsigned flags : {0u, 3u, 16u, 40u, 192u})
          if (!sound(shape_of(m, n, k, flags), {14, 32}, 1, {32 << 10, 1 << 20})) return false;
  return true;
}
static_assert(sound_at_compile_time());

// One task for one worker, at least two each for more.
static_assert(cut(shape_of(500, 500, 500, 0), 14, 32, 1, {32 << 10, 1 << 20}).tasks() == 1);
static_assert(cut(shape_of(500, 500, 500, 0), 14, 32, 4, {32 << 10, 1 << 20}).tasks() >= 8);
static_assert(cut(shape_of(3, 5, 500, 0), 14, 32, 4, {32 << 10, 1 << 20}).tasks() == 1);

// An extent of any magnitude.
index extent(random& r, index most) { return std::max<index>(1, r.between(1, most) >> r.between(0, 16)); }

// 17 rows of tiles of 14 are 9 + 8; tiles follow each other without a gap, and no two differ by more than one row.
static_assert(evenly(17, 14).count == 2 && evenly(17, 14).height(0) == 9 && evenly(17, 14).height(1) == 8);
static_assert([] {
  for (index rows = 1; rows <= 200; ++rows) {
    for (index most = 1; most <= 16; ++most) {
      const even_tiles tiles = evenly(rows, most);
      if (tiles.count != ceil_div(rows, most) || tiles.height(0) > most || tiles.height(tiles.count - 1) < 1)
        return false;
      index row = 0;
      for (index t = 0; t < tiles.count; row += tiles.height(t), ++t) {
        if (tiles.first_row(t) != row) return false;
      }
      if (row != rows) return false;
    }
  }
  return true;
}());
static_assert(saturated_product(index(1) << 40, index(1) << 40) == std::numeric_limits<index>::max());

TEST_CASE("blocks cover dst, fit the tile, and need bounded memory") {
  for_each_case(scaled(300000, 3000), [](random& r) {
    const tile_size t{r.between(1, 21), r.pick<index>({1, 2, 8, 24, 32, 48, 64, 192})};
    const index bytes = r.pick<index>({4, 8});
    const contraction_shape s =
        shape_of(extent(r, 100000), extent(r, 100000), r.chance(5) ? 0 : extent(r, 100000), unsigned(r.bits()), bytes);
    const cache_sizes c{r.pick<index>({1, 1 << 15, 1 << 16}),
                        r.pick<index>({1, 1 << 12, 1 << 16, 1 << 18, 1 << 20, 1 << 21})};
    const index workers = r.pick<index>({1, 1, 2, 5, 64, 1000});
    CAPTURE(s.m);
    CAPTURE(s.n);
    CAPTURE(s.k);
    CAPTURE(t.mr);
    CAPTURE(t.nr);
    CAPTURE(c.l2);
    CAPTURE(workers);
    REQUIRE(sound(s, t, workers, c));
    const blocking b = cut(s, t.mr, t.nr, workers, c);
    REQUIRE(workspace_elements(b, s, t.nr) >= 0);
    REQUIRE(workspace_elements(b, s, t.nr) <= most_elements(t, bytes, c));
    // Only the shape decides: the same cut again, and no more blocks than there are tiles.
    REQUIRE(b == cut(s, t.mr, t.nr, workers, c));
    REQUIRE(b.tasks() <= multiple(s.m, t.mr) / t.mr * (multiple(s.n, t.nr) / t.nr));
  });
}

TEST_CASE("the workspace of large problems does not grow with them") {
  for (unsigned flags = 0; flags < 256; ++flags) {
    CAPTURE(flags);
    const auto elements = [&](index size) {
      const contraction_shape s = shape_of(size, size, size, flags);
      return workspace_elements(cut(s, 14, 32, 1, {32 << 10, 1 << 20}), s, 32);
    };
    CHECK(elements(1 << 20) <= most_elements({14, 32}, 4, {32 << 10, 1 << 20}));
    CHECK(elements(1 << 14) <= most_elements({14, 32}, 4, {32 << 10, 1 << 20}));
  }
}

}  // namespace
}  // namespace ashlar::test
