// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/choose_test.cpp: what a plan chooses within a tolerance, that it keeps its bound, and what it refuses.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "conv/case.hpp"

namespace ashlar::test {
namespace {

// The largest error of a plan's run, relative to the largest |dst|, against sums in double.
template <class Plan>
double error_of(const Plan& plan, const conv2d& p, random& r) {
  const conv_geometry g = detail::geometry_of(p).value();
  std::vector<float> src(static_cast<std::size_t>(g.batch * volume(g.src) * g.channels));
  std::vector<float> weights(static_cast<std::size_t>(g.filters * g.taps() * g.group_channels()));
  std::vector<float> dst(static_cast<std::size_t>(g.batch * g.pixels() * g.filters));
  for (float& x : src) x = r.value<float>();
  for (float& x : weights) x = r.value<float>();
  const std::vector<double> wide(src.begin(), src.end()), wide_weights(weights.begin(), weights.end());
  std::vector<double> exact(dst.size());
  reference::convolution<double>(g, nhwc(wide.data(), g.batch, g.src.h, g.src.w, g.channels),
                                 ohwi(wide_weights.data(), g.filters, g.kernel.h, g.kernel.w, g.group_channels()),
                                 nhwc(exact.data(), g.batch, g.dst.h, g.dst.w, g.filters));
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const auto packed = plan.pack(
      ohwi<const float>(weights.data(), g.filters, g.kernel.h, g.kernel.w, g.group_channels()), storage.span());
  REQUIRE(packed.ok());
  REQUIRE(plan.run(nhwc<const float>(src.data(), g.batch, g.src.h, g.src.w, g.channels), packed.value(),
                   nhwc(dst.data(), g.batch, g.dst.h, g.dst.w, g.filters))
              .ok());
  double most = 0, error = 0;
  for (std::size_t i = 0; i < dst.size(); ++i) {
    most = std::max(most, std::abs(exact[i]));
    error = std::max(error, std::abs(double(dst[i]) - exact[i]));
  }
  return error / most;
}

TEST_CASE("within a tolerance Winograd is chosen, and keeps the bound that it states") {
  random r(7);
  const conv2d p{.src = {1, 26, 23, 40}, .weights = {48, 3, 3, 40}, .padding = ashlar::same};
  const auto plan = plan_conv2d<float, isa_under_test>(p, tolerance(1e-4), channels_last).value();
  const conv_explanation e = plan.explain();
  CHECK(e.algorithm >= conv_algorithm::winograd_2x2);
  CHECK(e.probable > 0);
  CHECK(e.probable <= 1e-4);
  CHECK(e.worst > e.probable);
  CHECK(std::string(e.text).find(name(e.algorithm)) == 0);
  CHECK(error_of(plan, p, r) <= e.probable);
}

TEST_CASE("every algorithm that is asked for by name computes the same convolution") {
  random r(8);
  const conv2d p{.src = {2, 13, 9, 17}, .weights = {33, 3, 3, 17}, .padding = {.before = {1, 0}, .after = {0, 1}}};
  using enum conv_algorithm;
  for (conv_algorithm a : {implicit_gemm, winograd_2x2, winograd_4x4, winograd_6x6}) {
    const auto plan = plan_conv2d<float, isa_under_test>(p, tolerance(1), channels_last, a);
    REQUIRE(plan.ok());
    CHECK(plan.value().algorithm() == a);
    const double bound = std::max(plan.value().explain().probable, 17 * 9 * 0x1p-24);
    CHECK(error_of(plan.value(), p, r) <= bound);
  }
  for (conv_algorithm a : {depthwise, grouped, parity_classes, depthwise_classes}) {
    const auto plan = plan_conv2d<float, isa_under_test>(p, tolerance(1), a);
    CHECK(plan.error().code() == errc::unsupported);
    CHECK(std::string(plan.error().message()).find(name(a)) != std::string::npos);
  }
  CHECK(plan_conv2d<float, isa_under_test>(p, winograd_4x4).error().code() == errc::unsupported);
}

TEST_CASE("without a tolerance, or too small a one, the bits are the reference's") {
  const conv2d p{.src = {1, 26, 23, 40}, .weights = {48, 3, 3, 40}, .padding = ashlar::same};
  for (const auto& plan : {plan_conv2d<float, isa_under_test>(p, tolerance(0), channels_last).value(),
                           plan_conv2d<float, isa_under_test>(p, tolerance(1e-9), channels_last).value()}) {
    CHECK(plan.algorithm() == conv_algorithm::implicit_gemm);
    CHECK(plan.explain().probable == 0);
  }
}

TEST_CASE("an exact choice says why nothing faster was chosen") {
  const auto says = [](const conv2d& p, const char* words, const auto&... options) {
    const std::string text = plan_conv2d<float, isa_under_test>(p, channels_last, options...).value().explain().text;
    CHECK_MESSAGE(text.find(words) != std::string::npos, text);
  };
  const conv2d p{.src = {1, 26, 23, 40}, .weights = {48, 3, 3, 40}, .padding = ashlar::same};
  says(p, "the error of winograd_2x2 may be ", tolerance(1e-9));
  says(p, " of max |dst|, tolerance 1.0e-09", tolerance(1e-9));
  says(p, "; asked for by name", tolerance(1e-4), conv_algorithm::implicit_gemm);
  conv2d strided = p, small = p, single = p;
  strided.stride = {2, 2};
  says(strided, "no Winograd algorithm of the options computes this geometry", tolerance(1e-4));
  small.src = {1, 3, 3, 2}, small.weights = {1, 3, 3, 2}, small.padding = {};
  says(small, " of its time", tolerance(1e-4));
  single.src[3] = single.weights[0] = single.groups = 8, single.weights[3] = 1;
  says(single, "depthwise: bits of the reference; 0.0431 million multiply-adds; one channel a group", tolerance(1e-4));
}

// PyTorch's and TensorFlow's "convolution" is a cross-correlation; the mathematicians' turns the kernel around.
TEST_CASE("flipped weights make a true convolution") {
  const conv2d p{.src = {1, 4, 5, 1}, .weights = {1, 2, 3, 1}, .padding = {.before = {1, 2}, .after = {1, 2}}};
  const auto plan = plan_conv2d<float, isa_under_test>(p).value();
  const std::array<float, 6> kernel{1, 2, 3, 4, 5, 6};
  std::array<float, 20> x{};
  x[1 * 5 + 2] = 1;  // a unit impulse at (1, 2): the kernel itself is its answer, from there on
  std::array<float, 5 * 7> y{}, expected{};
  for (std::size_t r = 0; r < 2; ++r)
    for (std::size_t s = 0; s < 3; ++s) expected[(1 + r) * 7 + 2 + s] = kernel[r * 3 + s];
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const auto packed = plan.pack(flipped(ohwi<const float>(kernel.data(), 1, 2, 3, 1)), storage.span()).value();
  REQUIRE(plan.run(nhwc<const float>(x.data(), 1, 4, 5, 1), packed, nhwc(y.data(), 1, 5, 7, 1)).ok());
  CHECK(y == expected);
}

TEST_CASE("src and dst may be slices of one image's channels, but not share one") {
  const conv2d p{.src = {1, 4, 5, 8}, .weights = {4, 3, 3, 8}, .padding = ashlar::same};
  const auto plan = plan_conv2d<float, isa_under_test>(p).value();
  random r(11);
  std::vector<float> image(4 * 5 * 12), weights(4 * 9 * 8);
  for (float& x : image) x = r.value<float>();
  for (float& x : weights) x = r.value<float>();
  std::vector<float> expected = image;
  const auto filter = ohwi<const float>(weights.data(), 4, 3, 3, 8);
  const auto all = nhwc(image.data(), 1, 4, 5, 12), wanted = nhwc(expected.data(), 1, 4, 5, 12);
  reference::convolution<float>(plan.geometry(), all.channels(0, 8), filter, wanted.channels(8, 4));
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const auto packed = plan.pack(filter, storage.span()).value();
  CHECK(plan.run(all.channels(0, 8), packed, all.channels(7, 4)).code() == errc::aliasing);
  REQUIRE(plan.run(all.channels(0, 8), packed, all.channels(8, 4)).ok());
  CHECK(image == expected);
}

TEST_CASE("an empty batch is planned, explained and run") {
  const conv2d p{.src = {0, 26, 23, 40}, .weights = {48, 3, 3, 40}, .padding = ashlar::same};
  const auto chosen = plan_conv2d<float, isa_under_test>(p, tolerance(1e-4), channels_last);
  const auto named = plan_conv2d<float, isa_under_test>(p, tolerance(1e-4), conv_algorithm::winograd_4x4);
  for (const auto& made : {chosen, named}) {
    REQUIRE(made.ok());
    const auto& plan = made.value();
    CHECK(std::string(plan.explain().text).find("nan") == std::string::npos);
    CHECK(plan.workspace_bytes() == 0);
    const std::vector<float> weights(48 * 9 * 40, 1.0f);
    const auto storage = aligned_buffer::make(plan.packed_bytes());
    const auto packed = plan.pack(ohwi(weights.data(), 48, 3, 3, 40), storage.span()).value();
    CHECK(plan.run(nhwc<const float>(nullptr, 0, 26, 23, 40), packed, nhwc<float>(nullptr, 0, 26, 23, 48)).ok());
  }
}

TEST_CASE("small groups share a vector where channels are last, and views that break the promise are refused") {
  const conv2d p{.src = {1, 6, 5, 32}, .weights = {32, 3, 3, 4}, .groups = 8};
  CHECK(plan_conv2d<float, isa_under_test>(p).value().algorithm() == conv_algorithm::implicit_gemm);
  const auto plan = plan_conv2d<float, isa_under_test>(p, conv_algorithm::grouped).value();
  const conv_geometry& g = plan.geometry();
  std::vector<float> src(6 * 5 * 32), weights(32 * 9 * 4), dst(4 * 3 * 32), expected(dst.size());
  random r(9);
  for (float& x : src) x = r.value<float>();
  for (float& x : weights) x = r.value<float>();
  const auto x = nhwc<const float>(src.data(), 1, 6, 5, 32);
  const auto filter = ohwi<const float>(weights.data(), 32, 3, 3, 4);
  reference::convolution<float>(g, x, filter, nhwc(expected.data(), 1, 4, 3, 32), relu(acc));
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  const auto packed = plan.pack(filter, storage.span()).value();
  REQUIRE(plan.run(x, packed, nhwc(dst.data(), 1, 4, 3, 32), relu(acc)).ok());
  CHECK(dst == expected);
  const status s = plan.run(nchw<const float>(src.data(), 1, 32, 6, 5), packed, nhwc(dst.data(), 1, 4, 3, 32));
  CHECK(s.code() == errc::unsupported);
  CHECK(std::string(s.message()).find("channels_last") != std::string::npos);
  CHECK(dst == expected);
}

TEST_CASE("packed weights are a blob that opens again, and only for the plan they were made for") {
  const conv2d p{.src = {1, 6, 5, 3}, .weights = {7, 3, 3, 3}}, other{.src = {1, 6, 5, 3}, .weights = {7, 3, 2, 3}};
  const auto plan = plan_conv2d<float, isa_under_test>(p).value();
  std::vector<float> src(90), weights(189, 0.5f), dst(84);
  const auto storage = aligned_buffer::make(plan.packed_bytes());
  REQUIRE(plan.pack(ohwi<const float>(weights.data(), 7, 3, 3, 3), storage.span()).ok());
  const auto again = open_filter<float>(storage.span());
  REQUIRE(again.ok());
  const auto x = nhwc<const float>(src.data(), 1, 6, 5, 3);
  CHECK(plan.run(x, again.value(), nhwc(dst.data(), 1, 4, 3, 7)).ok());
  const auto wrong = plan_conv2d<float, isa_under_test>(other).value();
  CHECK(wrong.run(x, again.value(), nhwc(dst.data(), 1, 4, 4, 7)).code() == errc::wrong_blob);
  CHECK(open_filter<double>(storage.span()).error().code() == errc::wrong_blob);
  storage.data()[200] ^= std::byte(1);
  CHECK(open_filter<float>(storage.span()).error().code() == errc::corrupt_blob);
  CHECK(open_filter<float>(storage.span(), false).ok());
  storage.data()[40] ^= std::byte(1);
  CHECK(open_filter<float>(storage.span(), false).error().code() == errc::corrupt_blob);
  CHECK(open_filter<float>(storage.span().subspan(0, 90)).error().code() == errc::corrupt_blob);
}

}  // namespace
}  // namespace ashlar::test
