// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/exact_winograd_test.cpp: convolutions of bytes by Winograd's algorithms equal the reference bit for bit:
// any geometry, groups, planes, zero points, transposed, between guard pages; the largest numbers of as many channels
// as are exact; what is refused, and why; what plans choose.
#include <doctest/doctest.h>

#include <ashlar/quant.hpp>
#include <cstdint>
#include <limits>

#include "conv/mixed_case.hpp"

namespace ashlar::test {
namespace {

struct textbook {
  static constexpr std::array<rational, 5> finite{rational(0), rational(1), rational(-1), rational(2), rational(-2)};
};
using textbook_4x4 = winograd<cook_toom<4, 3, textbook>>;
using row_of_five = winograd<cook_toom<1, 1>, cook_toom<4, 5>>;
using rectangle = winograd<cook_toom<3, 2>, cook_toom<2, 3>>;

template <class A, class S, class W, class D>
using case_of = mixed_case<S, W, D, conv_types<S, W, D>, winograd_set<A>>;

// f(case) for kernels of A's taps and stride 1, channels last, by A.
template <class A, class Case, class F>
void winograd_cases(index count, bool gradient, const F& f) {
  int planned = 0;
  for_each_case(scaled(count, count / 10), [&](random& r) {
    conv3d p = some_problem(r, 60000);
    const index depth_stride = gradient ? 1 : p.stride[0];
    p.weights[2] = A::vertical::r, p.weights[3] = A::horizontal::r;
    p.stride = {depth_stride, 1, 1}, p.dilation[1] = p.dilation[2] = 1;
    if (!detail::geometry_of(p).ok()) return;
    between_guards<Case>(r, p, gradient, true, [&](Case& c) {
      c.wanted = winograd_name<A>;
      f(c);
      ++planned;
    });
  });
  CHECK(planned > 0);
}

template <class A>
void every_type(index count) {
  using u8 = std::uint8_t;
  using s8 = std::int8_t;
  winograd_cases<A, case_of<A, s8, s8, s8>>(3 * count, false, [](auto& c) { REQUIRE(requantized_differs(c) == ""); });
  winograd_cases<A, case_of<A, u8, s8, std::int32_t>>(count, true,
                                                      [](auto& c) { REQUIRE(c.differs(acc + dst) == ""); });
  winograd_cases<A, case_of<A, u8, u8, float>>(count, false, [](auto& c) { REQUIRE(c.differs(acc * 0.5f) == ""); });
}

constexpr bool available = fixed_point_ops<ops<std::int32_t, isa_t>>;

TEST_CASE("Winograd of bytes is the direct sum") {
  if constexpr (available) {
    every_type<f2x2_3x3>(100);
    every_type<f4x4_3x3>(100);
  }
}
TEST_CASE("Winograd of bytes is the direct sum: other tiles, rows, rectangles, points of one's own") {
  if constexpr (available) {
    const auto sums = [](auto& c) { REQUIRE(c.differs(acc) == ""); };
    const auto cases = [&]<class A>(winograd_set<A>) {
      winograd_cases<A, case_of<A, std::uint8_t, std::int8_t, std::int32_t>>(60, false, sums);
    };
    cases(winograd_set<f3x3_3x3>{});
    cases(winograd_set<row_of_five>{});
    cases(winograd_set<rectangle>{});
    cases(winograd_set<textbook_4x4>{});
  }
}

// The signs of a matrix' entries, row by row.
template <int Rows, int Cols>
consteval auto signs(const rational_matrix<Rows, Cols>& m) {
  std::array<int, std::size_t(Rows * Cols)> all{};
  for (int i = 0; i < Rows * Cols; ++i) {
    const auto x = m(i / Cols, i % Cols).num;
    all[std::size_t(i)] = (x > 0) - (x < 0);
  }
  return all;
}

// One tile, all channels alike: sums are as long as they may be, pixels and weights at the ends that make a point's
// numbers as large as they become.
template <class A, class Weight>
struct one_tile {
  using product = conv_types<std::uint8_t, Weight, std::int32_t>;
  using exact = exact_bytes<Weight, A>;
  static constexpr int rows = A::vertical::a, columns = A::horizontal::a, out_h = A::vertical::m,
                       out_w = A::horizontal::m, taps_h = A::vertical::r, taps_w = A::horizontal::r;

  static conv2d problem(index channels) {
    return {.src = {1, rows, columns, channels}, .weights = {1, taps_h, taps_w, channels}};
  }
  static auto plan(index channels) {
    return plan_conv2d<product, isa_t>(problem(channels), winograd_name<A>, winograd_set<A>{});
  }

  std::vector<std::uint8_t> x = std::vector<std::uint8_t>(std::size_t(rows * columns * exact::most_terms));
  std::vector<Weight> w = std::vector<Weight>(std::size_t(taps_h * taps_w * exact::most_terms));

  template <class T, class At>
  static void fill(std::vector<T>& to, const At& at) {
    for (index i = 0; i < index(to.size()); ++i) to[std::size_t(i)] = at(i / exact::most_terms);
  }
  void point(int i, int j, bool opposite) {
    static constexpr auto v = signs(exact::vertical::input);
    static constexpr auto h = signs(exact::horizontal::input);
    static constexpr auto gv = signs(exact::vertical::weights);
    static constexpr auto gh = signs(exact::horizontal::weights);
    fill(x, [&](index p) {
      const int s = v[std::size_t(i * rows + p / columns)] * h[std::size_t(j * columns + p % columns)];
      return std::uint8_t((opposite ? -s : s) > 0 ? 255 : 0);
    });
    fill(w, [&](index t) {
      using limits = std::numeric_limits<Weight>;
      return gv[std::size_t(i * taps_h + t / taps_w)] * gh[std::size_t(j * taps_w + t % taps_w)] > 0 ? limits::max()
                                                                                                     : limits::min();
    });
  }

  void run(int zero) const {
    const auto plan_ = plan(exact::most_terms).value();
    const auto storage = aligned_buffer::make(plan_.packed_bytes());
    const index c = exact::most_terms;
    const auto packed = plan_.pack(ohwi(w.data(), 1, taps_h, taps_w, c), storage.span()).value();
    std::vector<std::int32_t> y(out_h * out_w);
    REQUIRE(
        plan_.run(nhwc(x.data(), 1, rows, columns, c), packed, nhwc(y.data(), 1, out_h, out_w, 1), src_zero_point(zero))
            .ok());
    for (int o = 0; o < out_h * out_w; ++o) {
      std::int64_t sum = 0;
      for (int t = 0; t < taps_h * taps_w; ++t) {
        const int pixel = (o / out_w + t / taps_w) * columns + o % out_w + t % taps_w;
        sum += std::int64_t(x[std::size_t(pixel * c)] - zero) * w[std::size_t(t * c)];
      }
      REQUIRE(y[std::size_t(o)] == sum * c);
    }
  }
};

template <class A, class Weight>
void extremes() {
  using tile = one_tile<A, Weight>;
  tile x;
  for (int zero : {0, 255}) {
    for (Weight end : {std::numeric_limits<Weight>::min(), std::numeric_limits<Weight>::max()}) {
      x.fill(x.x, [&](index) { return std::uint8_t(255 - zero); }), x.fill(x.w, [&](index) { return end; });
      x.run(zero);
    }
    for (int p = 0; p < A::points; ++p)
      for (bool opposite : {false, true}) x.point(p / tile::columns, p % tile::columns, opposite), x.run(zero);
  }
}

TEST_CASE("Winograd of bytes, the largest numbers of as many channels as are exact") {
  if constexpr (available) {
    extremes<f2x2_3x3, std::int8_t>();
    extremes<f3x3_3x3, std::int8_t>();
    extremes<f4x4_3x3, std::int8_t>();
    extremes<f4x4_3x3, std::uint8_t>();
    extremes<textbook_4x4, std::int8_t>();
    extremes<row_of_five, std::int8_t>();
  }
}

template <class Plan>
std::string refusal(const Plan& plan) {
  if (plan.ok()) return "";
  CHECK(plan.error().code() == errc::unsupported);
  return plan.error().message();
}

TEST_CASE("Winograd of bytes: one channel more, other tiles and kernels are refused") {
  if constexpr (available) {
    using product = conv_types<std::uint8_t, std::int8_t, std::int32_t>;
    using enum conv_algorithm;
    CHECK(
        refusal(one_tile<f2x2_3x3, std::int8_t>::plan(1828)) ==
        "plan_conv: winograd_2x2 of 1828 channels in 1 planes of the kernel: 4 times a sum of these bytes may not fit "
        "32 bits; it is exact up to 1827 in all");
    CHECK(
        refusal(one_tile<f4x4_3x3, std::int8_t>::plan(1828)) ==
        "plan_conv: winograd_4x4 of 1828 channels in 1 planes of the kernel: 4 times a sum of these bytes may not fit "
        "32 bits; it is exact up to 1827 in all");
    CHECK(refusal(one_tile<f3x3_3x3, std::uint8_t>::plan(918)) != "");
    CHECK(refusal(one_tile<row_of_five, std::int8_t>::plan(exact_bytes<std::int8_t, row_of_five>::most_terms + 1)) !=
          "");
    CHECK(
        refusal(one_tile<textbook_4x4, std::int8_t>::plan(115)) ==
        "plan_conv: winograd_4x4 of 115 channels in 1 planes of the kernel: 64 times a sum of these bytes may not fit "
        "32 bits; it is exact up to 114 in all");
    const conv2d three{.src = {1, 8, 9, 4}, .weights = {6, 3, 3, 4}};
    CHECK(
        refusal(plan_conv2d<product, isa_t>(three, winograd_6x6, winograd_for<3, 3>)) ==
        "plan_conv: winograd_6x6 for weights of 3x3 is not exact: transformed, bytes of src reach 360060 and those of "
        "weights 28800; 16-bit numbers end at 32767");
    CHECK(refusal(plan_conv2d<product, isa_t>(three, winograd_2x2, winograd_for<3, 3>)) == "");
    CHECK(refusal(plan_conv2d<product, isa_t>(three, winograd_tiles(3, 3))) ==
          "plan_conv: winograd_3x3 for weights of 3x3 is not among the exact Winograd algorithms that the options of "
          "this plan admit; winograd_for<height, width> and winograd_set admit others");
  }
}

TEST_CASE("what a plan of bytes chooses") {
  using product = conv_types<std::uint8_t, std::int8_t, std::uint8_t>;
  using enum conv_algorithm;
  constexpr bool pairs = std::same_as<isa_t, isa::avx2> || std::same_as<isa_t, isa::avx512>;
  const auto chosen = [](index size, index channels, const auto&... options) {
    const conv2d p{.src = {1, size, size, channels}, .weights = {64, 3, 3, channels}, .padding = ashlar::same};
    const conv_algorithm a = plan_conv2d<product, isa_t>(p, options...).value().algorithm();
    return pairs || a != implicit_gemm ? a : conv_algorithm(0);
  };
  const auto here = [](conv_algorithm a) { return pairs ? a : conv_algorithm(0); };
  CHECK(chosen(24, 31, channels_last) == here(implicit_gemm));
  CHECK(chosen(24, 32, channels_last) == here(winograd_4x4));
  CHECK(chosen(8, 63, channels_last) == here(implicit_gemm));
  CHECK(chosen(8, 64, channels_last) == here(winograd_4x4));
  CHECK(chosen(8, 64) == here(implicit_gemm));
  CHECK(chosen(8, 1827, channels_last) == here(winograd_4x4));
  CHECK(chosen(8, 1828, channels_last) == here(implicit_gemm));
  CHECK(chosen(4, 64, channels_last) == here(winograd_2x2));
  CHECK(chosen(8, 63, channels_last, winograd_set<f2x2_3x3>{}) == here(implicit_gemm));
  CHECK(chosen(8, 64, channels_last, winograd_set<f2x2_3x3>{}) == here(winograd_2x2));
  CHECK(chosen(9, 64, channels_last, winograd_set<f3x3_3x3>{} + winograd_for<3, 3>) == here(winograd_tiles(3, 3)));
}

}  // namespace
}  // namespace ashlar::test
