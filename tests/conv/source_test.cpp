// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/source_test.cpp: another number outside src, and a src that passes through an expression: the bits of the
// reference, whatever the algorithm.
#include <doctest/doctest.h>

#include "conv/mixed_case.hpp"
#include "gemm/executors.hpp"

namespace ashlar::test {
namespace {

// Scale and shift of each channel, and what they make of an image.
template <class T>
struct scale_and_shift {
  scale_and_shift(random& r, index channels) : scale(std::size_t(channels)), shift(std::size_t(channels)) {
    for (T& x : scale) x = r.value<T>();
    for (T& x : shift) x = r.value<T>();
  }
  template <class S>
  auto of(const image_view<S>& src) const {
    return transform(src, relu(acc * per_column(scale.data()) + per_column(shift.data())));
  }
  std::vector<T> scale, shift;
};

// Runs with exactly the memory that it asks for; three workers.
template <class T, class Source, class E, class... Options>
std::string differs(conv_case<T>& c, const Source& source, double padding, const E& e, const Options&... options) {
  const auto plan = c.gradient ? plan_conv3d_backward_data<T, isa_under_test>(c.problem, options...)
                               : plan_conv3d<T, isa_under_test>(c.problem, options...);
  if (!plan.ok()) return describe(c.g) + ": " + plan.error().message();
  const auto storage = aligned_buffer::make(plan.value().packed_bytes());
  const auto packed = plan.value().pack(c.image_filter(), storage.span()).value();
  const one_thread three{3};
  const auto memory = aligned_buffer::make(plan.value().workspace_bytes(source, c.dst, e, on(three)));
  const auto run = [&] {
    return plan.value().run(source, packed, c.dst, e, padding_value(padding), scratch(memory.span()), on(three));
  };
  return c.differs_from_run(run, e, source, T(padding));
}

template <class T, class F>
void for_each_conv(index count, const F& f) {
  for_each_case(scaled(count, count / 12), [&](random& r) {
    conv3d p = some_problem(r, 100000);
    if (r.chance(30)) p.groups = r.between(2, 9), p.src[4] = p.groups, p.weights[0] = p.groups, p.weights[4] = 1;
    conv_case<T> c(r, p, r.pick({placement::at_end, placement::at_start}), r.chance(25));
    f(c, r);
  });
}

TEST_CASE_TEMPLATE("outside of src is the padding value", T, ASHLAR_TEST_FLOATS) {
  for_each_conv<T>(150, [](conv_case<T>& c, random& r) {
    if (!c.gradient) REQUIRE(differs(c, c.read(), double(r.value<float>()), acc) == "");
  });
}

TEST_CASE_TEMPLATE("src passes through its prologue, padding does not", T, ASHLAR_TEST_FLOATS) {
  for_each_conv<T>(150, [](conv_case<T>& c, random& r) {
    const scale_and_shift<T> change(r, c.src.extents().c);
    const double padding = c.gradient || r.chance(50) ? 0 : double(r.value<float>());
    const std::vector<T> pixel(std::size_t(c.dst.pixels()), r.value<T>());
    if (r.chance(50)) {
      REQUIRE(differs(c, change.of(c.read()), padding, acc) == "");
    } else {
      REQUIRE(differs(c, change.of(c.read()), padding, acc + per_row(pixel.data())) == "");
    }
  });
}

// Images with channels innermost, which grouped and Winograd kernels want.
struct nhwc_images {
  nhwc_images(random& r, const conv3d& p)
      : g(detail::geometry_of(p).value()),
        in(detail::src_extents(g)),
        out(detail::dst_extents(g)),
        x(std::size_t(in.n * g.src.d * g.src.h * g.src.w * in.c)),
        w(std::size_t(g.filters * g.taps() * g.group_channels())),
        y(std::size_t(out.n * g.pixels() * out.c)) {
    for (float& v : x) v = r.value<float>();
    for (float& v : w) v = r.value<float>();
  }
  image_view<const float> src() const { return ndhwc(x.data(), in.n, in.d, in.h, in.w, in.c); }
  image_view<float> dst() { return ndhwc(y.data(), out.n, out.d, out.h, out.w, out.c); }
  filter_view<const float> weights() const {
    return odhwi(w.data(), g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels());
  }
  template <class Plan, class Source, class... Options>
  std::vector<float> run(const Plan& plan, const Source& source, const Options&... options) {
    const auto storage = aligned_buffer::make(plan.packed_bytes());
    const auto packed = plan.pack(weights(), storage.span()).value();
    const status s = plan.run(source, packed, dst(), options...);
    INFO(s.message());
    REQUIRE(s.ok());
    return y;
  }

  conv_geometry g;
  image_axes in, out;
  std::vector<float> x, w, y;
};

TEST_CASE("groups that share a vector read the transformed image") {
  for_each_case(scaled(60, 6), [](random& r) {
    const index each = r.pick<index>({2, 4}), groups = r.between(2, 5);
    const conv3d p{.src = {2, 1, r.between(3, 9), r.between(3, 20), groups * each},
                   .weights = {groups * each, 1, 3, 3, each},
                   .padding = {{0, 1, 1}, {0, 1, 1}},
                   .groups = groups};
    nhwc_images c(r, p);
    const scale_and_shift<float> change(r, c.in.c);
    const auto plan = plan_conv3d<float, isa_under_test>(p, channels_last).value();
    std::vector<float> expected(c.y.size());
    const image_view<float> want = ndhwc(expected.data(), c.out.n, c.out.d, c.out.h, c.out.w, c.out.c);
    const std::vector<float> pixel(c.y.size(), r.value<float>());
    const auto e = acc + per_row(pixel.data());
    reference::convolution<float>(c.g, change.of(c.src()), c.weights(), want, e, 0.5f);
    REQUIRE(c.run(plan, change.of(c.src()), e, padding_value(0.5)) == expected);
  });
}

TEST_CASE("Winograd of a transformed image with a border is Winograd of the image that holds both") {
  for_each_case(scaled(20, 3), [](random& r) {
    const index groups = r.between(1, 2), each = r.pick<index>({3, 16, 33}), channels = groups * each,
                filters = groups * r.pick<index>({5, 32}), h = r.between(3, 15), w = r.between(3, 15);
    const conv3d bordered{.src = {2, 1, h, w, channels},
                          .weights = {filters, 1, 3, 3, each},
                          .padding = {{0, 1, 1}, {0, 1, 1}},
                          .groups = groups};
    conv3d whole = bordered;
    whole.src = {2, 1, h + 2, w + 2, channels}, whole.padding = {};
    nhwc_images c(r, bordered), padded(r, whole);
    const scale_and_shift<float> change(r, channels);
    const auto make = [](const conv3d& p) {
      constexpr winograd_set<f2x2_3x3> set;
      return plan_conv3d<float, isa_under_test>(p, channels_last, set, conv_algorithm::winograd_2x2).value();
    };
    for (index i = 0; i < index(padded.x.size()); ++i) {
      const index k = i % channels, column = i / channels % (w + 2), row = i / channels / (w + 2) % (h + 2),
                  n = i / channels / (w + 2) / (h + 2);
      const bool inside = row > 0 && row <= h && column > 0 && column <= w;
      float& to = padded.x[std::size_t(i)];
      to = -2;
      if (!inside) continue;
      using O = ops<float, isa::scalar>;
      to = change.of(c.src()).prologue.eval(math<O>{}, c.src()(n, 0, row - 1, column - 1, k),
                                            position<float, true>{0, k, 1, nullptr});
    }
    padded.w = c.w;
    const auto expected = padded.run(make(whole), padded.src());
    REQUIRE(c.run(make(bordered), change.of(c.src()), padding_value(-2)) == expected);
  });
}

TEST_CASE("narrow floating-point numbers pass through the prologue in float") {
  for_each_case(scaled(100, 10), [](random& r) {
    conv3d p = some_problem(r, 50000);
    if (r.chance(40)) p.groups = 5, p.src[4] = 5, p.weights[0] = 5, p.weights[4] = 1;
    mixed_case<bf16, bf16, float> c(r, p, placement::at_end);
    const scale_and_shift<float> change(r, c.in.c);
    const auto source = change.of(image_view<const bf16>(c.src));
    const auto plan = plan_conv3d<typename decltype(c)::product, isa_under_test>(p).value();
    const auto storage = aligned_buffer::make(plan.packed_bytes());
    const auto packed = plan.pack(filter_view<const bf16>(c.weights), storage.span()).value();
    const auto before = c.dst_memory.snapshot();
    std::vector<float> expected = before;
    reference::mixed_convolution(c.g, source, filter_view<const bf16>(c.weights),
                                 image_view<float>(expected.data(), c.out, c.dst_layout.strides), acc, 0.25f);
    const auto memory = aligned_buffer::make(plan.workspace_bytes(source, c.dst));
    REQUIRE(plan.run(source, packed, c.dst, padding_value(0.25), scratch(memory.span())).ok());
    REQUIRE(c.dst_memory.same_as(expected));
  });
}

TEST_CASE("what cannot be is refused by name, and dst stays as it was") {
  const conv2d p{.src = {1, 5, 5, 4}, .weights = {4, 3, 3, 4}};
  std::vector<float> x(100, 1.0f), w(144, 1.0f), y(36, 7.0f);
  const auto before = y;
  const auto forward = plan_conv2d<float, isa_under_test>(p).value();
  const auto storage = aligned_buffer::make(forward.packed_bytes());
  const auto packed = forward.pack(ohwi(w.data(), 4, 3, 3, 4), storage.span()).value();
  const auto dst = nhwc(y.data(), 1, 3, 3, 4);
  const auto shifted = transform(nhwc(x.data(), 1, 5, 5, 4), acc + per_column(y.data() + 32));
  const status shared = forward.run(shifted, packed, dst);
  CHECK(shared.code() == errc::aliasing);
  CHECK(std::string(shared.message()).find("prologue") != std::string::npos);
  const float* const nothing = nullptr;
  const auto plain = nhwc(x.data(), 1, 5, 5, 4);
  CHECK(forward.run(transform(plain, acc + per_column(nothing)), packed, dst).code() == errc::null_pointer);
  CHECK(forward.run(plain, packed, dst, acc + per_column(nothing)).code() == errc::null_pointer);
  const std::size_t bytes = forward.workspace_bytes(plain, dst);
  std::vector<float> room(bytes / sizeof(float) + 36, 7.0f);
  float* const last = room.data() + bytes / sizeof(float) - 1;
  const status under =
      forward.run(plain, packed, nhwc(last, 1, 3, 3, 4), scratch({(std::byte*)(last + 1) - bytes, bytes}));
  CHECK(under.code() == errc::aliasing);
  CHECK(std::string(under.message()).find("conv: scratch (at 0x") == 0);
  CHECK(room == std::vector<float>(room.size(), 7.0f));
  const std::vector<std::byte> blob(storage.data(), storage.data() + storage.size());
  const status within = forward.run(plain, packed, nhwc((float*)(storage.data() + storage.size()) - 1, 1, 3, 3, 4));
  CHECK(within.code() == errc::aliasing);
  CHECK(std::string(within.message()).find("conv: packed weights (at 0x") == 0);
  CHECK(std::equal(blob.begin(), blob.end(), storage.data()));
  CHECK(y == before);

  const auto gradient = plan_conv2d_backward_data<float, isa_under_test>(p).value();
  const auto more = aligned_buffer::make(gradient.packed_bytes());
  const auto back = gradient.pack(ohwi(w.data(), 4, 3, 3, 4), more.span()).value();
  const status padded = gradient.run(dst, back, nhwc(x.data(), 1, 5, 5, 4), padding_value(0.5));
  CHECK(padded.code() == errc::unsupported);
  CHECK(std::string(padded.message()).find("0.5") != std::string::npos);
  CHECK(x == std::vector<float>(100, 1.0f));
}

}  // namespace
}  // namespace ashlar::test
