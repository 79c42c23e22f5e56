// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/winograd_shapes_test.cpp: plans with Winograd algorithms for any kernel: rows, columns, rectangles, planes
// of a depth, points of one's own. Every one of a plan's set, asked for by name, is within its bounds, has the bits of
// the scalar ISA for any layout and workers, and takes exactly the scratch that the plan says; weights of another are
// refused.
#include <doctest/doctest.h>

#include <cmath>

#include "conv/case.hpp"
#include "gemm/executors.hpp"

namespace ashlar::test {
namespace {

struct textbook {
  static constexpr std::array<rational, 5> finite{rational(0), rational(1), rational(-1), rational(2), rational(-2)};
};
// Few of them are of two dimensions, for what they take to compile.
using axis = cook_toom<1, 1>;
using row_of_three = winograd<axis, cook_toom<4, 3>>;
using textbook_row = winograd<axis, cook_toom<4, 3, textbook>>;
using column = winograd<cook_toom<4, 7>, axis>;
using large = winograd<cook_toom<4, 5>>;
using two_by_four = winograd<cook_toom<2, 5>, cook_toom<4, 3>>;

// What a set is, while this file compiles.
static_assert(std::is_same_v<decltype(winograd_for<3, 3>), const winograd_set<f2x2_3x3, f4x4_3x3, f6x6_3x3>>);
static_assert(std::is_same_v<decltype(winograd_for<1, 7>), decltype(winograd_for<7>)>);
static_assert(
    std::is_same_v<decltype(winograd_for<7, 1>), const winograd_set<winograd<cook_toom<2, 7>, cook_toom<1, 1>>,
                                                                    winograd<cook_toom<4, 7>, cook_toom<1, 1>>>>);
static_assert(std::is_same_v<decltype(winograd_for<3, 3> + winograd_set<f4x4_3x3, two_by_four>{}),
                             winograd_set<f2x2_3x3, f4x4_3x3, f6x6_3x3, two_by_four>>);
static_assert(detail::weights_fingerprint<textbook_row> != detail::weights_fingerprint<row_of_three>);
template <class... Options>
using set_of = detail::winograd_of<Options...>;
static_assert(std::is_same_v<set_of<tolerance>, winograd_set<f2x2_3x3, f4x4_3x3, f6x6_3x3>>);
static_assert(std::is_same_v<set_of<channels_last_option>, winograd_set<>>);
static_assert(std::is_same_v<set_of<winograd_set<f4x4_3x3>, tolerance, winograd_set<two_by_four>>,
                             winograd_set<f4x4_3x3, two_by_four>>);

// A convolution, or its gradient, of images of any layout between guard pages.
template <class T>
class any_case {
  using wide = std::conditional_t<std::is_same_v<T, float>, double, long double>;

 public:
  any_case(random& r, const conv3d& p, bool gradient)
      : problem(p),
        g(detail::geometry_of(p).value()),
        gradient_(gradient),
        where_(r.pick({placement::at_start, placement::at_end})),
        in_(gradient ? detail::dst_extents(g) : detail::src_extents(g)),
        out_(gradient ? detail::src_extents(g) : detail::dst_extents(g)),
        src_layout_(layout_of(in_, some_order(r), r)),
        dst_layout_(layout_of(out_, some_order(r), r)),
        src_memory_(src_layout_.elements, where_),
        weights_(g.filters * g.taps() * g.group_channels(), where_) {
    conv_case<T>::each(src(), [&](T& x) { x = r.value<T>(); });
    for (T& x : elements(weights_)) x = r.value<T>();
  }
  // Whole numbers instead, small enough for every sum to be exact.
  void whole_numbers(random& r) {
    conv_case<T>::each(src(), [&](T& x) { x = T(r.between(-8, 8)); });
    for (T& x : elements(weights_)) x = T(r.between(-8, 8));
  }

  template <class Isa, class... Options>
  auto plan(const Options&... options) const {
    return gradient_ ? plan_conv3d_backward_data<T, Isa>(problem, options...)
                     : plan_conv3d<T, Isa>(problem, options...);
  }
  filter_view<const T> filter() const {
    return odhwi<const T>(weights_.data(), g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels());
  }
  image_view<T> src() const { return {src_memory_.data(), in_, src_layout_.strides}; }

  // dst's elements, channels innermost, after a run with exactly the scratch that the plan asks for.
  template <class Plan>
  std::vector<T> run(const Plan& plan, index workers) const {
    const guarded_elements<T> dst(dst_layout_.elements, where_);
    const image_view<T> to(dst.data(), out_, dst_layout_.strides);
    std::vector<T> untouched = dst.snapshot();
    run(plan, workers, src(), to);
    conv_case<T>::each(to, [&](T& x) { untouched[std::size_t(&x - dst.data())] = x; });
    CHECK(dst.same_as(untouched));
    return channels_innermost(to);
  }
  // The same of copies of src and dst with channels innermost.
  template <class Plan>
  std::vector<T> run_last(const Plan& plan, index workers) const {
    const std::vector<T> x = channels_innermost(src());
    std::vector<T> y(std::size_t(out_.n * out_.d * out_.h * out_.w * out_.c));
    run(plan, workers, ndhwc(x.data(), in_.n, in_.d, in_.h, in_.w, in_.c),
        ndhwc(y.data(), out_.n, out_.d, out_.h, out_.w, out_.c));
    return y;
  }
  static std::vector<T> channels_innermost(const image_view<T>& image) {
    std::vector<T> all;
    conv_case<T>::each(image, [&](T& x) { all.push_back(x); });
    return all;
  }
  template <class Plan>
  void run(const Plan& plan, index workers, const image_view<const T>& from, const image_view<T>& to) const {
    const in_reverse x{workers};
    const guarded_bytes blob(plan.packed_bytes(), placement::at_start);
    const std::size_t bytes = plan.workspace_bytes(from, to, on(x));
    // The workspace is whole lines, and bytes 63 more: it is needed to the last byte, which a guard page follows.
    const guarded_bytes memory(bytes, placement::at_end);
    const auto packed = plan.pack(filter(), {blob.data(), plan.packed_bytes()});
    REQUIRE(packed.ok());
    if (bytes > 0) {
      const status s = plan.run(from, packed.value(), to, on(x), scratch({memory.data(), bytes - 1}));
      REQUIRE(s.code() == errc::workspace_too_small);
    }
    const status s = plan.run(from, packed.value(), to, on(x), scratch({memory.data(), bytes}));
    INFO(s.message());
    REQUIRE(s.ok());
  }

  // The largest |dst - exact| and |exact|, and how many elements dst has.
  struct measured {
    double error = 0, size = 0;
    index outputs;
  };
  measured measure(const std::vector<T>& dst) const {
    std::vector<wide> exact(std::size_t(out_.n * out_.d * out_.h * out_.w * out_.c));
    const auto sums = ndhwc(exact.data(), out_.n, out_.d, out_.h, out_.w, out_.c);
    each_product(sums, src());
    measured most{.outputs = index(exact.size())};
    const auto got = ndhwc(dst.data(), out_.n, out_.d, out_.h, out_.w, out_.c);
    for (index n = 0; n < out_.n; ++n)
      for (index p = 0; p < volume({out_.d, out_.h, out_.w}); ++p)
        for (index c = 0; c < out_.c; ++c) {
          const index d = p / out_.w / out_.h, h = p / out_.w % out_.h, w = p % out_.w;
          const wide sum = sums(n, d, h, w, c);
          most.error = std::max(most.error, double(std::abs(wide(got(n, d, h, w, c)) - sum)));
          most.size = std::max(most.size, double(std::abs(sum)));
        }
    return most;
  }

  conv3d problem;
  conv_geometry g;

 private:
  static std::span<T> elements(const guarded_elements<T>& x) { return {x.data(), x.snapshot().size()}; }

  // Every product of the convolution: src and dst change places in its gradient.
  void each_product(const image_view<wide>& sums, const image_view<T>& x) const {
    for (index n = 0; n < g.batch; ++n)
      for (index o = 0; o < g.pixels(); ++o)
        for (index k = 0; k < g.filters; ++k)
          for (index t = 0; t < g.taps(); ++t) {
            const index p = t / g.kernel.w / g.kernel.h, r = t / g.kernel.w % g.kernel.h, s = t % g.kernel.w;
            const triple at{o / g.dst.w / g.dst.h, o / g.dst.w % g.dst.h, o % g.dst.w};
            const triple from{at.d * g.stride.d + p * g.dilation.d - g.before.d, at.h + r - g.before.h,
                              at.w + s - g.before.w};
            if (from.d < 0 || from.d >= g.src.d || from.h < 0 || from.h >= g.src.h || from.w < 0 || from.w >= g.src.w) {
              continue;
            }
            for (index c = 0; c < g.group_channels(); ++c) {
              const index channel = k / g.group_filters() * g.group_channels() + c;
              const wide w = wide(filter()(k, p, r, s, c));
              if (gradient_) {
                sums(n, from.d, from.h, from.w, channel) += wide(x(n, at.d, at.h, at.w, k)) * w;
              } else {
                sums(n, at.d, at.h, at.w, k) += wide(x(n, from.d, from.h, from.w, channel)) * w;
              }
            }
          }
  }

  bool gradient_;
  placement where_;
  image_axes in_, out_;
  image_layout src_layout_, dst_layout_;
  guarded_elements<T> src_memory_, weights_;
};

// Kernels of R x S in one to three dimensions, odd sizes and borders, groups and batches. A gradient that is a forward
// convolution has no stride.
template <index R, index S>
conv3d some_shape(random& r, bool gradient) {
  for (;;) {
    conv3d p{};
    p.groups = r.chance(70) ? 1 : r.between(2, 3);
    const index channels = r.pick<index>({1, 3, 8, 16, 17}), filters = r.pick<index>({1, 5, 16, 33});
    p.src = {r.between(1, 2), 1, r.between(1, 13), r.between(1, 19), channels * p.groups};
    p.weights = {filters * p.groups, 1, R, S, channels};
    p.padding = {.before = {0, r.between(0, R), r.between(0, S)}, .after = {0, r.between(0, R), r.between(0, S)}};
    if (r.chance(50)) {
      p.src[1] = r.between(1, 4), p.weights[1] = r.between(1, 3), p.dilation[0] = r.between(1, 2);
      p.padding.before[0] = r.between(0, 3), p.padding.after[0] = r.between(0, 3);
      if (!gradient) p.stride[0] = r.between(1, 3);
    }
    const auto g = detail::geometry_of(p);
    if (g.ok() && g.value().multiplies() < double(scaled(400000, 60000))) return p;
  }
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

// Algorithm A of a plan's set.
template <class T, class A, class Set>
void by_name(const any_case<T>& c, random& r, Set set) {
  const auto plan = c.template plan<isa_under_test>(set, winograd_name<A>);
  INFO(describe(c.g));
  REQUIRE(plan.ok());
  REQUIRE(plan.value().algorithm() == winograd_name<A>);
  const auto dst = c.run(plan.value(), r.between(1, 4));
  const conv_geometry& g = plan.value().geometry();
  const auto [error, size, outputs] = c.measure(dst);
  const winograd_error bound = winograd_bound<A, T>(g.kernel.d * g.group_channels(), double(outputs));
  REQUIRE(error <= bound.absolute);
  const conv_explanation e = plan.value().explain();
  REQUIRE((e.worst == bound.worst && e.probable == bound.probable));
  if (outputs >= 1000) REQUIRE(error <= e.probable * size);
  const auto scalar = c.template plan<isa::scalar>(set, winograd_name<A>).value();
  REQUIRE(same_bits(dst, c.run_last(scalar, 1)));
}
template <class T, class... A>
void shapes(index count, winograd_set<A...> set) {
  using first = std::tuple_element_t<0, std::tuple<A...>>;
  for_each_case(scaled(count, 4), [&](random& r) {
    const bool gradient = r.chance(25);
    const any_case<T> c(r, some_shape<first::vertical::r, first::horizontal::r>(r, gradient), gradient);
    (by_name<T, A>(c, r, set), ...);
  });
}

TEST_CASE("rows") { shapes<float>(40, winograd_for<1, 7>); }
TEST_CASE("columns") { shapes<float>(40, winograd_set<column>{}); }
TEST_CASE("rectangles") { shapes<float>(40, winograd_set<two_by_four>{}); }
TEST_CASE("5 x 5") { shapes<float>(40, winograd_set<large>{}); }
TEST_CASE("one dimension, in double") { shapes<double>(40, winograd_for<5>); }
TEST_CASE("points of one's own") { shapes<float>(30, winograd_set<textbook_row>{}); }

TEST_CASE_TEMPLATE("F(2, 3) of whole numbers is the direct sum", T, ASHLAR_TEST_FLOATS) {
  const auto equal = [](random& r, const conv3d& p, conv_algorithm a, auto set) {
    any_case<T> c(r, p, false);
    c.whole_numbers(r);
    const auto plan = c.template plan<isa_under_test>(set, a).value();
    REQUIRE(c.measure(c.run(plan, r.between(1, 3))).error == 0);
  };
  for_each_case(scaled(40, 5), [&](random& r) {
    equal(r, some_shape<3, 3>(r, false), conv_algorithm::winograd_2x2, winograd_set<f2x2_3x3>{});
    equal(r, some_shape<1, 3>(r, false), winograd_tiles(1, 2),
          winograd_set<winograd<cook_toom<1, 1>, cook_toom<2, 3>>>{});
  });
}

TEST_CASE("within a tolerance the fastest by estimate is chosen, and outside of it none") {
  const auto chosen = [](double within, const conv2d& p, const auto&... set) {
    return plan_conv2d<float, isa_under_test>(p, tolerance(within), channels_last, set...).value().explain();
  };
  const conv2d row{.src = {1, 17, 17, 192}, .weights = {192, 1, 7, 192}, .padding = ashlar::same};
  const auto both = winograd_for<1, 7> + winograd_for<7, 1>;
  const conv_explanation e = chosen(1e-4, row, winograd_for<7, 1>, winograd_for<1, 7>);
  CHECK(e.algorithm == winograd_tiles(1, 4));
  CHECK(std::string(e.text).find("winograd_1x4: ") == 0);
  CHECK((e.ratio < 1 && e.probable <= 1e-4));
  CHECK(chosen(1e-4, row, both).algorithm == winograd_tiles(1, 4));
  CHECK(chosen(1e-9, row, both).algorithm == conv_algorithm::implicit_gemm);
  CHECK(chosen(1e-4, row).algorithm == conv_algorithm::implicit_gemm);  // 3 x 3 alone
  const conv2d column{.src = {1, 17, 17, 192}, .weights = {192, 7, 1, 192}, .padding = ashlar::same};
  CHECK(chosen(1e-4, column, both).algorithm == winograd_tiles(4, 1));
  // Without the promise of contiguous channels, too, where the conversion leaves it faster.
  const conv_explanation any = plan_conv2d<float, isa_under_test>(row, tolerance(1e-4), both).value().explain();
  CHECK(any.algorithm == winograd_tiles(1, 4));
  CHECK((any.ratio > e.ratio && any.ratio < 1));
  // Its probable error: between those of the two tiles.
  const double small = winograd_bound<winograd<cook_toom<2, 7>, cook_toom<1, 1>>, float>(192, 17 * 17 * 192).probable;
  CHECK(chosen(small, column, both).algorithm == winograd_tiles(2, 1));
}

TEST_CASE("what a plan's set has not, and what it does not compute, is refused by name and field") {
  const auto message = [](const conv2d& p, const auto&... options) {
    const auto plan = plan_conv2d<float, isa_under_test>(p, channels_last, options...);
    CHECK(plan.error().code() == errc::unsupported);
    return std::string(plan.error().message());
  };
  const conv2d five{.src = {1, 9, 9, 4}, .weights = {4, 5, 5, 4}};
  CHECK(message(five, tolerance(1), conv_algorithm::winograd_4x4).find("winograd_4x4 for weights of 5x5") !=
        std::string::npos);
  CHECK(message(five, conv_algorithm::winograd_4x4).find("0 Winograd algorithms") != std::string::npos);
  CHECK(message(five, winograd_for<5, 5>, winograd_tiles(6, 6)).find("winograd_6x6") != std::string::npos);
  const conv2d strided{.src = {1, 9, 9, 4}, .weights = {4, 5, 5, 4}, .stride = {1, 2}};
  CHECK(message(strided, winograd_for<5, 5>, conv_algorithm::winograd_2x2) ==
        "plan_conv: winograd_2x2 has stride 1 and dilation 1 but width has stride 2 and dilation 1");
  const conv2d dilated{.src = {1, 9, 9, 4}, .weights = {4, 5, 5, 4}, .dilation = {2, 1}};
  CHECK(message(dilated, winograd_for<5, 5>, conv_algorithm::winograd_2x2) ==
        "plan_conv: winograd_2x2 has stride 1 and dilation 1 but height has stride 1 and dilation 2");
}

TEST_CASE("weights packed for another tile, other points or another kernel are refused, and dst stays as it was") {
  std::vector<float> x(7 * 7 * 4, 1), w(4 * 5 * 4, 1), y(7 * 7 * 4, 3);
  const auto src = nhwc<const float>(x.data(), 1, 7, 7, 4);
  const auto dst = nhwc(y.data(), 1, 7, 7, 4);
  const auto make = [](index s, conv_algorithm a, const auto& set) {
    const conv2d p{.src = {1, 7, 7, 4}, .weights = {4, 1, s, 4}, .padding = ashlar::same};
    return plan_conv2d<float, isa_under_test>(p, channels_last, set, a).value();
  };
  constexpr auto four = winograd_tiles(1, 4), two = winograd_tiles(1, 2);
  constexpr winograd_set<row_of_three, winograd<axis, cook_toom<2, 3>>> tiles;
  const auto plan = make(3, four, tiles);
  const auto refused = [&](const auto& other, index s) {
    const auto storage = aligned_buffer::make(other.packed_bytes());
    REQUIRE(other.pack(ohwi<const float>(w.data(), 4, 1, s, 4), storage.span()).ok());
    const auto blob = open_filter<float>(storage.span());
    REQUIRE(blob.ok());
    REQUIRE(other.run(src, blob.value(), nhwc(y.data(), 1, 7, 7, 4)).ok());  // its own plan takes it
    const auto before = y;
    const status s1 = plan.run(src, blob.value(), dst);
    CHECK(s1.code() == errc::wrong_blob);
    CHECK(y == before);
    return std::string(s1.message());
  };
  const auto says = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  CHECK(says(refused(make(3, two, tiles), 3), "winograd_1x2"));
  CHECK(says(refused(make(3, four, winograd_set<textbook_row>{}), 3), "other points"));
  CHECK(says(refused(make(5, four, winograd_set<winograd<axis, cook_toom<4, 5>>>{}), 5), "1x1x5"));
  CHECK(says(refused(make(3, conv_algorithm::implicit_gemm, tiles), 3), "implicit_gemm"));
}

}  // namespace
}  // namespace ashlar::test
