// SPDX-License-Identifier: Apache-2.0
//
// network.hpp: Q values of a batch of states, and the gradient of their loss: convolutions, pooling and matrix
// products.
//
// Bias, ReLU and the gradient of ReLU are epilogues, so no pass over memory is theirs alone. Everything a step needs is
// allocated by the constructor.
#pragma once

#include <ashlar/conv.hpp>
#include <ashlar/core/executors/thread_pool.hpp>
#include <ashlar/nn.hpp>
#include <vector>

#include "parameters.hpp"

namespace flappy {

using forward_plan = decltype(ashlar::plan_conv2d<float>(ashlar::conv2d{}))::value_type;
using data_plan = decltype(ashlar::plan_conv2d_backward_data<float>(ashlar::conv2d{}))::value_type;
using weights_plan = decltype(ashlar::plan_conv2d_backward_weights<float>(ashlar::conv2d{}))::value_type;

/// A convolution of the network: its plans and its weights, packed.
class conv_layer {
 public:
  conv_layer(const ashlar::conv2d& problem, const part& where, bool needs_src_gradient);

  /// Packs the weights of p for both directions.
  void pack(const parameters& p);
  /// dst = relu(conv(src) + bias)
  void forward(const float* src, const parameters& p, float* dst, ashlar::thread_pool& pool,
               std::span<std::byte> memory) const;
  /// The layer's part of `gradient`, and, unless src_gradient is null, src_gradient where src is positive, else 0.
  void backward(const float* src, const float* dst_gradient, std::vector<float>& gradient, float* src_gradient,
                ashlar::thread_pool& pool, std::span<std::byte> memory) const;
  [[nodiscard]] std::size_t workspace_bytes(ashlar::thread_pool& pool) const;
  [[nodiscard]] index src_elements() const;
  [[nodiscard]] index dst_elements() const;

 private:
  template <class T>
  [[nodiscard]] ashlar::image_view<T> src_view(T* p) const;
  template <class T>
  [[nodiscard]] ashlar::image_view<T> dst_view(T* p) const;

  ashlar::conv2d problem_;
  part part_;
  forward_plan forward_;
  data_plan data_;
  weights_plan weights_;
  bool needs_src_gradient_;
  ashlar::aligned_buffer forward_storage_, data_storage_;
  ashlar::packed_filter<float> packed_, packed_for_data_;
};

class network {
 public:
  network(index batch, ashlar::thread_pool& pool);

  /// Uses these parameters from now on; `p` must outlive their use. Call it again when they have changed.
  void use(const parameters& p);
  /// states: batch x 80 x 80 x 4.  Returns Q: batch x 2.
  const float* forward(const float* states);
  /// Fills gradient (layout::count) from the gradient of Q; after forward() of the same states.
  void backward(const float* states, const float* q_gradient, std::vector<float>& gradient);
  [[nodiscard]] index batch() const { return batch_; }

 private:
  index batch_;
  ashlar::thread_pool& pool_;
  const parameters* parameters_ = nullptr;
  conv_layer conv1_, conv2_, conv3_;
  ashlar::max_pool_plan<float> pooling_;
  // Activations (after ReLU) and their gradients.
  std::vector<float> conv1_out_, pooled_, conv2_out_, flat_, hidden_, q_;
  std::vector<float> conv1_gradient_, pooled_gradient_, conv2_gradient_, flat_gradient_, hidden_gradient_;
  std::vector<std::int32_t> argmax_;
  std::vector<float> ones_;  // as a row: sums the rows of a matrix
  ashlar::aligned_buffer memory_;
};

}  // namespace flappy
