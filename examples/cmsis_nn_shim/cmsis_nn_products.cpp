// SPDX-License-Identifier: Apache-2.0
//
// cmsis_nn_products.cpp: fully connected layers, products of batches, convolutions by 1 x 1 kernels. None needs a
// context.
#include "product.hpp"
#include "signatures.hpp"

namespace {

using namespace shim;
using ashlar::matrix_view;
using ashlar::view;
using shim::index;  // and not that of <strings.h>

template <class T, class W>
status_t on_stack(const product<T, W>& x) {
  return on_the_stack([&](std::span<std::byte> memory) { return compute(x, memory); });
}

template <class T>
status_t fully_connected(const cmsis_nn_fc_params& p, const cmsis_nn_quant_params& q, dims in,
                         const typename T::element* x, dims filter, bytes w, const typename T::sum* b, dims out,
                         typename T::element* y) {
  product<T> c{};
  c.a = view(x, in->n, filter->n), c.b = w, c.c = view(y, in->n, out->c), c.bias = b;
  c.multiplier = q.multiplier, c.shift = q.shift, c.per_channel = q.is_per_channel != 0;
  if constexpr (has_zero_points<T>) {
    c.a_zero = -p.input_offset, c.b_zero = -p.filter_offset, c.output_offset = p.output_offset;
  }
  c.range = p.activation;
  return on_stack(c);
}

// One multiplier and one shift, which the structure that takes either has as pointers to what may be written.
cmsis_nn_quant_params one(cmsis_nn_per_tensor_quant_params& q) { return {&q.multiplier, &q.shift, 0}; }

template <class T>
status_t batch_matmul(const cmsis_nn_fc_params& p, const cmsis_nn_per_tensor_quant_params& q, const cmsis_nn_dims& l,
                      const typename T::element* lhs, const cmsis_nn_dims& r, const typename T::element* rhs,
                      const cmsis_nn_dims& out, typename T::element* y) {
  using element = typename T::element;
  const auto fits = [&](int a, int b) { return a == b || a == 1; };
  if (l.c != r.c || !fits(l.n, out.n) || !fits(r.n, out.n) || !fits(l.h, out.h) || !fits(r.h, out.h)) {
    return ARM_CMSIS_NN_ARG_ERROR;
  }
  product<T, element> x{};
  x.multiplier = &q.multiplier, x.shift = &q.shift, x.range = p.activation;
  if constexpr (has_zero_points<T>) {
    x.a_zero = -p.input_offset, x.b_zero = -p.filter_offset, x.output_offset = p.output_offset;
  }
  const index rows = l.w, columns = r.w, depth = l.c;
  for (index i = 0; i < index(out.n) * out.h; ++i) {
    const auto at = [&](const cmsis_nn_dims& d) { return (i / out.h % d.n * d.h + i % out.h % d.h) * d.w * depth; };
    x.a = view(lhs + at(l), rows, depth), x.b = rhs + at(r), x.c = view(y + i * rows * columns, rows, columns);
    if (const status_t s = on_stack(x); s != ARM_CMSIS_NN_SUCCESS) return s;
  }
  return ARM_CMSIS_NN_SUCCESS;
}

// Of stride 1 one product; else one for each row of the output.
template <class T>
status_t convolve_1x1(conv p, channels q, dims in, bytes x, bytes w, bias32 b, dims out, int8_t* y) {
  const index sh = p->stride.h, sw = p->stride.w, depth = in->c, outputs = out->c;
  const auto reached = [](index made, index stride, index n) { return stride > 0 && (made - 1) * stride < n; };
  if (p->padding.h != 0 || p->padding.w != 0 || !reached(out->h, sh, in->h) || !reached(out->w, sw, in->w)) {
    return ARM_CMSIS_NN_ARG_ERROR;
  }
  product<T> c{};
  c.b = w, c.bias = b, c.multiplier = q->multiplier, c.shift = q->shift, c.per_channel = true;
  c.a_zero = -p->input_offset, c.output_offset = p->output_offset, c.range = p->activation;
  const index pixels = index(in->n) * out->h * out->w;
  const bool one = out->h == in->h && out->w == in->w;
  const index rows = one ? pixels : out->w;
  for (index i = 0; i < pixels; i += rows) {
    const index pixel = one ? 0 : i / out->w / out->h * in->h * in->w + i / out->w % out->h * sh * in->w;
    c.a = view(x + pixel * depth, rows, depth, (one ? 1 : sw) * depth, 1);
    c.c = view(y + i * outputs, rows, outputs);
    if (const status_t s = on_stack(c); s != ARM_CMSIS_NN_SUCCESS) return s;
  }
  return ARM_CMSIS_NN_SUCCESS;
}

// bias(i) + lhs_offset * sum over j of (w(i, j) + rhs_offset), in integers that wrap.
template <class Sum>
status_t sums_of_rows(Sum* sums, index columns, index rows, bytes w, Sum lhs_offset, Sum rhs_offset, const Sum* bias) {
  using wrapping = std::make_unsigned_t<Sum>;
  for (index i = 0; i < rows; ++i) {
    wrapping sum = 0;
    for (index j = 0; j < columns; ++j) sum += wrapping(w[i * columns + j]) + wrapping(rhs_offset);
    sums[i] = Sum(sum * wrapping(lhs_offset) + wrapping(bias ? bias[i] : 0));
  }
  return ARM_CMSIS_NN_SUCCESS;
}

bool of_stride_one(conv p) { return p->stride.h == 1 && p->stride.w == 1; }

}  // namespace

extern "C" {

status_t arm_fully_connected_s8(context, connected p, tensor q, dims in, bytes x, dims f, bytes w, dims, bias32 b,
                                dims out, int8_t* y) {
  auto values = *q;
  return fully_connected<s8>(*p, one(values), in, x, f, w, b, out, y);
}
status_t arm_fully_connected_s4(context, connected p, tensor q, dims in, bytes x, dims f, bytes w, dims, bias32 b,
                                dims out, int8_t* y) {
  auto values = *q;
  return fully_connected<s4>(*p, one(values), in, x, f, w, b, out, y);
}
status_t arm_fully_connected_s16(context, connected p, tensor q, dims in, words x, dims f, bytes w, dims, bias64 b,
                                 dims out, int16_t* y) {
  auto values = *q;
  return fully_connected<s16>(*p, one(values), in, x, f, w, b, out, y);
}
status_t arm_fully_connected_per_channel_s8(context, connected p, channels q, dims in, bytes x, dims f, bytes w, dims,
                                            bias32 b, dims out, int8_t* y) {
  return fully_connected<s8>(*p, {q->multiplier, q->shift, 1}, in, x, f, w, b, out, y);
}
status_t arm_fully_connected_wrapper_s8(context, connected p, const cmsis_nn_quant_params* q, dims in, bytes x, dims f,
                                        bytes w, dims, bias32 b, dims out, int8_t* y) {
  return fully_connected<s8>(*p, *q, in, x, f, w, b, out, y);
}
int32_t arm_fully_connected_s8_get_buffer_size(dims) { return 0; }
int32_t arm_fully_connected_s8_get_buffer_size_dsp(dims) { return 0; }
int32_t arm_fully_connected_s8_get_buffer_size_mve(dims) { return 0; }
int32_t arm_fully_connected_s16_get_buffer_size(dims) { return 0; }
int32_t arm_fully_connected_s16_get_buffer_size_dsp(dims) { return 0; }
int32_t arm_fully_connected_s16_get_buffer_size_mve(dims) { return 0; }

status_t arm_batch_matmul_s8(context, const cmsis_nn_bmm_params* p, tensor q, dims l, bytes lhs, dims r, bytes rhs,
                             dims out, int8_t* y) {
  return batch_matmul<s8>(p->fc_params, *q, *l, lhs, *r, rhs, *out, y);
}
status_t arm_batch_matmul_s16(context, const cmsis_nn_bmm_params* p, tensor q, dims l, words lhs, dims r, words rhs,
                              dims out, int16_t* y) {
  return batch_matmul<s16>(p->fc_params, *q, *l, lhs, *r, rhs, *out, y);
}

status_t arm_convolve_1x1_s8(context, conv p, channels q, dims in, bytes x, dims, bytes w, dims, bias32 b, dims out,
                             int8_t* y) {
  return convolve_1x1<s8>(p, q, in, x, w, b, out, y);
}
status_t arm_convolve_1x1_s4(context, conv p, channels q, dims in, bytes x, dims, bytes w, dims, bias32 b, dims out,
                             int8_t* y) {
  return convolve_1x1<s4>(p, q, in, x, w, b, out, y);
}
status_t arm_convolve_1x1_s8_fast(context, conv p, channels q, dims in, bytes x, dims, bytes w, dims, bias32 b,
                                  dims out, int8_t* y) {
  return of_stride_one(p) ? convolve_1x1<s8>(p, q, in, x, w, b, out, y) : ARM_CMSIS_NN_ARG_ERROR;
}
status_t arm_convolve_1x1_s4_fast(context, conv p, channels q, dims in, bytes x, dims, bytes w, dims, bias32 b,
                                  dims out, int8_t* y) {
  return of_stride_one(p) ? convolve_1x1<s4>(p, q, in, x, w, b, out, y) : ARM_CMSIS_NN_ARG_ERROR;
}
int32_t arm_convolve_1x1_s8_fast_get_buffer_size(dims) { return 0; }
int32_t arm_convolve_1x1_s4_fast_get_buffer_size(dims) { return 0; }

status_t arm_vector_sum_s8(int32_t* sums, int32_t columns, int32_t rows, bytes w, int32_t lhs_offset,
                           int32_t rhs_offset, bias32 bias) {
  return sums_of_rows(sums, columns, rows, w, lhs_offset, rhs_offset, bias);
}
status_t arm_vector_sum_s8_s64(int64_t* sums, int32_t columns, int32_t rows, bytes w, int32_t lhs_offset, bias64 bias) {
  return sums_of_rows<std::int64_t>(sums, columns, rows, w, lhs_offset, 0, bias);
}

}  // extern "C"
