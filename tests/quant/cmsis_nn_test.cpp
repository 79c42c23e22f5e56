// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/cmsis_nn_test.cpp: published vectors of CMSIS-NN (made there with TensorFlow Lite), bit for bit: fully
// connected layers and products of batches by gemm; convolutions, depthwise, grouped and transposed ones by the
// reference and by plans, with requantize() as their epilogue. Elements are bytes; int4 weights are unpacked to bytes
// by the test. Every file of these operators in the folder is met; which ones there are is the folder's affair.
//
//   ASHLAR_VECTORS     the folder with cmsis_nn/, a string; CMake's variable of this name
#include <doctest/doctest.h>
#include <ashlar/gemm.hpp>
#include <ashlar/quant.hpp>
#include <filesystem>
#include <string>

#include "quant/batched_product.hpp"
#include "quant/convolution_layer.hpp"

namespace ashlar::test {
namespace {

// False: the file is no complete fully connected layer of int8 by int8 or int4 (some share arrays with other cases).
bool layer_is_met(const vec_file& f, bool nibbles) {
  const index batch = f.number("INPUT_BATCHES"), depth = f.number("ACCUMULATION_DEPTH"), outputs = f.number("OUT_CH");
  const integers input = narrowed(f.array({"input"}, std::size_t(batch * depth)));
  integers weights = narrowed(f.array({"weights"}, std::size_t(outputs * depth)));
  if (nibbles) weights = from_nibbles(f.arrays.at("input_weights"), outputs * depth);
  const integers expected = narrowed(f.array({"output_ref", "output"}, std::size_t(batch * outputs)));
  if (input.empty() || weights.empty() || expected.empty()) return false;
  integers bias = narrowed(f.array({"biases", "bias", "input_bias"}, std::size_t(outputs)));
  bias.resize(std::size_t(outputs));
  integers multipliers = narrowed(f.array({"output_multiplier"}, std::size_t(outputs)));
  integers shifts = narrowed(f.array({"output_shift"}, std::size_t(outputs)));
  if (f.defines.count("OUTPUT_MULTIPLIER") != 0) {
    multipliers.assign(std::size_t(outputs), std::int32_t(f.number("OUTPUT_MULTIPLIER")));
    shifts.assign(std::size_t(outputs), std::int32_t(f.number("OUTPUT_SHIFT")));
  }
  std::vector<std::int8_t> got(expected.size(), 77);
  const auto e =
      requantize<tflite>(acc + per_column(bias.data()), per_column(multipliers.data()), per_column(shifts.data()),
                         std::int32_t(f.number("OUTPUT_OFFSET")), std::int32_t(f.number("OUT_ACTIVATION_MIN")),
                         std::int32_t(f.number("OUT_ACTIVATION_MAX")));
  const auto a = as<std::int8_t>(input), b = as<std::int8_t>(weights);
  REQUIRE(gemm<isa_under_test>(view(a.data(), batch, depth), view(b.data(), outputs, depth).transposed(),
                               view(got.data(), batch, outputs), e, a_zero_point(-int(f.number("INPUT_OFFSET"))),
                               b_zero_point(-int(f.number("FILTER_OFFSET"))))
              .ok());
  REQUIRE(integers(got.begin(), got.end()) == expected);
  return true;
}

// f(name, file) for each int8 case whose name starts with one of these.
template <class F>
void for_each_file(std::initializer_list<const char*> starts, const F& f) {
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(ASHLAR_VECTORS) / "cmsis_nn")) {
    const std::string name = entry.path().stem().string();
    const auto has = [&](const char* part) { return name.find(part) != name.npos; };
    if (std::none_of(starts.begin(), starts.end(), [&](const char* s) { return name.rfind(s, 0) == 0; })) continue;
    if (has("f16") || has("f32") || has("int16")) continue;
    INFO(name);
    const vec_file file(entry.path().string());
    REQUIRE(file.complete);
    f(name, file);
  }
}

TEST_CASE("fully connected layers") {
  int met = 0, incomplete = 0;
  std::string left;
  for_each_file({"fully_connected", "fc_per_ch"}, [&](const std::string& name, const vec_file& f) {
    if (layer_is_met(f, name.find("int4") != name.npos)) {
      ++met;
    } else {
      ++incomplete, left += " " + name;
    }
  });
  MESSAGE(met, " layers met bit for bit; not complete:", left);
  CHECK(met > 2 * incomplete);
}

TEST_CASE("products of batches") {
  int met = 0;
  for_each_file({"batch_matmul"}, [&](const std::string& name, const vec_file& f) {
    if (name.find("s8") == name.npos) return;
    const auto product = batched_product<std::int8_t>::of(f);
    REQUIRE(product);
    product->check(a_zero_point(product->a.zero_point), b_zero_point(product->b.zero_point));
    ++met;
  });
  MESSAGE(met, " products met bit for bit");
  CHECK(met > 0);
}

TEST_CASE("convolutions, dense, grouped and depthwise") {
  int met = 0, incomplete = 0;
  std::string left;
  for_each_file({"basic", "conv_", "depthwise", "grouped_conv", "kernel1x1", "stride2pad1", "in_ch_one"},
                [&](const std::string& name, const vec_file& f) {
                  const auto layer = convolution_layer::of(f, name.find("int4") != name.npos);
                  const std::vector<std::int32_t> expected = layer ? layer->expected(f) : std::vector<std::int32_t>();
                  if (expected.empty()) {
                    ++incomplete, left += " " + name;
                    return;
                  }
                  REQUIRE(layer->by_reference() == expected);
                  REQUIRE(layer->by_plan() == expected);
                  ++met;
                });
  MESSAGE(met, " convolutions met bit for bit; no complete int8 convolution:", left);
  CHECK(met > 2 * incomplete);
}

// A transposed convolution: weights are [out][h][w][in], of which those of src's channels are the output channels of
// the convolution whose gradient it is.
void meet_transposed(const vec_file& f) {
  using i8 = std::int8_t;
  const index n = f.number("INPUT_BATCHES"), c = f.number("IN_CH"), k = f.number("OUT_CH");
  const index h = f.number("INPUT_H"), w = f.number("INPUT_W"), r = f.number("FILTER_Y"), s = f.number("FILTER_X");
  const index out_h = f.number("OUTPUT_H"), out_w = f.number("OUTPUT_W");
  conv_transpose2d p{
      .src = {n, h, w, c}, .weights = {c, r, s, k}, .stride = {f.number("STRIDE_Y"), f.number("STRIDE_X")}};
  p.padding.before = {f.number("PAD_Y"), f.number("PAD_X")};
  for (std::size_t i = 0; i < 2; ++i) {  // what is taken away, or added, after follows from the size of dst
    const index whole = (p.src[1 + i] - 1) * p.stride[i] + p.weights[1 + i] - p.padding.before[i];
    const index after = whole - (i == 0 ? out_h : out_w);
    p.padding.after[i] = std::max<index>(0, after), p.output_padding[i] = std::max<index>(0, -after);
  }
  const auto src = as<i8>(narrowed(f.array({"input"}, std::size_t(n * h * w * c))));
  const auto weights = as<i8>(narrowed(f.array({"weights"}, std::size_t(k * r * s * c))));
  const integers multiplier = narrowed(f.array({"output_mult", "output_multiplier"}, std::size_t(k)));
  const integers shift = narrowed(f.array({"output_shift"}, std::size_t(k)));
  const integers expected = narrowed(f.array({"output_ref", "output"}, std::size_t(n * out_h * out_w * k)));
  REQUIRE(!(src.empty() || weights.empty() || multiplier.empty() || shift.empty() || expected.empty()));
  integers bias = narrowed(f.array({"biases", "bias"}, std::size_t(k)));
  bias.resize(std::size_t(k));

  const auto e =
      requantize<tflite>(acc + per_column(bias.data()), per_column(multiplier.data()), per_column(shift.data()),
                         std::int32_t(f.number("OUTPUT_OFFSET")), std::int32_t(f.number("OUT_ACTIVATION_MIN")),
                         std::int32_t(f.number("OUT_ACTIVATION_MAX")));
  const filter_view<const i8> filter(weights.data(), {c, 1, r, s, k}, {1, 0, s * c, c, r * s * c});
  const auto image = nhwc(src.data(), n, h, w, c);
  const auto zero = -std::int32_t(f.number("INPUT_OFFSET"));
  std::vector<i8> by_reference(expected.size(), 77), by_plan(expected.size(), 77);
  reference::mixed_convolution(detail::geometry_of(p).value(), image, filter,
                               nhwc(by_reference.data(), n, out_h, out_w, k), e, zero, 0, true);
  REQUIRE(integers(by_reference.begin(), by_reference.end()) == expected);

  const auto plan = plan_conv_transpose2d<conv_types<i8, i8, i8>, isa_under_test>(p);
  REQUIRE_MESSAGE(plan.ok(), plan.error().message());
  const auto storage = aligned_buffer::make(plan.value().packed_bytes());
  const auto packed = plan.value().pack(filter, storage.span()).value();
  const status ran = plan.value().run(image, packed, nhwc(by_plan.data(), n, out_h, out_w, k), e, src_zero_point(zero));
  REQUIRE_MESSAGE(ran.ok(), ran.message());
  REQUIRE(by_plan == by_reference);
}

TEST_CASE("transposed convolutions") {
  int met = 0;
  for_each_file({"transpose_conv", "reverse_transpose_conv"}, [&](const std::string&, const vec_file& f) {
    meet_transposed(f);
    ++met;
  });
  MESSAGE(met, " transposed convolutions met bit for bit");
  CHECK(met > 0);
}

}  // namespace
}  // namespace ashlar::test
