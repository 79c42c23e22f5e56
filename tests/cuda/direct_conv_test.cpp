// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/direct_conv_test.cpp: the threads of the direct CUDA convolution, run here one after the other, equal the
// reference bit for bit: one to three dimensions, any layout, padding, stride, dilation, groups, and the gradient.
//
// Depends on: cuda/, conv/case.hpp.
#include <doctest/doctest.h>

#include <ashlar/cuda/direct_sum.cuh>

#include "conv/case.hpp"

namespace ashlar::test {
namespace {

namespace cd = cuda::detail;

// What launch_direct and direct_kernel do, with some grid: blocks and threads come in any order.
template <class T, bool Gradient, class X, class D, class E>
status run_grid(const image_view<const X>& read, const filter_view<const X>& weights, const image_view<D>& written,
                const E& e, const conv_geometry& g, random& r) {
  const cd::direct_problem<T, X, D, E> p{read, weights, written, e, g, cd::lies_in_planes(written)};
  const index blocks = r.between(1, 5), threads = r.pick<index>({1, 32, 100, 256});
  for (index b = blocks - 1; b >= 0; --b)
    for (index t = threads - 1; t >= 0; --t) cd::direct_thread<Gradient>(p, b, blocks, t, threads);
  return {};
}

template <class T, bool Gradient, class E>
std::string differs(conv_case<T>& c, const E& e, random& r) {
  return c.differs_from_run([&] { return run_grid<T, Gradient>(c.read(), c.image_filter(), c.dst, e, c.g, r); }, e);
}

// An epilogue of every kind of operand, or none.
template <class T, bool Gradient>
void check(random& r) {
  conv_case<T> c(r, some_problem(r, 60000), r.pick({placement::at_start, placement::at_end}), Gradient);
  const image_axes& e = c.dst.extents();
  std::vector<T> bias(std::size_t(e.c)), of_pixel(std::size_t(c.dst.pixels()));
  std::vector<T> residual(std::size_t(e.n * c.dst.pixels() * e.c));
  for (auto* const v : {&bias, &of_pixel, &residual})
    for (T& x : *v) x = r.value<T>();
  switch (r.between(0, 2)) {
    case 0:
      REQUIRE(differs<T, Gradient>(c, acc, r) == "");
      break;
    case 1:
      REQUIRE(differs<T, Gradient>(c, relu(acc + per_column(bias.data()) + T(0.5) * dst), r) == "");
      break;
    default:
      REQUIRE(differs<T, Gradient>(
                  c, acc * per_row(of_pixel.data()) + elements(ndhwc(residual.data(), e.n, e.d, e.h, e.w, e.c)), r) ==
              "");
  }
}

}  // namespace

TEST_CASE_TEMPLATE("forward", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(250), [](random& r) { check<T, false>(r); });
}

TEST_CASE_TEMPLATE("gradient of src", T, ASHLAR_TEST_FLOATS) {
  for_each_case(scaled(250), [](random& r) { check<T, true>(r); });
}

TEST_CASE("padding meets infinite weights as zeros") {
  const conv_geometry g =
      detail::geometry_of(conv2d{.src = {1, 2, 2, 1}, .weights = {1, 3, 3, 1}, .padding = ashlar::same}).value();
  std::vector<float> src(4, 1.0f), weights(9, std::numeric_limits<float>::infinity()), got(4), want(4);
  random r(seed());
  const auto x = nhwc<const float>(src.data(), 1, 2, 2, 1);
  const auto w = ohwi<const float>(weights.data(), 1, 3, 3, 1);
  REQUIRE(run_grid<float, false>(x, w, nhwc(got.data(), 1, 2, 2, 1), acc, g, r).ok());
  reference::convolution<float>(g, x, w, nhwc(want.data(), 1, 2, 2, 1));
  for (std::size_t i = 0; i < 4; ++i) REQUIRE((same_bits(got[i], want[i]) && got[i] != got[i]));
}

namespace {
// X -> T -> D against the reference of what the elements are as T.
template <class T, class X, class D, bool Gradient>
void check_converted(random& r) {
  const conv3d problem = some_problem(r, 20000);
  const conv_geometry g = detail::geometry_of(problem).value();
  const image_axes src{g.batch, g.src.d, g.src.h, g.src.w, g.channels},
      out{g.batch, g.dst.d, g.dst.h, g.dst.w, g.filters};
  const image_axes &read = Gradient ? out : src, &written = Gradient ? src : out;
  const auto number = [&] { return std::is_integral_v<T> ? T(r.between(-128, 127)) : T(r.value<float>()); };
  const auto size = [](const image_axes& e) { return std::size_t(e.n * e.d * e.h * e.w * e.c); };
  std::vector<X> x(size(read)), w(std::size_t(g.filters * g.taps() * g.group_channels()));
  std::vector<T> xt(x.size()), wt(w.size()), want(size(written));
  std::vector<D> got(want.size());
  for (std::size_t i = 0; i < x.size(); ++i) xt[i] = T(x[i] = X(number()));
  for (std::size_t i = 0; i < w.size(); ++i) wt[i] = T(w[i] = X(number()));
  const auto images = [](auto* p, const image_axes& e) { return ndhwc(p, e.n, e.d, e.h, e.w, e.c); };
  const auto filters = [&](auto* p) {
    return odhwi(p, g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels());
  };
  REQUIRE(run_grid<T, Gradient>(images(std::as_const(x).data(), read), filters(std::as_const(w).data()),
                                images(got.data(), written), acc, g, r)
              .ok());
  if constexpr (Gradient) {
    reference::transposed_convolution<T>(g, images(xt.data(), read), filters(wt.data()), images(want.data(), written));
  } else {
    reference::convolution<T>(g, images(xt.data(), read), filters(wt.data()), images(want.data(), written));
  }
  for (std::size_t i = 0; i < got.size(); ++i) REQUIRE(same_bits(got[i], cd::stored<D>(want[i])));
}
}  // namespace

TEST_CASE("s8, f16 and bf16 elements, wider sums") {
  for_each_case(scaled(30), [](random& r) {
    check_converted<std::int32_t, std::int8_t, std::int32_t, false>(r);
    check_converted<std::int32_t, std::int8_t, std::int32_t, true>(r);
    check_converted<float, f16, f16, false>(r);
    check_converted<float, bf16, bf16, true>(r);
    check_converted<float, bf16, float, false>(r);
  });
}

TEST_CASE("places beyond 2^31 elements") {
  const image_axes e{3, 1 << 10, 1 << 11, 1 << 12, 7};
  const index last = e.n * e.d * e.h * e.w * e.c - 1;
  for (const bool planes : {false, true}) {
    const cd::written_place p = cd::place_of(e, planes, last);
    CHECK((p.n == 2 && p.at == triple{1023, 2047, 4095} && p.c == 6 && p.pixel == (index(1) << 33) - 1));
  }
}

}  // namespace ashlar::test
