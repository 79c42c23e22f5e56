/* SPDX-License-Identifier: Apache-2.0
 *
 * The entry points of CMSIS-NN for layers that multiply, which this library stands in for: names, structures, values
 * and signatures are those of its version 7. Programs that have CMSIS-NN's own headers go on including those.
 *
 * A function is declared by the type of its kind:  ashlar_convolve_s8 arm_convolve_wrapper_s8;
 */
#ifndef ASHLAR_CMSIS_NN_H
#define ASHLAR_CMSIS_NN_H
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  ARM_CMSIS_NN_SUCCESS = 0,
  ARM_CMSIS_NN_ARG_ERROR = -1,
  ARM_CMSIS_NN_NO_IMPL_ERROR = -2,
  ARM_CMSIS_NN_FAILURE = -3,
} arm_cmsis_nn_status;

/* Scratch memory, as large as the function's _get_buffer_size says; a size of 0 promises that. */
typedef struct {
  void* buf;
  int32_t size;
} cmsis_nn_context;

typedef struct {
  int32_t n, h, w, c;
} cmsis_nn_dims;

typedef struct {
  int32_t w, h;
} cmsis_nn_tile;

typedef struct {
  int32_t min, max;
} cmsis_nn_activation;

/* The bias of 16-bit activations. NULL data: none. */
typedef struct {
  const void* data;
  const bool is_int32_bias;
} cmsis_nn_bias_data;

typedef struct {
  int32_t *multiplier, *shift;
} cmsis_nn_per_channel_quant_params;

typedef struct {
  int32_t multiplier, shift;
} cmsis_nn_per_tensor_quant_params;

typedef struct {
  int32_t *multiplier, *shift;
  int32_t is_per_channel;
} cmsis_nn_quant_params;

/* Offsets of inputs and filters are what is added to them, of outputs the zero point. Those of 16 bits have none. */
typedef struct {
  int32_t input_offset, output_offset;
  cmsis_nn_tile stride, padding, dilation;
  cmsis_nn_activation activation;
} cmsis_nn_conv_params;

/* padding_offsets and dilation are not read. */
typedef struct {
  int32_t input_offset, output_offset;
  cmsis_nn_tile stride, padding, padding_offsets, dilation;
  cmsis_nn_activation activation;
} cmsis_nn_transpose_conv_params;

typedef struct {
  int32_t input_offset, output_offset, ch_mult;
  cmsis_nn_tile stride, padding, dilation;
  cmsis_nn_activation activation;
} cmsis_nn_dw_conv_params;

typedef struct {
  int32_t input_offset, filter_offset, output_offset;
  cmsis_nn_activation activation;
} cmsis_nn_fc_params;

/* adj_x and adj_y are not read: both operands come with the sums' dimension last. */
typedef struct {
  const bool adj_x, adj_y;
  cmsis_nn_fc_params fc_params;
} cmsis_nn_bmm_params;

/* Convolutions: input NHWC; filter {outputs, height, width, channels of a group}; bias of outputs, or NULL; there are as
 * many outputs as output_dims->c. */
typedef arm_cmsis_nn_status ashlar_convolve_s8(const cmsis_nn_context* ctx, const cmsis_nn_conv_params* conv_params,
                                               const cmsis_nn_per_channel_quant_params* quant_params,
                                               const cmsis_nn_dims* input_dims, const int8_t* input_data,
                                               const cmsis_nn_dims* filter_dims, const int8_t* filter_data,
                                               const cmsis_nn_dims* bias_dims, const int32_t* bias_data,
                                               const cmsis_nn_dims* output_dims, int8_t* output_data);
typedef arm_cmsis_nn_status ashlar_convolve_s16(const cmsis_nn_context* ctx, const cmsis_nn_conv_params* conv_params,
                                                const cmsis_nn_per_channel_quant_params* quant_params,
                                                const cmsis_nn_dims* input_dims, const int16_t* input_data,
                                                const cmsis_nn_dims* filter_dims, const int8_t* filter_data,
                                                const cmsis_nn_dims* bias_dims, const cmsis_nn_bias_data* bias_data,
                                                const cmsis_nn_dims* output_dims, int16_t* output_data);
typedef int32_t ashlar_convolve_size(const cmsis_nn_conv_params* conv_params, const cmsis_nn_dims* input_dims,
                                     const cmsis_nn_dims* filter_dims, const cmsis_nn_dims* output_dims);
/* Sizes for what of the layer they know; where it needs more, the function computes it in parts. */
typedef int32_t ashlar_input_and_filter_size(const cmsis_nn_dims* input_dims, const cmsis_nn_dims* filter_dims);

ashlar_convolve_s8 arm_convolve_wrapper_s8, arm_convolve_wrapper_s4;
ashlar_convolve_size arm_convolve_wrapper_s8_get_buffer_size, arm_convolve_wrapper_s8_get_buffer_size_dsp,
    arm_convolve_wrapper_s8_get_buffer_size_mve, arm_convolve_wrapper_s4_get_buffer_size,
    arm_convolve_wrapper_s4_get_buffer_size_dsp, arm_convolve_wrapper_s4_get_buffer_size_mve;
/* upscale_dims: NULL, or 1 x 1. */
arm_cmsis_nn_status arm_convolve_s8(const cmsis_nn_context* ctx, const cmsis_nn_conv_params* conv_params,
                                    const cmsis_nn_per_channel_quant_params* quant_params,
                                    const cmsis_nn_dims* input_dims, const int8_t* input_data,
                                    const cmsis_nn_dims* filter_dims, const int8_t* filter_data,
                                    const cmsis_nn_dims* bias_dims, const int32_t* bias_data,
                                    const cmsis_nn_dims* upscale_dims, const cmsis_nn_dims* output_dims,
                                    int8_t* output_data);
ashlar_convolve_s8 arm_convolve_s4;
ashlar_input_and_filter_size arm_convolve_s8_get_buffer_size, arm_convolve_s4_get_buffer_size;
/* Kernels of 1 x 1 without padding, _fast of stride 1; the context is not used. */
ashlar_convolve_s8 arm_convolve_1x1_s8, arm_convolve_1x1_s8_fast, arm_convolve_1x1_s4, arm_convolve_1x1_s4_fast;
int32_t arm_convolve_1x1_s8_fast_get_buffer_size(const cmsis_nn_dims* input_dims);
int32_t arm_convolve_1x1_s4_fast_get_buffer_size(const cmsis_nn_dims* input_dims);
/* Images, kernels and outputs of one row. */
ashlar_convolve_s8 arm_convolve_1_x_n_s8, arm_convolve_1_x_n_s4;
ashlar_convolve_size arm_convolve_1_x_n_s8_get_buffer_size, arm_convolve_1_x_n_s4_get_buffer_size;

ashlar_convolve_s16 arm_convolve_wrapper_s16, arm_convolve_s16;
ashlar_convolve_size arm_convolve_wrapper_s16_get_buffer_size, arm_convolve_wrapper_s16_get_buffer_size_dsp,
    arm_convolve_wrapper_s16_get_buffer_size_mve;
ashlar_input_and_filter_size arm_convolve_s16_get_buffer_size;

/* Depthwise: filter {1, height, width, outputs}, outputs = ch_mult * channels of the input. */
typedef arm_cmsis_nn_status ashlar_depthwise_conv_s8(
    const cmsis_nn_context* ctx, const cmsis_nn_dw_conv_params* dw_conv_params,
    const cmsis_nn_per_channel_quant_params* quant_params, const cmsis_nn_dims* input_dims, const int8_t* input_data,
    const cmsis_nn_dims* filter_dims, const int8_t* filter_data, const cmsis_nn_dims* bias_dims,
    const int32_t* bias_data, const cmsis_nn_dims* output_dims, int8_t* output_data);
typedef arm_cmsis_nn_status ashlar_depthwise_conv_s16(
    const cmsis_nn_context* ctx, const cmsis_nn_dw_conv_params* dw_conv_params,
    const cmsis_nn_per_channel_quant_params* quant_params, const cmsis_nn_dims* input_dims, const int16_t* input_data,
    const cmsis_nn_dims* filter_dims, const int8_t* filter_data, const cmsis_nn_dims* bias_dims,
    const int64_t* bias_data, const cmsis_nn_dims* output_dims, int16_t* output_data);
typedef int32_t ashlar_depthwise_conv_size(const cmsis_nn_dw_conv_params* dw_conv_params,
                                           const cmsis_nn_dims* input_dims, const cmsis_nn_dims* filter_dims,
                                           const cmsis_nn_dims* output_dims);

ashlar_depthwise_conv_s8 arm_depthwise_conv_wrapper_s8, arm_depthwise_conv_wrapper_s4;
ashlar_depthwise_conv_s16 arm_depthwise_conv_wrapper_s16;
ashlar_depthwise_conv_size arm_depthwise_conv_wrapper_s8_get_buffer_size,
    arm_depthwise_conv_wrapper_s8_get_buffer_size_dsp, arm_depthwise_conv_wrapper_s8_get_buffer_size_mve,
    arm_depthwise_conv_wrapper_s4_get_buffer_size, arm_depthwise_conv_wrapper_s4_get_buffer_size_dsp,
    arm_depthwise_conv_wrapper_s4_get_buffer_size_mve, arm_depthwise_conv_wrapper_s16_get_buffer_size,
    arm_depthwise_conv_wrapper_s16_get_buffer_size_dsp, arm_depthwise_conv_wrapper_s16_get_buffer_size_mve;
/* As many outputs as channels. */
ashlar_depthwise_conv_s8 arm_depthwise_conv_s8_opt, arm_depthwise_conv_s4_opt;
ashlar_depthwise_conv_s16 arm_depthwise_conv_fast_s16;
ashlar_input_and_filter_size arm_depthwise_conv_s8_opt_get_buffer_size, arm_depthwise_conv_s4_opt_get_buffer_size,
    arm_depthwise_conv_fast_s16_get_buffer_size;
/* The context is not used. 3x3: as many outputs as channels, kernels of 3 x 3, padding.w 0 or 1. */
ashlar_depthwise_conv_s8 arm_depthwise_conv_s8, arm_depthwise_conv_s4, arm_depthwise_conv_3x3_s8;
ashlar_depthwise_conv_s16 arm_depthwise_conv_s16;

/* Transposed: filter {outputs, height, width, channels}; output_ctx is not used. */
typedef arm_cmsis_nn_status ashlar_transpose_conv_s8(
    const cmsis_nn_context* ctx, const cmsis_nn_context* output_ctx,
    const cmsis_nn_transpose_conv_params* transpose_conv_params, const cmsis_nn_per_channel_quant_params* quant_params,
    const cmsis_nn_dims* input_dims, const int8_t* input_data, const cmsis_nn_dims* filter_dims,
    const int8_t* filter_data, const cmsis_nn_dims* bias_dims, const int32_t* bias_data,
    const cmsis_nn_dims* output_dims, int8_t* output_data);
/* Of the parameters the strides alone are read. */
typedef int32_t ashlar_transpose_conv_size(const cmsis_nn_transpose_conv_params* transpose_conv_params,
                                           const cmsis_nn_dims* input_dims, const cmsis_nn_dims* filter_dims,
                                           const cmsis_nn_dims* output_dims);

ashlar_transpose_conv_s8 arm_transpose_conv_wrapper_s8, arm_transpose_conv_s8;
ashlar_transpose_conv_size arm_transpose_conv_s8_get_buffer_size, arm_transpose_conv_s8_get_buffer_size_mve;
int32_t arm_transpose_conv_s8_get_reverse_conv_buffer_size(const cmsis_nn_transpose_conv_params* transpose_conv_params,
                                                           const cmsis_nn_dims* input_dims,
                                                           const cmsis_nn_dims* filter_dims);

/* Fully connected: input {batches, h, w, c}; filter {h * w * c of the input, outputs in c}, an output a row. The context
 * is not used. */
typedef arm_cmsis_nn_status ashlar_fully_connected_s8(const cmsis_nn_context* ctx, const cmsis_nn_fc_params* fc_params,
                                                      const cmsis_nn_per_tensor_quant_params* quant_params,
                                                      const cmsis_nn_dims* input_dims, const int8_t* input_data,
                                                      const cmsis_nn_dims* filter_dims, const int8_t* filter_data,
                                                      const cmsis_nn_dims* bias_dims, const int32_t* bias_data,
                                                      const cmsis_nn_dims* output_dims, int8_t* output_data);
typedef int32_t ashlar_filter_size(const cmsis_nn_dims* filter_dims);

ashlar_fully_connected_s8 arm_fully_connected_s8, arm_fully_connected_s4;
arm_cmsis_nn_status arm_fully_connected_per_channel_s8(
    const cmsis_nn_context* ctx, const cmsis_nn_fc_params* fc_params,
    const cmsis_nn_per_channel_quant_params* quant_params, const cmsis_nn_dims* input_dims, const int8_t* input_data,
    const cmsis_nn_dims* filter_dims, const int8_t* filter_data, const cmsis_nn_dims* bias_dims,
    const int32_t* bias_data, const cmsis_nn_dims* output_dims, int8_t* output_data);
arm_cmsis_nn_status arm_fully_connected_wrapper_s8(
    const cmsis_nn_context* ctx, const cmsis_nn_fc_params* fc_params, const cmsis_nn_quant_params* quant_params,
    const cmsis_nn_dims* input_dims, const int8_t* input_data, const cmsis_nn_dims* filter_dims,
    const int8_t* filter_data, const cmsis_nn_dims* bias_dims, const int32_t* bias_data,
    const cmsis_nn_dims* output_dims, int8_t* output_data);
arm_cmsis_nn_status arm_fully_connected_s16(const cmsis_nn_context* ctx, const cmsis_nn_fc_params* fc_params,
                                            const cmsis_nn_per_tensor_quant_params* quant_params,
                                            const cmsis_nn_dims* input_dims, const int16_t* input_data,
                                            const cmsis_nn_dims* filter_dims, const int8_t* filter_data,
                                            const cmsis_nn_dims* bias_dims, const int64_t* bias_data,
                                            const cmsis_nn_dims* output_dims, int16_t* output_data);
ashlar_filter_size arm_fully_connected_s8_get_buffer_size, arm_fully_connected_s8_get_buffer_size_dsp,
    arm_fully_connected_s8_get_buffer_size_mve, arm_fully_connected_s16_get_buffer_size,
    arm_fully_connected_s16_get_buffer_size_dsp, arm_fully_connected_s16_get_buffer_size_mve;

/* Matrices of w rows and c columns, n * h of them; one serves all where n or h is 1. output(i, j) is of row i of the
 * left and row j of the right. The context is not used. */
arm_cmsis_nn_status arm_batch_matmul_s8(const cmsis_nn_context* ctx, const cmsis_nn_bmm_params* bmm_params,
                                        const cmsis_nn_per_tensor_quant_params* quant_params,
                                        const cmsis_nn_dims* input_lhs_dims, const int8_t* input_lhs,
                                        const cmsis_nn_dims* input_rhs_dims, const int8_t* input_rhs,
                                        const cmsis_nn_dims* output_dims, int8_t* output);
arm_cmsis_nn_status arm_batch_matmul_s16(const cmsis_nn_context* ctx, const cmsis_nn_bmm_params* bmm_params,
                                         const cmsis_nn_per_tensor_quant_params* quant_params,
                                         const cmsis_nn_dims* input_lhs_dims, const int16_t* input_lhs,
                                         const cmsis_nn_dims* input_rhs_dims, const int16_t* input_rhs,
                                         const cmsis_nn_dims* output_dims, int16_t* output);

/* vector_sum_buf[i] = bias_data[i] + lhs_offset * sum over j of (vector_data[i][j] + rhs_offset), which no function here
 * asks for. _s64 has no rhs_offset. */
arm_cmsis_nn_status arm_vector_sum_s8(int32_t* vector_sum_buf, int32_t vector_cols, int32_t vector_rows,
                                      const int8_t* vector_data, int32_t lhs_offset, int32_t rhs_offset,
                                      const int32_t* bias_data);
arm_cmsis_nn_status arm_vector_sum_s8_s64(int64_t* vector_sum_buf, int32_t vector_cols, int32_t vector_rows,
                                          const int8_t* vector_data, int32_t lhs_offset, const int64_t* bias_data);

#ifdef __cplusplus
}
#endif
#endif
