// SPDX-License-Identifier: Apache-2.0
//
// convolution.hpp: a convolution of CMSIS-NN, dense, grouped, depthwise or transposed, in the memory that there is.
//
//   memory    [ weights, unpacked of s4 | packed weights | bias, where the caller has none | scratch ]
//
// Memory for less than all of it computes outputs and rows in halves; what no half fits into, the reference computes.
// Weights are packed in every call, since the interface has no place to do it once.
//
// Used by: cmsis_nn_s8.cpp, cmsis_nn_s16.cpp.
#pragma once

#include <array>
#include <ashlar/conv.hpp>
#include <ashlar/reference.hpp>
#include <type_traits>

#include "element_types.hpp"
#include "memory.hpp"

namespace shim {

enum class kind { dense, depthwise, transposed };

// One layer, or a part of it: the views are of the caller's tensors.
template <class T>
struct convolution {
  using element = typename T::element;
  using sum = typename T::sum;
  using plan_type = std::remove_cvref_t<decltype(ashlar::plan_conv2d<typename T::types>(ashlar::conv2d{}).value())>;
  using weights_view = ashlar::filter_view<const std::int8_t>;

  bool transposed;
  ashlar::image_view<const element> src;
  ashlar::image_view<element> dst;
  const std::int8_t* weights;
  index first;                  // of the weights, the layer's
  ashlar::filter_axes strides;  // of the weights
  std::array<index, 2> kernel, stride, dilation, before;
  index groups, group_channels;
  const sum* bias;
  const std::int32_t *multiplier, *shift;
  std::int32_t input_offset, output_offset;
  cmsis_nn_activation range;

  index outputs() const { return dst.extents().c; }
  std::array<index, 2> src_size() const { return {src.extents().h, src.extents().w}; }
  std::array<index, 2> dst_size() const { return {dst.extents().h, dst.extents().w}; }

  // What lies before is said; what lies after follows from the output.
  ashlar::conv2d forward_problem() const {
    const auto& s = src.extents();
    ashlar::conv2d p{.src = {s.n, s.h, s.w, s.c}, .weights = {outputs(), kernel[0], kernel[1], group_channels}};
    p.stride = stride, p.dilation = dilation, p.padding.before = before, p.groups = groups;
    for (std::size_t i = 0; i < 2; ++i) {
      const index span = (dst_size()[i] - 1) * stride[i] + (kernel[i] - 1) * dilation[i] + 1;
      p.padding.after[i] = std::max<index>(0, span - src_size()[i] - before[i]);
    }
    return p;
  }
  ashlar::conv_transpose2d transposed_problem() const {
    const auto& s = src.extents();
    ashlar::conv_transpose2d p{.src = {s.n, s.h, s.w, s.c}, .weights = {s.c, kernel[0], kernel[1], outputs()}};
    p.stride = stride, p.padding.before = before;
    for (std::size_t i = 0; i < 2; ++i) {
      const index after = (src_size()[i] - 1) * stride[i] + kernel[i] - before[i] - dst_size()[i];
      p.padding.after[i] = std::max<index>(0, after), p.output_padding[i] = std::max<index>(0, -after);
    }
    return p;
  }
  ashlar::result<plan_type> plan() const {
    if (transposed) return ashlar::plan_conv_transpose2d<typename T::types>(transposed_problem());
    return ashlar::plan_conv2d<typename T::types>(forward_problem());
  }
  // The geometry of the forward convolution, of a transposed one that whose gradient it is.
  auto geometry() const {
    return transposed ? ashlar::detail::geometry_of(transposed_problem())
                      : ashlar::detail::geometry_of(forward_problem());
  }

  std::size_t unpacked_bytes() const {
    return T::nibbles ? std::size_t(outputs() * kernel[0] * kernel[1] * group_channels) : 0;
  }
  std::size_t bytes(const plan_type& plan) const {
    return line + lines(unpacked_bytes()) + lines(plan.packed_bytes()) + lines(std::size_t(outputs()) * sizeof(sum)) +
           lines(plan.workspace_bytes());
  }

  std::size_t least_bytes() const {
    return line + lines(T::nibbles ? std::size_t(kernel[0] * kernel[1] * group_channels) : 0) + lines(sizeof(sum));
  }

  // {outputs, 1, height, width, channels}; of a transposed convolution outputs and channels change places.
  weights_view filter(const std::int8_t* data, const ashlar::filter_axes& t) const {
    const ashlar::filter_axes e{outputs(), 1, kernel[0], kernel[1], group_channels};
    if (transposed) return {data, {e.c, e.d, e.r, e.s, e.k}, {t.c, t.d, t.r, t.s, t.k}};
    return {data, e, t};
  }
  weights_view filter(parts& memory) const {
    if constexpr (!T::nibbles) {
      return filter(weights + first, strides);
    } else {
      const index rs = kernel[0] * kernel[1], c = group_channels;
      auto* const bytes = memory.take_array<std::int8_t>(unpacked_bytes());
      const ashlar::filter_axes dense{rs * c, 0, kernel[1] * c, c, 1};
      for (index i = 0; i < outputs() * rs * c; ++i) {
        const index k = i / dense.k, r = i % dense.k / dense.r, s = i % dense.r / dense.s;
        bytes[i] = weight<T>(weights, first + k * strides.k + r * strides.r + s * strides.s + i % c * strides.c);
      }
      return filter(bytes, dense);
    }
  }

  arm_cmsis_nn_status run(const plan_type& plan, std::span<std::byte> all) const {
    parts memory(all);
    const weights_view bytes = filter(memory);
    const auto packed = plan.pack(bytes, memory.take(plan.packed_bytes()));
    if (!packed.ok()) return ARM_CMSIS_NN_ARG_ERROR;
    const sum* const added = bias_or_zeros(bias, std::size_t(outputs()), memory);
    const auto e = epilogue(added, multiplier, shift, output_offset, range);
    const auto room = ashlar::scratch(memory.take(plan.workspace_bytes()));
    ashlar::status ran;
    if constexpr (has_zero_points<T>) {
      ran = plan.run(src, packed.value(), dst, e, ashlar::src_zero_point(-input_offset), room);
    } else {
      ran = plan.run(src, packed.value(), dst, e, room);
    }
    return ran.ok() ? ARM_CMSIS_NN_SUCCESS : ARM_CMSIS_NN_ARG_ERROR;
  }
  // Of one output: in least_bytes().
  arm_cmsis_nn_status by_reference(std::span<std::byte> all) const {
    parts memory(all);
    const weights_view bytes = filter(memory);
    const sum* const added = bias_or_zeros(bias, 1, memory);
    ashlar::reference::mixed_convolution<element, std::int8_t, element, sum>(
        geometry().value(), src, bytes, dst, epilogue(added, multiplier, shift, output_offset, range), -input_offset, 0,
        transposed);
    return ARM_CMSIS_NN_SUCCESS;
  }

  // The part of these outputs, which are those of whole groups, or of the only one.
  convolution part_of_outputs(index from, index count) const {
    convolution x = *this;
    if (groups > 1) {
      const index of_group = outputs() / groups;
      x.groups = count / of_group;
      x.src = src.channels(from / of_group * group_channels, x.groups * group_channels);
    }
    x.dst = dst.channels(from, count);
    x.first += from * strides.k, x.multiplier += from, x.shift += from;
    if (bias) x.bias += from;
    return x;
  }
  // The part of these rows, and the rows of src that it reads.
  convolution part_of_rows(index from, index count) const {
    convolution x = *this;
    const index start = from * stride[0] - before[0];
    const index span = (count - 1) * stride[0] + (kernel[0] - 1) * dilation[0] + 1;
    const index low = std::clamp<index>(start, 0, src_size()[0]);
    const index high = std::clamp<index>(start + span, low, src_size()[0]);
    x.before[0] = std::clamp<index>(-start, 0, span);
    x.src = rows(src, low, high - low), x.dst = rows(dst, from, count);
    return x;
  }
  template <class E>
  static ashlar::image_view<E> rows(const ashlar::image_view<E>& v, index from, index count) {
    ashlar::image_axes e = v.extents();
    e.h = count;
    return {v.pointer(0, 0, from, 0, 0), e, v.strides()};
  }
};

// Both halves of x, or the reference where there are none. 16: vectors of outputs are full.
template <class T>
arm_cmsis_nn_status compute_in(const convolution<T>& x, std::span<std::byte> memory) {
  const auto plan = x.plan();
  if (!plan.ok()) return ARM_CMSIS_NN_ARG_ERROR;
  if (!x.src.empty() && x.bytes(plan.value()) <= memory.size()) return x.run(plan.value(), memory);
  const auto both = [&](const convolution<T>& a, const convolution<T>& b) {
    const arm_cmsis_nn_status s = compute_in(a, memory);
    return s == ARM_CMSIS_NN_SUCCESS ? compute_in(b, memory) : s;
  };
  const index unit = x.groups > 1 ? x.outputs() / x.groups : 1;  // of outputs that stay together
  const index outputs = x.outputs() / unit / 2 * unit, rows = x.transposed ? 0 : x.dst_size()[0] / 2;
  if (outputs > 0 && (x.outputs() > 16 || rows == 0)) {
    return both(x.part_of_outputs(0, outputs), x.part_of_outputs(outputs, x.outputs() - outputs));
  }
  if (rows > 0) return both(x.part_of_rows(0, rows), x.part_of_rows(rows, x.dst_size()[0] - rows));
  return x.by_reference(memory);
}

// The same, where the layer is one: dst has the size that follows from the others.
template <class T>
arm_cmsis_nn_status compute(const convolution<T>& x, std::span<std::byte> memory) {
  const auto g = x.geometry();
  if (!g.ok() || x.least_bytes() > memory.size()) return ARM_CMSIS_NN_ARG_ERROR;
  const auto& made = x.transposed ? g.value().src : g.value().dst;
  if (made.h != x.dst_size()[0] || made.w != x.dst_size()[1]) return ARM_CMSIS_NN_ARG_ERROR;
  return x.dst.empty() ? ARM_CMSIS_NN_SUCCESS : compute_in(x, memory);
}

// What a layer needs to be computed as one.
template <class T>
std::int32_t size_of(const convolution<T>& x) {
  const auto plan = x.plan();
  return plan.ok() ? whole(x.bytes(plan.value())) : -1;
}

// The tensors of a call.
template <class T>
struct tensors {
  const typename T::element* src = nullptr;
  const std::int8_t* weights = nullptr;
  const typename T::sum* bias = nullptr;
  typename T::element* dst = nullptr;
  cmsis_nn_per_channel_quant_params quant{};
};

// Channels of a group are those of the filter, outputs those of out.
template <class T, class Params>
convolution<T> layer_of(kind k, const Params& p, const cmsis_nn_dims& in, const cmsis_nn_dims& filter,
                        const cmsis_nn_dims& out, const tensors<T>& t = {}) {
  convolution<T> x{};
  x.transposed = k == kind::transposed;
  x.src = ashlar::nhwc(t.src, in.n, in.h, in.w, in.c), x.dst = ashlar::nhwc(t.dst, in.n, out.h, out.w, out.c);
  x.group_channels = k == kind::depthwise ? 1 : filter.c;
  x.groups = x.group_channels > 0 ? in.c / x.group_channels : 0;
  x.kernel = {filter.h, filter.w}, x.stride = {p.stride.h, p.stride.w}, x.before = {p.padding.h, p.padding.w};
  x.dilation = {1, 1};
  if (k != kind::transposed) x.dilation = {p.dilation.h, p.dilation.w};
  x.weights = t.weights;
  const index c = k == kind::depthwise ? out.c : filter.c, s = filter.w * c;
  x.strides = {k == kind::depthwise ? 1 : filter.h * s, 0, s, c, 1};
  x.bias = t.bias, x.multiplier = t.quant.multiplier, x.shift = t.quant.shift;
  if constexpr (has_zero_points<T>) x.input_offset = p.input_offset, x.output_offset = p.output_offset;
  x.range = p.activation;
  return x;
}

// As large as layers of this input and filter need, whose strides are not known: of stride 1 and the widest padding
// that reads the input at all. What needs more, dilated as a rule, is computed in parts.
template <class T>
std::int32_t size_without_strides(kind k, const cmsis_nn_dims& in, const cmsis_nn_dims& filter) {
  const cmsis_nn_conv_params p{0, 0, {1, 1}, {filter.w - 1, filter.h - 1}, {1, 1}, {-128, 127}};
  const std::int32_t outputs = k == kind::depthwise ? filter.c : filter.n;
  const cmsis_nn_dims out{in.n, in.h + filter.h - 1, in.w + filter.w - 1, outputs};
  return size_of(layer_of<T>(k, p, in, filter, out));
}

}  // namespace shim
