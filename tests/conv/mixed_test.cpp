// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/mixed_test.cpp: convolutions of 8- and 16-bit integers, and of bf16 and f16, equal the reference bit for
// bit: any geometry and layout, groups, padding with the zero point, zero points of weights, transposed, between guard
// pages.
#include <doctest/doctest.h>

#include <ashlar/quant.hpp>
#include <cstdint>
#include <limits>

#include "conv/case.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

template <class Product>
inline constexpr bool sums_64_bits = false;
template <class S, class W, class D>
inline constexpr bool sums_64_bits<wide_conv_types<S, W, D>> = true;

template <class S, class W, class D, class Product = conv_types<S, W, D>>
struct mixed_case {
  using product = Product;
  static constexpr bool wide = sums_64_bits<product>;

  mixed_case(random& r, const conv3d& p, placement where, bool is_gradient = false, bool channels_last = false)
      : problem(p),
        g(detail::geometry_of(p).value()),
        gradient(is_gradient),
        in(gradient ? detail::dst_extents(g) : detail::src_extents(g)),
        out(gradient ? detail::src_extents(g) : detail::dst_extents(g)),
        src_layout(
            layout_of(in, channels_last ? r.pick({image_order::nhwc, image_order::nhwc_slice}) : some_order(r), r)),
        dst_layout(
            layout_of(out, channels_last ? r.pick({image_order::nhwc, image_order::nhwc_slice}) : some_order(r), r)),
        src_memory(src_layout.elements, where),
        weight_memory(g.filters * g.taps() * g.group_channels(), where),
        dst_memory(dst_layout.elements, where),
        src(src_memory.data(), in, src_layout.strides),
        dst(dst_memory.data(), out, dst_layout.strides),
        weights(r.chance(50)
                    ? odhwi(weight_memory.data(), g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels())
                    : oidhw(weight_memory.data(), g.filters, g.group_channels(), g.kernel.d, g.kernel.h, g.kernel.w)) {
    fill(src_memory.data(), src_layout.elements, r), fill(dst_memory.data(), dst_layout.elements, r);
    fill(weight_memory.data(), g.filters * g.taps() * g.group_channels(), r);
    if constexpr (std::integral<S> && !wide)
      src_zero = r.pick<std::int32_t>({std::numeric_limits<S>::min(), std::numeric_limits<S>::max(), 0, 3});
    if constexpr (std::integral<W>) {
      using limits = std::numeric_limits<W>;
      for (index k = 0; k < out.c; ++k) weight_zero.push_back(std::int32_t(r.between(limits::min(), limits::max())));
    }
  }

  // Weights are within 7 bits now and then: they have kernels of their own.
  template <class T>
  static void fill(T* p, index count, random& r) {
    const bool extreme = r.chance(30), seven_bits = std::same_as<T, std::int8_t> && std::same_as<T, W> && r.chance(50);
    for (index i = 0; i < count; ++i) {
      if constexpr (narrow_floating_point<T>)
        p[i] = T(r.value<float>());
      else if (seven_bits)
        p[i] = static_cast<T>(extreme ? r.pick({-64, 64}) : int(r.between(-64, 64)));
      else
        p[i] = !extreme       ? static_cast<T>(r.bits())
               : r.chance(50) ? std::numeric_limits<T>::lowest()
                              : std::numeric_limits<T>::max();
    }
  }

  template <class E, class... Zeros>
  std::string differs(const E& e, Zeros... zeros) {
    const auto plan = gradient ? plan_conv3d_backward_data<product, isa_t>(problem, wanted)
                               : plan_conv3d<product, isa_t>(problem, wanted);
    if (!plan.ok()) return describe(g) + ": " + plan.error().message();
    const auto storage = aligned_buffer::make(plan.value().packed_bytes());
    const auto packed = plan.value().pack(filter_view<const W>(weights), storage.span(), zeros...);
    if (!packed.ok()) return describe(g) + ": " + packed.error().message();
    const auto before = dst_memory.snapshot();
    std::vector<D> expected = before;
    const image_view<D> want(expected.data(), out, dst_layout.strides);
    if constexpr (wide) {
      reference::mixed_convolution<S, W, D, std::int64_t>(g, src, weights, want, e, 0, 0, gradient);
    } else if constexpr (sizeof...(Zeros) == 0) {
      reference::mixed_convolution<S, W, D>(g, src, weights, want, e, src_zero, 0, gradient);
    } else {
      reference::mixed_convolution<S, W, D>(g, src, weights, want, e, src_zero, zeros..., gradient);
    }
    const image_view<const S> read(src);
    const auto memory = aligned_buffer::make(plan.value().workspace_bytes(read, dst, e));
    const auto w = open_filter<W>(storage.span()).value();
    const status s = [&] {
      if constexpr (std::integral<S> && !wide) {
        return plan.value().run(read, w, dst, e, src_zero_point(src_zero), scratch(memory.span()));
      } else {
        return plan.value().run(read, w, dst, e, scratch(memory.span()));
      }
    }();
    if (!s.ok()) return describe(g) + ": " + s.message();
    const std::vector<D> got = dst_memory.snapshot();
    for (std::size_t i = 0; i < got.size(); ++i) {  // memory between the elements, too
      if (std::memcmp(&got[i], &expected[i], sizeof(D)) != 0)
        return describe(g) + ": element " + std::to_string(i) + " of memory is " + std::to_string(float(got[i])) +
               " instead of " + std::to_string(float(expected[i]));
    }
    return "";
  }

  conv3d problem;
  conv_geometry g;
  bool gradient;
  conv_algorithm wanted = conv_algorithm(0);  // the best
  image_axes in, out;
  image_layout src_layout, dst_layout;
  guarded_elements<S> src_memory;
  guarded_elements<W> weight_memory;
  guarded_elements<D> dst_memory;
  image_view<S> src;
  image_view<D> dst;
  filter_view<W> weights;
  std::int32_t src_zero = 0;
  std::vector<std::int32_t> weight_zero;
};

// A channel a group.
conv3d depthwise_problem(random& r) {
  for (;;) {
    conv3d p = some_problem(r, 100000);
    const index channels = r.pick<index>({1, 3, 8, 16, 17, 40});
    p.groups = p.src[4] = p.weights[0] = channels, p.weights[4] = 1;
    if (detail::geometry_of(p).ok()) return p;
  }
}

template <class Case, class F>
void cases(index count, bool gradient, const F& f) {
  for_each_case(scaled(count, count / 10), [&](random& r) {
    const conv3d p = r.chance(30) ? depthwise_problem(r) : some_problem(r, 100000);
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      Case c(r, p, where, gradient);
      f(c);
    }
  });
}

// With a multiplier and a shift for each channel.
template <class Case>
std::string requantized_differs(Case& c) {
  std::vector<std::int32_t> multiplier(std::size_t(c.out.c), 1 << 30), shift(multiplier.size());
  for (std::size_t i = 0; i < shift.size(); ++i)
    shift[i] = -std::int32_t(i % 12), multiplier[i] += std::int32_t(i * 4321);
  return c.differs(requantize<tflite>(acc, per_column(multiplier.data()), per_column(shift.data()), -5));
}

TEST_CASE("unsigned and signed bytes, requantized for each channel") {
  cases<mixed_case<std::uint8_t, std::int8_t, std::int8_t>>(200, false,
                                                            [](auto& c) { REQUIRE(requantized_differs(c) == ""); });
}

TEST_CASE("signed bytes, sums as they are; transposed") {
  cases<mixed_case<std::int8_t, std::int8_t, std::int32_t>>(100, false, [](auto& c) { REQUIRE(c.differs(acc) == ""); });
  cases<mixed_case<std::int8_t, std::int8_t, std::int32_t>>(100, true,
                                                            [](auto& c) { REQUIRE(c.differs(acc + dst) == ""); });
}

TEST_CASE("zero points of weights, floats as output") {
  using product = conv_types<std::uint8_t, std::uint8_t, float, true>;
  cases<mixed_case<std::uint8_t, std::uint8_t, float, product>>(100, false, [](auto& c) {
    const std::int32_t* const zeros = c.weight_zero.data();
    REQUIRE(c.differs(acc * 0.5f, zeros) == "");
  });
}

TEST_CASE("16-bit src") {
  cases<mixed_case<std::int16_t, std::int8_t, std::int16_t>>(
      60, false, [](auto& c) { REQUIRE(c.differs(requantize(acc, onnx{0.001f})) == ""); });
}

// f(case) for kernels of 3 x 3 and stride 1, channels last, by Winograd's algorithm.
template <class Case, class F>
void winograd_cases(index count, bool gradient, const F& f) {
  int planned = 0;
  for_each_case(scaled(count, count / 10), [&](random& r) {
    conv3d p = some_problem(r, 60000);
    p.src[1] = p.weights[1] = 1, p.weights[2] = p.weights[3] = 3, p.groups = 1, p.weights[4] = p.src[4];
    p.stride = p.dilation = {1, 1, 1}, p.padding.before[0] = p.padding.after[0] = 0;
    for (std::size_t i : {1u, 2u}) {
      p.padding.before[i] = std::clamp<index>(p.padding.before[i], 0, 2);
      p.padding.after[i] = std::clamp<index>(p.padding.after[i], 0, 2);
    }
    if (!detail::geometry_of(p).ok()) return;
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      Case c(r, p, where, gradient, true);
      c.wanted = conv_algorithm::winograd_2x2;
      f(c);
      ++planned;
    }
  });
  CHECK(planned > 0);
}

TEST_CASE("Winograd of bytes is the direct sum") {
  if constexpr (fixed_point_ops<ops<std::int32_t, isa_t>>) {
    winograd_cases<mixed_case<std::uint8_t, std::int8_t, std::int8_t>>(
        300, false, [](auto& c) { REQUIRE(requantized_differs(c) == ""); });
    winograd_cases<mixed_case<std::int8_t, std::int8_t, std::int32_t>>(
        100, true, [](auto& c) { REQUIRE(c.differs(acc + dst) == ""); });
    winograd_cases<mixed_case<std::uint8_t, std::uint8_t, std::int32_t>>(
        100, false, [](auto& c) { REQUIRE(c.differs(acc) == ""); });
  }
}

TEST_CASE("Winograd of bytes, extreme values of as many channels as are exact; one more is refused") {
  if constexpr (!fixed_point_ops<ops<std::int32_t, isa_t>>) return;
  using product = conv_types<std::uint8_t, std::int8_t, std::int32_t>;
  const auto problem = [](index channels) {
    return conv2d{.src = {1, 3, 3, channels}, .weights = {1, 3, 3, channels}};
  };
  constexpr index most = 1827;  // 4 * 9 * 255 * 128 * most < 2^31
  const auto refused = plan_conv2d<product, isa_t>(problem(most + 1), conv_algorithm::winograd_2x2);
  CHECK(refused.error().code() == errc::unsupported);
  CHECK(std::string(refused.error().message()) ==
        "plan_conv: winograd_2x2 of 1828 channels: 4 times a sum of these bytes may not fit 32 bits; it is exact up to "
        "1827 channels");
  const auto plan = plan_conv2d<product, isa_t>(problem(most), conv_algorithm::winograd_2x2).value();
  CHECK(std::string(plan.explain().text).find("winograd_2x2: bits of the reference") == 0);
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const std::vector<std::uint8_t> x(9 * most, 255);
  for (int w : {-128, 127}) {
    const std::vector<std::int8_t> weights(9 * most, std::int8_t(w));
    const auto packed = plan.pack(ohwi(weights.data(), 1, 3, 3, most), storage.span()).value();
    std::int32_t y = 0;
    REQUIRE(plan.run(nhwc(x.data(), 1, 3, 3, most), packed, nhwc(&y, 1, 1, 1, 1)).ok());
    CHECK(y == 9 * most * 255 * w);
  }
}

TEST_CASE("sums of 64 bits; transposed") {
  using i16 = std::int16_t;
  using words = wide_conv_types<i16, std::int8_t, i16>;
  cases<mixed_case<i16, std::int8_t, i16, words>>(100, false, [](auto& c) {
    REQUIRE(c.differs(requantize(acc + 7, tflite{1342580370, -20}, 0, -32768, 30000)) == "");
  });
  using squares = wide_conv_types<i16, i16, std::int64_t>;
  cases<mixed_case<i16, i16, std::int64_t, squares>>(60, true, [](auto& c) { REQUIRE(c.differs(acc + dst) == ""); });
  const conv2d large{.src = {1, 4096, 4096, 1}, .weights = {1, 4096, 4096, 1}};
  CHECK(plan_conv2d<squares, isa_t>(large).error().code() == errc::overflow);
}

TEST_CASE("bf16, and f16 to float; transposed") {
  cases<mixed_case<bf16, bf16, bf16>>(100, false, [](auto& c) { REQUIRE(c.differs(relu(acc)) == ""); });
  cases<mixed_case<f16, f16, float>>(60, true, [](auto& c) { REQUIRE(c.differs(acc) == ""); });
}

TEST_CASE("a channel a group has an algorithm of its own, where sums in floats are exact") {
  const conv2d small{.src = {1, 9, 9, 16}, .weights = {16, 3, 3, 1}, .groups = 16};
  const conv2d large{.src = {1, 30, 30, 16}, .weights = {16, 17, 17, 1}, .groups = 16};
  using bytes = conv_types<std::uint8_t, std::int8_t, std::int32_t>;
  using words = conv_types<std::int16_t, std::int8_t, std::int32_t>;
  CHECK(plan_conv2d<bytes, isa_t>(small).value().algorithm() == conv_algorithm::depthwise);
  CHECK(plan_conv2d<bf16, isa_t>(small).value().algorithm() == conv_algorithm::depthwise);
  CHECK(plan_conv2d<bytes, isa_t>(large).value().algorithm() == conv_algorithm::implicit_gemm);  // 289 taps
  CHECK(plan_conv2d<words, isa_t>(small).value().algorithm() == conv_algorithm::implicit_gemm);
  CHECK(plan_conv2d<bytes, isa_t>(large, conv_algorithm::depthwise).error().code() == errc::unsupported);
  CHECK(plan_conv2d<bytes, isa_t>(small, conv_algorithm::seven_bits).error().code() == errc::unsupported);
  CHECK(plan_conv2d<float, isa_t>(small, conv_algorithm::seven_bits).error().code() == errc::unsupported);
}

TEST_CASE("what a plan of bytes chooses, and what packing does") {
  using product = conv_types<std::uint8_t, std::int8_t, std::uint8_t>;
  constexpr bool pairs = std::same_as<isa_t, isa::avx2> || std::same_as<isa_t, isa::avx512>;
  const auto chosen = [](index channels) {
    const conv2d p{.src = {1, 8, 8, channels}, .weights = {64, 3, 3, channels}, .padding = ashlar::same};
    return plan_conv2d<product, isa_t>(p, channels_last).value().algorithm();
  };
  CHECK(chosen(63) == conv_algorithm::implicit_gemm);
  CHECK(chosen(64) == (pairs ? conv_algorithm::winograd_2x2 : conv_algorithm::implicit_gemm));

  const auto plan = plan_conv2d<product, isa_t>({.src = {1, 2, 2, 4}, .weights = {4, 1, 1, 4}}).value();
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const auto packed = [&](std::int8_t last) {
    std::vector<std::int8_t> w(16, 64);
    w.back() = last;
    return plan.pack(ohwi<const std::int8_t>(w.data(), 4, 1, 1, 4), storage.span()).value().key.algorithm;
  };
  constexpr bool seven = std::same_as<isa_t, isa::avx2>;
  CHECK(packed(-64) == (seven ? conv_algorithm::seven_bits : conv_algorithm::implicit_gemm));
  CHECK(packed(65) == conv_algorithm::implicit_gemm);
  CHECK(packed(-65) == conv_algorithm::implicit_gemm);
}

TEST_CASE("a zero point that src cannot hold, and weights packed for others, are refused") {
  std::vector<std::uint8_t> x(16), y(16);
  std::vector<std::int8_t> w(16);
  using product = conv_types<std::uint8_t, std::int8_t, std::uint8_t>;
  const auto plan = plan_conv2d<product, isa_t>({.src = {1, 2, 2, 4}, .weights = {4, 1, 1, 4}}).value();
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  auto packed = plan.pack(ohwi<const std::int8_t>(w.data(), 4, 1, 1, 4), storage.span()).value();
  const auto src = nhwc<const std::uint8_t>(x.data(), 1, 2, 2, 4);
  const auto dst = nhwc(y.data(), 1, 2, 2, 4);
  const status s = plan.run(src, packed, dst, src_zero_point(-1));
  CHECK(s.code() == errc::unsupported);
  CHECK(std::string(s.message()) == "conv: a zero point of src is -1; it must be one of its numbers, 0 to 255");
  using zeroed = conv_types<std::uint8_t, std::int8_t, std::uint8_t, true>;
  const auto other = plan_conv2d<zeroed, isa_t>({.src = {1, 2, 2, 4}, .weights = {4, 1, 1, 4}}).value();
  const auto wide = aligned_buffer::make(other.packed_bytes());
  CHECK(other.pack(ohwi<const std::int8_t>(w.data(), 4, 1, 1, 4), wide.span(), 128).error().code() ==
        errc::unsupported);
  packed.key.group += 1;
  CHECK(plan.run(src, packed, dst).code() == errc::wrong_blob);
  packed.key.group -= 1;
  CHECK(plan.run(src, packed, dst).ok());
}

}  // namespace
}  // namespace ashlar::test
