// SPDX-License-Identifier: Apache-2.0
//
// tests/quant/cmsis_nn_shim_test.cpp: the C entry points of examples/cmsis_nn_shim meet CMSIS-NN's published vectors:
// every file of an operator they serve goes through every one that serves it. Contexts are between guard pages, of
// exactly the size that the function asks for; smaller ones are refused; functions that need none get none.
//
//   ASHLAR_VECTORS     the folder with cmsis_nn/, a string; CMake's variable of this name
#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "quant/batched_product.hpp"
#include "quant/cmsis_nn_call.hpp"

namespace ashlar::test {
namespace {

// The functions of 8-bit activations by weights of one width.
struct dense_functions {
  ashlar_convolve_s8 *wrapper, *basic, *by_1x1, *by_1x1_fast, *one_row;
  ashlar_convolve_size *wrapper_size, *one_row_size;
  ashlar_input_and_filter_size* basic_size;
};
struct depthwise_functions {
  ashlar_depthwise_conv_s8 *wrapper, *basic, *opt;
  ashlar_depthwise_conv_size* wrapper_size;
  ashlar_input_and_filter_size* opt_size;
};

arm_cmsis_nn_status without_upscale(const cmsis_nn_context* c, const cmsis_nn_conv_params* p,
                                    const cmsis_nn_per_channel_quant_params* q, const cmsis_nn_dims* in, const i8* x,
                                    const cmsis_nn_dims* f, const i8* w, const cmsis_nn_dims* bd, const std::int32_t* b,
                                    const cmsis_nn_dims* out, i8* y) {
  const cmsis_nn_dims twice{1, 2, 2, 1};
  CHECK(arm_convolve_s8(c, p, q, in, x, f, w, bd, b, &twice, out, y) == ARM_CMSIS_NN_NO_IMPL_ERROR);
  return arm_convolve_s8(c, p, q, in, x, f, w, bd, b, nullptr, out, y);
}

const dense_functions dense_s8{arm_convolve_wrapper_s8,
                               without_upscale,
                               arm_convolve_1x1_s8,
                               arm_convolve_1x1_s8_fast,
                               arm_convolve_1_x_n_s8,
                               arm_convolve_wrapper_s8_get_buffer_size,
                               arm_convolve_1_x_n_s8_get_buffer_size,
                               arm_convolve_s8_get_buffer_size};
const dense_functions dense_s4{arm_convolve_wrapper_s4,
                               arm_convolve_s4,
                               arm_convolve_1x1_s4,
                               arm_convolve_1x1_s4_fast,
                               arm_convolve_1_x_n_s4,
                               arm_convolve_wrapper_s4_get_buffer_size,
                               arm_convolve_1_x_n_s4_get_buffer_size,
                               arm_convolve_s4_get_buffer_size};
const depthwise_functions depthwise_s8{arm_depthwise_conv_wrapper_s8, arm_depthwise_conv_s8, arm_depthwise_conv_s8_opt,
                                       arm_depthwise_conv_wrapper_s8_get_buffer_size,
                                       arm_depthwise_conv_s8_opt_get_buffer_size};
const depthwise_functions depthwise_s4{arm_depthwise_conv_wrapper_s4, arm_depthwise_conv_s4, arm_depthwise_conv_s4_opt,
                                       arm_depthwise_conv_wrapper_s4_get_buffer_size,
                                       arm_depthwise_conv_s4_opt_get_buffer_size};

void meet_dense(convolution_layer& x, call<i8>& t, const dense_functions& f) {
  const auto p = params_of<cmsis_nn_conv_params>(x);
  const auto run = [&](ashlar_convolve_s8* function) {
    return [&, function](const cmsis_nn_context* c) {
      cmsis_nn_dims filter = t.filter;
      if (function == f.wrapper) filter.n = 1;  // as TensorFlow Lite Micro has it: output_dims has the channels
      return function(c, &p, &t.quant, &t.in, t.input.data(), &filter, t.weights.data(), &t.bias, or_null(x.bias),
                      &t.out, t.output.data());
    };
  };
  in_context(f.wrapper_size(&p, &t.in, &t.filter, &t.out), run(f.wrapper));
  t.met();
  in_context(f.basic_size(&t.in, &t.filter), run(f.basic));
  t.met();
  const cmsis_nn_context none{nullptr, 0};
  if (t.in.h == 1 && t.filter.h == 1 && t.out.h == 1) {
    in_context(f.one_row_size(&p, &t.in, &t.filter, &t.out), run(f.one_row));
    t.met();
  } else {
    CHECK(run(f.one_row)(&none) == ARM_CMSIS_NN_ARG_ERROR);
  }
  if (t.filter.h != 1 || t.filter.w != 1 || t.filter.c != t.in.c) return;
  if (p.padding.h != 0 || p.padding.w != 0) {
    CHECK(run(f.by_1x1)(&none) == ARM_CMSIS_NN_ARG_ERROR);
    return;
  }
  without_context(run(f.by_1x1));
  t.met();
  if (p.stride.h == 1 && p.stride.w == 1) {
    without_context(run(f.by_1x1_fast));
    t.met();
  } else {
    CHECK(run(f.by_1x1_fast)(&none) == ARM_CMSIS_NN_ARG_ERROR);
  }
}

void meet_depthwise(convolution_layer& x, call<i8>& t, const depthwise_functions& f, bool nibbles) {
  const auto p = params_of<cmsis_nn_dw_conv_params>(x);
  const auto run = [&](ashlar_depthwise_conv_s8* function) {
    return [&, function](const cmsis_nn_context* c) {
      return function(c, &p, &t.quant, &t.in, t.input.data(), &t.filter, t.weights.data(), &t.bias, or_null(x.bias),
                      &t.out, t.output.data());
    };
  };
  in_context(f.wrapper_size(&p, &t.in, &t.filter, &t.out), run(f.wrapper));
  t.met();
  without_context(run(f.basic));
  t.met();
  const cmsis_nn_context none{nullptr, 0};
  if (t.in.c == t.out.c) {
    in_context(f.opt_size(&t.in, &t.filter), run(f.opt));
    t.met();
  } else {
    CHECK(run(f.opt)(&none) == ARM_CMSIS_NN_ARG_ERROR);
  }
  if (nibbles) return;
  if (t.in.c == t.out.c && t.filter.h == 3 && t.filter.w == 3 && p.padding.w <= 1) {
    without_context(run(arm_depthwise_conv_3x3_s8));
    t.met();
  } else {
    CHECK(run(arm_depthwise_conv_3x3_s8)(&none) == ARM_CMSIS_NN_ARG_ERROR);
  }
}

void meet_dense_s16(convolution_layer& x, call<i16>& t, bool narrow_bias) {
  const auto p = params_of<cmsis_nn_conv_params>(x);
  const void* const data = narrow_bias ? static_cast<const void*>(or_null(x.bias)) : or_null(x.wide_bias);
  const cmsis_nn_bias_data bias{data, narrow_bias};
  const auto run = [&](ashlar_convolve_s16* function) {
    return [&, function](const cmsis_nn_context* c) {
      return function(c, &p, &t.quant, &t.in, t.input.data(), &t.filter, t.weights.data(), &t.bias, &bias, &t.out,
                      t.output.data());
    };
  };
  in_context(arm_convolve_wrapper_s16_get_buffer_size(&p, &t.in, &t.filter, &t.out), run(arm_convolve_wrapper_s16));
  t.met();
  in_context(arm_convolve_s16_get_buffer_size(&t.in, &t.filter), run(arm_convolve_s16));
  t.met();
}

void meet_depthwise_s16(convolution_layer& x, call<i16>& t) {
  const auto p = params_of<cmsis_nn_dw_conv_params>(x);
  const auto run = [&](ashlar_depthwise_conv_s16* function) {
    return [&, function](const cmsis_nn_context* c) {
      return function(c, &p, &t.quant, &t.in, t.input.data(), &t.filter, t.weights.data(), &t.bias,
                      or_null(x.wide_bias), &t.out, t.output.data());
    };
  };
  in_context(arm_depthwise_conv_wrapper_s16_get_buffer_size(&p, &t.in, &t.filter, &t.out),
             run(arm_depthwise_conv_wrapper_s16));
  t.met();
  without_context(run(arm_depthwise_conv_s16));
  t.met();
  const cmsis_nn_context none{nullptr, 0};
  if (t.in.c == t.out.c) {
    in_context(arm_depthwise_conv_fast_s16_get_buffer_size(&t.in, &t.filter), run(arm_depthwise_conv_fast_s16));
    t.met();
  } else {
    CHECK(run(arm_depthwise_conv_fast_s16)(&none) == ARM_CMSIS_NN_ARG_ERROR);
  }
}

void meet_transposed(const vec_file& f) {
  const auto n = [&](const char* name) { return std::int32_t(f.number(name)); };
  call<i8> t;
  t.in = {n("INPUT_BATCHES"), n("INPUT_H"), n("INPUT_W"), n("IN_CH")};
  t.filter = {n("OUT_CH"), n("FILTER_Y"), n("FILTER_X"), n("IN_CH")};
  t.out = {t.in.n, n("OUTPUT_H"), n("OUTPUT_W"), t.filter.n}, t.bias = {1, 1, 1, t.filter.n};
  const auto size = [](const cmsis_nn_dims& d) { return std::size_t(d.n) * d.h * d.w * d.c; };
  const auto outputs = std::size_t(t.out.c);
  t.input = as<i8>(narrowed(f.array({"input"}, size(t.in))));
  t.weights = as<i8>(narrowed(f.array({"weights"}, size(t.filter))));
  t.expected = narrowed(f.array({"output_ref", "output"}, size(t.out)));
  integers multiplier = narrowed(f.array({"output_mult", "output_multiplier"}, outputs));
  integers shift = narrowed(f.array({"output_shift"}, outputs));
  const integers bias = narrowed(f.array({"biases", "bias"}, outputs));
  REQUIRE(!(t.input.empty() || t.weights.empty() || t.expected.empty() || multiplier.empty() || shift.empty()));
  t.quant = {multiplier.data(), shift.data()};
  t.clear();
  cmsis_nn_transpose_conv_params p{};
  p.input_offset = n("INPUT_OFFSET"), p.output_offset = n("OUTPUT_OFFSET");
  p.stride = {n("STRIDE_X"), n("STRIDE_Y")}, p.padding = {n("PAD_X"), n("PAD_Y")};
  p.activation = {n("OUT_ACTIVATION_MIN"), n("OUT_ACTIVATION_MAX")};
  cmsis_nn_transpose_conv_params strides{};  // what a caller knows that asks for the size
  strides.stride = p.stride;
  for (ashlar_transpose_conv_s8* function : {arm_transpose_conv_wrapper_s8, arm_transpose_conv_s8}) {
    in_context(arm_transpose_conv_s8_get_buffer_size(&strides, &t.in, &t.filter, &t.out),
               [&](const cmsis_nn_context* c) {
                 return function(c, nullptr, &p, &t.quant, &t.in, t.input.data(), &t.filter, t.weights.data(), &t.bias,
                                 or_null(bias), &t.out, t.output.data());
               });
    t.met();
  }
}

// A fully connected layer; nothing where the file is none that is complete.
struct connected_layer {
  integers input, weights, expected, bias, multipliers, shifts;
  std::vector<std::int64_t> wide_bias;
  cmsis_nn_fc_params params;
  cmsis_nn_dims in, filter, out;

  static std::optional<connected_layer> of(const vec_file& f, bool nibbles) {
    const index batch = f.number("INPUT_BATCHES"), depth = f.number("ACCUMULATION_DEPTH"), k = f.number("OUT_CH");
    const auto n = [&](const char* name) { return std::int32_t(f.number(name)); };
    const auto outputs = std::size_t(k);
    connected_layer x;
    x.input = narrowed(f.array({"input"}, std::size_t(batch * depth)));
    x.weights = narrowed(f.array({"weights"}, std::size_t(k * depth)));
    if (nibbles) x.weights = from_nibbles(f.arrays.at("input_weights"), k * depth);
    x.expected = narrowed(f.array({"output_ref", "output"}, std::size_t(batch * k)));
    if (x.input.empty() || x.weights.empty() || x.expected.empty()) return {};
    x.wide_bias = f.array({"biases", "bias", "input_bias"}, outputs);
    x.bias = narrowed(x.wide_bias);
    x.multipliers = narrowed(f.array({"output_multiplier"}, outputs));
    x.shifts = narrowed(f.array({"output_shift"}, outputs));
    if (f.defines.count("OUTPUT_MULTIPLIER") != 0) {
      x.multipliers.assign(outputs, n("OUTPUT_MULTIPLIER")), x.shifts.assign(outputs, n("OUTPUT_SHIFT"));
    }
    x.params = {
        n("INPUT_OFFSET"), n("FILTER_OFFSET"), n("OUTPUT_OFFSET"), {n("OUT_ACTIVATION_MIN"), n("OUT_ACTIVATION_MAX")}};
    x.in = {narrow(batch), 1, 1, narrow(depth)}, x.filter = {narrow(depth), 1, 1, narrow(k)};
    x.out = {narrow(batch), 1, 1, narrow(k)};
    return x;
  }
  bool one_scale() const { return std::count(multipliers.begin(), multipliers.end(), multipliers[0]) == out.c; }
};

template <class Element>
call<Element> call_of(const connected_layer& x, bool nibbles = false) {
  call<Element> t;
  t.input = as<Element>(x.input), t.weights = stored(x.weights, nibbles), t.expected = x.expected;
  t.clear();
  return t;
}

void meet_connected(connected_layer& x, bool nibbles) {
  call<i8> t = call_of<i8>(x, nibbles);
  const auto run = [&](auto* function, const auto& quant) {
    without_context([&](const cmsis_nn_context* c) {
      return function(c, &x.params, &quant, &x.in, t.input.data(), &x.filter, t.weights.data(), &x.out, or_null(x.bias),
                      &x.out, t.output.data());
    });
    t.met();
  };
  if (x.one_scale()) {
    const cmsis_nn_per_tensor_quant_params one{x.multipliers[0], x.shifts[0]};
    run(nibbles ? arm_fully_connected_s4 : arm_fully_connected_s8, one);
    if (!nibbles) run(arm_fully_connected_wrapper_s8, cmsis_nn_quant_params{&x.multipliers[0], &x.shifts[0], 0});
  }
  REQUIRE((x.one_scale() || !nibbles));
  if (nibbles) return;
  run(arm_fully_connected_per_channel_s8, cmsis_nn_per_channel_quant_params{x.multipliers.data(), x.shifts.data()});
  run(arm_fully_connected_wrapper_s8, cmsis_nn_quant_params{x.multipliers.data(), x.shifts.data(), 1});
  CHECK(arm_fully_connected_s8_get_buffer_size(&x.filter) == 0);
}

void meet_connected_s16(const connected_layer& x) {
  call<i16> t = call_of<i16>(x);
  const cmsis_nn_per_tensor_quant_params quant{x.multipliers[0], x.shifts[0]};
  CHECK(arm_fully_connected_s16_get_buffer_size(&x.filter) == 0);
  without_context([&](const cmsis_nn_context* c) {
    return arm_fully_connected_s16(c, &x.params, &quant, &x.in, t.input.data(), &x.filter, t.weights.data(), &x.out,
                                   or_null(x.wide_bias), &x.out, t.output.data());
  });
  t.met();
}

// The operand with the sums' dimension last, as CMSIS-NN takes it.
template <class T>
std::pair<std::vector<T>, cmsis_nn_dims> in_rows(const typename batched_product<T>::operand& x, bool right) {
  std::vector<T> numbers;
  cmsis_nn_dims dims{narrow(x.batch), narrow(x.height), 0, 0};
  for (index i = 0; i < x.batch * x.height; ++i) {
    auto m = x.at(i / x.height, i % x.height);
    if (right) m = m.transposed();
    dims.w = narrow(m.rows()), dims.c = narrow(m.cols());
    for (index r = 0; r < m.rows(); ++r)
      for (index c = 0; c < m.cols(); ++c) numbers.push_back(m(r, c));
  }
  return {numbers, dims};
}

template <class T, class F>
void meet_product(const vec_file& f, const F& function) {
  const auto x = batched_product<T>::of(f);
  REQUIRE(x);
  const auto [a, a_dims] = in_rows<T>(x->a, false);
  const auto [b, b_dims] = in_rows<T>(x->b, true);
  const cmsis_nn_bmm_params p{
      false, false, {-x->a.zero_point, -x->b.zero_point, x->range.zero_point, {x->range.low, x->range.high}}};
  const cmsis_nn_per_tensor_quant_params quant{x->policy.multiplier, x->policy.shift};
  const cmsis_nn_dims out{narrow(x->batch), narrow(x->height), narrow(x->m), narrow(x->n)};
  std::vector<T> got(x->expected.size(), T(77));
  without_context([&, &a = a, &b = b, &a_dims = a_dims, &b_dims = b_dims](const cmsis_nn_context* c) {
    return function(c, &p, &quant, &a_dims, a.data(), &b_dims, b.data(), &out, got.data());
  });
  REQUIRE(integers(got.begin(), got.end()) == x->expected);
}

struct counts {
  int convolutions = 0, transposed = 0, connected = 0, products = 0, left_out = 0;
  std::string left;

  // A file that shares arrays with another case has none of its own shape.
  void leave(const std::string& name) { ++left_out, left += " " + name; }
};

void meet_convolution(const std::string& name, const vec_file& f, counts& met) {
  const bool nibbles = name.find("int4") != name.npos, words = name.find("int16") != name.npos;
  auto x = convolution_layer::of(f, nibbles);
  const integers expected = x ? x->expected(f) : integers();
  if (expected.empty()) {
    met.leave(name);
    return;
  }
  if (words) {
    call<i16> t = call_of<i16>(*x, expected);
    x->depthwise ? meet_depthwise_s16(*x, t) : meet_dense_s16(*x, t, name.find("xint32") != name.npos);
  } else {
    call<i8> t = call_of<i8>(*x, expected, nibbles);
    if (x->depthwise) {
      meet_depthwise(*x, t, nibbles ? depthwise_s4 : depthwise_s8, nibbles);
    } else {
      meet_dense(*x, t, nibbles ? dense_s4 : dense_s8);
    }
  }
  ++met.convolutions;
}

void meet_any_connected(const std::string& name, const vec_file& f, counts& met) {
  const bool nibbles = name.find("int4") != name.npos;
  auto x = connected_layer::of(f, nibbles);
  if (!x) {
    met.leave(name);
    return;
  }
  name.find("int16") != name.npos ? meet_connected_s16(*x) : meet_connected(*x, nibbles);
  ++met.connected;
}

TEST_CASE("CMSIS-NN's vectors through its own entry points") {
  counts met;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(ASHLAR_VECTORS) / "cmsis_nn")) {
    const std::string name = entry.path().stem().string();
    const auto has = [&](const char* part) { return name.find(part) != name.npos; };
    const auto starts = [&](const char* part) { return name.rfind(part, 0) == 0; };
    if (has("f16") || has("f32")) continue;
    INFO(name);
    const vec_file file(entry.path().string());
    REQUIRE(file.complete);
    if (has("transpose_conv")) {
      meet_transposed(file), ++met.transposed;
    } else if (starts("batch_matmul")) {
      has("s16") ? meet_product<i16>(file, arm_batch_matmul_s16) : meet_product<i8>(file, arm_batch_matmul_s8);
      ++met.products;
    } else if (starts("fully_connected") || starts("fc_")) {
      meet_any_connected(name, file, met);
    } else if (starts("basic") || starts("conv_") || starts("depthwise") || starts("dw_") || starts("grouped_conv") ||
               starts("kernel1x1") || starts("stride2pad1") || starts("in_ch_one") || starts("int16x")) {
      meet_convolution(name, file, met);
    }
  }
  MESSAGE(met.convolutions, " convolutions, ", met.transposed, " transposed ones, ", met.connected,
          " fully connected layers and ", met.products, " products met bit for bit; not complete:", met.left);
  for (int n : {met.convolutions, met.transposed, met.products}) CHECK(n > 0);
  CHECK(met.connected > 2 * met.left_out);
}

TEST_CASE("sums of rows") {
  const i8 rows[] = {1, -2, 3, 127, -128, 0};
  const std::int32_t bias[] = {10, -20};
  std::int32_t sums[2];
  CHECK(arm_vector_sum_s8(sums, 3, 2, rows, 5, -4, bias) == ARM_CMSIS_NN_SUCCESS);
  CHECK(sums[0] == 10 + 5 * (2 - 12));
  CHECK(sums[1] == -20 + 5 * (-1 - 12));
  CHECK(arm_vector_sum_s8(sums, 3, 2, rows, 1, 0, nullptr) == ARM_CMSIS_NN_SUCCESS);
  CHECK(sums[0] == 2);
  CHECK(sums[1] == -1);
  const std::int64_t wide_bias[] = {std::int64_t(1) << 40, 0};
  std::int64_t wide[2];
  CHECK(arm_vector_sum_s8_s64(wide, 3, 2, rows, -3, wide_bias) == ARM_CMSIS_NN_SUCCESS);
  CHECK(wide[0] == (std::int64_t(1) << 40) - 6);
  CHECK(wide[1] == 3);
}

}  // namespace
}  // namespace ashlar::test
