// SPDX-License-Identifier: Apache-2.0
//
// network.cpp: the layers one after the other, and back.
#include "network.hpp"

#include <algorithm>
#include <ashlar/gemm.hpp>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace flappy {

using namespace ashlar;
using ashlar::index;

namespace {

// Shapes are constants and memory is ours: a refusal is a mistake in this program.
void require(const status& s) {
  if (s.ok()) return;
  std::fprintf(stderr, "flappy: %s\n", s.message());
  std::abort();
}
template <class T>
T required(result<T> r) {
  require(r.error());
  return std::move(r.value());
}

// y > 0 ? x : 0: the gradient of ReLU, y its result.
struct where_positive : functions::short_formula {
  template <class M, class V>
  ASHLAR_INLINE constexpr V operator()(M m, const V& x, const V& y) const {
    return m.select_gt(y, m.zero(), x, m.zero());
  }
};

index elements_of(const image_axes& e) { return e.n * e.d * e.h * e.w * e.c; }

template <class T>
image_view<T> image_of(T* p, const image_axes& e) {
  return nhwc(p, e.n, e.h, e.w, e.c);
}

filter_view<const float> filter_of(const parameters& p, const part& l, const conv2d& c) {
  return ohwi(p.data() + l.weights, c.weights[0], c.weights[1], c.weights[2], c.weights[3]);
}

}  // namespace

conv_layer::conv_layer(const conv2d& problem, const part& where, bool needs_src_gradient)
    : problem_(problem),
      part_(where),
      forward_(required(plan_conv2d<float>(problem))),
      data_(required(plan_conv2d_backward_data<float>(problem))),
      weights_(required(plan_conv2d_backward_weights<float>(problem))),
      needs_src_gradient_(needs_src_gradient),
      forward_storage_(aligned_buffer::make(forward_.packed_bytes())),
      data_storage_(aligned_buffer::make(data_.packed_bytes())) {}

void conv_layer::pack(const parameters& p) {
  packed_ = required(forward_.pack(filter_of(p, part_, problem_), forward_storage_.span()));
  if (needs_src_gradient_) packed_for_data_ = required(data_.pack(filter_of(p, part_, problem_), data_storage_.span()));
}

void conv_layer::forward(const float* src, const parameters& p, float* dst, thread_pool& pool,
                         std::span<std::byte> memory) const {
  require(forward_.run(image_of(src, forward_.src_extents()), packed_, image_of(dst, forward_.dst_extents()),
                       relu(acc + per_column(p.data() + part_.bias)), on(pool), scratch(memory)));
}

void conv_layer::backward(const float* src, const float* dst_gradient, std::vector<float>& gradient,
                          float* src_gradient, thread_pool& pool, std::span<std::byte> memory) const {
  const auto src_image = image_of(src, forward_.src_extents());
  const auto gradient_image = image_of(dst_gradient, forward_.dst_extents());
  const filter_view<float> filter = ohwi(gradient.data() + part_.weights, problem_.weights[0], problem_.weights[1],
                                         problem_.weights[2], problem_.weights[3]);
  require(weights_.run(src_image, gradient_image, filter, gradient.data() + part_.bias, on(pool), scratch(memory)));
  if (!src_gradient) return;
  require(data_.run(gradient_image, packed_for_data_, image_of(src_gradient, forward_.src_extents()),
                    fn(where_positive{}, acc, elements(src_image)), on(pool), scratch(memory)));
}

std::size_t conv_layer::workspace_bytes(thread_pool& pool) const {
  const float bias = 0;
  const image_view<const float> image(&bias, forward_.src_extents(), {});
  return std::max({forward_.workspace_bytes(relu(acc + per_column(&bias)), on(pool)),
                   data_.workspace_bytes(fn(where_positive{}, acc, elements(image)), on(pool)),
                   weights_.workspace_bytes(on(pool))});
}

index conv_layer::src_elements() const { return elements_of(forward_.src_extents()); }
index conv_layer::dst_elements() const { return elements_of(forward_.dst_extents()); }

network::network(index batch, thread_pool& pool)
    : batch_(batch),
      pool_(pool),
      conv1_(architecture{batch}.conv1, layout::conv1, false),
      conv2_(architecture{batch}.conv2, layout::conv2, true),
      conv3_(architecture{batch}.conv3, layout::conv3, true),
      pooling_(required(plan_max_pool2d<float>(architecture{batch}.pool))) {
  const auto sized = [](std::vector<float>& v, index elements) { v.resize(std::size_t(elements)); };
  for (auto* v : {&conv1_out_, &conv1_gradient_}) sized(*v, conv1_.dst_elements());
  for (auto* v : {&pooled_, &pooled_gradient_}) sized(*v, conv2_.src_elements());
  for (auto* v : {&conv2_out_, &conv2_gradient_}) sized(*v, conv3_.src_elements());
  for (auto* v : {&flat_, &flat_gradient_}) sized(*v, batch * architecture::flat);
  for (auto* v : {&hidden_, &hidden_gradient_}) sized(*v, batch * architecture::hidden);
  sized(q_, batch * actions);
  argmax_.resize(pooled_.size());
  ones_.assign(std::size_t(batch), 1.f);
  memory_ = aligned_buffer::make(
      std::max({conv1_.workspace_bytes(pool), conv2_.workspace_bytes(pool), conv3_.workspace_bytes(pool)}));
}

void network::use(const parameters& p) {
  parameters_ = &p;
  for (conv_layer* layer : {&conv1_, &conv2_, &conv3_}) layer->pack(p);
}

const float* network::forward(const float* states) {
  const parameters& p = *parameters_;
  const index flat = architecture::flat, hidden = architecture::hidden;
  conv1_.forward(states, p, conv1_out_.data(), pool_, memory_.span());
  require(pooling_.run(image_of(conv1_out_.data(), pooling_.src_extents()),
                       image_of(pooled_.data(), pooling_.dst_extents()),
                       image_of(argmax_.data(), pooling_.dst_extents()), on(pool_)));
  conv2_.forward(pooled_.data(), p, conv2_out_.data(), pool_, memory_.span());
  conv3_.forward(conv2_out_.data(), p, flat_.data(), pool_, memory_.span());
  require(gemm(view(flat_.data(), batch_, flat), view(p.data() + layout::fc1.weights, flat, hidden),
               view(hidden_.data(), batch_, hidden), relu(acc + per_column(p.data() + layout::fc1.bias)), on(pool_)));
  require(gemm(view(hidden_.data(), batch_, hidden), view(p.data() + layout::fc2.weights, hidden, actions),
               view(q_.data(), batch_, actions), acc + per_column(p.data() + layout::fc2.bias), on(pool_)));
  return q_.data();
}

void network::backward(const float* states, const float* q_gradient, std::vector<float>& gradient) {
  const parameters& p = *parameters_;
  // src (batch x inputs) -> weights (inputs x outputs) -> dst: everything that dst's gradient gives.
  const auto dense = [&](const part& l, const std::vector<float>& src, const float* dst_gradient, float* src_gradient) {
    const index inputs = l.weight_count / l.outputs;
    const auto x = view(src.data(), batch_, inputs);
    const auto dy = view(dst_gradient, batch_, l.outputs);
    require(gemm(x.transposed(), dy, view(gradient.data() + l.weights, inputs, l.outputs), on(pool_)));
    require(gemm(view(ones_.data(), index(1), batch_), dy, view(gradient.data() + l.bias, index(1), l.outputs)));
    require(gemm(dy, view(p.data() + l.weights, inputs, l.outputs).transposed(), view(src_gradient, batch_, inputs),
                 fn(where_positive{}, acc, elements(x)), on(pool_)));
  };
  dense(layout::fc2, hidden_, q_gradient, hidden_gradient_.data());
  dense(layout::fc1, flat_, hidden_gradient_.data(), flat_gradient_.data());
  conv3_.backward(conv2_out_.data(), flat_gradient_.data(), gradient, conv2_gradient_.data(), pool_, memory_.span());
  // Where the maximum is positive so is the activation that it was: ReLU's gradient before pooling is the one after it.
  conv2_.backward(pooled_.data(), conv2_gradient_.data(), gradient, pooled_gradient_.data(), pool_, memory_.span());
  require(pooling_.backward(image_of<const float>(pooled_gradient_.data(), pooling_.dst_extents()),
                            image_of<const std::int32_t>(argmax_.data(), pooling_.dst_extents()),
                            image_of(conv1_gradient_.data(), pooling_.src_extents()), on(pool_)));
  conv1_.backward(states, conv1_gradient_.data(), gradient, nullptr, pool_, memory_.span());
}

}  // namespace flappy
