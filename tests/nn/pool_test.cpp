// SPDX-License-Identifier: Apache-2.0
//
// tests/nn/pool_test.cpp: pooling and its gradients of random geometry and layout give the bits of the reference; what
// is refused, and how; finite differences.
#include <doctest/doctest.h>
#include <ashlar/core/executors/thread_pool.hpp>
#include <ashlar/nn.hpp>

#include <cmath>
#include <limits>

#include "conv/case.hpp"

namespace ashlar::test {
namespace {

pool3d some_pool(random& r) {
  for (;;) {
    pool3d p{};
    const int rank = int(r.between(1, 10));
    p.src = {r.between(1, 3), 1, 1, 1, r.pick<index>({1, 2, 3, 5, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130})};
    p.window = {1, 1, 1};
    for (std::size_t i = 0; i < 3; ++i) {
      if (int(i) < (rank == 1 ? 2 : rank < 9 ? 1 : 0)) continue;
      p.src[i + 1] = r.pick<index>({1, 2, 3, 5, 7, 8, 12, 13, 17, 20});
      p.window[i] = r.pick<index>({1, 2, 2, 3, 3, 4, 5, 7});
      p.stride[i] = r.pick<index>({1, 1, 2, 2, 3, 5});
      p.dilation[i] = r.pick<index>({1, 1, 1, 2, 3});
      if (r.chance(50)) p.padding.before[i] = r.between(0, 4), p.padding.after[i] = r.between(0, 9);
    }
    if (r.chance(15)) p.padding = ashlar::same;
    p.count_include_pad = r.chance(50);
    const auto g = detail::geometry_of(p);
    if (g.ok() && double(g.value().pixels()) * double(g.value().taps() * p.src[0] * p.src[4]) < 200000) return p;
  }
}

std::string described(const pool3d& p) { return describe(detail::geometry_of(p).value()); }

// An image in some layout between guard pages, and a copy outside of them for the reference.
template <class T>
struct operand {
  operand(random& r, const image_axes& e, placement where)
      : layout(layout_of(e, some_order(r), r)),
        memory(layout.elements, where),
        view(memory.data(), e, layout.strides),
        copy(memory.snapshot()) {}
  image_view<T> expected() { return {copy.data(), view.extents(), layout.strides}; }
  // Elements, and all between them.
  bool as_expected() const {
    bool same = true;
    for (std::size_t i = 0; i < copy.size(); ++i) same = same && same_bits(memory.data()[i], copy[i]);
    return same;
  }
  template <class F>
  void fill(const F& f) {
    conv_case<T>::each(view, f);
    copy = memory.snapshot();
  }

  image_layout layout;
  guarded_elements<T> memory;
  image_view<T> view;
  std::vector<T> copy;
};

template <class T>
T some_value(random& r, index percent_special) {
  if (!r.chance(percent_special)) return r.chance(50) ? r.value<T>() : T(r.between(-2, 2));  // with ties
  using limits = std::numeric_limits<T>;
  return r.pick<T>({limits::quiet_NaN(), limits::infinity(), -limits::infinity(), T(-0.0), T(0.0)});
}

template <class F>
void for_each_pool(index count, const F& f) {
  for_each_case(scaled(count, count / 12), [&](random& r) {
    const pool3d p = some_pool(r);
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      INFO(described(p));
      f(p, detail::geometry_of(p).value(), r, where);
    }
  });
}

TEST_CASE_TEMPLATE("maxima and their positions equal the reference", T, ASHLAR_TEST_FLOATS) {
  for_each_pool(300, [](const pool3d& p, const conv_geometry& g, random& r, placement where) {
    const auto plan = plan_max_pool3d<T, isa_under_test>(p).value();
    operand<T> src(r, plan.src_extents(), where), dst(r, plan.dst_extents(), where),
        alone(r, plan.dst_extents(), where);
    operand<std::int32_t> argmax(r, plan.dst_extents(), where);
    const index special = r.pick<index>({0, 0, 5, 60, 100});
    src.fill([&](T& x) { x = some_value<T>(r, special); });
    reference::max_pool<T>(g, src.view, dst.expected(), argmax.expected());
    reference::max_pool<T>(g, src.view, alone.expected());
    REQUIRE(plan.run(src.view, dst.view, argmax.view).ok());
    REQUIRE(plan.run(src.view, alone.view).ok());
    REQUIRE(dst.as_expected());
    REQUIRE(argmax.as_expected());
    REQUIRE(alone.as_expected());
    REQUIRE(src.as_expected());
  });
}

TEST_CASE_TEMPLATE("the gradient of max pooling equals the reference", T, ASHLAR_TEST_FLOATS) {
  for_each_pool(200, [](const pool3d& p, const conv_geometry& g, random& r, placement where) {
    const auto plan = plan_max_pool3d<T, isa_under_test>(p).value();
    operand<T> dy(r, plan.dst_extents(), where), dx(r, plan.src_extents(), where);
    operand<std::int32_t> argmax(r, plan.dst_extents(), where);
    dy.fill([&](T& x) { x = r.value<T>(); });
    const index pixels = volume(g.src);
    argmax.fill([&](std::int32_t& x) { x = std::int32_t(r.between(r.chance(10) ? -2 : 0, pixels - 1 + r.chance(5))); });
    reference::max_pool_backward<T>(g, dy.view, argmax.view, dx.expected());
    REQUIRE(plan.backward(dy.view, argmax.view, dx.view).ok());
    REQUIRE(dx.as_expected());
  });
}

TEST_CASE_TEMPLATE("averages and their gradients equal the reference", T, ASHLAR_TEST_FLOATS) {
  for_each_pool(200, [](const pool3d& p, const conv_geometry& g, random& r, placement where) {
    const auto plan = plan_average_pool3d<T, isa_under_test>(p).value();
    operand<T> src(r, plan.src_extents(), where), dst(r, plan.dst_extents(), where), dx(r, plan.src_extents(), where);
    const index special = r.pick<index>({0, 0, 5});
    src.fill([&](T& x) { x = some_value<T>(r, special); });
    reference::average_pool<T>(g, src.view, dst.expected(), p.count_include_pad);
    REQUIRE(plan.run(src.view, dst.view).ok());
    REQUIRE(dst.as_expected());
    dst.fill([&](T& x) { x = r.value<T>(); });
    reference::average_pool_backward<T>(g, dst.view, dx.expected(), p.count_include_pad);
    REQUIRE(plan.backward(dst.view, dx.view).ok());
    REQUIRE(dx.as_expected());
  });
}

TEST_CASE("the result does not depend on the executor") {
  thread_pool pool(3);
  for_each_pool(40, [&](const pool3d& p, const conv_geometry& g, random& r, placement where) {
    const auto plan = plan_max_pool3d<float, isa_under_test>(p).value();
    const auto average = plan_average_pool3d<float, isa_under_test>(p).value();
    operand<float> src(r, plan.src_extents(), where), dst(r, plan.dst_extents(), where),
        dx(r, plan.src_extents(), where);
    operand<std::int32_t> argmax(r, plan.dst_extents(), where);
    src.fill([&](float& x) { x = r.value<float>(); });
    reference::max_pool<float>(g, src.view, dst.expected(), argmax.expected());
    REQUIRE(plan.run(src.view, dst.view, argmax.view, on(pool)).ok());
    REQUIRE(dst.as_expected());
    REQUIRE(argmax.as_expected());
    reference::max_pool_backward<float>(g, dst.view, argmax.view, dx.expected());
    REQUIRE(plan.backward(dst.view, argmax.view, dx.view, on(pool)).ok());
    REQUIRE(dx.as_expected());
    reference::average_pool<float>(g, src.view, dst.expected(), p.count_include_pad);
    REQUIRE(average.run(src.view, dst.view, on(pool)).ok());
    REQUIRE(dst.as_expected());
    reference::average_pool_backward<float>(g, dst.view, dx.expected(), p.count_include_pad);
    REQUIRE(average.backward(dst.view, dx.view, on(pool)).ok());
    REQUIRE(dx.as_expected());
  });
}

// loss = <weight, pool(x)>. Away from ties both poolings are linear in a neighbourhood of x, so that a central
// difference with step h is off only by rounding: of the two losses, eps * sum |weight * dst| * (terms + taps) each,
// divided by 2 h.
template <class Forward>
void check_gradient(const image_view<double>& x, const image_view<double>& dx, const image_view<double>& weight,
                    const image_view<double>& y, index taps, const Forward& forward) {
  const double h = 0x1p-20;  // smaller than half the distance of any two elements
  const auto loss = [&](double* magnitude) {
    forward();
    double sum = 0, size = 0;
    const image_axes& e = y.extents();
    for (index n = 0; n < e.n; ++n)
      for (index d = 0; d < e.d; ++d)
        for (index i = 0; i < e.h; ++i)
          for (index j = 0; j < e.w; ++j)
            for (index c = 0; c < e.c; ++c) {
              const double v = y(n, d, i, j, c);
              if (std::isinf(v)) continue;  // nothing inside
              sum += weight(n, d, i, j, c) * v, size += std::abs(weight(n, d, i, j, c) * v);
            }
    *magnitude = size;
    return sum;
  };
  const image_axes& e = x.extents();
  const double terms = double(y.extents().n * y.pixels() * y.extents().c + taps);
  for (index n = 0; n < e.n; ++n)
    for (index d = 0; d < e.d; ++d)
      for (index i = 0; i < e.h; ++i)
        for (index j = 0; j < e.w; ++j)
          for (index c = 0; c < e.c; ++c) {
            double& at = x(n, d, i, j, c);
            const double old = at;
            double size[2];
            at = old + h;
            const double above = loss(&size[0]);
            at = old - h;
            const double below = loss(&size[1]);
            at = old;
            const double bound = std::numeric_limits<double>::epsilon() * (terms + 2) * (size[0] + size[1]) / (2 * h) +
                                 std::numeric_limits<double>::epsilon() * terms * std::abs(dx(n, d, i, j, c));
            REQUIRE(std::abs((above - below) / (2 * h) - dx(n, d, i, j, c)) <= bound);
          }
}

TEST_CASE("the gradients are finite differences") {
  for_each_case(scaled(30, 4), [](random& r) {
    pool3d p = some_pool(r);
    p.src[0] = 1, p.src[4] = std::min<index>(p.src[4], 5);
    for (std::size_t i = 1; i < 4; ++i) p.src[i] = std::min<index>(p.src[i], 7);
    const auto g = detail::geometry_of(p);
    if (!g.ok()) return;
    INFO(described(p));
    const auto largest = plan_max_pool3d<double, isa_under_test>(p).value();
    const auto average = plan_average_pool3d<double, isa_under_test>(p).value();
    const placement where = placement::at_end;
    operand<double> x(r, largest.src_extents(), where), y(r, largest.dst_extents(), where),
        weight(r, largest.dst_extents(), where), dx(r, largest.src_extents(), where);
    operand<std::int32_t> argmax(r, largest.dst_extents(), where);
    // Distinct multiples of 2^-10, in random order.
    std::vector<double> values(std::size_t(x.view.pixels() * x.view.extents().c));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = double(i) * 0x1p-10 - 1;
      std::swap(values[i], values[std::size_t(r.between(0, index(i)))]);
    }
    std::size_t next = 0;
    x.fill([&](double& v) { v = values[next++]; });
    weight.fill([&](double& v) { v = r.value<double>(); });
    REQUIRE(largest.run(x.view, y.view, argmax.view).ok());
    REQUIRE(largest.backward(weight.view, argmax.view, dx.view).ok());
    const index taps = g.value().taps();
    check_gradient(x.view, dx.view, weight.view, y.view, taps, [&] { REQUIRE(largest.run(x.view, y.view).ok()); });
    REQUIRE(average.backward(weight.view, dx.view).ok());
    check_gradient(x.view, dx.view, weight.view, y.view, taps, [&] { REQUIRE(average.run(x.view, y.view).ok()); });
  });
}

void refused(const pool2d& p, errc code, const char* words) {
  const auto plan = plan_max_pool2d<float, isa_under_test>(p);
  REQUIRE(!plan.ok());
  CHECK(name(plan.error().code()) == std::string(name(code)));
  CHECK_MESSAGE(std::string(plan.error().message()).find(words) != std::string::npos, plan.error().message());
}

TEST_CASE("a pooling that makes no sense is refused by the name of its field") {
  const pool2d ok{.src = {1, 8, 9, 4}, .window = {3, 3}};
  REQUIRE(plan_max_pool2d<float, isa_under_test>(ok).ok());
  const auto with = [&](auto change) {
    pool2d p = ok;
    change(p);
    return p;
  };
  refused(with([](pool2d& p) { p.src[0] = -1; }), errc::negative_extent, "batch of -1");
  refused(with([](pool2d& p) { p.src[1] = -8; }), errc::negative_extent, "height of src is -8");
  refused(with([](pool2d& p) { p.src[3] = 0; }), errc::bad_geometry, "src has 0 channels");
  refused(with([](pool2d& p) { p.window[1] = 0; }), errc::bad_geometry, "width of window is 0");
  refused(with([](pool2d& p) { p.stride[0] = 0; }), errc::bad_geometry, "height of stride is 0");
  refused(with([](pool2d& p) { p.dilation[1] = -2; }), errc::bad_geometry, "width of dilation is -2");
  refused(with([](pool2d& p) { p.padding.after[1] = -1; }), errc::bad_geometry, "width of padding after is -1");
  refused(with([](pool2d& p) { p.window[0] = 9; }), errc::bad_geometry, "height of window is 9 (9 with dilation 1)");
  refused(with([](pool2d& p) { p.dilation[1] = 5; }), errc::bad_geometry, "is 3 (11 with dilation 5)");
  refused(with([](pool2d& p) { p.src[1] = index(1) << 50; }), errc::overflow, "height of src");
  refused(with([](pool2d& p) { p.dilation[0] = index(1) << 40; }), errc::overflow, "dilation");
  refused(with([](pool2d& p) { p.src[1] = p.src[2] = index(1) << 39; }), errc::overflow, "src has more than");
  refused(with([](pool2d& p) { p.src[1] = p.src[2] = index(1) << 16; }), errc::unsupported, "2^31 - 1");
  refused(with([](pool2d& p) { p = {.src = {1, 4200, 5000, 1}, .window = {4200, 3}}; }), errc::unsupported, "2^24");
  CHECK(plan_max_pool2d<double, isa_under_test>({.src = {1, 4200, 5000, 1}, .window = {4200, 3}}).ok());
}

TEST_CASE("operands that do not fit are refused and nothing is written") {
  const auto plan =
      plan_max_pool2d<float, isa_under_test>({.src = {1, 4, 4, 3}, .window = {2, 2}, .stride = {2, 2}}).value();
  std::vector<float> x(48, 1), y(48, 9);
  std::vector<std::int32_t> at(48, 9);
  const auto src = nhwc(x.data(), 1, 4, 4, 3), dst = nhwc(y.data(), 1, 2, 2, 3);
  const auto argmax = nhwc(at.data(), 1, 2, 2, 3);
  const auto code = [&](const status& s) {
    CHECK(y == std::vector<float>(48, 9));
    CHECK(at == std::vector<std::int32_t>(48, 9));
    return name(s.code()) + std::string();
  };
  CHECK(code(plan.run(nhwc(x.data(), 1, 4, 3, 3), dst)) == "shape_mismatch");
  CHECK(code(plan.run(src, nhwc(y.data(), 1, 2, 2, 4))) == "shape_mismatch");
  CHECK(code(plan.run(src, dst, nhwc(at.data(), 2, 2, 2, 3))) == "shape_mismatch");
  CHECK(code(plan.run(nhwc((float*)nullptr, 1, 4, 4, 3), dst)) == "null_pointer");
  CHECK(code(plan.run(src, dst, nhwc((std::int32_t*)nullptr, 1, 2, 2, 3))) == "null_pointer");
  CHECK(code(plan.run(nhwc(y.data() + 3, 1, 4, 4, 3), dst)) == "aliasing");
  CHECK(code(plan.run(src, image_view<float>(y.data(), {1, 1, 2, 2, 3}, {12, 12, 6, 2, 1}))) == "bad_stride");
  CHECK(code(plan.backward(dst, argmax, nhwc(y.data() + 2, 1, 4, 4, 3))) == "aliasing");
  CHECK(code(plan.run(src, dst, nhwc(reinterpret_cast<std::int32_t*>(y.data()), 1, 2, 2, 3))) == "aliasing");
  const auto none = plan_max_pool2d<float, isa_under_test>({.src = {0, 4, 4, 3}, .window = {2, 2}}).value();
  CHECK(code(none.run(nhwc((float*)nullptr, 0, 4, 4, 3), nhwc((float*)nullptr, 0, 3, 3, 3))) == "ok");
}

}  // namespace
}  // namespace ashlar::test
