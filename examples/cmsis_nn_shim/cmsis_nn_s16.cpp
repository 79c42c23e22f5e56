// SPDX-License-Identifier: Apache-2.0
//
// cmsis_nn_s16.cpp: convolutions of 16-bit activations by 8-bit weights, dense and depthwise.
#include "convolution.hpp"
#include "signatures.hpp"

namespace {

using namespace shim;

// f(layer) of the bias's width.
template <class F>
auto with_layer(const cmsis_nn_bias_data* b, conv p, const cmsis_nn_per_channel_quant_params& q, dims in, words x,
                dims f, bytes w, dims out, std::int16_t* y, const F& function) {
  if (b && b->is_int32_bias) {
    const tensors<s16_in_32_bits> t{x, w, static_cast<bias32>(b->data), y, q};
    return function(layer_of<s16_in_32_bits>(kind::dense, *p, *in, *f, *out, t));
  }
  return function(
      layer_of<s16>(kind::dense, *p, *in, *f, *out, {x, w, b ? static_cast<bias64>(b->data) : nullptr, y, q}));
}

// Of the two widths that a bias may have, which a size does not know, the one that needs more.
std::int32_t size_of_either(conv p, dims in, dims f, dims out) {
  return std::max(size_of(layer_of<s16>(kind::dense, *p, *in, *f, *out)),
                  size_of(layer_of<s16_in_32_bits>(kind::dense, *p, *in, *f, *out)));
}

}  // namespace

extern "C" {

status_t arm_convolve_wrapper_s16(context ctx, conv p, channels q, dims in, words x, dims f, bytes w, dims,
                                  const cmsis_nn_bias_data* b, dims out, int16_t* y) {
  return with_layer(b, p, *q, in, x, f, w, out, y, [&](const auto& layer) {  //
    return compute(layer, lent(ctx, size_of_either(p, in, f, out)));
  });
}
int32_t arm_convolve_wrapper_s16_get_buffer_size(conv p, dims in, dims f, dims out) {
  return size_of_either(p, in, f, out);
}
int32_t arm_convolve_wrapper_s16_get_buffer_size_dsp(conv p, dims in, dims f, dims out) {
  return size_of_either(p, in, f, out);
}
int32_t arm_convolve_wrapper_s16_get_buffer_size_mve(conv p, dims in, dims f, dims out) {
  return size_of_either(p, in, f, out);
}
status_t arm_convolve_s16(context ctx, conv p, channels q, dims in, words x, dims f, bytes w, dims,
                          const cmsis_nn_bias_data* b, dims out, int16_t* y) {
  return with_layer(b, p, *q, in, x, f, w, out, y, [&](const auto& layer) {
    return compute(layer, lent(ctx, arm_convolve_s16_get_buffer_size(in, f)));
  });
}
int32_t arm_convolve_s16_get_buffer_size(dims in, dims f) {
  return std::max(size_without_strides<s16>(kind::dense, *in, *f),
                  size_without_strides<s16_in_32_bits>(kind::dense, *in, *f));
}

status_t arm_depthwise_conv_wrapper_s16(context ctx, dw_conv p, channels q, dims in, words x, dims f, bytes w, dims,
                                        bias64 b, dims out, int16_t* y) {
  const auto layer = layer_of<s16>(kind::depthwise, *p, *in, *f, *out, {x, w, b, y, *q});
  return compute(layer, lent(ctx, size_of(layer)));
}
int32_t arm_depthwise_conv_wrapper_s16_get_buffer_size(dw_conv p, dims in, dims f, dims out) {
  return size_of(layer_of<s16>(kind::depthwise, *p, *in, *f, *out));
}
int32_t arm_depthwise_conv_wrapper_s16_get_buffer_size_dsp(dw_conv p, dims in, dims f, dims out) {
  return arm_depthwise_conv_wrapper_s16_get_buffer_size(p, in, f, out);
}
int32_t arm_depthwise_conv_wrapper_s16_get_buffer_size_mve(dw_conv p, dims in, dims f, dims out) {
  return arm_depthwise_conv_wrapper_s16_get_buffer_size(p, in, f, out);
}
status_t arm_depthwise_conv_fast_s16(context ctx, dw_conv p, channels q, dims in, words x, dims f, bytes w, dims,
                                     bias64 b, dims out, int16_t* y) {
  if (in->c != out->c) return ARM_CMSIS_NN_ARG_ERROR;
  return compute(layer_of<s16>(kind::depthwise, *p, *in, *f, *out, {x, w, b, y, *q}),
                 lent(ctx, arm_depthwise_conv_fast_s16_get_buffer_size(in, f)));
}
int32_t arm_depthwise_conv_fast_s16_get_buffer_size(dims in, dims f) {
  return size_without_strides<s16>(kind::depthwise, *in, *f);
}
status_t arm_depthwise_conv_s16(context, dw_conv p, channels q, dims in, words x, dims f, bytes w, dims, bias64 b,
                                dims out, int16_t* y) {
  const auto layer = layer_of<s16>(kind::depthwise, *p, *in, *f, *out, {x, w, b, y, *q});
  return on_the_stack([&](std::span<std::byte> memory) { return compute(layer, memory); });
}

}  // extern "C"
