// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/depthwise_conv_test.cpp: the threads of the depthwise CUDA convolution, run here block by block, equal the
// reference bit for bit; which strips cover dst; which convolutions are turned away.
//
// Depends on: cuda/, reference.hpp, support/.
#include <doctest/doctest.h>

#include <ashlar/conv/problem.hpp>
#include <ashlar/cuda/depthwise_choose.cuh>
#include <ashlar/cuda/depthwise_strip.cuh>
#include <ashlar/reference.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/bits.hpp"
#include "support/cases.hpp"
#include "support/guarded_matrix.hpp"

namespace ashlar::test {
namespace {

namespace cd = cuda::detail;
using cd::depthwise_shape;

// What launch_depthwise_strips and depthwise_kernel do, for all blocks of the grid.
template <depthwise_shape S, class X, class D, class E>
void run_blocks(const image_view<const X>& src, const filter_view<const X>& weights, const image_view<D>& dst,
                const E& e, const conv_geometry& g) {
  using P = cd::depthwise_problem<X, D, E>;
  using strip = cd::depthwise_strip<S, P>;
  const P p{src, weights, dst, e, cd::cut_depthwise(g, S, P::channels_of_vector), int(g.before.h), int(g.before.w)};
  const auto shared = std::make_unique<typename strip::filters>();
  std::vector<strip> threads(cd::depthwise_threads);
  for (index b = 0; b < p.cut.blocks; ++b) {
    for (float& x : shared->at) x = poison<float>();
    std::memset(static_cast<void*>(threads.data()), 0x7f, threads.size() * sizeof(strip));
    for (int t = cd::depthwise_threads - 1; t >= 0; --t) threads[std::size_t(t)].start(p, *shared, int(b), t);
    for (strip& t : threads) t.finish(p, *shared);
  }
}

conv_geometry some_geometry(int window, int stride, int lanes, random& r) {
  conv2d p{};
  const index c = lanes * r.pick<index>({1, 2, 3, 4, 5, 8, 9, 17});
  p.src = {r.between(1, 3), r.pick<index>({1, 2, 5, 7, 8, 14, 15}), r.pick<index>({1, 3, 7, 8, 14, 28, 37}), c};
  p.weights = {c, window, window, 1};
  p.stride = {stride, stride}, p.groups = c;
  for (std::size_t i = 0; i < 2; ++i)
    p.padding.before[i] = r.between(0, window), p.padding.after[i] = r.between(0, window);
  const auto g = detail::geometry_of(p);
  return g.ok() ? g.value() : some_geometry(window, stride, lanes, r);
}

// NHWC elements between guard pages; `gap` more channels between pixels, poison.
template <class X>
struct images {
  guarded_bytes memory;
  image_view<X> view;
  std::vector<float> values;  // of a dense copy

  images(const image_axes& e, index gap)
      : memory(std::size_t(e.n * e.h * e.w * (e.c + gap)) * sizeof(X), placement::at_start),
        view(reinterpret_cast<X*>(memory.data()), e, {e.h * e.w * (e.c + gap), 0, e.w * (e.c + gap), e.c + gap, 1}),
        values(std::size_t(e.n * e.h * e.w * e.c)) {
    std::fill(view.data(), view.data() + e.n * e.h * e.w * (e.c + gap), poison<X>());
  }
  image_view<float> dense() {
    return nhwc(values.data(), view.extents().n, view.extents().h, view.extents().w, view.extents().c);
  }
  // f(element, its value in the copy)
  template <class F>
  void each(const F& f) {
    const image_axes e = view.extents();
    for (index n = 0; n < e.n; ++n)
      for (index h = 0; h < e.h; ++h)
        for (index w = 0; w < e.w; ++w)
          for (index c = 0; c < e.c; ++c) f(view(n, 0, h, w, c), dense()(n, 0, h, w, c));
  }
  std::vector<X> snapshot() const {
    const image_axes &e = view.extents(), &s = view.strides();
    return {view.data(), view.data() + e.n * s.n};
  }
};

template <depthwise_shape S, class X, class D, class E>
void check(const conv_geometry& g, const E& e, random& r) {
  constexpr index lanes = 16 / index(sizeof(X));
  images<X> src({g.batch, 1, g.src.h, g.src.w, g.channels}, r.pick<index>({0, 0, lanes}));
  images<D> dst({g.batch, 1, g.dst.h, g.dst.w, g.channels}, r.pick<index>({0, 0, lanes}));
  std::vector<X> weights(std::size_t(g.channels * S.taps()));
  std::vector<float> wide(weights.size());
  src.each([&](X& x, float& v) { v = float(x = X(r.value<float>())); });
  dst.each([&](D& x, float& v) { v = float(x = D(r.value<float>())); });
  for (std::size_t i = 0; i < wide.size(); ++i) wide[i] = float(weights[i] = X(r.value<float>()));
  const bool last = r.chance(50);
  const auto filters = [&](auto* p) {
    return last ? hwio(p, S.window, S.window, 1, g.channels) : ohwi(p, g.channels, S.window, S.window, 1);
  };
  auto expected = dst.snapshot();
  REQUIRE(cd::fits_depthwise(image_view<const X>(src.view), dst.view, g));
  run_blocks<S>(image_view<const X>(src.view), filters(std::as_const(weights).data()), dst.view, e, g);
  reference::convolution<float>(g, src.dense(), filters(wide.data()), dst.dense(), e);
  dst.each([&](D& x, float& v) { expected[std::size_t(&x - dst.view.data())] = cd::stored<D>(v); });
  REQUIRE(std::memcmp(expected.data(), dst.view.data(), expected.size() * sizeof(D)) == 0);
}

template <depthwise_shape S, class X, class D>
void check_epilogues(const conv_geometry& g, random& r) {
  std::vector<float> bias(std::size_t(g.channels)), residual(std::size_t(g.batch * g.pixels() * g.channels));
  for (auto* const v : {&bias, &residual})
    for (float& x : *v) x = r.value<float>();
  if (r.chance(40)) return check<S, X, D>(g, acc, r);
  if (r.chance(50)) return check<S, X, D>(g, relu(acc + per_column(bias.data())) + dst, r);
  check<S, X, D>(g, acc + elements(nhwc(residual.data(), g.batch, g.dst.h, g.dst.w, g.channels)), r);
}

// All strips that with_strip may choose.
template <class X, class D>
void check_chosen(random& r) {
  const conv_geometry g = some_geometry(r.pick({3, 5}), r.pick({1, 2}), 16 / int(sizeof(X)), r);
  cd::with_strip<X>(g, [&](auto strip) {
    INFO(g.src.h << " x " << g.src.w << " x " << g.channels << ", window " << g.kernel.w << " stride " << g.stride.w
                 << ", columns " << strip.value.columns);
    check_epilogues<strip.value, X, D>(g, r);
  });
}

// How often each element of dst has a thread.
void check_cover(const depthwise_shape& s, const conv_geometry& g, int lanes) {
  const cd::depthwise_cut cut = cd::cut_depthwise(g, s, lanes);
  std::vector<int> count(std::size_t(g.batch * cut.row_groups * cut.strips_of_row * cut.vectors));
  for (index b = 0; b < cut.blocks; ++b) {
    for (int t = 0; t < cd::depthwise_threads; ++t) {
      const cd::strip_place p = cd::place_of_strip(cut, int(b), t);
      if (p.exists)
        ++count[std::size_t(((p.n * cut.row_groups + p.row_group) * cut.strips_of_row + p.strip) * cut.vectors +
                            p.vector)];
    }
  }
  for (const int c : count) REQUIRE(c == 1);
}

}  // namespace

TEST_CASE("f32") {
  for_each_case(scaled(80), [](random& r) { check_chosen<float, float>(r); });
}
TEST_CASE("bf16 and f16") {
  for_each_case(scaled(40), [](random& r) {
    check_chosen<bf16, bf16>(r);
    check_chosen<f16, f16>(r);
    check_chosen<bf16, float>(r);
  });
}

TEST_CASE("strips that are only measured") {
  for_each_case(scaled(10), [](random& r) {
    check_epilogues<depthwise_shape{3, 1, 4, 2, false, 2}, bf16, bf16>(some_geometry(3, 1, 8, r), r);
    check_epilogues<depthwise_shape{3, 2, 2, 1, false, 3}, bf16, bf16>(some_geometry(3, 2, 8, r), r);
    check_epilogues<depthwise_shape{3, 2, 2, 2, true, 2}, float, float>(some_geometry(3, 2, 4, r), r);
  });
}

TEST_CASE("every strip of dst has one thread") {
  for_each_case(scaled(60), [](random& r) {
    const index c = 8 * r.between(1, 80);
    conv_geometry g{r.between(1, 3), c, c, c, {}, {1, 3, 3}, {}, {}, {0, 1, 1}, {0, 1, 1}, {}};
    g.src = g.dst = {1, r.between(1, 40), r.between(1, 120)};
    check_cover({3, 1, int(r.between(1, 8)), int(r.between(1, 2)), false, 2}, g, 8);
  });
}

TEST_CASE("what does not fit is turned away") {
  alignas(16) static float memory[4096];
  const auto g =
      detail::geometry_of(conv2d{.src = {1, 6, 6, 8}, .weights = {8, 3, 3, 1}, .padding = ashlar::same, .groups = 8})
          .value();
  const auto fits = [&](const image_view<float>& src, const image_view<float>& dst, const conv_geometry& x) {
    return cd::fits_depthwise(image_view<const float>(src), dst, x);
  };
  const auto dense = nhwc(memory, 1, 6, 6, 8);
  CHECK(fits(dense, dense, g));
  CHECK(!fits(nhwc(memory + 1, 1, 6, 6, 8), dense, g));
  CHECK(!fits(dense, nhwc(memory + 2, 1, 6, 6, 8), g));
  CHECK(!fits(nchw(memory, 1, 8, 6, 6), dense, g));
  CHECK(!fits(dense, nchw(memory, 1, 8, 6, 6), g));
  CHECK(!fits(image_view<float>(memory, dense.extents(), {6 * 54, 0, 54, 9, 1}), dense, g));
  conv_geometry x = g;
  x.dilation.w = 2;
  CHECK(!fits(dense, dense, x));
  x = g, x.kernel.h = 4;
  CHECK(!fits(dense, dense, x));
  x = g, x.groups = 4;
  CHECK(!fits(dense, dense, x));
}

}  // namespace ashlar::test
