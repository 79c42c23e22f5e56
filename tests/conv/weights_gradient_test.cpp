// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/weights_gradient_test.cpp: gradients of weights and bias: the bits of the reference, on any layout, with
// any cut and number of threads; and the reference against finite differences.
#include <doctest/doctest.h>

#include <ashlar/core/executors/thread_pool.hpp>
#include <cmath>

#include "conv/case.hpp"

namespace ashlar::test {
namespace {

template <class T>
struct weights_case {
  weights_case(random& r, const conv3d& p, placement where)
      : problem(p),
        forward(r, p, where),
        back(r, p, where, true),
        elements(forward.g.filters * forward.g.taps() * forward.g.group_channels()),
        memory(elements, where),
        bias_memory(forward.g.filters, where),
        order(int(r.between(0, 2))) {}

  filter_view<T> dw(T* p) const {
    const conv_geometry& g = forward.g;
    const triple& t = g.kernel;
    return order == 0   ? odhwi(p, g.filters, t.d, t.h, t.w, g.group_channels())
           : order == 1 ? oidhw(p, g.filters, g.group_channels(), t.d, t.h, t.w)
                        : dhwio(p, t.d, t.h, t.w, g.group_channels(), g.filters);
  }

  template <class... Options>
  std::string differs(bool with_bias, const Options&... options) const {
    const auto plan = plan_conv3d_backward_weights<T, isa_under_test>(problem).value();
    std::vector<T> expected(memory.snapshot()), bias(bias_memory.snapshot());
    const T padding = T(detail::option<detail::padding_option>(padding_value(0), options...).value);
    reference::weights_gradient<T>(forward.g, forward.read(), back.read(), dw(expected.data()), bias.data(), padding);
    T* const given = with_bias ? bias_memory.data() : nullptr;
    const status s = plan.run(forward.read(), back.read(), dw(memory.data()), given, options...);
    if (!s.ok()) return s.message();
    for (index i = 0; i < elements; ++i) {
      if (!same_bits(memory.data()[i], expected[std::size_t(i)]))
        return describe(forward.g) + ": dw's element " + std::to_string(i) + " is " + shown(memory.data()[i]) +
               " instead of " + shown(expected[std::size_t(i)]);
    }
    for (index k = 0; with_bias && k < forward.g.filters; ++k) {
      if (!same_bits(bias_memory.data()[k], bias[std::size_t(k)]))
        return describe(forward.g) + ": bias " + std::to_string(k) + " is wrong";
    }
    return "";
  }

  conv3d problem;
  conv_case<T> forward, back;
  index elements;
  guarded_elements<T> memory, bias_memory;
  int order;
};

TEST_CASE_TEMPLATE("the gradient of the weights equals its reference bit for bit", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(250, 20), [](random& r) {
    const conv3d p = some_problem(r);
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      const weights_case<T> c(r, p, where);
      REQUIRE(c.differs(r.chance(50)) == "");
      const index l1 = r.pick<index>({1, 800, 6000}), l2 = r.pick<index>({1, 3000, 20000});
      REQUIRE(c.differs(true, cache_sizes{l1, l2}) == "");
      REQUIRE(c.differs(true, padding_value(double(r.value<float>()))) == "");
    }
  });
}

TEST_CASE_TEMPLATE("a filter a channel", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(300, 25), [](random& r) {
    conv3d p = some_problem(r, 3000);
    p.groups = r.pick<index>({2, 3, 4, 8, 13, 16, 31, 40, 67});
    p.src[4] = p.weights[0] = p.groups, p.weights[4] = 1;
    const index width = r.between(1, 9);
    p.weights[3] = width, p.src[3] = std::max(p.src[3], (width - 1) * p.dilation[2] + 1);
    const weights_case<T> c(r, p, r.pick({placement::at_end, placement::at_start}));
    REQUIRE(c.differs(r.chance(50), padding_value(r.chance(50) ? 0 : double(r.value<float>()))) == "");
  });
}

TEST_CASE("threads share the channels and change nothing") {
  thread_pool pool(3);
  for_each_case(scaled(40, 5), [&](random& r) {
    const weights_case<float> c(r, some_problem(r), placement::at_end);
    REQUIRE(c.differs(true, on(pool)) == "");
  });
}

// With loss = <conv(x), y>, the gradient of weight i is the slope of the loss along it: exact up to rounding, for the
// loss is linear in each weight. Sums of `products` terms below 1, whose rounding a step of 1 divides by nothing.
TEST_CASE("the gradient is the slope of the loss") {
  for_each_case(scaled(40, 4), [](random& r) {
    const conv3d p = some_problem(r, 20000);
    weights_case<double> c(r, p, placement::at_end);
    const conv_geometry& g = c.forward.g;
    const auto count = std::size_t(c.elements);
    std::vector<double> gradient(count), moved(count);
    std::vector<double> dst(static_cast<std::size_t>(g.batch * g.pixels() * g.filters));
    const auto out = ndhwc(dst.data(), g.batch, g.dst.d, g.dst.h, g.dst.w, g.filters);
    REQUIRE(plan_conv3d_backward_weights<double, isa_under_test>(p)
                .value()
                .run(c.forward.read(), c.back.read(), c.dw(gradient.data()), nullptr)
                .ok());
    const auto loss = [&](const std::vector<double>& w) {
      reference::convolution<double>(g, c.forward.read(), c.dw(const_cast<double*>(w.data())), out);
      double sum = 0;
      for (index n = 0; n < g.batch; ++n)
        for (index d = 0; d < g.dst.d; ++d)
          for (index h = 0; h < g.dst.h; ++h)
            for (index x = 0; x < g.dst.w; ++x)
              for (index k = 0; k < g.filters; ++k) sum += out(n, d, h, x, k) * c.back.read()(n, d, h, x, k);
      return sum;
    };
    const double before = loss(moved);  // at weights of zero
    const auto i = std::size_t(r.between(0, c.elements - 1));
    moved[i] = 1;
    const double products = double(g.batch) * double(g.pixels()) * double(g.filters);
    CHECK(std::abs(loss(moved) - before - gradient[i]) <= 2 * products * products * 0x1p-53);
  });
}

TEST_CASE("operands that do not fit are refused by name and nothing is written") {
  const conv2d p{.src = {2, 5, 5, 3}, .weights = {4, 3, 3, 3}};
  const auto plan = plan_conv2d_backward_weights<float, isa_under_test>(p).value();
  std::vector<float> x(150), dy(72), dw(108, 7.f);
  const auto src = nhwc<const float>(x.data(), 2, 5, 5, 3), gradient = nhwc<const float>(dy.data(), 2, 3, 3, 4);
  const auto says = [&](const status& s, errc code, const char* words) {
    CHECK(s.code() == code);
    CHECK_MESSAGE(std::string(s.message()).find(words) != std::string::npos, s.message());
    CHECK(dw[0] == 7.f);
  };
  says(plan.run(src, src, ohwi(dw.data(), 4, 3, 3, 3), nullptr), errc::shape_mismatch,
       "height of dy is 5 but the plan has 3");
  says(plan.run(src, gradient, ohwi(dw.data(), 4, 3, 2, 3), nullptr), errc::shape_mismatch,
       "dw: 4 x 1x3x2 x 3 but the plan");
  says(plan.run(src, gradient, ohwi<float>(nullptr, 4, 3, 3, 3), nullptr), errc::null_pointer, "dw is null");
  const filter_axes taps{4, 1, 3, 3, 3};
  says(plan.run(src, gradient, filter_view<float>(dw.data(), taps, {27, 27, 9, 2, 1}), nullptr), errc::bad_stride,
       "conv: dw has strides 27, 27, 9, 2, 1 (k, d, r, s, c): its elements must not overlap");
  says(plan.run(src, gradient, filter_view<float>(dw.data(), taps, {index(1) << 60, 27, 9, 3, 1}), nullptr),
       errc::overflow, "conv: offsets of dw exceed 64 bits");
  says(plan.run(src, gradient, ohwi(dw.data(), 4, 3, 3, 3), nullptr, scratch({})), errc::workspace_too_small,
       "scratch has 0");
  const std::size_t bytes = plan.workspace_bytes();
  std::vector<float> room(bytes / sizeof(float) + 72, 0.f);
  const std::span<std::byte> under(reinterpret_cast<std::byte*>(room.data()), bytes);
  const auto far = nhwc<const float>(room.data() + bytes / sizeof(float) - 1, 2, 3, 3, 4);
  says(plan.run(src, far, ohwi(dw.data(), 4, 3, 3, 3), nullptr, scratch(under)), errc::aliasing, "conv: scratch (at ");
  says(plan.run(src, gradient, ohwi(x.data(), 4, 3, 3, 3), nullptr), errc::aliasing, "src");
  says(plan.run(src, gradient, ohwi(dw.data(), 4, 3, 3, 3), dy.data() + 70), errc::aliasing, "dy (at ");
  says(plan.run(src, gradient, ohwi(dw.data(), 4, 3, 3, 3), dw.data() + 107), errc::aliasing,
       "shares memory with bias");
}

}  // namespace
}  // namespace ashlar::test
