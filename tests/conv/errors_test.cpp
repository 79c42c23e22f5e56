// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/errors_test.cpp: operands of a convolution's expressions that are null, too far, of another shape or share
// memory with dst are named with both values; an algorithm that was asked for by its name and cannot serve says why.
#include <doctest/doctest.h>

#include <ashlar/conv.hpp>
#include <ashlar/quant.hpp>
#include <string>
#include <vector>

#include "support/isa.hpp"

namespace ashlar::test {
namespace {

constexpr index far = index(1) << 62;

// dst: two images of 3 x 4 pixels with 8 channels.
struct written {
  template <class E>
  status with(const E& e) {
    return detail::check_epilogue(blocked_image_view(nhwc(memory.data(), 2, 3, 4, 8)), e);
  }
  template <class E>
  void refuses(const E& e, errc code, const std::string& message) {
    const status s = with(e);
    CHECK(name(s.code()) == std::string(name(code)));
    CHECK(std::string(s.message()) == message);
  }
  std::vector<float> memory = std::vector<float>(2 * 3 * 4 * 8), other = memory;
};

TEST_CASE("data that is null") {
  written dst;
  const float* const nothing = nullptr;
  dst.refuses(acc + per_column(nothing), errc::null_pointer,
              "conv: an operand of the epilogue is 1 x 8 but its data is null");
  dst.refuses(relu(acc * per_row(nothing)), errc::null_pointer,
              "conv: an operand of the epilogue is 12 x 1 but its data is null");
  dst.refuses(acc + elements(view(nothing, 12, 8)), errc::null_pointer,
              "conv: an operand of the epilogue is 12 x 8 but its data is null");
  dst.refuses(acc + cast(per_column((const int*)nullptr)), errc::null_pointer,
              "conv: an operand of the epilogue is 1 x 8 but its data is null");
  dst.refuses(relu(acc + elements(nhwc(nothing, 2, 3, 4, 8))), errc::null_pointer,
              "conv: the data of an operand of the epilogue is null");
  dst.refuses(relu(acc + elements(nchwc<4>(nothing, 2, 8, 3, 4))), errc::null_pointer,
              "conv: the data of an operand of the epilogue is null");
  dst.refuses(requantize<onnx>(acc, per_column(nothing), 3), errc::null_pointer,
              "conv: an operand of the epilogue is 1 x 8 but its data is null");
  CHECK(
      detail::check_epilogue(blocked_image_view(nhwc(dst.memory.data(), 0, 3, 4, 8)), acc + per_column(nothing)).ok());
}

TEST_CASE("offsets that exceed 64 bits") {
  written dst;
  dst.refuses(
      acc + elements(view(dst.other.data(), 12, 8, far)), errc::overflow,
      "conv: an operand of the epilogue is 12 x 8 with strides 4611686018427387904 and 1: offsets exceed 64 bits");
  dst.refuses(acc + elements(image_view<float>(dst.other.data(), {2, 1, 3, 4, 8}, {far, far, far, far, 1})),
              errc::overflow, "conv: offsets of an operand of the epilogue exceed 64 bits");
}

TEST_CASE("another shape") {
  written dst;
  float* const p = dst.other.data();
  dst.refuses(acc + per_row(p) * elements(view(p, 8, 12)), errc::shape_mismatch,
              "conv: dst has 12 pixels of 8 channels but an elements() operand of the epilogue is 8 x 12");
  dst.refuses(
      acc + elements(nhwc(p, 2, 3, 3, 8)), errc::shape_mismatch,
      "conv: dst has 12 pixels of 8 channels in a batch of 2 but an elements() operand of the epilogue has 9 of "
      "8 in 2");
  dst.refuses(
      acc + elements(nchwc<4>(p, 1, 8, 3, 4)), errc::shape_mismatch,
      "conv: dst has 12 pixels of 8 channels in a batch of 2 but an elements() operand of the epilogue has 12 of "
      "8 in 1");
  dst.refuses(
      acc + elements(image_view<float>(p, {2, 1, 3, 4, 8}, {120, 120, 40, 8, 1})), errc::shape_mismatch,
      "conv: an elements() operand of the epilogue is 1x3x4 with strides 120, 40, 8 (d, h, w): there must be no "
      "gaps between its rows and planes");
  dst.refuses(acc + elements(blocked_image_view<float>(p, {2, 1, 3, 4, 8}, {96, 96, 32, 8, 1}, 0, 0)), errc::bad_stride,
              "conv: blocks of an operand of the epilogue have 0 channels: a block has at least one");
  CHECK(dst.with(acc + elements(nchw(p, 2, 8, 4, 3)) * elements(view(p, 12, 8))).ok());  // so many pixels
}

TEST_CASE("memory that is shared with dst") {
  written dst;
  float* const p = dst.memory.data();
  CHECK(dst.with(acc + per_column(p + 8)).code() == errc::aliasing);
  CHECK(dst.with(acc + elements(nhwc(p, 2, 3, 4, 8))).code() == errc::aliasing);
  const auto both = nhwc(p, 1, 3, 4, 16);
  const blocked_image_view<float> half(both.channels(8, 8));
  CHECK(detail::check_epilogue(half, acc + elements(both.channels(0, 8))).ok());
  CHECK(detail::check_epilogue(half, acc + elements(both.channels(1, 8))).code() == errc::aliasing);
}

TEST_CASE("operands of a prologue") {
  written dst;
  const auto check = [&](const auto& e) {
    return detail::check_prologue(blocked_image_view(nhwc(dst.memory.data(), 2, 3, 4, 8)), e, {2, 1, 5, 6, 7});
  };
  const status s = check(acc * per_column((const float*)nullptr));
  CHECK(s.code() == errc::null_pointer);
  CHECK(s.message() == std::string("conv: an operand of src's prologue is 1 x 7 but its data is null"));
  CHECK(check(acc * per_column(dst.memory.data() + 191)).code() == errc::aliasing);
  CHECK(check(acc * per_column(dst.other.data())).ok());
}

template <class Plan>
void unsupported(const Plan& plan, const char* message) {
  REQUIRE(!plan.ok());
  CHECK(name(plan.error().code()) == std::string("unsupported"));
  CHECK(std::string(plan.error().message()) == message);
}

TEST_CASE("an algorithm that cannot serve: of floats") {
  const auto plan = [](const conv2d& p, conv_algorithm a, const auto&... options) {
    return plan_conv2d<float, isa_under_test>(p, a, options...);
  };
  const conv2d dense{.src = {1, 8, 9, 4}, .weights = {6, 3, 3, 4}};
  unsupported(plan(dense, conv_algorithm::depthwise),
              "plan_conv: depthwise takes one channel a group, with padding from 0 on; here are 1 groups of 4 channels "
              "and 6 filters, 9 taps, padding 0, 0, 0");
  unsupported(
      plan(dense, conv_algorithm::grouped),
      "plan_conv: grouped takes several groups whose filters divide a vector, or fill several, with padding from "
      "0 on; here are 1 groups of 4 channels and 6 filters, 9 taps, padding 0, 0, 0");
  unsupported(plan(dense, conv_algorithm::seven_bits),
              "plan_conv: plans of these element types have no seven_bits on this ISA; implicit_gemm computes every "
              "geometry");
  const conv2d groups{.src = {1, 8, 9, 8}, .weights = {8, 3, 3, 1}, .groups = 8},
      halves{.src = {1, 8, 9, 8}, .weights = {4, 3, 3, 2}, .groups = 4};
  const auto gradient = [](const conv2d& p, conv_algorithm a) {
    return plan_conv2d_backward_data<float, isa_under_test>(p, a);
  };
  CHECK(gradient(groups, conv_algorithm::depthwise).ok());
  unsupported(gradient(groups, conv_algorithm::grouped), "plan_conv: grouped computes no gradient; here are 8 groups");
  unsupported(
      gradient(halves, conv_algorithm::depthwise),
      "plan_conv: depthwise computes the gradient of one group or of groups of one channel; here are 4 groups of "
      "2");
}

TEST_CASE("a strided gradient has kernels of its own") {
  const conv2d dense{.src = {1, 9, 9, 16}, .weights = {8, 3, 3, 16}, .stride = {2, 2}};
  const conv2d single{.src = {1, 9, 9, 16}, .weights = {16, 3, 3, 1}, .stride = {2, 1}, .groups = 16};
  const auto refused = plan_conv2d_backward_data<float, isa_under_test>(dense, conv_algorithm::implicit_gemm);
  REQUIRE(!refused.ok());
  CHECK(std::string(refused.error().message()) ==
        "plan_conv: implicit_gemm computes no gradient of stride 1 x 2 x 2, which parity_classes does");
  const auto depthwise = plan_conv2d_backward_data<float, isa_under_test>(single, conv_algorithm::depthwise);
  REQUIRE(!depthwise.ok());
  CHECK(std::string(depthwise.error().message()) ==
        "plan_conv: depthwise computes no gradient of stride 1 x 2 x 1, which depthwise_classes does");
  for (const conv_algorithm a : {conv_algorithm::parity_classes, conv_algorithm::depthwise_classes}) {
    const auto plan = plan_conv2d_backward_data<float, isa_under_test>(single, a);
    REQUIRE(plan.ok());
    CHECK(plan.value().algorithm() == a);
  }
}

TEST_CASE("an algorithm that cannot serve: of bytes") {
  const auto plan = [](const conv2d& p, conv_algorithm a) {
    return plan_conv2d<conv_types<std::uint8_t, std::int8_t, std::int32_t>, isa_under_test>(p, a);
  };
  using enum conv_algorithm;
  const conv2d three{.src = {1, 8, 9, 4}, .weights = {6, 3, 3, 4}}, five{.src = {1, 8, 9, 4}, .weights = {6, 5, 3, 4}};
  conv2d strided = three;
  strided.stride = {1, 2};
  CHECK(plan(three, winograd_2x2).ok());
  unsupported(
      plan(three, winograd_6x6),
      "plan_conv: winograd_6x6 for weights of 3x3 is not among the exact Winograd algorithms that the options of "
      "this plan admit; winograd_for<height, width> and winograd_set admit others");
  unsupported(
      plan(five, winograd_2x2),
      "plan_conv: winograd_2x2 for weights of 5x3 is not among the exact Winograd algorithms that the options of "
      "this plan admit; winograd_for<height, width> and winograd_set admit others");
  unsupported(plan(strided, winograd_2x2),
              "plan_conv: winograd_2x2 has stride 1 and dilation 1 but width has stride 2 and dilation 1");
  unsupported(plan(three, depthwise),
              "plan_conv: depthwise takes one channel and one filter a group, up to 256 taps, with padding from 0 on; "
              "here are 1 groups of 4 channels and 6 filters, 9 taps, padding 0, 0, 0");
  unsupported(plan(three, grouped),
              "plan_conv: plans of these element types have no grouped on this ISA; implicit_gemm computes every "
              "geometry");
  unsupported(plan_conv2d<bf16, isa_under_test>(three, winograd_2x2),
              "plan_conv: plans of these element types have no winograd_2x2 on this ISA; implicit_gemm computes every "
              "geometry");
}

}  // namespace
}  // namespace ashlar::test
