// SPDX-License-Identifier: Apache-2.0
//
// cmsis_nn_s8.cpp: convolutions of 8-bit activations: dense, depthwise and transposed, weights of 8 and of 4 bits.
#include "convolution.hpp"
#include "signatures.hpp"

namespace {

using namespace shim;

template <class T>
using data = tensors<T>;

// In the context, which has what the whole layer needs.
template <class T>
status_t in_context(context ctx, const convolution<T>& x) {
  return compute(x, lent(ctx, size_of(x)));
}
template <class T>
status_t on_stack(const convolution<T>& x) {
  return on_the_stack([&](std::span<std::byte> memory) { return compute(x, memory); });
}

bool one_row(dims in, dims filter, dims out) { return in->h == 1 && filter->h == 1 && out->h == 1; }
bool as_many_outputs(dims in, dims out) { return in->c == out->c; }

// Padding is half of what is taken away, whatever p says: a caller that asks for a size has only the strides.
convolution<s8> transposed_of_strides(const cmsis_nn_transpose_conv_params& p, const cmsis_nn_dims& in,
                                      const cmsis_nn_dims& filter, const cmsis_nn_dims& out) {
  const auto half = [](int n, int stride, int kernel, int made) {
    return std::max(0, (n - 1) * stride + kernel - made) / 2;
  };
  cmsis_nn_transpose_conv_params q{};
  q.stride = p.stride;
  q.padding = {half(in.w, p.stride.w, filter.w, out.w), half(in.h, p.stride.h, filter.h, out.h)};
  return layer_of<s8>(kind::transposed, q, in, filter, out);
}

}  // namespace

extern "C" {

status_t arm_convolve_wrapper_s8(context ctx, conv p, channels q, dims in, bytes x, dims f, bytes w, dims, bias32 b,
                                 dims out, int8_t* y) {
  return in_context(ctx, layer_of<s8>(kind::dense, *p, *in, *f, *out, {x, w, b, y, *q}));
}
int32_t arm_convolve_wrapper_s8_get_buffer_size(conv p, dims in, dims f, dims out) {
  return size_of(layer_of<s8>(kind::dense, *p, *in, *f, *out));
}
int32_t arm_convolve_wrapper_s8_get_buffer_size_dsp(conv p, dims in, dims f, dims out) {
  return arm_convolve_wrapper_s8_get_buffer_size(p, in, f, out);
}
int32_t arm_convolve_wrapper_s8_get_buffer_size_mve(conv p, dims in, dims f, dims out) {
  return arm_convolve_wrapper_s8_get_buffer_size(p, in, f, out);
}
status_t arm_convolve_wrapper_s4(context ctx, conv p, channels q, dims in, bytes x, dims f, bytes w, dims, bias32 b,
                                 dims out, int8_t* y) {
  return in_context(ctx, layer_of<s4>(kind::dense, *p, *in, *f, *out, {x, w, b, y, *q}));
}
int32_t arm_convolve_wrapper_s4_get_buffer_size(conv p, dims in, dims f, dims out) {
  return size_of(layer_of<s4>(kind::dense, *p, *in, *f, *out));
}
int32_t arm_convolve_wrapper_s4_get_buffer_size_dsp(conv p, dims in, dims f, dims out) {
  return arm_convolve_wrapper_s4_get_buffer_size(p, in, f, out);
}
int32_t arm_convolve_wrapper_s4_get_buffer_size_mve(conv p, dims in, dims f, dims out) {
  return arm_convolve_wrapper_s4_get_buffer_size(p, in, f, out);
}

status_t arm_convolve_s8(context ctx, conv p, channels q, dims in, bytes x, dims f, bytes w, dims, bias32 b,
                         dims upscale, dims out, int8_t* y) {
  if (upscale && (upscale->h != 1 || upscale->w != 1)) return ARM_CMSIS_NN_NO_IMPL_ERROR;
  return compute(layer_of<s8>(kind::dense, *p, *in, *f, *out, {x, w, b, y, *q}),
                 lent(ctx, arm_convolve_s8_get_buffer_size(in, f)));
}
int32_t arm_convolve_s8_get_buffer_size(dims in, dims f) { return size_without_strides<s8>(kind::dense, *in, *f); }
status_t arm_convolve_s4(context ctx, conv p, channels q, dims in, bytes x, dims f, bytes w, dims, bias32 b, dims out,
                         int8_t* y) {
  return compute(layer_of<s4>(kind::dense, *p, *in, *f, *out, {x, w, b, y, *q}),
                 lent(ctx, arm_convolve_s4_get_buffer_size(in, f)));
}
int32_t arm_convolve_s4_get_buffer_size(dims in, dims f) { return size_without_strides<s4>(kind::dense, *in, *f); }

status_t arm_convolve_1_x_n_s8(context ctx, conv p, channels q, dims in, bytes x, dims f, bytes w, dims bd, bias32 b,
                               dims out, int8_t* y) {
  return one_row(in, f, out) ? arm_convolve_wrapper_s8(ctx, p, q, in, x, f, w, bd, b, out, y) : ARM_CMSIS_NN_ARG_ERROR;
}
int32_t arm_convolve_1_x_n_s8_get_buffer_size(conv p, dims in, dims f, dims out) {
  return arm_convolve_wrapper_s8_get_buffer_size(p, in, f, out);
}
status_t arm_convolve_1_x_n_s4(context ctx, conv p, channels q, dims in, bytes x, dims f, bytes w, dims bd, bias32 b,
                               dims out, int8_t* y) {
  return one_row(in, f, out) ? arm_convolve_wrapper_s4(ctx, p, q, in, x, f, w, bd, b, out, y) : ARM_CMSIS_NN_ARG_ERROR;
}
int32_t arm_convolve_1_x_n_s4_get_buffer_size(conv p, dims in, dims f, dims out) {
  return arm_convolve_wrapper_s4_get_buffer_size(p, in, f, out);
}

status_t arm_depthwise_conv_wrapper_s8(context ctx, dw_conv p, channels q, dims in, bytes x, dims f, bytes w, dims,
                                       bias32 b, dims out, int8_t* y) {
  return in_context(ctx, layer_of<s8>(kind::depthwise, *p, *in, *f, *out, {x, w, b, y, *q}));
}
int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size(dw_conv p, dims in, dims f, dims out) {
  return size_of(layer_of<s8>(kind::depthwise, *p, *in, *f, *out));
}
int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size_dsp(dw_conv p, dims in, dims f, dims out) {
  return arm_depthwise_conv_wrapper_s8_get_buffer_size(p, in, f, out);
}
int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size_mve(dw_conv p, dims in, dims f, dims out) {
  return arm_depthwise_conv_wrapper_s8_get_buffer_size(p, in, f, out);
}
status_t arm_depthwise_conv_wrapper_s4(context ctx, dw_conv p, channels q, dims in, bytes x, dims f, bytes w, dims,
                                       bias32 b, dims out, int8_t* y) {
  return in_context(ctx, layer_of<s4>(kind::depthwise, *p, *in, *f, *out, {x, w, b, y, *q}));
}
int32_t arm_depthwise_conv_wrapper_s4_get_buffer_size(dw_conv p, dims in, dims f, dims out) {
  return size_of(layer_of<s4>(kind::depthwise, *p, *in, *f, *out));
}
int32_t arm_depthwise_conv_wrapper_s4_get_buffer_size_dsp(dw_conv p, dims in, dims f, dims out) {
  return arm_depthwise_conv_wrapper_s4_get_buffer_size(p, in, f, out);
}
int32_t arm_depthwise_conv_wrapper_s4_get_buffer_size_mve(dw_conv p, dims in, dims f, dims out) {
  return arm_depthwise_conv_wrapper_s4_get_buffer_size(p, in, f, out);
}

status_t arm_depthwise_conv_s8_opt(context ctx, dw_conv p, channels q, dims in, bytes x, dims f, bytes w, dims,
                                   bias32 b, dims out, int8_t* y) {
  if (!as_many_outputs(in, out)) return ARM_CMSIS_NN_ARG_ERROR;
  return compute(layer_of<s8>(kind::depthwise, *p, *in, *f, *out, {x, w, b, y, *q}),
                 lent(ctx, arm_depthwise_conv_s8_opt_get_buffer_size(in, f)));
}
int32_t arm_depthwise_conv_s8_opt_get_buffer_size(dims in, dims f) {
  return size_without_strides<s8>(kind::depthwise, *in, *f);
}
status_t arm_depthwise_conv_s4_opt(context ctx, dw_conv p, channels q, dims in, bytes x, dims f, bytes w, dims,
                                   bias32 b, dims out, int8_t* y) {
  if (!as_many_outputs(in, out)) return ARM_CMSIS_NN_ARG_ERROR;
  return compute(layer_of<s4>(kind::depthwise, *p, *in, *f, *out, {x, w, b, y, *q}),
                 lent(ctx, arm_depthwise_conv_s4_opt_get_buffer_size(in, f)));
}
int32_t arm_depthwise_conv_s4_opt_get_buffer_size(dims in, dims f) {
  return size_without_strides<s4>(kind::depthwise, *in, *f);
}

status_t arm_depthwise_conv_s8(context, dw_conv p, channels q, dims in, bytes x, dims f, bytes w, dims, bias32 b,
                               dims out, int8_t* y) {
  return on_stack(layer_of<s8>(kind::depthwise, *p, *in, *f, *out, {x, w, b, y, *q}));
}
status_t arm_depthwise_conv_s4(context, dw_conv p, channels q, dims in, bytes x, dims f, bytes w, dims, bias32 b,
                               dims out, int8_t* y) {
  return on_stack(layer_of<s4>(kind::depthwise, *p, *in, *f, *out, {x, w, b, y, *q}));
}
status_t arm_depthwise_conv_3x3_s8(context ctx, dw_conv p, channels q, dims in, bytes x, dims f, bytes w, dims bd,
                                   bias32 b, dims out, int8_t* y) {
  const bool served = as_many_outputs(in, out) && f->h == 3 && f->w == 3 && p->padding.w <= 1;
  return served ? arm_depthwise_conv_s8(ctx, p, q, in, x, f, w, bd, b, out, y) : ARM_CMSIS_NN_ARG_ERROR;
}

status_t arm_transpose_conv_s8(context ctx, context, transposed_conv p, channels q, dims in, bytes x, dims f, bytes w,
                               dims, bias32 b, dims out, int8_t* y) {
  return compute(layer_of<s8>(kind::transposed, *p, *in, *f, *out, {x, w, b, y, *q}),
                 lent(ctx, arm_transpose_conv_s8_get_buffer_size(p, in, f, out)));
}
status_t arm_transpose_conv_wrapper_s8(context ctx, context other, transposed_conv p, channels q, dims in, bytes x,
                                       dims f, bytes w, dims bd, bias32 b, dims out, int8_t* y) {
  return arm_transpose_conv_s8(ctx, other, p, q, in, x, f, w, bd, b, out, y);
}
int32_t arm_transpose_conv_s8_get_buffer_size(transposed_conv p, dims in, dims f, dims out) {
  return size_of(transposed_of_strides(*p, *in, *f, *out));
}
int32_t arm_transpose_conv_s8_get_buffer_size_mve(transposed_conv p, dims in, dims f, dims out) {
  return arm_transpose_conv_s8_get_buffer_size(p, in, f, out);
}
int32_t arm_transpose_conv_s8_get_reverse_conv_buffer_size(transposed_conv, dims, dims) { return 0; }

}  // extern "C"
