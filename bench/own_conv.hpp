// SPDX-License-Identifier: Apache-2.0
// bench/own_conv.hpp: Ashlar's convolution: each layout, exact and within a tolerance. It and own_gradients.hpp are the
// only files of the benchmark that call it.
//
//   ashlar   ashlar~   ashlar_nchw   ashlar_nchw~          what the endings mean: conv_tensors.hpp
//
// Plan, packed weights and scratch memory are made before the timed call, as a user would. Where a tolerance leads
// to the same plan, it is not timed twice.
//
// Depends on: <ashlar/conv.hpp>, conv_check.hpp, conv_tensors.hpp, own.hpp.   Used by: conv.cpp, own_gradients.hpp.
#pragma once
#include <ashlar/conv.hpp>
#include <ashlar/quant.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conv_check.hpp"
#include "conv_tensors.hpp"
#include "own.hpp"

namespace bench {

inline ashlar::conv2d own_problem(const ashlar_peer_conv_problem& p) {
  return {.src = {p.n, p.h, p.w, p.c},
          .weights = {p.k, p.r, p.s, p.c / p.groups},
          .stride = {p.stride[0], p.stride[1]},
          .dilation = {p.dilation[0], p.dilation[1]},
          .padding = {.before = {p.before[0], p.before[1]}, .after = {p.after[0], p.after[1]}},
          .groups = p.groups};
}

// The values of conv_algorithm that have a name, for who reads them as numbers.
template <class Take>
void for_each_algorithm(Take take) {
  for (int value = 1; value < 256; ++value) {
    const char* name = ashlar::name(static_cast<ashlar::conv_algorithm>(value));
    if (name != std::string("unknown")) take(value, name);
  }
}

// Both layouts are one type; nhwc() and nchw() take the extents in their own order.
template <class T>
ashlar::image_view<T> own_image(int layout, T* data, extent n, extent h, extent w, extent c) {
  return layout == ashlar_peer_nhwc ? ashlar::nhwc(data, n, h, w, c) : ashlar::nchw(data, n, c, h, w);
}

// What Own::plan, images and epilogue describe, with weights that are packed: the plan's algorithm, and the timed call.
template <class Own>
struct own_planned {
  // 0 where there is no plan.
  static int algorithm(const ashlar_peer_conv_problem& p, bool tolerant) {
    const auto plan = Own::plan(p, tolerant);
    return plan.ok() ? static_cast<int>(plan.value().algorithm()) : 0;
  }

  static std::optional<contender> make(const std::string& name, const ashlar_peer_conv_problem& p, bool tolerant,
                                       own_executor executor) {
    const auto plan = Own::plan(p, tolerant);
    if (!plan.ok()) return std::fprintf(stderr, "ashlar: %s\n", plan.error().message()), std::nullopt;
    const auto storage = own_memory(plan.value().packed_bytes());
    const auto* weights = static_cast<const typename Own::weights*>(p.weights);
    const auto packed = plan.value().pack(ashlar::ohwi(weights, p.k, p.r, p.s, p.c / p.groups), storage->span());
    if (!packed.ok()) return std::fprintf(stderr, "ashlar: %s\n", packed.error().message()), std::nullopt;
    const auto images = Own::images(p);
    const auto epilogue = Own::epilogue(p);
    const auto memory =
        own_memory(plan.value().workspace_bytes(images.first, images.second, epilogue, ashlar::on(executor)));
    return make_contender(name, [=, plan = plan.value(), filter = packed.value()] {
      (void)storage;
      expect_ok(plan.run(images.first, filter, images.second, epilogue, ashlar::on(executor),
                         ashlar::scratch(memory->span())));
    });
  }
};

template <class T>
auto own_forward_images(const ashlar_peer_conv_problem& p) {
  return std::pair(own_image(p.layout, static_cast<const T*>(p.src), p.n, p.h, p.w, p.c),
                   own_image(p.layout, static_cast<T*>(p.dst), p.n, p.oh, p.ow, p.k));
}

// The kernels of stride 1 that most layers have: 3 x 3, and Inception-v3's.
inline constexpr auto own_winograd =
    ashlar::winograd_for<3, 3> + ashlar::winograd_for<1, 7> + ashlar::winograd_for<7, 1>;

// Of floats: bias and relu.
struct own_floats : own_planned<own_floats> {
  using weights = float;
  static auto plan(const ashlar_peer_conv_problem& p, bool tolerant) {
    const ashlar::conv2d problem = own_problem(p);
    const ashlar::tolerance within(tolerant ? conv_tolerance : 0);
    return p.layout == ashlar_peer_nhwc
               ? ashlar::plan_conv2d<float, own_isa>(problem, within, own_winograd, ashlar::channels_last)
               : ashlar::plan_conv2d<float, own_isa>(problem, within, own_winograd);
  }
  static auto images(const ashlar_peer_conv_problem& p) { return own_forward_images<float>(p); }
  static auto epilogue(const ashlar_peer_conv_problem& p) {
    return ashlar::relu(ashlar::acc + ashlar::per_column(static_cast<const float*>(p.bias)));
  }
};

// Of bytes: requantized by a float for each channel.
struct own_bytes : own_planned<own_bytes> {
  using weights = std::int8_t;
  static auto plan(const ashlar_peer_conv_problem& p, bool) {
    using types = ashlar::conv_types<std::uint8_t, weights, std::uint8_t>;
    return ashlar::plan_conv2d<types, own_isa>(own_problem(p), ashlar::channels_last);
  }
  static auto images(const ashlar_peer_conv_problem& p) { return own_forward_images<std::uint8_t>(p); }
  static auto epilogue(const ashlar_peer_conv_problem& p) {
    return ashlar::requantize<ashlar::onnx>(ashlar::acc + ashlar::per_column(static_cast<const std::int32_t*>(p.bias)),
                                            ashlar::per_column(p.scales), 0, 0, 255);
  }
};

// Ashlar's ways to compute Own: each layout, exact and, where that is another algorithm, within the tolerance. On the
// pool with one thread beside it, if there is one.
template <class Own, class Operands>
void add_own_conv(std::vector<conv_candidate>& all, const Operands& data, ashlar::thread_pool* pool) {
  const auto add = [&](const char* name, int layout, bool tolerant, own_executor executor) {
    const std::string full = std::string(name) + layout_suffix(layout) + (tolerant ? "~" : "");
    const auto make = [=, &data](extent turn) {
      return Own::make(full, data.description(layout, turn), tolerant, executor);
    };
    all.push_back({full, layout, tolerant, make, Own::algorithm(data.description(layout), tolerant)});
  };
  for (int layout : {ashlar_peer_nhwc, ashlar_peer_nchw}) {
    if (layout == ashlar_peer_nchw && Operands::bytes) continue;
    const auto p = data.description(layout);
    add(own_name, layout, false, {pool});
    if (Own::algorithm(p, true) != Own::algorithm(p, false)) add(own_name, layout, true, {pool});
  }
  if (pool) add(own_serial_name, ashlar_peer_nhwc, false, {});
}

}  // namespace bench
