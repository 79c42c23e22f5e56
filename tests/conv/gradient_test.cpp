// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/gradient_test.cpp: transposed convolutions and gradients with respect to the source: the bits of the
// reference, and the identities that make them what they are.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "conv/case.hpp"

namespace ashlar::test {
namespace {

TEST_CASE_TEMPLATE("the gradient of a convolution equals its reference bit for bit", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(300, 20), [](random& r) {
    const conv3d p = some_problem(r);
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      conv_case<T> c(r, p, where, true);
      REQUIRE(c.template differs<isa_under_test>() == "");
    }
  });
}

// Channels innermost or not, classes without taps, cropped ones; the epilogue's pixels are those of the whole dst.
TEST_CASE_TEMPLATE("of a filter a channel", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(200, 20), [](random& r) {
    conv3d p = some_problem(r, 3000);
    p.groups = r.pick<index>({2, 3, 8, 13, 16, 31, 40, 67});
    p.src[4] = p.weights[0] = p.groups, p.weights[4] = 1;
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      conv_case<T> c(r, p, where, true);
      REQUIRE(c.template differs<isa_under_test>() == "");
      std::vector<T> pixel(std::size_t(volume(c.g.src)));
      for (T& x : pixel) x = r.value<T>();
      REQUIRE(c.template differs<isa_under_test>(relu(acc - per_row(pixel.data()))) == "");
    }
  });
}

TEST_CASE("a gradient says by its name how it is computed") {
  const auto name_of = [](index stride, index groups) {
    const conv2d p{.src = {1, 9, 9, 8}, .weights = {8, 3, 3, 8 / groups}, .stride = {stride, stride}, .groups = groups};
    return std::string(name(plan_conv2d_backward_data<float, isa_under_test>(p).value().algorithm()));
  };
  CHECK(name_of(2, 8) == "depthwise_classes");
  CHECK(name_of(2, 4) == "parity_classes");
  CHECK(name_of(2, 1) == "parity_classes");
  CHECK(name_of(1, 8) == "depthwise");
}

TEST_CASE("a transposed convolution's epilogue sees the pixels of the whole dst, its classes notwithstanding") {
  for_each_case(scaled(100, 8), [](random& r) {
    conv_case<float> c(r, some_problem(r), placement::at_end, true);
    std::vector<float> bias(std::size_t(c.g.channels)), pixel(std::size_t(volume(c.g.src)));
    for (float& x : bias) x = r.value<float>();
    for (float& x : pixel) x = r.value<float>();
    const image_layout l = layout_of(c.dst.extents(), r.pick({image_order::nhwc, image_order::nchw}), r);
    std::vector<float> shortcut(std::size_t(l.elements));
    for (float& x : shortcut) x = r.value<float>();
    const image_view<const float> other(shortcut.data(), c.dst.extents(), l.strides);
    REQUIRE(
        c.differs<isa_under_test>(relu(acc + per_column(bias.data()) + elements(other) * 0.5f - per_row(pixel.data())),
                                  cache_sizes{1, r.pick<index>({1, 30000, 1 << 20})}) == "");
  });
}

double dot(const image_view<double>& a, const image_view<double>& b) {
  double sum = 0;
  const image_axes& e = a.extents();
  for (index n = 0; n < e.n; ++n)
    for (index d = 0; d < e.d; ++d)
      for (index h = 0; h < e.h; ++h)
        for (index w = 0; w < e.w; ++w)
          for (index c = 0; c < e.c; ++c) sum += a(n, d, h, w, c) * b(n, d, h, w, c);
  return sum;
}

// <conv(x), y> = <x, conv^T(y)>: both sides sum the same products, each of magnitude below 1, in other orders.
TEST_CASE("convolution and gradient are adjoint") {
  for_each_case(scaled(60, 6), [](random& r) {
    const conv3d p = some_problem(r);
    conv_case<double> forward(r, p, placement::at_end), back(r, p, placement::at_end, true);
    const conv_geometry& g = forward.g;
    const auto there = plan_conv3d<double, isa_under_test>(p).value();
    const auto again = plan_conv3d_backward_data<double, isa_under_test>(p).value();
    const auto storage = aligned_buffer::make(there.packed_bytes()),
               storage2 = aligned_buffer::make(again.packed_bytes());
    REQUIRE(there.run(forward.read(), there.pack(forward.image_filter(), storage.span()).value(), forward.dst).ok());
    REQUIRE(again.run(back.read(), again.pack(forward.image_filter(), storage2.span()).value(), back.dst).ok());
    const double products = g.multiplies(), left = dot(forward.dst, back.src), right = dot(forward.src, back.dst);
    CHECK(std::abs(left - right) <= products * products * 0x1p-53);
  });
}

// With loss = <conv(x), y>, the gradient of pixel i is the slope of the loss along it: exact up to rounding, for the
// loss is linear in each pixel; a step of 1 from a src of zeros. Sums of `products` terms below 1.
TEST_CASE("the gradient is the slope of the loss") {
  for_each_case(scaled(60, 6), [](random& r) {
    const conv3d p = some_problem(r, 20000);
    conv_case<double> forward(r, p, placement::at_end), back(r, p, placement::at_end, true);
    const conv_geometry& g = forward.g;
    const auto plan = plan_conv3d_backward_data<double, isa_under_test>(p).value();
    const auto storage = aligned_buffer::make(plan.packed_bytes());
    REQUIRE(plan.run(back.read(), plan.pack(forward.image_filter(), storage.span()).value(), back.dst).ok());
    const image_axes e = forward.src.extents();
    if (forward.src.empty()) return;
    conv_case<double>::each(forward.src, [](double& x) { x = 0; });
    const index n = r.between(0, e.n - 1), d = r.between(0, e.d - 1), h = r.between(0, e.h - 1),
                w = r.between(0, e.w - 1), c = r.between(0, e.c - 1);
    forward.src(n, d, h, w, c) = 1;
    reference::convolution<double>(g, forward.read(), forward.image_filter(), forward.dst);
    const double products = g.multiplies();
    CHECK(std::abs(dot(forward.dst, back.src) - back.dst(n, d, h, w, c)) <= 2 * products * products * 0x1p-53);
  });
}

// PyTorch's definition: every pixel of src adds weights * pixel to dst at i * stride - before.
TEST_CASE("a transposed convolution scatters") {
  const conv_transpose2d p{.src = {1, 3, 2, 2},
                           .weights = {2, 3, 2, 1},
                           .stride = {2, 3},
                           .dilation = {1, 2},
                           .padding = {.before = {1, 0}, .after = {0, 1}},
                           .output_padding = {1, 2}};
  const auto plan = plan_conv_transpose2d<float, isa_under_test>(p).value();
  const image_axes e = plan.dst_extents();
  REQUIRE(e == image_axes{1, 1, (3 - 1) * 2 - 1 + 3 + 1, (2 - 1) * 3 - 1 + (2 - 1) * 2 + 1 + 2, 1});
  std::vector<float> src(12), weights(12), dst(std::size_t(e.h * e.w)), expected(dst.size());
  for (std::size_t i = 0; i < 12; ++i) src[i] = float(i + 1), weights[i] = float(100 + 7 * i);
  for (index y = 0; y < 3; ++y)
    for (index x = 0; x < 2; ++x)
      for (index k = 0; k < 2; ++k)
        for (index rr = 0; rr < 3; ++rr)
          for (index s = 0; s < 2; ++s) {
            const index h = y * 2 - 1 + rr, w = x * 3 + s * 2;
            if (h < 0 || h >= e.h || w < 0 || w >= e.w) continue;
            expected[std::size_t(h * e.w + w)] +=
                src[std::size_t((y * 2 + x) * 2 + k)] * weights[std::size_t((k * 3 + rr) * 2 + s)];
          }
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const auto w = plan.pack(oihw<const float>(weights.data(), 2, 1, 3, 2), storage.span());
  REQUIRE(plan.run(nhwc<const float>(src.data(), 1, 3, 2, 2), w.value(), nhwc(dst.data(), 1, e.h, e.w, 1)).ok());
  CHECK(dst == expected);  // small integers: exact in any order
}

TEST_CASE("a transposed problem that makes no sense is refused by the name of its field") {
  const conv_transpose2d ok{.src = {1, 3, 3, 4}, .weights = {4, 3, 3, 2}, .stride = {2, 2}};
  const auto message = [](conv_transpose2d p) {
    const auto plan = plan_conv_transpose2d<float, isa_under_test>(p);
    return plan.ok() ? std::string("ok") : std::string(plan.error().message());
  };
  CHECK(message(ok) == "ok");
  const auto says = [&](auto change, const char* words) {
    conv_transpose2d p = ok;
    change(p);
    CHECK_MESSAGE(message(p).find(words) != std::string::npos, message(p));
  };
  says([](auto& p) { p.output_padding = {0, 2}; }, "output_padding of width is 2; it must not be negative and be less");
  says([](auto& p) { p.weights[0] = 5; }, "weights are for 5 channels of src but src has 4");
  says([](auto& p) { p.padding.before = {9, 0}; }, "height of dst would be -2");
  says([](auto& p) { p.src[1] = 0; }, "src of height is 0; it must be at least 1");
  says([](auto& p) { p.groups = 3; }, "4 output channels, which 3 groups do not divide");
}

}  // namespace
}  // namespace ashlar::test
