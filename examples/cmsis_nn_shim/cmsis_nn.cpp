// SPDX-License-Identifier: Apache-2.0
//
// cmsis_nn.cpp: int8 layers of CMSIS-NN on Ashlar's templates. Allocates nothing: everything is in the caller's
// context.
//
//   context   [ packed weights | bias, where the caller has none | scratch ]       each part on a cache line
//
// Weights are packed in every call, since the interface has no place to do it once.
#include "ashlar_cmsis_nn.h"

#include <algorithm>
#include <ashlar/conv.hpp>
#include <ashlar/gemm.hpp>
#include <ashlar/quant.hpp>
#include <limits>
#include <span>
#include <type_traits>

namespace {

using namespace ashlar;
using ashlar::index;
using bytes = conv_types<std::int8_t, std::int8_t, std::int8_t>;
using plan_type = std::remove_cvref_t<decltype(plan_conv2d<bytes>(conv2d{}).value())>;

constexpr std::size_t line = 64;
constexpr std::size_t lines(std::size_t size) { return (size + line - 1) / line * line; }

// The parts of a context of `size` bytes at any address.
class parts {
 public:
  explicit parts(void* buffer)
      : at_(reinterpret_cast<std::byte*>((reinterpret_cast<std::uintptr_t>(buffer) + line - 1) / line * line)) {}
  std::span<std::byte> take(std::size_t size) {
    std::byte* const start = at_;
    at_ += lines(size);
    return {start, size};
  }

 private:
  std::byte* at_;
};

std::int32_t whole(std::size_t size) {
  return size > std::size_t(std::numeric_limits<std::int32_t>::max()) ? -1 : std::int32_t(size);
}

// What convolutions and depthwise ones have in common.
struct layer {
  conv2d problem;
  index out_h, out_w;
  std::int32_t input_offset, output_offset;
  cmsis_nn_activation activation;
  bool depthwise;  // filters are [h][w][output]
};

// What lies before is said; what lies after follows from the output.
index padding_after(index in, index out, index kernel, index stride, index dilation, index before) {
  return std::max<index>(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - in - before);
}

template <class Params>
layer layer_of(const Params& p, const cmsis_nn_dims& in, const cmsis_nn_dims& filter, const cmsis_nn_dims& out,
               bool depthwise) {
  layer x{};
  x.depthwise = depthwise;
  x.out_h = out.h, x.out_w = out.w;
  x.input_offset = p.input_offset, x.output_offset = p.output_offset, x.activation = p.activation;
  const index outputs = depthwise ? filter.c : filter.n, group_channels = depthwise ? 1 : filter.c;
  x.problem = {.src = {in.n, in.h, in.w, in.c}, .weights = {outputs, filter.h, filter.w, group_channels}};
  x.problem.groups = group_channels > 0 ? in.c / group_channels : 0;
  x.problem.stride = {p.stride.h, p.stride.w};
  x.problem.dilation = {p.dilation.h, p.dilation.w};
  x.problem.padding.before = {p.padding.h, p.padding.w};
  x.problem.padding.after = {padding_after(in.h, out.h, filter.h, p.stride.h, p.dilation.h, p.padding.h),
                             padding_after(in.w, out.w, filter.w, p.stride.w, p.dilation.w, p.padding.w)};
  return x;
}

std::size_t bytes_of(const plan_type& plan, index outputs) {
  return line + lines(plan.packed_bytes()) + lines(std::size_t(outputs) * sizeof(std::int32_t)) +
         lines(plan.workspace_bytes());
}

std::int32_t buffer_size(const layer& x) {
  const auto plan = plan_conv2d<bytes>(x.problem);
  return plan.ok() ? whole(bytes_of(plan.value(), x.problem.weights[0])) : -1;
}

const std::int32_t* bias_or_zeros(const std::int32_t* bias, index outputs, parts& memory) {
  auto* const zeros = reinterpret_cast<std::int32_t*>(memory.take(std::size_t(outputs) * sizeof(std::int32_t)).data());
  if (bias) return bias;
  std::fill(zeros, zeros + outputs, 0);
  return zeros;
}

arm_cmsis_nn_status run(const layer& x, const cmsis_nn_context* ctx, const cmsis_nn_per_channel_quant_params* quant,
                        const std::int8_t* input, const std::int8_t* weights, const std::int32_t* bias,
                        std::int8_t* output, std::size_t available) {
  const auto made = plan_conv2d<bytes>(x.problem);
  if (!ctx || !ctx->buf || !made.ok()) return ARM_CMSIS_NN_ARG_ERROR;
  const plan_type& plan = made.value();
  const auto [outputs, r, s, group_channels] = x.problem.weights;
  if (bytes_of(plan, outputs) > available) return ARM_CMSIS_NN_ARG_ERROR;
  parts memory(ctx->buf);
  const auto filter = x.depthwise ? hwio(weights, r, s, 1, outputs) : ohwi(weights, outputs, r, s, group_channels);
  const auto packed = plan.pack(filter, memory.take(plan.packed_bytes()));
  if (!packed.ok()) return ARM_CMSIS_NN_ARG_ERROR;
  const std::int32_t* const added = bias_or_zeros(bias, outputs, memory);
  const auto e =
      requantize<tflite>(acc + per_column(added), per_column<std::int32_t>(quant->multiplier),
                         per_column<std::int32_t>(quant->shift), x.output_offset, x.activation.min, x.activation.max);
  const auto [n, h, w, c] = x.problem.src;
  const status ran = plan.run(nhwc(input, n, h, w, c), packed.value(), nhwc(output, n, x.out_h, x.out_w, outputs), e,
                              src_zero_point(-x.input_offset), scratch(memory.take(plan.workspace_bytes())));
  return ran.ok() ? ARM_CMSIS_NN_SUCCESS : ARM_CMSIS_NN_ARG_ERROR;
}

// What the caller has: as much as it says, or as the function of that name asks for.
std::size_t available_in(const cmsis_nn_context* ctx, std::int32_t promised) {
  return std::size_t(std::max(0, ctx && ctx->size > 0 ? ctx->size : promised));
}

}  // namespace

extern "C" {

arm_cmsis_nn_status arm_convolve_s8(const cmsis_nn_context* ctx, const cmsis_nn_conv_params* conv_params,
                                    const cmsis_nn_per_channel_quant_params* quant_params,
                                    const cmsis_nn_dims* input_dims, const int8_t* input_data,
                                    const cmsis_nn_dims* filter_dims, const int8_t* filter_data, const cmsis_nn_dims*,
                                    const int32_t* bias_data, const cmsis_nn_dims* output_dims, int8_t* output_data) {
  const auto size = available_in(ctx, arm_convolve_s8_get_buffer_size(input_dims, filter_dims));
  return run(layer_of(*conv_params, *input_dims, *filter_dims, *output_dims, false), ctx, quant_params, input_data,
             filter_data, bias_data, output_data, size);
}

// Stride 1 and the widest padding that reads src at all; twice that, for dilations.
int32_t arm_convolve_s8_get_buffer_size(const cmsis_nn_dims* in, const cmsis_nn_dims* filter) {
  const cmsis_nn_conv_params p{0, 0, {1, 1}, {filter->w - 1, filter->h - 1}, {1, 1}, {-128, 127}};
  const cmsis_nn_dims out{in->n, in->h + filter->h - 1, in->w + filter->w - 1, filter->n};
  const std::int32_t size = arm_convolve_wrapper_s8_get_buffer_size(&p, in, filter, &out);
  return size > std::numeric_limits<std::int32_t>::max() / 2 ? -1 : 2 * size;
}

arm_cmsis_nn_status arm_convolve_wrapper_s8(const cmsis_nn_context* ctx, const cmsis_nn_conv_params* conv_params,
                                            const cmsis_nn_per_channel_quant_params* quant_params,
                                            const cmsis_nn_dims* input_dims, const int8_t* input_data,
                                            const cmsis_nn_dims* filter_dims, const int8_t* filter_data,
                                            const cmsis_nn_dims*, const int32_t* bias_data,
                                            const cmsis_nn_dims* output_dims, int8_t* output_data) {
  const layer x = layer_of(*conv_params, *input_dims, *filter_dims, *output_dims, false);
  return run(x, ctx, quant_params, input_data, filter_data, bias_data, output_data, available_in(ctx, buffer_size(x)));
}
int32_t arm_convolve_wrapper_s8_get_buffer_size(const cmsis_nn_conv_params* p, const cmsis_nn_dims* in,
                                                const cmsis_nn_dims* filter, const cmsis_nn_dims* out) {
  return buffer_size(layer_of(*p, *in, *filter, *out, false));
}

arm_cmsis_nn_status arm_depthwise_conv_s8(const cmsis_nn_context* ctx, const cmsis_nn_dw_conv_params* dw_conv_params,
                                          const cmsis_nn_per_channel_quant_params* quant_params,
                                          const cmsis_nn_dims* input_dims, const int8_t* input_data,
                                          const cmsis_nn_dims* filter_dims, const int8_t* filter_data,
                                          const cmsis_nn_dims* bias_dims, const int32_t* bias_data,
                                          const cmsis_nn_dims* output_dims, int8_t* output_data) {
  return arm_depthwise_conv_wrapper_s8(ctx, dw_conv_params, quant_params, input_dims, input_data, filter_dims,
                                       filter_data, bias_dims, bias_data, output_dims, output_data);
}
arm_cmsis_nn_status arm_depthwise_conv_wrapper_s8(const cmsis_nn_context* ctx,
                                                  const cmsis_nn_dw_conv_params* dw_conv_params,
                                                  const cmsis_nn_per_channel_quant_params* quant_params,
                                                  const cmsis_nn_dims* input_dims, const int8_t* input_data,
                                                  const cmsis_nn_dims* filter_dims, const int8_t* filter_data,
                                                  const cmsis_nn_dims*, const int32_t* bias_data,
                                                  const cmsis_nn_dims* output_dims, int8_t* output_data) {
  const layer x = layer_of(*dw_conv_params, *input_dims, *filter_dims, *output_dims, true);
  return run(x, ctx, quant_params, input_data, filter_data, bias_data, output_data, available_in(ctx, buffer_size(x)));
}
int32_t arm_depthwise_conv_wrapper_s8_get_buffer_size(const cmsis_nn_dw_conv_params* p, const cmsis_nn_dims* in,
                                                      const cmsis_nn_dims* filter, const cmsis_nn_dims* out) {
  return buffer_size(layer_of(*p, *in, *filter, *out, true));
}

arm_cmsis_nn_status arm_fully_connected_s8(const cmsis_nn_context* ctx, const cmsis_nn_fc_params* p,
                                           const cmsis_nn_per_tensor_quant_params* quant_params,
                                           const cmsis_nn_dims* input_dims, const int8_t* input_data,
                                           const cmsis_nn_dims* filter_dims, const int8_t* filter_data,
                                           const cmsis_nn_dims*, const int32_t* bias_data,
                                           const cmsis_nn_dims* output_dims, int8_t* output_data) {
  const ashlar::index batches = input_dims->n, depth = filter_dims->n, outputs = output_dims->c;
  if (!ctx || !ctx->buf) return ARM_CMSIS_NN_ARG_ERROR;
  parts memory(ctx->buf);
  const std::int32_t* const bias = bias_or_zeros(bias_data, outputs, memory);
  const auto A = view(input_data, batches, depth);
  const auto B = view(filter_data, outputs, depth).transposed();
  const auto C = view(output_data, batches, outputs);
  const auto e = requantize(acc + per_column(bias), tflite{quant_params->multiplier, int(quant_params->shift)},
                            p->output_offset, p->activation.min, p->activation.max);
  const a_zero_point za(-p->input_offset);
  const b_zero_point zb(-p->filter_offset);
  const std::size_t needed = gemm_workspace_bytes(A, B, C, e, za, zb);
  const std::size_t has = available_in(ctx, arm_fully_connected_s8_get_buffer_size(filter_dims));
  if (line + lines(std::size_t(outputs) * sizeof(std::int32_t)) + needed > has) return ARM_CMSIS_NN_ARG_ERROR;
  return gemm(A, B, C, e, za, zb, scratch(memory.take(needed))).ok() ? ARM_CMSIS_NN_SUCCESS : ARM_CMSIS_NN_ARG_ERROR;
}

// Of one batch, and of as many as a block of dst has rows: more take no more.
int32_t arm_fully_connected_s8_get_buffer_size(const cmsis_nn_dims* filter_dims) {
  const ashlar::index depth = filter_dims->n, outputs = filter_dims->c;
  const std::int8_t* const none = nullptr;
  std::int8_t* const to = nullptr;
  const auto scratch_bytes = [&](ashlar::index batches) {
    return gemm_workspace_bytes(view(none, batches, depth), view(none, outputs, depth).transposed(),
                                view(to, batches, outputs), a_zero_point(0), b_zero_point(0));
  };
  return whole(line + lines(std::size_t(outputs) * sizeof(std::int32_t)) +
               std::max(scratch_bytes(1), scratch_bytes(8192)));
}

}  // extern "C"
