// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/conv_test.cpp: convolutions of random geometry and layout give the bits of the reference.
#include <doctest/doctest.h>

#include "conv/case.hpp"

namespace ashlar::test {
namespace {

template <class T, class F>
void for_each_conv(index count, const F& f) {
  for_each_case(scaled(count, count / 12), [&](random& r) {
    const conv3d p = some_problem(r);
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      conv_case<T> c(r, p, where);
      f(c, r);
    }
  });
}

TEST_CASE_TEMPLATE("a convolution equals the reference bit for bit", T, ASHLAR_TEST_FLOATS) {
  for_each_conv<T>(400, [](conv_case<T>& c, random&) { REQUIRE(c.template differs<isa_under_test>() == ""); });
}

TEST_CASE("sums that rest between blocks of taps, and blocks of a few pixels, change nothing") {
  for_each_conv<float>(200, [](conv_case<float>& c, random& r) {
    const index l2 = r.pick<index>({1, 4096, 20000, 60000});
    REQUIRE(c.differs<isa_under_test>(cache_sizes{1, l2}) == "");
  });
}

TEST_CASE("the epilogue sees pixels and channels, whatever the layout") {
  for_each_conv<float>(150, [](conv_case<float>& c, random& r) {
    std::vector<float> bias(std::size_t(c.g.filters)), pixel(std::size_t(c.g.pixels()));
    for (float& x : bias) x = r.value<float>();
    for (float& x : pixel) x = r.value<float>();
    conv_case<float>::each(c.dst, [&](float& x) { x = r.value<float>(); });  // dst is read
    const image_axes e = c.dst.extents();
    const image_layout l = layout_of(e, r.pick({image_order::nhwc, image_order::nchw, image_order::nhwc_slice}), r);
    std::vector<float> shortcut(std::size_t(l.elements));
    for (float& x : shortcut) x = r.value<float>();
    const image_view<const float> other(shortcut.data(), e, l.strides);
    REQUIRE(c.differs<isa_under_test>(relu(acc + per_column(bias.data())) + elements(other) * 0.5f +
                                      per_row(pixel.data()) - ashlar::dst) == "");
  });
}

// src is one image for all of a batch, it and dst run backwards along every axis; no image at all where height is 0.
TEST_CASE("strides of zero and below, any padding, and what is all padding") {
  random r(5);
  for (index padding = 0; padding <= 9; ++padding)
    for (index height : {0, 4, 9})
      for (index groups : {1, 5}) {
        const index channels = 5 / groups, filters = 5;
        const conv2d p{.src = {3, height, 7, 5},
                       .weights = {filters, 3, 2, channels},
                       .padding = {{padding, padding}, {padding, padding}},
                       .groups = groups};
        const auto made = plan_conv2d<float, isa_under_test>(p);
        REQUIRE(made.ok() == (height + 2 * padding >= 3));
        if (!made.ok()) continue;
        const auto& plan = made.value();
        const image_axes in = plan.src_extents(), out = plan.dst_extents();
        const index elements = out.n * out.h * out.w * out.c;
        std::vector<float> src(std::size_t(height * 7 * 5 + 1)), weights(std::size_t(filters * 6 * channels)),
            dst(std::size_t(elements), -1.0f), expected = dst;
        for (float& x : src) x = r.value<float>();
        for (float& x : weights) x = r.value<float>();
        const auto backwards = [&](float* p) {
          return image_view<float>(p + elements - 1, out, {-out.h * out.w * out.c, 0, -out.w * out.c, -out.c, -1});
        };
        const image_view<const float> x(src.data() + src.size() - 1, in, {0, 0, -7 * 5, -5, -1});
        const auto filter = ohwi<const float>(weights.data(), filters, 3, 2, channels);
        reference::convolution<float>(plan.geometry(), x, filter, backwards(expected.data()));
        const auto storage = aligned_buffer::make(plan.packed_bytes());
        const status s = plan.run(x, plan.pack(filter, storage.span()).value(), backwards(dst.data()));
        REQUIRE_MESSAGE(s.ok(), s.message());
        REQUIRE_MESSAGE(dst == expected, describe(plan.geometry()));
      }
}

TEST_CASE("scratch of exactly the promised size is enough, one byte less is refused and nothing is written") {
  for_each_case(scaled(60, 6), [](random& r) {
    conv_case<float> c(r, some_problem(r), placement::at_end);
    const auto plan = plan_conv3d<float, isa_under_test>(c.problem).value();
    const auto storage = aligned_buffer::make(plan.packed_bytes());
    const auto packed = plan.pack(c.image_filter(), storage.span()).value();
    const std::size_t bytes = plan.workspace_bytes(c.read(), c.dst);
    const guarded_bytes memory(bytes, placement::at_end);
    const std::span<std::byte> given(memory.data(), bytes);
    REQUIRE(c.differs_from_run([&] { return plan.run(c.read(), packed, c.dst, scratch(given)); }, acc) == "");
    const auto before = c.dst(0, 0, 0, 0, 0);
    const status s = plan.run(c.read(), packed, c.dst, acc + 1, scratch(given.subspan(0, bytes / 2)));
    if (bytes / 2 < bytes - 126) {
      CHECK(s.code() == errc::workspace_too_small);
      CHECK(same_bits(c.dst(0, 0, 0, 0, 0), before));
    }
  });
}

}  // namespace
}  // namespace ashlar::test
