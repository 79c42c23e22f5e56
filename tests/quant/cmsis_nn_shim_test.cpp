// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/cmsis_nn_shim_test.cpp: the C entry points of examples/cmsis_nn_shim meet CMSIS-NN's published vectors,
// in contexts between guard pages of exactly the size that they ask for, and refuse those that are too small.
//
//   ASHLAR_VECTORS     the folder with cmsis_nn/, a string; CMake's variable of this name
#include "../../examples/cmsis_nn_shim/ashlar_cmsis_nn.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "quant/convolution_layer.hpp"
#include "support/guarded_matrix.hpp"

namespace ashlar::test {
namespace {

struct tensors {
  std::vector<std::int8_t> input, weights, output;
  cmsis_nn_dims in, filter, bias, out;
  cmsis_nn_per_channel_quant_params quant;
};

tensors tensors_of(convolution_layer& x) {
  tensors t;
  integers raw = x.src;
  for (std::int32_t& v : raw) v += x.src_zero;
  t.input = as<std::int8_t>(raw), t.weights = as<std::int8_t>(x.weights);
  const auto [n, h, w, c] = x.problem.src;
  const auto [k, r, s, group_channels] = x.problem.weights;
  const auto i = [](index v) { return std::int32_t(v); };
  t.output.resize(std::size_t(n * x.out_h * x.out_w * k), 77);
  t.in = {i(n), i(h), i(w), i(c)}, t.bias = {1, 1, 1, i(k)}, t.out = {i(n), i(x.out_h), i(x.out_w), i(k)};
  t.filter = x.depthwise ? cmsis_nn_dims{1, i(r), i(s), i(k)} : cmsis_nn_dims{i(k), i(r), i(s), i(group_channels)};
  t.quant = {x.multiplier.data(), x.shift.data()};
  return t;
}

template <class P>
P params_of(const convolution_layer& x) {
  const auto tile = [](const std::array<index, 2>& a) { return cmsis_nn_tile{std::int32_t(a[1]), std::int32_t(a[0])}; };
  P p{};
  p.input_offset = -x.src_zero, p.output_offset = x.range.zero_point;
  p.stride = tile(x.problem.stride), p.dilation = tile(x.problem.dilation), p.padding = tile(x.problem.padding.before);
  p.activation = {x.range.low, x.range.high};
  return p;
}

// f(context) in memory of exactly this size, and in one byte less, which must be refused.
template <class F>
void in_context(std::int32_t size, const F& f) {
  REQUIRE(size > 0);
  const guarded_bytes memory(std::size_t(size), placement::at_end);
  const cmsis_nn_context whole{memory.data(), 0}, less{memory.data() + 1, 1};
  CHECK(f(less) == ARM_CMSIS_NN_ARG_ERROR);
  REQUIRE(f(whole) == ARM_CMSIS_NN_SUCCESS);
}

void meet_convolution(convolution_layer& x, const integers& expected) {
  tensors t = tensors_of(x);
  if (x.depthwise) {
    const auto p = params_of<cmsis_nn_dw_conv_params>(x);
    in_context(
        arm_depthwise_conv_wrapper_s8_get_buffer_size(&p, &t.in, &t.filter, &t.out), [&](const cmsis_nn_context& c) {
          return arm_depthwise_conv_wrapper_s8(&c, &p, &t.quant, &t.in, t.input.data(), &t.filter, t.weights.data(),
                                               &t.bias, x.bias.data(), &t.out, t.output.data());
        });
    REQUIRE(integers(t.output.begin(), t.output.end()) == expected);
    return;
  }
  const auto p = params_of<cmsis_nn_conv_params>(x);
  const auto run = [&](auto function) {
    return [&, function](const cmsis_nn_context& c) {
      return function(&c, &p, &t.quant, &t.in, t.input.data(), &t.filter, t.weights.data(), &t.bias, x.bias.data(),
                      &t.out, t.output.data());
    };
  };
  in_context(arm_convolve_wrapper_s8_get_buffer_size(&p, &t.in, &t.filter, &t.out), run(arm_convolve_wrapper_s8));
  REQUIRE(integers(t.output.begin(), t.output.end()) == expected);
  std::fill(t.output.begin(), t.output.end(), std::int8_t(77));
  in_context(arm_convolve_s8_get_buffer_size(&t.in, &t.filter), run(arm_convolve_s8));
  REQUIRE(integers(t.output.begin(), t.output.end()) == expected);
}

bool meet_fully_connected(const vec_file& f) {
  const index batch = f.number("INPUT_BATCHES"), depth = f.number("ACCUMULATION_DEPTH"), outputs = f.number("OUT_CH");
  const integers input = narrowed(f.array({"input"}, std::size_t(batch * depth)));
  const integers weights = narrowed(f.array({"weights"}, std::size_t(outputs * depth)));
  const integers expected = narrowed(f.array({"output_ref", "output"}, std::size_t(batch * outputs)));
  const integers bias = narrowed(f.array({"biases", "bias", "input_bias"}, std::size_t(outputs)));
  if (input.empty() || weights.empty() || expected.empty() || f.defines.count("OUTPUT_MULTIPLIER") == 0) return false;
  const auto n = [&](const char* name) { return std::int32_t(f.number(name)); };
  const cmsis_nn_fc_params p{
      n("INPUT_OFFSET"), n("FILTER_OFFSET"), n("OUTPUT_OFFSET"), {n("OUT_ACTIVATION_MIN"), n("OUT_ACTIVATION_MAX")}};
  const cmsis_nn_per_tensor_quant_params quant{n("OUTPUT_MULTIPLIER"), n("OUTPUT_SHIFT")};
  const cmsis_nn_dims in{std::int32_t(batch), 1, 1, std::int32_t(depth)},
      filter{std::int32_t(depth), 1, 1, std::int32_t(outputs)}, out{std::int32_t(batch), 1, 1, std::int32_t(outputs)};
  const auto a = as<std::int8_t>(input), b = as<std::int8_t>(weights);
  std::vector<std::int8_t> got(expected.size(), 77);
  in_context(arm_fully_connected_s8_get_buffer_size(&filter), [&](const cmsis_nn_context& c) {
    return arm_fully_connected_s8(&c, &p, &quant, &in, a.data(), &filter, b.data(), &out,
                                  bias.empty() ? nullptr : bias.data(), &out, got.data());
  });
  REQUIRE(integers(got.begin(), got.end()) == expected);
  return true;
}

TEST_CASE("CMSIS-NN's vectors through its own entry points") {
  int convolutions = 0, connected = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(ASHLAR_VECTORS) / "cmsis_nn")) {
    const std::string name = entry.path().stem().string();
    const auto has = [&](const char* part) { return name.find(part) != name.npos; };
    if (has("f16") || has("f32") || has("int16") || has("int4") || has("transpose")) continue;
    INFO(name);
    const vec_file file(entry.path().string());
    if (has("fully_connected")) {
      connected += meet_fully_connected(file);
    } else if (has("conv") || has("depthwise") || has("kernel1x1") || has("stride2pad1") || has("in_ch_one")) {
      auto layer = convolution_layer::of(file);
      const integers expected = layer ? layer->expected(file) : integers();
      if (expected.empty()) continue;
      meet_convolution(*layer, expected);
      ++convolutions;
    }
  }
  MESSAGE(convolutions, " convolutions and ", connected, " fully connected layers met bit for bit");
  CHECK(convolutions > 0);
  CHECK(connected > 0);
}

}  // namespace
}  // namespace ashlar::test
