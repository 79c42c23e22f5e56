// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/blocked_test.cpp: channels in blocks, in src, in dst, in both and in operands of the epilogue: the bits of
// the reference; missing channels are neither read (they hold NaN) nor written.
#include "conv/blocked_case.hpp"

#include <doctest/doctest.h>

#include <ashlar/quant.hpp>

namespace ashlar::test {
namespace {

template <class T>
std::vector<T> numbers(random& r, index count) {
  std::vector<T> all(static_cast<std::size_t>(count));
  for (T& x : all) x = r.value<T>();
  return all;
}

TEST_CASE("a view of blocks finds its elements, its slices and its memory") {
  float memory[3 * 8 * 6 * 2] = {};
  const auto v = nchwc<8>(memory, 2, 20, 2, 3);
  CHECK(v.blocks() == 3);
  CHECK(v.strides().n == 3 * 8 * 6);
  CHECK(v.pointer(1, 0, 1, 2, 19) - memory == 144 + 2 * 48 + 24 + 16 + 3);
  CHECK(v.run(5, 20) == 3);
  CHECK(v.run(16, 4) == 4);
  const auto part = v.channels(6, 12);
  CHECK(part.blocks() == 3);
  CHECK(part.run(0, 12) == 2);
  for (index c = 0; c < 12; ++c) CHECK(part.pointer(1, 0, 0, 1, c) == v.pointer(1, 0, 0, 1, c + 6));
  CHECK(part.channels(3, 5).pointer(0, 0, 1, 0, 4) == v.pointer(0, 0, 1, 0, 13));
  CHECK(covering_matrix(v).data() == memory);
  CHECK(covering_matrix(v).cols() == 144);
  CHECK(!nchwc<16>(memory, 1, 16, 2, 3).blocked());
  CHECK(ncwc<3>(memory, 1, 7, 4).pointer(0, 0, 0, 1, 5) - memory == 12 + 3 + 2);
  CHECK(ncdhwc<4>(memory, 1, 8, 2, 2, 2).pointer(0, 1, 0, 1, 4) - memory == 32 + 16 + 4);
  const blocked_image_view plain(nchw(memory, 1, 20, 2, 3));
  CHECK(!plain.blocked());
  CHECK(plain.pointer(0, 0, 1, 2, 19) - memory == 19 * 6 + 5);
}

TEST_CASE_TEMPLATE("convolutions and gradients between any two layouts", T, ASHLAR_TEST_FLOATS) {
  for_each_blocked<blocked_case<T>>(400, [](blocked_case<T>& c, random&) { REQUIRE(c.differs(acc) == ""); });
}

TEST_CASE("the epilogue sees pixels and channels, other images in blocks, and old values") {
  using one = blocked_case<float>;
  for_each_blocked<one>(200, [](one& c, random& r) {
    const auto bias = numbers<float>(r, c.out.extents.c);
    any_layout l = some_layout(c.out.extents, r);
    while (!l.over<float>(nullptr).evenly_spaced()) l = some_layout(c.out.extents, r);  // elements() has no gaps
    std::vector<float> shortcut(std::size_t(l.elements), poison<float>());
    one::each(l.over(shortcut.data()), [&](float& x) { x = r.value<float>(); });
    const auto e = relu(acc + per_column(bias.data()) + elements(l.over<const float>(shortcut.data()))) - ashlar::dst;
    REQUIRE(c.differs(e) == "");
  });
}

TEST_CASE("a long epilogue, sums between blocks of taps and a prologue") {
  using one = blocked_case<float>;
  for_each_blocked<one>(150, [](one& c, random& r) {
    const auto scale = numbers<float>(r, c.in.extents.c), bias = numbers<float>(r, c.out.extents.c);
    const auto e = sigmoid(acc + per_column(bias.data()));
    const auto source = transform(c.src(), relu(acc * per_column(scale.data())));
    const float padding = c.gradient ? 0 : r.value<float>();
    REQUIRE(c.differs(
                source, e,
                [&](const auto& want) {
                  if (c.gradient) {
                    reference::transposed_convolution(c.g, source, c.weights(), want, e);
                  } else {
                    reference::convolution(c.g, source, c.weights(), want, e, padding);
                  }
                },
                padding_value(padding)) == "");
  });
}

TEST_CASE("small caches cut segments and rows") {
  for_each_case(scaled(100, 10), [](random& r) {
    blocked_case<float> c(r, some_problem(r, 100000), placement::at_end);
    const auto plan = plan_conv3d<float, isa_under_test>(c.problem).value();
    const auto storage = aligned_buffer::make(plan.packed_bytes());
    const auto packed = plan.pack(c.weights(), storage.span()).value();
    std::vector<float> expected = c.dst_memory.snapshot();
    reference::convolution(c.g, c.src(), c.weights(), c.out.over(expected.data()));
    REQUIRE(plan.run(c.src(), packed, c.dst(), cache_sizes{1, r.pick<index>({1, 4096, 20000})}).ok());
    INFO(c.described());
    REQUIRE(c.dst_memory.same_as(expected));
  });
}

// Plans for channels_last: the same bits as of images that have them.
template <class... Options>
void equals_nhwc(random& r, const conv2d& p, index block, const Options&... options) {
  const auto plan = plan_conv2d<float, isa_under_test>(p, channels_last, options...).value();
  const image_axes in = plan.src_extents(), out = plan.dst_extents();
  const auto x = numbers<float>(r, in.n * in.h * in.w * in.c), bias = numbers<float>(r, out.c);
  const auto w = numbers<float>(r, p.weights[0] * p.weights[1] * p.weights[2] * p.weights[3]);
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const auto packed =
      plan.pack(ohwi(w.data(), p.weights[0], p.weights[1], p.weights[2], p.weights[3]), storage.span()).value();
  const auto e = relu(acc + per_column(bias.data()));
  std::vector<float> y(std::size_t(out.n * out.h * out.w * out.c));
  const auto nhwc_src = nhwc(x.data(), in.n, in.h, in.w, in.c);
  const auto nhwc_dst = nhwc(y.data(), out.n, out.h, out.w, out.c);
  REQUIRE(plan.run(nhwc_src, packed, nhwc_dst, e).ok());

  const any_layout from = in_blocks(in, block, 0, r), to = in_blocks(out, block, 0, r);
  const guarded_elements<float> src(from.elements, placement::at_end), dst(to.elements, placement::at_end);
  for (index n = 0; n < in.n; ++n)
    for (index h = 0; h < in.h; ++h)
      for (index wide = 0; wide < in.w; ++wide)
        for (index c = 0; c < in.c; ++c) from.over(src.data())(n, 0, h, wide, c) = nhwc_src(n, 0, h, wide, c);
  const one_thread three{3};
  const blocked_image_view<const float> read = from.over<const float>(src.data());
  std::vector<float> z(y.size());
  for (const bool blocked_dst : {false, true}) {
    const auto write =
        blocked_dst ? to.over(dst.data()) : blocked_image_view<float>(nhwc(z.data(), out.n, out.h, out.w, out.c));
    const std::size_t bytes = plan.workspace_bytes(read, write, e, on(three));
    const guarded_bytes memory(bytes, placement::at_end);
    const status s = plan.run(read, packed, write, e, on(three), scratch(std::span<std::byte>(memory.data(), bytes)));
    if (plan.algorithm() == conv_algorithm::grouped && !write.holds_vectors(ops<float, isa_under_test>::lanes())) {
      CHECK(s.code() == errc::unsupported);
      CHECK(std::string(s.message()).find("dst has channels in blocks of " + std::to_string(block)) == 6);
      continue;
    }
    INFO(plan.explain().text, ": ", s.message());
    REQUIRE(s.ok());
    bool same = true;
    for (index n = 0; n < out.n; ++n)
      for (index h = 0; h < out.h; ++h)
        for (index wide = 0; wide < out.w; ++wide)
          for (index c = 0; c < out.c; ++c)
            same = same && same_bits(write(n, 0, h, wide, c), nhwc_dst(n, 0, h, wide, c));
    REQUIRE(same);
  }
}

TEST_CASE("groups that share a vector read and write blocks") {
  for_each_case(scaled(60, 6), [](random& r) {
    const index each = r.pick<index>({2, 4}), groups = r.between(2, 9), multiple = r.pick<index>({1, 2});
    const conv2d p{.src = {2, r.between(3, 9), r.between(3, 20), groups * each},
                   .weights = {groups * each * multiple, 3, 3, each},
                   .padding = ashlar::same,
                   .groups = groups};
    equals_nhwc(r, p, r.pick<index>({4, 8, 16}));
  });
}

#if !defined(ASHLAR_TEST_SANITIZER)  // instrumented, Winograd compiles for minutes
TEST_CASE("Winograd reads and writes blocks") {
  for_each_case(scaled(30, 4), [](random& r) {
    const conv2d p{.src = {2, r.between(3, 15), r.between(3, 15), r.pick<index>({3, 16, 33})},
                   .weights = {r.pick<index>({5, 32, 40}), 3, 3, 0},
                   .padding = ashlar::same};
    conv2d q = p;
    q.weights[3] = p.src[3];
    equals_nhwc(r, q, r.pick<index>({4, 8, 16}), winograd_set<f2x2_3x3>{}, conv_algorithm::winograd_2x2);
  });
}
#endif

TEST_CASE("the gradient of the weights reads blocks") {
  using one = blocked_case<float>;
  for_each_case(scaled(150, 12), [](random& r) {
    const conv3d p = some_problem(r, 50000);
    const one forward(r, p, placement::at_end), back(r, p, placement::at_start, true);
    const conv_geometry& g = forward.g;
    const auto dw = [&](std::vector<float>& to) {
      return odhwi(to.data(), g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels());
    };
    std::vector<float> got(std::size_t(g.filters * g.taps() * g.group_channels())), bias(std::size_t(g.filters));
    std::vector<float> expected = got, expected_bias = bias;
    reference::weights_gradient(g, forward.src(), back.src(), dw(expected), expected_bias.data());
    const auto plan = plan_conv3d_backward_weights<float, isa_under_test>(p).value();
    const status s = plan.run(forward.src(), back.src(), dw(got), bias.data(), on(one_thread{3}));
    INFO(forward.described(), "; ", back.described(), ": ", s.message());
    REQUIRE(s.ok());
    REQUIRE(got == expected);
    REQUIRE(bias == expected_bias);
  });
}

template <class S, class W, class D, class E>
void small_numbers(index count, const E& e) {
  using one = blocked_case<S, W, D, conv_types<S, W, D>>;
  for_each_blocked<one>(count, [&](one& c, random&) {
    const std::string wrong = c.differs(c.src(), e, [&](const auto& want) {
      reference::mixed_convolution<S, W, D>(c.g, c.src(), c.weights(), want, e, 0, 0, c.gradient);
    });
    // Bytes are multiplied several at a time, which blocks of other sizes cut.
    const bool refused = wrong.find("which no block may cut") != std::string::npos;
    const bool few = c.in.block % 8 != 0 || c.in.lead % 8 != 0 || c.src().extents().c / c.g.groups % 8 != 0;
    if (refused && few && std::integral<S>) return;
    REQUIRE(wrong == "");
  });
}

TEST_CASE("bytes and narrow floating-point numbers in blocks") {
  small_numbers<std::uint8_t, std::int8_t, std::int32_t>(150, acc);
  small_numbers<std::uint8_t, std::int8_t, std::uint8_t>(150, requantize(acc, onnx{0.001f}, 100));
  small_numbers<bf16, bf16, bf16>(150, acc);
}

// A run of three channels is no pixel of three: the fourth of its group, already there, must stay.
TEST_CASE("blocks of three hold bytes of groups of four, or are refused") {
  using one =
      blocked_case<std::uint8_t, std::int8_t, std::int32_t, conv_types<std::uint8_t, std::int8_t, std::int32_t>>;
  for_each_case(scaled(20, 4), [](random& r) {
    one c(r, {.src = {1, 1, 2, r.between(8, 20), 16}, .weights = {16, 1, 1, 1, 4}, .groups = 4}, placement::at_end);
    c.in = in_blocks(c.in.extents, 3, 0, r);
    const guarded_elements<std::uint8_t> memory(c.in.elements, placement::at_end);
    const auto src = c.in.over<const std::uint8_t>(memory.data());
    one::each(c.in.over(memory.data()), [&](std::uint8_t& x) { one::fill(x, r); });
    const std::string wrong = c.differs(src, acc, [&](const auto& want) {
      reference::mixed_convolution<std::uint8_t, std::int8_t, std::int32_t>(c.g, src, c.weights(), want, acc, 0, 0,
                                                                            false);
    });
    if (wrong.find("which no block may cut") == std::string::npos) REQUIRE(wrong == "");
  });
}

// What run says of these views.
template <class Src, class Dst>
status said(const Src& src, const Dst& dst) {
  const auto plan = plan_conv2d<float, isa_under_test>({.src = {1, 4, 4, 20}, .weights = {20, 1, 1, 20}}).value();
  static float w[400];
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  return plan.run(src, plan.pack(ohwi<const float>(w, 20, 1, 1, 20), storage.span()).value(), dst);
}

TEST_CASE("wrong views are refused in words, and dst stays as it was") {
  std::vector<float> x(24 * 16, 1.0f), y(24 * 16, 7.0f);
  const auto before = y;
  const auto src = nchwc<8>(x.data(), 1, 20, 4, 4), dst = nchwc<8>(y.data(), 1, 20, 4, 4);
  const auto found = [](const status& s, const char* text) {
    return std::string(s.message()).find(text) != std::string::npos;
  };
  const blocked_image_view<float> none(x.data(), src.extents(), src.strides(), 0, 128);
  CHECK(said(none, dst).code() == errc::bad_stride);
  CHECK(found(said(none, dst), "blocks of src have 0 channels"));
  CHECK(plan_conv2d<float, isa_under_test>({.src = {1, 4, 4, 20}, .weights = {20, 1, 1, 20}})
            .value()
            .workspace_bytes(none, dst) == 0);
  CHECK(said(nchwc<8>(x.data(), 1, 24, 4, 4), dst).code() == errc::shape_mismatch);
  CHECK(found(said(nchwc<8>(x.data(), 1, 24, 4, 4), dst), "channels of src is 24 but the plan has 20"));
  CHECK(said(src, nchwc<8>(x.data() + 100, 1, 20, 4, 4)).code() == errc::aliasing);
  const blocked_image_view<float> overlapping(y.data(), dst.extents(), dst.strides(), 8, 64);
  CHECK(said(src, overlapping).code() == errc::bad_stride);
  CHECK(found(said(src, overlapping), "3 blocks 64 apart"));
  CHECK(said(nchwc<8>(static_cast<float*>(nullptr), 1, 20, 4, 4), dst).code() == errc::null_pointer);
  CHECK(y == before);
  CHECK(said(src, dst).ok());
  CHECK(y != before);
}

}  // namespace
}  // namespace ashlar::test
