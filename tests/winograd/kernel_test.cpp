// SPDX-License-Identifier: Apache-2.0
//
// tests/winograd/kernel_test.cpp: the kernel is within its a-priori bound of the exact convolution for any geometry,
// touches nothing outside its operands, and gives the bits of the scalar ISA whatever the cut and the executor.
#include <doctest/doctest.h>

#include <ashlar/conv/filters.hpp>
#include <ashlar/core/executors/thread_pool.hpp>
#include <ashlar/winograd/error_bound.hpp>
#include <ashlar/winograd/kernel.hpp>
#include <cmath>
#include <type_traits>
#include <vector>

#include "gemm/executors.hpp"
#include "support/guarded_matrix.hpp"
#include "support/isa.hpp"

namespace ashlar::test {
namespace {

using row_of_five = winograd<cook_toom<1, 1>, cook_toom<4, 5>>;
using column_of_three = winograd<cook_toom<6, 3>, cook_toom<1, 1>>;
using mixed = winograd<cook_toom<2, 3>, cook_toom<3, 2>>;

template <class A>
conv_geometry random_geometry(random& r) {
  conv_geometry g{};
  g.batch = r.between(1, 3), g.groups = r.chance(70) ? 1 : r.between(2, 3);
  g.channels = g.groups * r.pick<index>({1, 2, 3, 7, 8, 15, 16, 17, 33, 40});
  g.filters = g.groups * r.pick<index>({1, 3, 5, 8, 16, 17, 31, 32, 33, 64, 65, 100});
  g.kernel = {1, A::vertical::r, A::horizontal::r};
  g.before = {0, r.between(0, 3), r.between(0, 3)}, g.after = {0, r.between(0, 3), r.between(0, 3)};
  g.src = {r.chance(80) ? 1 : 2, r.between(1, 15), r.between(1, 15)};
  if (r.chance(40)) {
    g.kernel.d = r.between(1, 3), g.stride.d = r.between(1, 3), g.dilation.d = r.between(1, 2);
    g.before.d = r.between(0, 3), g.after.d = r.between(0, 3), g.src.d = r.between(1, 4);
  }
  const index span = detail::span_of(1, 1, g.kernel.d, g.dilation.d);
  g.src.d = std::max(g.src.d, span - g.before.d - g.after.d);
  g.src.h = std::max(g.src.h, g.kernel.h - g.before.h - g.after.h);
  g.src.w = std::max(g.src.w, g.kernel.w - g.before.w - g.after.w);
  g.dst = {(g.src.d + g.before.d + g.after.d - span) / g.stride.d + 1,
           g.src.h + g.before.h + g.after.h - g.kernel.h + 1, g.src.w + g.before.w + g.after.w - g.kernel.w + 1};
  return g;
}

// A sum of products beyond the precision of T: of floats in double, of doubles in two of them (Dekker's product,
// Knuth's sum), since long double is computed in software on 64-bit ARM.
template <class T>
struct exact_sum {
  double high = 0, low = 0;

  void add(double a, double b) {
    const double product = a * b;
    const double sum = high + product;
    if constexpr (std::is_same_v<T, double>) {
      const double added = sum - high;
      low += std::fma(a, b, -product) + ((high - (sum - added)) + (product - added));
    }
    high = sum;
  }
  double distance(double x) const { return std::abs((x - high) - low); }
  double size() const { return std::abs(high); }
};

// Channels contiguous, pixels, rows and images at a distance of their own.
template <class T>
class guarded_image {
 public:
  guarded_image(random& r, index n, const triple& size, index c, placement where) {
    const bool dense = r.chance(40);
    const auto gap = [&](index most) { return dense ? 0 : r.between(0, most); };
    const index w = c + gap(9), h = size.w * w + gap(20), d = size.h * h + gap(20), image = size.d * d + gap(30);
    const index used = (n - 1) * image + (size.d - 1) * d + (size.h - 1) * h + (size.w - 1) * w + c;
    memory_.emplace_back(std::size_t(used) * sizeof(T), where);
    view_ = image_view<T>(reinterpret_cast<T*>(memory_[0].data()), {n, size.d, size.h, size.w, c}, {image, d, h, w, 1});
    used_ = used;
    std::fill(view_.data(), view_.data() + used, poison<T>());
    for_each([&](T& x) { x = r.value<T>(); });
  }
  template <class F>
  void for_each(const F& f) const {
    const image_axes& e = view_.extents();
    for (index n = 0; n < e.n; ++n)
      for (index d = 0; d < e.d; ++d)
        for (index h = 0; h < e.h; ++h)
          for (index w = 0; w < e.w; ++w)
            for (index c = 0; c < e.c; ++c) f(view_(n, d, h, w, c));
  }
  const image_view<T>& view() const { return view_; }
  std::vector<T> snapshot() const { return {view_.data(), view_.data() + used_}; }
  void restore(const std::vector<T>& from) const { std::copy(from.begin(), from.end(), view_.data()); }

 private:
  std::vector<guarded_bytes> memory_;
  image_view<T> view_;
  index used_;
};

template <class T>
struct problem {
  conv_geometry g;
  guarded_image<T> src, dst, other;
  std::vector<T> weights, bias;
  std::vector<T> before;

  problem(random& r, const conv_geometry& geometry, placement where)
      : g(geometry),
        src(r, g.batch, g.src, g.channels, where),
        dst(r, g.batch, g.dst, g.filters, where),
        other(r, g.batch, {g.dst.d, 1, g.dst.h * g.dst.w}, g.filters, placement::at_end),
        weights(std::size_t(g.filters * g.taps() * g.group_channels())),
        bias(std::size_t(g.filters)),
        before(dst.snapshot()) {
    for (T& x : weights) x = r.value<T>();
    for (T& x : bias) x = r.value<T>();
  }

  filter_view<const T> filter() const {
    return odhwi<const T>(weights.data(), g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels());
  }

  // Everything the kernel is given ends at a guard page.
  template <class Isa, class A, class E, class X>
  std::vector<T> run(const E& e, X&& executor, const cache_sizes& caches) {
    using K = winograd_kernel<winograd_floats<T, Isa, A>>;
    REQUIRE(K::serves(g));
    dst.restore(before);
    const winograd_cut cut = K::plan(g, executor.concurrency(), caches);
    const index workers = std::min(executor.concurrency(), cut.tasks(g));
    const guarded_bytes packed(std::size_t(K::packed_elements(g)) * sizeof(T), placement::at_end);
    const guarded_bytes memory(std::size_t(workers * K::workspace(cut)) * sizeof(T), placement::at_end);
    T* const u = reinterpret_cast<T*>(packed.data());
    const grouped_filters<T> filters(filter(), g.groups, false);
    K::pack(g, [&](index i) { return filters.group(i); }, u);
    K::run(g, cut, {src.view(), u, dst.view()}, e, reinterpret_cast<T*>(memory.data()), executor);
    return dst.snapshot();
  }

  // The largest |dst - exact|, dst as it is now, and the largest |exact|.
  struct measured {
    double error = 0, size = 0;
  };
  measured measure() const {
    measured most;
    for (index n = 0; n < g.batch; ++n)
      for (index o = 0; o < volume(g.dst); ++o)
        for (index k = 0; k < g.filters; ++k) {
          const index d = o / (g.dst.h * g.dst.w), h = o / g.dst.w % g.dst.h, w = o % g.dst.w;
          const exact_sum<T> sum = exact(n, d, h, w, k);
          most.error = std::max(most.error, sum.distance(double(dst.view()(n, d, h, w, k))));
          most.size = std::max(most.size, sum.size());
        }
    return most;
  }
  exact_sum<T> exact(index n, index d, index h, index w, index k) const {
    const index first = k / g.group_filters() * g.group_channels();
    exact_sum<T> sum;
    for (index t = 0; t < g.taps(); ++t) {
      const index p = t / (g.kernel.h * g.kernel.w), r = t / g.kernel.w % g.kernel.h, s = t % g.kernel.w;
      const index z = d * g.stride.d + p * g.dilation.d - g.before.d, y = h + r - g.before.h, x = w + s - g.before.w;
      if (z < 0 || z >= g.src.d || y < 0 || y >= g.src.h || x < 0 || x >= g.src.w) continue;
      for (index c = 0; c < g.group_channels(); ++c)
        sum.add(double(src.view()(n, z, y, x, first + c)), double(filter()(k, p, r, s, c)));
    }
    return sum;
  }
};

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

constexpr cache_sizes tiny{1, 1}, common{32 * 1024, 256 * 1024};

template <class T, class A>
void within_the_bound(index count) {
  for_each_case(scaled(count, 5), [&](random& r) {
    problem<T> p(r, random_geometry<A>(r), r.pick({placement::at_start, placement::at_end}));
    const auto got = p.template run<isa_under_test, A>(acc, serial{}, r.pick({tiny, common}));
    const winograd_error bound = winograd_bound<A, T>(p.g.kernel.d * p.g.group_channels());
    const auto [error, size] = p.measure();
    REQUIRE(error <= bound.absolute);
    if (p.g.batch * p.g.pixels() * p.g.filters >= 1000) REQUIRE(error <= bound.probable * size);
    REQUIRE(same_bits(got, p.template run<isa::scalar, A>(acc, serial{}, common)));
  });
}

TEST_CASE_TEMPLATE("F(2x2, 3x3) is within its bound and has the bits of the scalar ISA", T, ASHLAR_TEST_FLOATS) {
  within_the_bound<T, f2x2_3x3>(100);
}
TEST_CASE_TEMPLATE("F(4x4, 3x3) is within its bound and has the bits of the scalar ISA", T, ASHLAR_TEST_FLOATS) {
  within_the_bound<T, f4x4_3x3>(100);
}
TEST_CASE("F(5x5, 3x3), F(6x6, 3x3)") {
  within_the_bound<float, f5x5_3x3>(60);
  within_the_bound<float, f6x6_3x3>(60);
}
TEST_CASE("kernels that are rows, columns and rectangles") {
  within_the_bound<float, row_of_five>(60);
  within_the_bound<float, column_of_three>(60);
  within_the_bound<double, mixed>(60);
}

// The epilogue sees every element once, at its place: in registers, at edges, a long one in memory.
template <class T, class A, class Make>
void applies(const Make& make) {
  for_each_case(scaled(40, 4), [&](random& r) {
    problem<T> p(r, random_geometry<A>(r), placement::at_end);
    const auto e = make(p);
    REQUIRE(same_bits(p.template run<isa_under_test, A>(e, serial{}, common),
                      p.template run<isa::scalar, A>(e, serial{}, common)));
    const auto got = p.dst.snapshot();
    p.template run<isa_under_test, A>(acc, serial{}, common);
    finish(p, e);
    REQUIRE(same_bits(got, p.dst.snapshot()));
  });
}
// dst = e(dst), element by element, in scalar code; `before` is what dst() in e reads.
template <class T, class E>
void finish(problem<T>& p, const E& e) {
  const image_view<T>& dst = p.dst.view();
  for (index n = 0; n < p.g.batch; ++n) {
    const auto of_image = e.at_image(n);
    for (index o = 0; o < volume(p.g.dst); ++o)
      for (index k = 0; k < p.g.filters; ++k) {
        T* const to = dst.pointer(n, o / (p.g.dst.h * p.g.dst.w), o / p.g.dst.w % p.g.dst.h, o % p.g.dst.w, k);
        const position<T, true> at{o, k, 1, p.before.data() + (to - dst.data())};
        *to = of_image.eval(math<ops<T, isa::scalar>>{}, *to, at);
      }
  }
}

TEST_CASE_TEMPLATE("bias and activation", T, ASHLAR_TEST_FLOATS) {
  applies<T, f4x4_3x3>([](const problem<T>& p) { return relu(acc + per_column(p.bias.data())); });
}
TEST_CASE("the old dst, another image, a long function") {
  applies<float, f4x4_3x3>([](const problem<float>& p) {
    return gelu(0.5f * acc + 0.25f * dst) + elements(image_view<const float>(p.other.view()));
  });
  applies<float, f2x2_3x3>([](const problem<float>& p) {
    return 0.5f * acc + 0.25f * dst + elements(image_view<const float>(p.other.view()));
  });
}

TEST_CASE("every tile and every output channel belongs to one task, however many workers there are") {
  using K = winograd_kernel<winograd_floats<float, isa_under_test, f4x4_3x3>>;
  for_each_case(scaled(2000, 200), [&](random& r) {
    conv_geometry g = random_geometry<f4x4_3x3>(r);
    g.batch = r.between(1, 100), g.dst.h = r.between(1, 100), g.dst.w = r.between(1, 100);
    g.filters = g.groups * r.between(1, 600), g.channels = g.groups * r.between(1, 600);
    const cache_sizes caches = r.pick({tiny, common, cache_sizes{1 << 15, 1 << 20}});
    const winograd_cut b = K::plan(g, r.between(1, 200), caches, {r.chance(50), r.chance(50)});
    REQUIRE(b.tiles == g.batch * g.dst.d * ceil_div(g.dst.h, 4) * ceil_div(g.dst.w, 4));
    REQUIRE((b.group > 0 && b.groups == ceil_div(b.tiles, b.group)));
    REQUIRE((b.segment >= 1 && b.segment <= std::min(b.columns, b.group)));
    REQUIRE((b.segment == 1 || b.source * index(sizeof(float)) <= caches.l2 / 2));
    REQUIRE((b.part % b.block == 0 && b.parts == ceil_div(g.group_filters(), b.part)));
  });
}

TEST_CASE("the result depends neither on the cut nor on who runs the tasks") {
  thread_pool pool(3);
  for_each_case(scaled(30, 3), [&](random& r) {
    problem<float> p(r, random_geometry<f4x4_3x3>(r), placement::at_end);
    const auto want = p.run<isa_under_test, f4x4_3x3>(acc, serial{}, common);
    REQUIRE(same_bits(want, p.run<isa_under_test, f4x4_3x3>(acc, one_thread{r.between(2, 9)}, tiny)));
    REQUIRE(same_bits(want, p.run<isa_under_test, f4x4_3x3>(acc, in_reverse{r.between(2, 9)}, common)));
    REQUIRE(same_bits(want, p.run<isa_under_test, f4x4_3x3>(acc, pool, r.pick({tiny, common}))));
  });
}

}  // namespace
}  // namespace ashlar::test
