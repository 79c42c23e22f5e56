// SPDX-License-Identifier: Apache-2.0
//
// tests/core/image_overlap_test.cpp: images that share an element are always found out; slices of one image, and images
// side by side, are told apart.
#include <doctest/doctest.h>

#include <ashlar/core/image_overlap.hpp>
#include <set>

#include "support/cases.hpp"

namespace ashlar::test {
namespace {

using detail::images_overlap;

template <class V>
std::set<const void*> addresses(const V& v) {
  std::set<const void*> all;
  const image_axes& e = v.extents();
  for (index n = 0; n < e.n; ++n)
    for (index d = 0; d < e.d; ++d)
      for (index h = 0; h < e.h; ++h)
        for (index w = 0; w < e.w; ++w)
          for (index c = 0; c < e.c; ++c) all.insert(v.pointer(n, d, h, w, c));
  return all;
}
bool share(const blocked_image_view<float>& v, const blocked_image_view<float>& w) {
  const auto a = addresses(v);
  for (const void* p : addresses(w))
    if (a.contains(p)) return true;
  return false;
}

float memory[4096];

// Strides of either sign, in any order of the axes, with gaps.
image_view<float> some_view(random& r) {
  const image_axes e{r.between(1, 3), r.between(1, 2), r.between(1, 3), r.between(1, 4), r.between(1, 5)};
  image_axes s{};
  index extents[] = {e.n, e.d, e.h, e.w, e.c}, *strides[] = {&s.n, &s.d, &s.h, &s.w, &s.c}, step = r.between(1, 2);
  for (int left = 5; left > 0; --left) {
    const auto at = r.between(0, left - 1);
    *strides[at] = r.chance(20) ? -step : step;
    step *= extents[at] + (r.chance(30) ? r.between(1, 3) : 0);
    std::swap(strides[at], strides[left - 1]), std::swap(extents[at], extents[left - 1]);
  }
  return {memory + 2048 + r.between(-300, 300), e, s};
}

TEST_CASE("no shared element is missed") {
  int apart = 0;
  for_each_case(scaled(20000, 500), [&](random& r) {
    const blocked_image_view<float> v(some_view(r)), w(some_view(r));
    const bool found = images_overlap(v, w);
    REQUIRE(found == images_overlap(w, v));
    if (!found) REQUIRE(!share(v, w));
    apart += !found;
  });
  CHECK(apart > 0);
}

TEST_CASE("slices of one image overlap where they have a channel in common, and nowhere else") {
  for_each_case(scaled(4000, 200), [](random& r) {
    const index channels = 12, n = r.between(1, 2), h = r.between(1, 3), w = r.between(1, 3);
    const auto whole = [&]() -> blocked_image_view<float> {
      switch (r.between(0, 3)) {
        case 0:
          return nhwc(memory, n, h, w, channels);
        case 1:
          return nchw(memory, n, channels, h, w);
        case 2:
          return image_view<float>(memory + 2048, {n, 1, h, w, channels}, {-600, 0, 200, -50, 2});
        default:
          return image_view<float>(memory + 100, {n, 1, h, w, channels}, {600, 600, 200, 50, -1});
      }
    }();
    const index first = r.between(0, channels - 1), second = r.between(0, channels - 1);
    const auto a = whole.channels(first, r.between(1, channels - first)),
               b = whole.channels(second, r.between(1, channels - second));
    REQUIRE(images_overlap(a, b) == share(a, b));
  });
}

TEST_CASE("batches with a gap between images, blocks of channels, other elements, nothing") {
  const auto dense = blocked_image_view(nhwc(memory, 2, 2, 2, 4));  // 16 floats an image
  const blocked_image_view<float> gaps(image_view<float>(memory + 4, {2, 1, 2, 2, 2}, {24, 16, 8, 4, 1}));
  CHECK(images_overlap(dense, gaps));
  const blocked_image_view<float> between(image_view<float>(memory + 32, {2, 1, 2, 2, 4}, {40, 16, 8, 4, 1}));
  CHECK(!images_overlap(dense, between));
  const auto blocks = nchwc<8>(memory, 2, 24, 2, 2);
  CHECK(!images_overlap(blocks.channels(0, 16), blocks.channels(16, 8)));
  CHECK(images_overlap(blocks.channels(0, 17), blocks.channels(16, 8)));
  const auto bytes = blocked_image_view(nhwc(reinterpret_cast<unsigned char*>(memory + 31), 1, 1, 1, 4));
  CHECK(images_overlap(dense, bytes));
  CHECK(!images_overlap(dense, blocked_image_view(nhwc(memory, 0, 2, 2, 4))));
}

}  // namespace
}  // namespace ashlar::test
