// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/winograd_weights_test.cpp: gradients of weights by Winograd: within their bounds, between guard pages,
// with exactly the scratch that the plan says; the bits of the scalar ISA on any layout, with any cut and number of
// workers; and what is planned, said and refused.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "conv/case.hpp"
#include "gemm/executors.hpp"

namespace ashlar::test {
namespace {

template <class T>
class gradient_case {
  using wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

 public:
  gradient_case(random& r, const conv3d& p, bool whole = false)
      : problem(p),
        g(detail::geometry_of(p).value()),
        padding(whole || r.chance(50) ? T(0) : r.value<T>()),
        where_(r.pick({placement::at_start, placement::at_end})),
        src_layout_(layout_of(detail::src_extents(g), some_order(r), r)),
        dy_layout_(layout_of(detail::dst_extents(g), some_order(r), r)),
        src_memory_(src_layout_.elements, where_),
        dy_memory_(dy_layout_.elements, where_),
        order_(int(r.between(0, 2))) {
    const auto some = [&](T& x) { x = whole ? T(r.between(-8, 8)) : r.value<T>(); };
    conv_case<T>::each(src(), some);
    conv_case<T>::each(dy(), some);
  }

  image_view<T> src() const { return {src_memory_.data(), detail::src_extents(g), src_layout_.strides}; }
  image_view<T> dy() const { return {dy_memory_.data(), detail::dst_extents(g), dy_layout_.strides}; }
  index elements() const { return g.filters * g.taps() * g.group_channels(); }
  std::size_t dw_count() const { return std::size_t(elements()); }
  std::size_t bias_count() const { return std::size_t(g.filters); }
  filter_view<T> dw(T* p, int order) const {
    const triple& t = g.kernel;
    return order == 0   ? odhwi(p, g.filters, t.d, t.h, t.w, g.group_channels())
           : order == 1 ? oidhw(p, g.filters, g.group_channels(), t.d, t.h, t.w)
                        : dhwio(p, t.d, t.h, t.w, g.group_channels(), g.filters);
  }

  struct gradients {
    std::vector<T> dw, bias;  // dw as odhwi
  };
  // In the case's own layouts, with exactly the scratch that the plan asks for.
  template <class Plan>
  gradients run(const Plan& plan, index workers, const cache_sizes& caches) const {
    const in_reverse x{workers};
    const std::size_t bytes = plan.workspace_bytes(on(x), caches);
    const guarded_bytes memory(bytes, placement::at_end);
    const guarded_elements<T> to(elements(), where_), bias(g.filters, where_);
    const auto go = [&](std::size_t size) {
      return plan.run(image_view<const T>(src()), image_view<const T>(dy()), dw(to.data(), order_), bias.data(), on(x),
                      caches, scratch({memory.data(), size}), padding_value(double(padding)));
    };
    const std::vector<T> before = to.snapshot();
    REQUIRE(go(bytes - 1).code() == errc::workspace_too_small);
    REQUIRE(to.same_as(before));
    const status s = go(bytes);
    INFO(s.message());
    REQUIRE(s.ok());
    gradients all{{}, bias.snapshot()};
    const filter_view<T> view = dw(to.data(), order_);
    for (index k = 0; k < g.filters; ++k)
      for (index t = 0; t < g.taps(); ++t)
        for (index c = 0; c < g.group_channels(); ++c) all.dw.push_back(at(view, k, t, c));
    return all;
  }
  // With channels innermost, on the heap, serially.
  template <class Plan>
  gradients run_last(const Plan& plan) const {
    gradients all{std::vector<T>(dw_count()), std::vector<T>(bias_count())};
    const auto innermost = [](const image_view<T>& v, std::vector<T>& x) {
      conv_case<T>::each(v, [&](T& e) { x.push_back(e); });
      const image_axes& e = v.extents();
      return ndhwc<const T>(x.data(), e.n, e.d, e.h, e.w, e.c);
    };
    std::vector<T> x, y;
    const auto from = innermost(src(), x), gradient = innermost(dy(), y);
    REQUIRE(plan.run(from, gradient, dw(all.dw.data(), 0), all.bias.data(), padding_value(double(padding))).ok());
    return all;
  }

  // The largest |dw - exact| and |exact|.
  struct measured {
    double error = 0, size = 0;
  };
  measured measure(const std::vector<T>& dw) const {
    measured most;
    for (index k = 0; k < g.filters; ++k)
      for (index t = 0; t < g.taps(); ++t)
        for (index c = 0; c < g.group_channels(); ++c) {
          const wide sum = exact(k, t, c);
          const wide got = dw[std::size_t((k * g.taps() + t) * g.group_channels() + c)];
          most.error = std::max(most.error, double(std::abs(got - sum)));
          most.size = std::max(most.size, double(std::abs(sum)));
        }
    return most;
  }
  std::vector<T> bias() const {
    std::vector<T> all(bias_count()), unused(dw_count());
    reference::weights_gradient<T>(g, src(), dy(), dw(unused.data(), 0), all.data(), padding);
    return all;
  }

  conv3d problem;
  conv_geometry g;
  T padding;

 private:
  T& at(const filter_view<T>& v, index k, index t, index c) const {
    return v(k, t / g.kernel.w / g.kernel.h, t / g.kernel.w % g.kernel.h, t % g.kernel.w, c);
  }
  wide exact(index k, index t, index c) const {
    const triple tap{t / g.kernel.w / g.kernel.h, t / g.kernel.w % g.kernel.h, t % g.kernel.w};
    const index channel = k / g.group_filters() * g.group_channels() + c;
    const image_view<T> x = src(), y = dy();
    wide sum = 0;
    for (index n = 0; n < g.batch; ++n)
      for (index o = 0; o < g.pixels(); ++o) {
        const triple p{o / g.dst.w / g.dst.h, o / g.dst.w % g.dst.h, o % g.dst.w};
        const index d = p.d * g.stride.d - g.before.d + tap.d * g.dilation.d, h = p.h - g.before.h + tap.h,
                    w = p.w - g.before.w + tap.w;
        const bool inside = d >= 0 && d < g.src.d && h >= 0 && h < g.src.h && w >= 0 && w < g.src.w;
        sum += wide(inside ? x(n, d, h, w, channel) : padding) * wide(y(n, p.d, p.h, p.w, k));
      }
    return sum;
  }

  placement where_;
  image_layout src_layout_, dy_layout_;
  guarded_elements<T> src_memory_, dy_memory_;
  int order_;
};

// Kernels of R x S, planes of them with any stride and dilation along the depth, odd sizes, borders, groups, batches.
template <index R, index S>
conv3d some_shape(random& r) {
  for (;;) {
    conv3d p{};
    p.groups = r.chance(70) ? 1 : r.between(2, 3);
    const index channels = r.pick<index>({1, 3, 8, 16, 17, 40}), filters = r.pick<index>({1, 5, 16, 33, 70});
    p.src = {r.between(1, 3), 1, r.between(1, 13), r.between(1, 19), channels * p.groups};
    p.weights = {filters * p.groups, 1, R, S, channels};
    p.padding = {.before = {0, r.between(0, R), r.between(0, S)}, .after = {0, r.between(0, R), r.between(0, S)}};
    if (r.chance(30)) {
      p.src[1] = r.between(1, 4), p.weights[1] = r.between(1, 3), p.dilation[0] = r.between(1, 2);
      p.padding.before[0] = r.between(0, 3), p.padding.after[0] = r.between(0, 3), p.stride[0] = r.between(1, 3);
    }
    const auto g = detail::geometry_of(p);
    if (g.ok() && g.value().multiplies() < double(scaled(400000, 60000))) return p;
  }
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T, class A, class Set>
void by_name(const gradient_case<T>& c, random& r, Set set) {
  const auto plan = plan_conv3d_backward_weights<T, isa_under_test>(c.problem, set, winograd_name<A>);
  INFO(describe(c.g));
  REQUIRE(plan.ok());
  REQUIRE(plan.value().algorithm() == winograd_name<A>);
  const cache_sizes caches{r.pick<index>({1, 6000}), r.pick<index>({1, 30000, 200000, 1 << 20})};
  const auto got = c.run(plan.value(), r.between(1, 4), caches);
  const auto [error, size] = c.measure(got.dw);
  const winograd_error bound = detail::weights_error<T, A>(c.g);
  REQUIRE(error <= bound.absolute);
  const conv_explanation e = plan.value().explain();
  REQUIRE((e.algorithm == winograd_name<A> && e.worst == bound.worst && e.probable == bound.probable));
  if (c.elements() >= 1000 && c.padding == T(0)) REQUIRE(error <= e.probable * size);
  REQUIRE(same_bits(got.bias, c.bias()));
  const auto scalar = plan_conv3d_backward_weights<T, isa::scalar>(c.problem, set, winograd_name<A>).value();
  REQUIRE(same_bits(got.dw, c.run_last(scalar).dw));
}
template <class T, class... A>
void shapes(index count, winograd_set<A...> set) {
  using first = std::tuple_element_t<0, std::tuple<A...>>;
  for_each_case(scaled(count, 4), [&](random& r) {
    const gradient_case<T> c(r, some_shape<first::vertical::r, first::horizontal::r>(r));
    (by_name<T, A>(c, r, set), ...);
  });
}

TEST_CASE("3 x 3") { shapes<float>(60, winograd_set<f2x2_3x3, f4x4_3x3>{}); }
TEST_CASE("rows, in double") { shapes<double>(60, winograd_for<1, 7>); }
TEST_CASE("columns") { shapes<float>(40, winograd_set<winograd<cook_toom<4, 3>, cook_toom<1, 1>>>{}); }
TEST_CASE("rectangles") { shapes<float>(40, winograd_set<winograd<cook_toom<2, 5>, cook_toom<4, 3>>>{}); }

// F(3, 2) has the points 0, 1, -1: whole numbers and halves, whose products are exact.
TEST_CASE_TEMPLATE("tiles of 2 x 2 of whole numbers are the direct sum", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(40, 5), [](random& r) {
    const gradient_case<T> c(r, some_shape<3, 3>(r), true);
    const auto plan = plan_conv3d_backward_weights<T, isa_under_test>(c.problem, winograd_set<f2x2_3x3>{},
                                                                      conv_algorithm::winograd_2x2);
    REQUIRE(c.measure(c.run(plan.value(), r.between(1, 3), cache_sizes{1, 30000}).dw).error == 0);
  });
}

// Measured errors of many tiles are neither above the probable bound nor far below it.
TEST_CASE("the probable error of a sum over tiles is of the measured one's size") {
  random r(seed());
  const conv3d p{
      .src = {2, 1, 40, 40, 8}, .weights = {16, 1, 3, 3, 8}, .padding = {.before = {0, 1, 1}, .after = {0, 1, 1}}};
  const gradient_case<float> c(r, p, false);
  const auto plan =
      plan_conv3d_backward_weights<float, isa_under_test>(p, winograd_set<f4x4_3x3>{}, conv_algorithm::winograd_4x4);
  const auto [error, size] = c.measure(c.run_last(plan.value()).dw);
  CHECK(error <= plan.value().explain().probable * size);
  CHECK(error * 60 >= plan.value().explain().probable * size);
}

TEST_CASE("within a tolerance the fastest by estimate is chosen, and outside of it the contraction") {
  const auto chosen = [](const conv2d& p, const auto&... options) {
    return plan_conv2d_backward_weights<float, isa_under_test>(p, options...).value().explain();
  };
  const conv2d p{.src = {8, 56, 56, 64}, .weights = {64, 3, 3, 64}, .padding = ashlar::same};
  const conv_explanation e = chosen(p, tolerance(1e-4));
  CHECK(is_winograd(e.algorithm));
  CHECK((e.ratio < 1 && e.probable <= 1e-4 && e.probable > 0));
  CHECK(chosen(p).algorithm == conv_algorithm::implicit_gemm);
  CHECK(chosen(p).probable == 0);
  CHECK(chosen(p, tolerance(1e-9)).algorithm == conv_algorithm::implicit_gemm);
  CHECK(chosen(p, tolerance(1e-4), conv_algorithm::implicit_gemm).algorithm == conv_algorithm::implicit_gemm);
  const conv2d strided{.src = {8, 56, 56, 64}, .weights = {64, 3, 3, 64}, .stride = {2, 2}};
  CHECK(chosen(strided, tolerance(1e-4)).algorithm == conv_algorithm::implicit_gemm);
  const conv2d depthwise{.src = {8, 56, 56, 64}, .weights = {64, 3, 3, 1}, .groups = 64};
  CHECK(chosen(depthwise, tolerance(1e-4)).algorithm == conv_algorithm::implicit_gemm);
}

TEST_CASE("an algorithm that does not compute it is refused by name and field") {
  const auto message = [](const conv2d& p, const auto&... options) {
    const auto plan = plan_conv2d_backward_weights<float, isa_under_test>(p, options...);
    CHECK(plan.error().code() == errc::unsupported);
    return std::string(plan.error().message());
  };
  const conv2d strided{.src = {1, 9, 9, 4}, .weights = {4, 3, 3, 4}, .stride = {1, 2}};
  CHECK(message(strided, tolerance(1), conv_algorithm::winograd_4x4) ==
        "plan_conv: winograd_4x4 has stride 1 and dilation 1 but width has stride 2 and dilation 1");
  const conv2d five{.src = {1, 9, 9, 4}, .weights = {4, 5, 5, 4}};
  CHECK(message(five, tolerance(1), conv_algorithm::winograd_4x4).find("winograd_4x4 for weights of 5x5") == 0 + 11);
  CHECK(message(five, conv_algorithm::depthwise) == "plan_conv: depthwise does not compute the gradient of weights");
}

TEST_CASE("channels in blocks give the same bits") {
  const conv2d p{.src = {2, 9, 7, 20}, .weights = {18, 3, 3, 10}, .padding = ashlar::same, .groups = 2};
  const auto plan =
      plan_conv2d_backward_weights<float, isa_under_test>(p, winograd_set<f4x4_3x3>{}, conv_algorithm::winograd_4x4)
          .value();
  random r(seed());
  std::vector<float> x(2 * 63 * 20), dy(2 * 63 * 18), x4(2 * 63 * 20), dy8(2 * 63 * 24), dw(18 * 90), other(18 * 90);
  const auto fill = [&](const auto& last, const auto& blocks, index channels) {
    for (index n = 0; n < 2; ++n)
      for (index h = 0; h < 9; ++h)
        for (index w = 0; w < 7; ++w)
          for (index c = 0; c < channels; ++c) last(n, 0, h, w, c) = blocks(n, 0, h, w, c) = r.value<float>();
  };
  const auto src = nhwc(x.data(), 2, 9, 7, 20), gradient = nhwc(dy.data(), 2, 9, 7, 18);
  const auto src4 = nchwc<4>(x4.data(), 2, 20, 9, 7), gradient8 = nchwc<8>(dy8.data(), 2, 18, 9, 7);
  fill(src, src4, 20), fill(gradient, gradient8, 18);
  REQUIRE(plan.run(src, gradient, ohwi(dw.data(), 18, 3, 3, 10), nullptr).ok());
  REQUIRE(plan.run(src4, gradient8, ohwi(other.data(), 18, 3, 3, 10), nullptr).ok());
  CHECK(same_bits(dw, other));
}

TEST_CASE("an empty batch gives zeros") {
  const conv2d p{.src = {0, 5, 5, 2}, .weights = {2, 3, 3, 2}};
  const auto plan = plan_conv2d_backward_weights<float, isa_under_test>(p, tolerance(1), conv_algorithm::winograd_4x4);
  REQUIRE(plan.ok());
  CHECK(plan.value().workspace_bytes() == 0);
  std::vector<float> dw(36, 7), bias(2, 7);
  float none = 0;
  REQUIRE(plan.value()
              .run(nhwc<const float>(&none, 0, 5, 5, 2), nhwc<const float>(&none, 0, 3, 3, 2),
                   ohwi(dw.data(), 2, 3, 3, 2), bias.data())
              .ok());
  CHECK((dw == std::vector<float>(36) && bias == std::vector<float>(2)));
}

}  // namespace
}  // namespace ashlar::test
