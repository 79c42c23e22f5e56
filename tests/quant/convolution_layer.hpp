// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/convolution_layer.hpp: a convolution of CMSIS-NN's vectors by 8-bit weights, requantize<tflite> for each
// channel its epilogue: by the reference in 32 bits, the zero point of src added before, and by a plan of its types.
#pragma once

#include <doctest/doctest.h>
#include <ashlar/conv.hpp>
#include <ashlar/core/workspace.hpp>
#include <ashlar/quant.hpp>
#include <ashlar/reference.hpp>
#include <optional>
#include <vector>

#include "support/isa.hpp"
#include "support/vec_file.hpp"

namespace ashlar::test {

using integers = std::vector<std::int32_t>;

inline integers narrowed(const std::vector<std::int64_t>& from, std::int64_t offset = 0) {
  integers to;
  for (std::int64_t x : from) to.push_back(std::int32_t(x + offset));
  return to;
}

/// The same numbers in a smaller type, which holds them.
template <class T>
std::vector<T> as(const integers& from) {
  std::vector<T> to;
  for (std::int32_t x : from) {
    REQUIRE(std::int32_t(T(x)) == x);
    to.push_back(T(x));
  }
  return to;
}

/// The array of signed 4-bit numbers in these bytes, low half first; the last half may be none.
inline integers from_nibbles(const std::vector<std::int64_t>& bytes, index count) {
  integers to;
  for (std::int64_t x : bytes) {
    for (int half : {0, 4}) to.push_back(std::int32_t(std::uint32_t(x) >> half << 28) >> 28);
  }
  if (index(to.size()) != count && index(to.size()) != count + 1) return {};
  to.resize(std::size_t(count));
  return to;
}

struct convolution_layer {
  conv2d problem;
  index out_h, out_w;
  bool depthwise;                                  // weights are [h][w][out]; else [out][h][w][in / groups]
  integers src, weights, bias, multiplier, shift;  // src less its zero point
  std::vector<std::int64_t> wide_bias;             // the same bias; of 16-bit src it may have 64 bits
  std::int32_t src_zero;
  output_range range;

  /// Nothing where the file is no complete convolution by int8, or by two weights a byte. Some files hold two
  /// cases: the newer arrays are named input_weights, input_bias (or none), output_multiplier and output.
  static std::optional<convolution_layer> of(const vec_file& f, bool nibbles = false) {
    convolution_layer x;
    const index n = f.number("INPUT_BATCHES"), c = f.number("IN_CH"), k = f.number("OUT_CH");
    const index h = f.number("INPUT_H"), w = f.number("INPUT_W"), r = f.number("FILTER_Y"), s = f.number("FILTER_X");
    const bool newer = f.arrays.count("input_weights") != 0;
    x.out_h = f.number("OUTPUT_H"), x.out_w = f.number("OUTPUT_W");
    x.depthwise = f.defines.count("CH_MULT") != 0;
    const auto stored = f.arrays.find(newer ? "input_weights" : "weights");
    if (stored == f.arrays.end()) return {};
    const index dense = k * r * s * (x.depthwise ? 1 : c);
    x.weights = nibbles ? from_nibbles(stored->second, dense) : narrowed(stored->second);
    x.src = narrowed(f.array({"input"}, std::size_t(n * h * w * c)), f.number("INPUT_OFFSET"));
    x.src_zero = -std::int32_t(f.number("INPUT_OFFSET"));
    x.wide_bias = newer ? f.array({"input_bias"}, std::size_t(k)) : f.array({"biases", "bias"}, std::size_t(k));
    if (x.wide_bias.empty()) x.wide_bias.resize(std::size_t(k));
    x.bias = narrowed(x.wide_bias);
    x.multiplier = narrowed(newer ? f.array({"output_multiplier"}, std::size_t(k))
                                  : f.array({"output_mult", "output_multiplier"}, std::size_t(k)));
    x.shift = narrowed(f.array({"output_shift"}, std::size_t(k)));
    for (const integers* part : {&x.src, &x.weights, &x.multiplier, &x.shift})
      if (part->empty()) return {};
    const index group_channels = x.depthwise ? 1 : index(x.weights.size()) / (k * r * s);
    if (group_channels * k * r * s != index(x.weights.size())) return {};
    x.problem = {.src = {n, h, w, c}, .weights = {k, r, s, group_channels}, .groups = c / group_channels};
    x.problem.stride = {f.number("STRIDE_Y"), f.number("STRIDE_X")};
    x.problem.dilation = {f.number("DILATION_Y", 1), f.number("DILATION_X", 1)};
    x.problem.padding.before = {f.number("PAD_Y"), f.number("PAD_X")};
    x.pad_after();
    x.range = {std::int32_t(f.number("OUTPUT_OFFSET")), std::int32_t(f.number("OUT_ACTIVATION_MIN")),
               std::int32_t(f.number("OUT_ACTIVATION_MAX"))};
    return x;
  }

  integers expected(const vec_file& f) const {
    const auto size = std::size_t(problem.src[0] * out_h * out_w * problem.weights[0]);
    return narrowed(f.arrays.count("input_weights") ? f.array({"output"}, size)
                                                    : f.array({"output_ref", "output"}, size));
  }

  auto epilogue() const {
    return requantize<tflite>(acc + per_column(bias.data()), per_column(multiplier.data()), per_column(shift.data()),
                              range.zero_point, range.low, range.high);
  }

  integers by_reference() const {
    const auto [n, h, w, c] = problem.src;
    integers dst(dst_size(), -1000);
    reference::convolution(detail::geometry_of(problem).value(), nhwc(src.data(), n, h, w, c), filter(weights.data()),
                           image(dst.data()), epilogue());
    return dst;
  }
  /// By a plan of these types of int8 weights, with this epilogue.
  template <class Product, class Src, class Dst, class E, class... Options>
  integers by_plan_of(const E& e, const Options&... options) const {
    const auto [n, h, w, c] = problem.src;
    integers raw = src;
    for (std::int32_t& x : raw) x += src_zero;
    const auto numbers = as<Src>(raw);
    const auto small_weights = as<std::int8_t>(weights);
    std::vector<Dst> dst(dst_size(), 77);
    const auto plan = plan_conv2d<Product, isa_under_test>(problem);
    REQUIRE_MESSAGE(plan.ok(), plan.error().message());
    const auto storage = aligned_buffer::make(plan.value().packed_bytes());
    const auto packed = plan.value().pack(filter(small_weights.data()), storage.span());
    REQUIRE_MESSAGE(packed.ok(), packed.error().message());
    const status ran =
        plan.value().run(nhwc(numbers.data(), n, h, w, c), packed.value(), image(dst.data()), e, options...);
    REQUIRE_MESSAGE(ran.ok(), ran.message());
    return {dst.begin(), dst.end()};
  }
  integers by_plan() const {
    using i8 = std::int8_t;
    return by_plan_of<conv_types<i8, i8, i8>, i8, i8>(epilogue(), src_zero_point(src_zero));
  }

 private:
  // What is before is said; what is after follows from the size of dst.
  void pad_after() {
    const index dst[] = {out_h, out_w};
    for (std::size_t i = 0; i < 2; ++i) {
      const index span = (dst[i] - 1) * problem.stride[i] + (problem.weights[1 + i] - 1) * problem.dilation[i] + 1;
      problem.padding.after[i] = std::max<index>(0, span - problem.src[1 + i] - problem.padding.before[i]);
    }
  }

  std::size_t dst_size() const { return std::size_t(problem.src[0] * out_h * out_w * problem.weights[0]); }
  template <class T>
  image_view<T> image(T* data) const {
    return nhwc(data, problem.src[0], out_h, out_w, problem.weights[0]);
  }
  template <class T>
  filter_view<const T> filter(const T* data) const {
    const auto [k, r, s, group_channels] = problem.weights;
    return depthwise ? hwio(data, r, s, 1, k) : ohwi(data, k, r, s, group_channels);
  }
};

}  // namespace ashlar::test
