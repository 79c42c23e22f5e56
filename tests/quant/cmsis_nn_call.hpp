// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/cmsis_nn_call.hpp: a call of a C entry point of examples/cmsis_nn_shim: its tensors and parameters, made
// of a published vector, and its memory, between guard pages.
#pragma once

#include "../../examples/cmsis_nn_shim/ashlar_cmsis_nn.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "quant/convolution_layer.hpp"
#include "support/guarded_matrix.hpp"

namespace ashlar::test {

using i8 = std::int8_t;
using i16 = std::int16_t;

inline std::int32_t narrow(index v) { return std::int32_t(v); }

// f(context) in memory of exactly this size, and in none or one byte, which must be refused.
template <class F>
void in_context(std::int32_t size, const F& f) {
  REQUIRE(size > 0);
  const guarded_bytes memory(std::size_t(size), placement::at_end);
  const cmsis_nn_context whole{memory.data(), 0}, less{memory.data() + 1, 1}, none{nullptr, 0};
  CHECK(f(&less) == ARM_CMSIS_NN_ARG_ERROR);
  CHECK(f(&none) == ARM_CMSIS_NN_ARG_ERROR);
  REQUIRE(f(&whole) == ARM_CMSIS_NN_SUCCESS);
}

// f(context), which needs no memory.
template <class F>
void without_context(const F& f) {
  const cmsis_nn_context none{nullptr, 0};
  REQUIRE(f(&none) == ARM_CMSIS_NN_SUCCESS);
}

// The tensors of a call, weights as they are stored.
template <class Element>
struct call {
  std::vector<Element> input, output;
  std::vector<i8> weights;
  cmsis_nn_dims in, filter, bias, out;
  cmsis_nn_per_channel_quant_params quant{};
  integers expected;

  // A result is written over nothing but what no result is.
  void met() {
    REQUIRE(integers(output.begin(), output.end()) == expected);
    clear();
  }
  void clear() { output.assign(expected.size(), Element(77)); }
};

inline std::vector<i8> stored(const integers& weights, bool nibbles) {
  std::vector<i8> numbers = as<i8>(weights);
  if (!nibbles) return numbers;
  std::vector<std::uint8_t> bytes((numbers.size() + 1) / 2);
  pack_nibbles(numbers.data(), index(numbers.size()), bytes.data());
  return {bytes.begin(), bytes.end()};
}

// Null where nothing is added: what the zeros of a bias come to.
template <class T>
const T* or_null(const std::vector<T>& bias) {
  return std::all_of(bias.begin(), bias.end(), [](T x) { return x == 0; }) ? nullptr : bias.data();
}

template <class Element>
call<Element> call_of(convolution_layer& x, const integers& expected, bool nibbles = false) {
  call<Element> t;
  integers raw = x.src;
  for (std::int32_t& v : raw) v += x.src_zero;
  t.input = as<Element>(raw), t.weights = stored(x.weights, nibbles), t.expected = expected;
  t.clear();
  const auto [n, h, w, c] = x.problem.src;
  const auto [k, r, s, group_channels] = x.problem.weights;
  t.in = {narrow(n), narrow(h), narrow(w), narrow(c)}, t.bias = {1, 1, 1, narrow(k)};
  t.out = {narrow(n), narrow(x.out_h), narrow(x.out_w), narrow(k)};
  t.filter = x.depthwise ? cmsis_nn_dims{1, narrow(r), narrow(s), narrow(k)}
                         : cmsis_nn_dims{narrow(k), narrow(r), narrow(s), narrow(group_channels)};
  t.quant = {x.multiplier.data(), x.shift.data()};
  return t;
}

template <class P>
P params_of(const convolution_layer& x) {
  const auto tile = [](const std::array<index, 2>& a) { return cmsis_nn_tile{narrow(a[1]), narrow(a[0])}; };
  P p{};
  p.input_offset = -x.src_zero, p.output_offset = x.range.zero_point;
  p.stride = tile(x.problem.stride), p.dilation = tile(x.problem.dilation), p.padding = tile(x.problem.padding.before);
  p.activation = {x.range.low, x.range.high};
  if constexpr (requires { p.ch_mult; }) p.ch_mult = narrow(x.problem.weights[0] / x.problem.src[3]);
  return p;
}

}  // namespace ashlar::test
