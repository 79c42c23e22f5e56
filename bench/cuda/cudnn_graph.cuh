// SPDX-License-Identifier: Apache-2.0
// bench/cuda/cudnn_graph.cuh: a convolution problem as an operation graph of cuDNN's backend API.
//
//   src, weights -> convolution -> [+ bias -> [activation]] -> dst       what is in between is virtual and f32
//
// Depends on: conv_problem.hpp, device.cuh.   Used by: peer_cudnn.cu.
#pragma once
#include <cudnn.h>

#include <array>
#include <optional>

#include "conv_problem.hpp"
#include "device.cuh"

namespace bench::cudnn {

using bench::require;
inline void require(cudnnStatus_t e, const std::source_location& at = std::source_location::current()) {
  if (e != CUDNN_STATUS_SUCCESS) throw failure(place(at) + ": " + cudnnGetErrorString(e));
}

// The attribute type that belongs to a C++ type.
constexpr cudnnBackendAttributeType_t type_of(std::int64_t) { return CUDNN_TYPE_INT64; }
constexpr cudnnBackendAttributeType_t type_of(float) { return CUDNN_TYPE_FLOAT; }
constexpr cudnnBackendAttributeType_t type_of(bool) { return CUDNN_TYPE_BOOLEAN; }
constexpr cudnnBackendAttributeType_t type_of(char) { return CUDNN_TYPE_CHAR; }
constexpr cudnnBackendAttributeType_t type_of(cudnnDataType_t) { return CUDNN_TYPE_DATA_TYPE; }
constexpr cudnnBackendAttributeType_t type_of(cudnnConvolutionMode_t) { return CUDNN_TYPE_CONVOLUTION_MODE; }
constexpr cudnnBackendAttributeType_t type_of(cudnnPointwiseMode_t) { return CUDNN_TYPE_POINTWISE_MODE; }
constexpr cudnnBackendAttributeType_t type_of(cudnnBackendHeurMode_t) { return CUDNN_TYPE_HEUR_MODE; }
constexpr cudnnBackendAttributeType_t type_of(cudnnBackendNumericalNote_t) { return CUDNN_TYPE_NUMERICAL_NOTE; }
constexpr cudnnBackendAttributeType_t type_of(cudnnHandle_t) { return CUDNN_TYPE_HANDLE; }
constexpr cudnnBackendAttributeType_t type_of(cudnnBackendDescriptor_t) { return CUDNN_TYPE_BACKEND_DESCRIPTOR; }

class descriptor {
 public:
  explicit descriptor(cudnnBackendDescriptorType_t type) { require(cudnnBackendCreateDescriptor(type, own_.out())); }

  cudnnBackendDescriptor_t get() const { return own_.get(); }

  template <class Value>
  descriptor& set(cudnnBackendAttributeName_t name, const Value& value) {
    require(cudnnBackendSetAttribute(get(), name, type_of(value), 1, &value));
    return *this;
  }
  descriptor& set(cudnnBackendAttributeName_t name, const descriptor& value) { return set(name, value.get()); }
  template <class Value, std::size_t Count>
  descriptor& set(cudnnBackendAttributeName_t name, const std::array<Value, Count>& values) {
    require(cudnnBackendSetAttribute(get(), name, type_of(values[0]), Count, values.data()));
    return *this;
  }
  descriptor& set_pointers(cudnnBackendAttributeName_t name, const void* const* pointers, std::int64_t count) {
    require(cudnnBackendSetAttribute(get(), name, CUDNN_TYPE_VOID_PTR, count, pointers));
    return *this;
  }
  // Up to `count` values; returns how many there are.
  template <class Value>
  std::int64_t read(cudnnBackendAttributeName_t name, Value* values, std::int64_t count) const {
    std::int64_t found = 0;
    require(cudnnBackendGetAttribute(get(), name, type_of(Value{}), count, &found, values));
    return found;
  }
  cudnnStatus_t finalize() { return cudnnBackendFinalize(get()); }

 private:
  owned<cudnnBackendDescriptor_t, cudnnBackendDestroyDescriptor> own_;
};

enum id : std::int64_t { src_id = 1, weights_id, bias_id, dst_id, sum_id, biased_id };
using extents = std::array<std::int64_t, 4>;

struct types {
  cudnnDataType_t in, out, sum;
};

inline std::optional<types> types_of(arithmetic t) {
  switch (t) {
    case arithmetic::f32:
    case arithmetic::tf32:
      return types{CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT, CUDNN_DATA_FLOAT};
    case arithmetic::f16:
      return types{CUDNN_DATA_HALF, CUDNN_DATA_HALF, CUDNN_DATA_FLOAT};
    case arithmetic::bf16:
      return types{CUDNN_DATA_BFLOAT16, CUDNN_DATA_BFLOAT16, CUDNN_DATA_FLOAT};
    case arithmetic::e4m3:
      return types{CUDNN_DATA_FP8_E4M3, CUDNN_DATA_BFLOAT16, CUDNN_DATA_FLOAT};
    case arithmetic::e4m3_fast:
      return types{CUDNN_DATA_FP8_E4M3, CUDNN_DATA_BFLOAT16, CUDNN_DATA_FAST_FLOAT_FOR_FP8};
    case arithmetic::s8:
      return types{CUDNN_DATA_INT8, CUDNN_DATA_INT32, CUDNN_DATA_INT32};
    case arithmetic::f64:
      return std::nullopt;
  }
  return std::nullopt;
}

inline std::optional<cudnnPointwiseMode_t> activation_of(epilogue e) {
  switch (e) {
    case epilogue::bias_relu:
      return CUDNN_POINTWISE_RELU_FWD;
    case epilogue::bias_gelu:
      return CUDNN_POINTWISE_GELU_APPROX_TANH_FWD;
    case epilogue::bias_silu:
      return CUDNN_POINTWISE_SWISH_FWD;
    case epilogue::none:
    case epilogue::bias:
      return std::nullopt;
  }
  return std::nullopt;
}

// Owns every descriptor of the graph, for as long as its plans live.
class conv_graph {
 public:
  conv_graph(const conv_problem& p, const types& t, cudnnHandle_t handle) : types_(t) {
    const extents dst{p.n, p.k, p.p(), p.q()};
    const auto activation = activation_of(p.epilogue);
    const bool biased = p.epilogue != epilogue::none;
    const auto x = tensor(src_id, t.in, {p.n, p.c, p.h, p.w});
    const auto w = tensor(weights_id, t.in, {p.k, p.c / p.groups, p.r, p.s});
    auto y = biased ? tensor(sum_id, CUDNN_DATA_FLOAT, dst, true) : tensor(dst_id, t.out, dst);
    convolve(p, x, w, y);
    if (biased) {
      const auto b = tensor(bias_id, t.out, {1, p.k, 1, 1});
      const auto z = activation ? tensor(biased_id, CUDNN_DATA_FLOAT, dst, true) : tensor(dst_id, t.out, dst);
      pointwise(CUDNN_POINTWISE_ADD, y, &b, z);
      y = z;
    }
    if (activation) pointwise(*activation, y, nullptr, tensor(dst_id, t.out, dst));
    descriptor& graph = parts_.emplace_back(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
    require(cudnnBackendSetAttribute(graph.get(), CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                     std::int64_t(operations_.size()), operations_.data()));
    status_ = graph.finalize();
  }
  bool supported() const { return status_ == CUDNN_STATUS_SUCCESS; }
  const descriptor& get() const { return parts_.back(); }

 private:
  using node = cudnnBackendDescriptor_t;

  // Extents in cuDNN's order, N C H W; in memory the channels are innermost.
  node tensor(id name, cudnnDataType_t type, const extents& e, bool is_virtual = false) {
    const extents strides{e[1] * e[2] * e[3], 1, e[1] * e[3], e[1]};
    descriptor& d = parts_.emplace_back(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, std::int64_t(name)).set(CUDNN_ATTR_TENSOR_DATA_TYPE, type);
    d.set(CUDNN_ATTR_TENSOR_DIMENSIONS, e).set(CUDNN_ATTR_TENSOR_STRIDES, strides);
    d.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t(16)).set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, is_virtual);
    require(d.finalize());
    return d.get();
  }
  void convolve(const conv_problem& p, node x, node w, node y) {
    using pair = std::array<std::int64_t, 2>;
    const pair dilation{p.dilation, p.dilation}, stride{p.stride, p.stride}, pad{p.pad, p.pad};
    descriptor& window = parts_.emplace_back(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    window.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, types_.sum);
    window.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
    window.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t(2));
    window.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, dilation).set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, stride);
    window.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, pad).set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, pad);
    require(window.finalize());
    const node conv = window.get();
    descriptor& op = parts_.emplace_back(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, conv);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x).set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0f);
    op.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0f);
    finish(op);
  }
  void pointwise(cudnnPointwiseMode_t mode, node x, const node* b, node y) {
    descriptor& function = parts_.emplace_back(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    function.set(CUDNN_ATTR_POINTWISE_MODE, mode).set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
    require(function.finalize());
    const node f = function.get();
    descriptor& op = parts_.emplace_back(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, f).set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (b) op.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    finish(op);
  }
  void finish(descriptor& op) {
    require(op.finalize());
    operations_.push_back(op.get());
  }

  types types_;
  std::vector<descriptor> parts_;
  std::vector<node> operations_;
  cudnnStatus_t status_;
};

}  // namespace bench::cudnn
