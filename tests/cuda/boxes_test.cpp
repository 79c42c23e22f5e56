// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/boxes_test.cpp: what the tensor memory accelerator is told: that its walks over an image visit the pixels
// that the convolution's definition reads, in order of dst; that what it cannot take is refused.
//
// Depends on: cuda/boxes.cuh, support/.
#include <doctest/doctest.h>

#include <array>
#include <ashlar/core/narrow_float.hpp>
#include <ashlar/cuda/boxes.cuh>
#include <vector>

#include "support/cases.hpp"

namespace ashlar::test {
namespace {

using namespace cuda::detail;
using ashlar::index;

// The positions of an axis in the accelerator's order: from lower, `step` apart, while they are not beyond the bound.
std::vector<index> walk(const walked_axis& a) {
  std::vector<index> positions;
  for (index p = a.lower(); p <= a.extent - 1 + a.upper(); p += a.step) positions.push_back(p);
  return positions;
}

struct one_axis {
  index src, dst, kernel, stride, dilation, before;
};
conv_geometry geometry_of_axes(const one_axis& y, const one_axis& x) {
  conv_geometry g{};
  g.batch = 2, g.groups = 1, g.channels = 8, g.filters = 16;
  g.src = {1, y.src, x.src}, g.dst = {1, y.dst, x.dst}, g.kernel = {1, y.kernel, x.kernel};
  g.stride = {1, y.stride, x.stride}, g.dilation = {1, y.dilation, x.dilation}, g.before = {0, y.before, x.before};
  return g;
}

// Every geometry of one axis with sources up to 9 pixels; `visit` gets each.
template <class F>
void for_each_axis(const F& visit) {
  for (index src = 1; src <= 9; ++src) {
    for (index kernel = 1; kernel <= 7; ++kernel) {
      for (index stride = 1; stride <= 3; ++stride) {
        for (index dilation = 1; dilation <= 3; ++dilation) {
          for (index before = 0; before <= 4; ++before) {
            for (index after = 0; after <= 4; after += 2) {
              const index room = src + before + after - (kernel - 1) * dilation - 1;
              if (room >= 0) visit(one_axis{src, room / stride + 1, kernel, stride, dilation, before});
            }
          }
        }
      }
    }
  }
}

constexpr one_axis plain{4, 4, 1, 1, 1, 0};

// The walk of a 3 x 3 kernel over 7 pixels that "same" extends by one: lower -1, upper -1.
constexpr walked_axis same_3{7, 7, 1, 1};
static_assert(same_3.lower() == -1 && same_3.upper() == -1);
// Stride 2: 0, 2, 4, 6 of 7 pixels.
constexpr walked_axis every_second{7, 4, 2, 0};
static_assert(every_second.lower() == 0 && every_second.upper() == 0);
// 5 taps, dilation 2, padding 4: 9 positions from -4 on; the last is 4.
constexpr walked_axis dilated{9, 9, 1, 4};
static_assert(dilated.upper() == -4);

bool same_axis(const walked_axis& a, index extent, index count, index step, index before) {
  return a.extent == extent && a.count == count && a.step == step && a.before == before;
}

// A matrix that the accelerator takes, for others to break.
alignas(128) const float memory[64] = {};
constexpr boxed_matrix good(const void* data) { return {data, {20, 5, 3}, 96, 480, {32, 64, 1}}; }

template <class F>
bool still_boxable(const F& spoil) {
  boxed_matrix m = good(memory);
  spoil(m);
  return boxable(m);
}
walked_image good_image() { return {memory, {8, 7, 5, 2}, {32, 224, 1120}, {7, 7, 1, 1}, {5, 5, 1, 1}, 64, 128}; }
template <class F>
bool still_walkable(const F& spoil) {
  walked_image v = good_image();
  spoil(v);
  return walkable(v, 2, 2);
}

}  // namespace

TEST_CASE("the forward walk visits what the definition reads, for every tap of every axis") {
  for_each_axis([](const one_axis& a) {
    const conv_walk walks = forward_walk(geometry_of_axes(plain, a));
    const std::vector<index> at = walk(walks.x);
    REQUIRE(index(at.size()) == a.dst);
    for (index tap = 0; tap < a.kernel; ++tap) {
      for (index q = 0; q < a.dst; ++q) {
        REQUIRE(at[std::size_t(q)] + tap * walks.dilation_w == q * a.stride - a.before + tap * a.dilation);
      }
    }
  });
}

TEST_CASE("the gradient's walk visits the pixels of dst that a pixel of src was read for") {
  for_each_axis([](const one_axis& a) {
    if (a.stride != 1) return;
    const conv_walk walks = gradient_walk(geometry_of_axes(plain, a));
    const std::vector<index> at = walk(walks.x);
    REQUIRE(index(at.size()) == a.src);
    for (index tap = 0; tap < a.kernel; ++tap) {
      for (index v = 0; v < a.src; ++v) {  // dst's q reads src's v with this tap: v = q - before + tap * dilation
        const index q = at[std::size_t(v)] + (a.kernel - 1 - tap) * walks.dilation_w;
        REQUIRE(q - a.before + tap * a.dilation == v);
      }
    }
  });
}

TEST_CASE("the walks keep width and height apart") {
  const one_axis y{9, 4, 3, 2, 1, 1}, x{13, 11, 5, 1, 2, 3};
  const conv_walk f = forward_walk(geometry_of_axes(y, x));
  CHECK(same_axis(f.x, 13, 11, 1, 3));
  CHECK(same_axis(f.y, 9, 4, 2, 1));
  CHECK((f.kernel_w == 5 && f.taps == 15 && f.dilation_w == 2 && f.dilation_h == 1 && f.channels == 8 && !f.mirrored));
  const one_axis y1{9, 9, 3, 1, 1, 1};
  const conv_walk b = gradient_walk(geometry_of_axes(y1, x));
  CHECK(same_axis(b.x, 11, 13, 1, 4 * 2 - 3));
  CHECK(same_axis(b.y, 9, 9, 1, 2 - 1));
  CHECK((b.kernel_w == 5 && b.taps == 15 && b.dilation_w == 2 && b.dilation_h == 1 && b.channels == 16 && b.mirrored));
}

TEST_CASE("a walked image has channels, width, height and images, with strides in bytes") {
  const auto v = nhwc(static_cast<const float*>(nullptr), 2, 5, 7, 12);
  const walked_image w = walked(v, same_3, dilated, 32, 128);
  CHECK((w.extent[0] == 12 && w.extent[1] == 7 && w.extent[2] == 5 && w.extent[3] == 2));
  CHECK((w.stride_bytes[0] == 12 * 4 && w.stride_bytes[1] == 7 * 12 * 4 && w.stride_bytes[2] == 5 * 7 * 12 * 4));
  CHECK((w.x.extent == 7 && w.y.extent == 9 && w.channels == 32 && w.pixels == 128));
}

TEST_CASE("rows of a matrix are lines; a batch that shares a matrix is one") {
  const matrix_view<const float> v(memory, 3, 10, 16, 1);
  const boxed_matrix one = boxed_rows(v, 0, 4, 64), many = boxed_rows(v, 48, 4, 64);
  CHECK((one.extent[0] == 10 && one.extent[1] == 3 && one.extent[2] == 1 && one.line_bytes == 64));
  CHECK(
      (many.extent[2] == 4 && many.matrix_bytes == 192 && many.box[0] == 32 && many.box[1] == 64 && many.box[2] == 1));
  const boxed_matrix row = boxed_rows(matrix_view<const float>(memory, 1, 10, 10, 1), 0, 1, 8);
  CHECK((row.line_bytes == 48 && boxable(row)));  // the stride of a single line is not asked for
}

TEST_CASE("filters are taps in rows of channels, one filter after the other") {
  const boxed_matrix f = boxed_filters(ohwi(static_cast<const bf16*>(nullptr), 5, 3, 2, 24), 128);
  CHECK((f.extent[0] == 24 && f.extent[1] == 6 && f.extent[2] == 5));
  CHECK((f.line_bytes == 48 && f.matrix_bytes == 6 * 48 && f.box[0] == 64 && f.box[1] == 1 && f.box[2] == 128));
  CHECK(evenly_spaced_taps(ohwi(static_cast<const bf16*>(nullptr), 5, 3, 2, 24)));
  CHECK_FALSE(evenly_spaced_taps(oihw(static_cast<const bf16*>(nullptr), 5, 24, 3, 2)));
  CHECK_FALSE(evenly_spaced_taps(filter_view<const bf16>(nullptr, {5, 1, 3, 2, 24}, {200, 200, 56, 24, 1})));
}

TEST_CASE("pixels of an image are rows") {
  float data[2 * 3 * 4 * 5] = {};
  const auto rows = pixel_rows(nhwc(data, 2, 3, 4, 5));
  CHECK((rows.rows() == 24 && rows.cols() == 5 && rows.pointer(17, 2) == data + 17 * 5 + 2));
}

TEST_CASE("boxable: 16-byte steps, extents of 31 bits") {
  CHECK(still_boxable([](boxed_matrix&) {}));
  CHECK_FALSE(still_boxable([](boxed_matrix& m) { m.data = reinterpret_cast<const char*>(memory) + 8; }));
  CHECK_FALSE(still_boxable([](boxed_matrix& m) { m.line_bytes = 100; }));
  CHECK_FALSE(still_boxable([](boxed_matrix& m) { m.matrix_bytes = 488; }));
  CHECK_FALSE(still_boxable([](boxed_matrix& m) { m.line_bytes = std::uint64_t(1) << 40; }));
  CHECK_FALSE(still_boxable([](boxed_matrix& m) { m.matrix_bytes = std::uint64_t(1) << 40; }));
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(still_boxable([&](boxed_matrix& m) { m.extent[i] = std::uint64_t(1) << 31; }));
  }
  CHECK_FALSE(still_boxable([](boxed_matrix& m) { m.line_bytes = std::uint64_t(index(-96)); }));
}

TEST_CASE("storable: lines of whole pieces of 16 bytes") {
  boxed_matrix m = good(memory);
  CHECK(storable(m, 4));
  CHECK_FALSE(storable(m, 2));
  CHECK_FALSE(storable(m, 1));
  m.line_bytes = 100;
  CHECK_FALSE(storable(m, 4));
}

TEST_CASE("walkable: 16-byte steps, small corners, strides and reach") {
  CHECK(still_walkable([](walked_image&) {}));
  CHECK_FALSE(still_walkable([](walked_image& v) { v.data = reinterpret_cast<const char*>(memory) + 4; }));
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(still_walkable([&](walked_image& v) { v.stride_bytes[i] += 8; }));
    CHECK_FALSE(still_walkable([&](walked_image& v) { v.stride_bytes[i] = std::uint64_t(1) << 40; }));
  }
  for (int i = 0; i < 4; ++i) {
    CHECK_FALSE(still_walkable([&](walked_image& v) { v.extent[i] = 0; }));
    CHECK_FALSE(still_walkable([&](walked_image& v) { v.extent[i] = std::uint64_t(1) << 31; }));
  }
  for (walked_axis walked_image::* axis : {&walked_image::x, &walked_image::y}) {
    const auto with = [&](const walked_axis& a) { return still_walkable([&](walked_image& v) { v.*axis = a; }); };
    CHECK(with({7, 4, 8, 0}));
    CHECK_FALSE(with({7, 4, 9, 0}));
    CHECK_FALSE(with({7, 7, 0, 0}));
    CHECK(with({200, 200, 1, 128}));
    CHECK_FALSE(with({200, 200, 1, 129}));  // lower -129
    CHECK(with({10, 138, 1, 1}));           // upper 127
    CHECK_FALSE(with({10, 139, 1, 1}));     // upper 128
    CHECK_FALSE(with({300, 100, 1, 0}));    // upper -200: a kernel of 201
  }
  CHECK(walkable(good_image(), 255, 255));
  CHECK_FALSE(walkable(good_image(), 256, 0));
  CHECK_FALSE(walkable(good_image(), 0, 256));
}

}  // namespace ashlar::test
