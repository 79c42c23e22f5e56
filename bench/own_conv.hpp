// SPDX-License-Identifier: Apache-2.0
// bench/own_conv.hpp: the only file of the benchmark that calls Ashlar's convolution: each layout, exact and within a
// tolerance.
//
//   ashlar   ashlar~   ashlar_nchw   ashlar_nchw~          what the endings mean: conv_operands.hpp
//
// Plan, packed weights and scratch memory are made before the timed call, as a user would. Where a tolerance leads
// to the same plan, it is not timed twice.
//
// Depends on: <ashlar/conv.hpp>, <ashlar/core/executors/thread_pool.hpp>, conv_operands.hpp,
// own.hpp.   Used by: conv.cpp.
#pragma once
#include <ashlar/conv.hpp>
#include <ashlar/core/executors/thread_pool.hpp>
#include <ashlar/quant.hpp>
#include <memory>
#include <string>
#include <vector>

#include "conv_operands.hpp"
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

// Of floats: plain numbers, bias and relu. Of bytes: requantized by a float for each channel.
struct own_floats {
  using src = float;
  using weights = float;
  static auto plan(const ashlar_peer_conv_problem& p, bool tolerant);
  static auto epilogue(const ashlar_peer_conv_problem& p) {
    return ashlar::relu(ashlar::acc + ashlar::per_column(static_cast<const float*>(p.bias)));
  }
};
struct own_bytes {
  using src = std::uint8_t;
  using weights = std::int8_t;
  static auto plan(const ashlar_peer_conv_problem& p, bool) {
    using types = ashlar::conv_types<src, weights, src>;
    return ashlar::plan_conv2d<types, own_isa>(own_problem(p), ashlar::channels_last);
  }
  static auto epilogue(const ashlar_peer_conv_problem& p) {
    return ashlar::requantize<ashlar::onnx>(ashlar::acc + ashlar::per_column(static_cast<const std::int32_t*>(p.bias)),
                                            ashlar::per_column(p.scales), 0, 0, 255);
  }
};

// The kernels of stride 1 that the networks have: 3 x 3, and Inception-v3's.
inline constexpr auto own_winograd = ashlar::winograd_for<3, 3> + ashlar::winograd_for<5, 5> +
                                     ashlar::winograd_for<1, 7> + ashlar::winograd_for<7, 1> +
                                     ashlar::winograd_for<1, 3> + ashlar::winograd_for<3, 1>;

inline auto own_floats::plan(const ashlar_peer_conv_problem& p, bool tolerant) {
  const ashlar::conv2d problem = own_problem(p);
  const ashlar::tolerance within(tolerant ? conv_tolerance : 0);
  return p.layout == ashlar_peer_nhwc
             ? ashlar::plan_conv2d<float, own_isa>(problem, within, own_winograd, ashlar::channels_last)
             : ashlar::plan_conv2d<float, own_isa>(problem, within, own_winograd);
}

// The values of conv_algorithm that have a name, for who reads them as numbers.
template <class Take>
void for_each_algorithm(Take take) {
  for (int value = 1; value < 256; ++value) {
    const char* name = ashlar::name(static_cast<ashlar::conv_algorithm>(value));
    if (name != std::string("unknown")) take(value, name);
  }
}

inline std::shared_ptr<ashlar::aligned_buffer> own_memory(std::size_t bytes) {
  return std::make_shared<ashlar::aligned_buffer>(ashlar::aligned_buffer::make(bytes));
}

// Both layouts are one type; nhwc() and nchw() take the extents in their own order.
template <class T>
ashlar::image_view<T> own_image(int layout, T* data, extent n, extent h, extent w, extent c) {
  return layout == ashlar_peer_nhwc ? ashlar::nhwc(data, n, h, w, c) : ashlar::nchw(data, n, c, h, w);
}

template <class Own, class Executor>
std::optional<contender> make_own_conv(const std::string& name, const ashlar_peer_conv_problem& p, bool tolerant,
                                       Executor& executor) {
  using src_type = typename Own::src;
  const auto plan = Own::plan(p, tolerant);
  if (!plan.ok()) return std::fprintf(stderr, "ashlar: %s\n", plan.error().message()), std::nullopt;
  const auto storage = own_memory(plan.value().packed_bytes());
  const auto packed = plan.value().pack(
      ashlar::ohwi(static_cast<const typename Own::weights*>(p.weights), p.k, p.r, p.s, p.c / p.groups),
      storage->span());
  if (!packed.ok()) return std::fprintf(stderr, "ashlar: %s\n", packed.error().message()), std::nullopt;
  const auto src = own_image(p.layout, static_cast<const src_type*>(p.src), p.n, p.h, p.w, p.c);
  const auto dst = own_image(p.layout, static_cast<src_type*>(p.dst), p.n, p.oh, p.ow, p.k);
  const auto epilogue = Own::epilogue(p);
  const auto memory = own_memory(plan.value().workspace_bytes(src, dst, epilogue, ashlar::on(executor)));
  return make_contender(name, [=, plan = plan.value(), filter = packed.value(), &executor] {
    (void)storage;
    expect_ok(plan.run(src, filter, dst, epilogue, ashlar::on(executor), ashlar::scratch(memory->span())));
  });
}

template <class Operands>
void add_own_conv(std::vector<conv_candidate>& all, const Operands& data, ashlar::thread_pool* pool) {
  using own = std::conditional_t<Operands::bytes, own_bytes, own_floats>;
  static ashlar::serial one;
  auto add = [&](std::string name, int layout, bool tolerant, auto& executor) {
    const auto plan = own::plan(data.description(layout), tolerant);
    if (!plan.ok()) return (void)std::fprintf(stderr, "ashlar: %s\n", plan.error().message());
    name += std::string(layout_suffix(layout)) + (tolerant ? "~" : "");
    const auto algorithm = static_cast<int>(plan.value().algorithm());
    auto make = [=, &data, &executor](extent turn) {
      return make_own_conv<own>(name, data.description(layout, turn), tolerant, executor);
    };
    all.push_back({name, layout, tolerant, make, algorithm});
  };
  const auto tolerance_matters = [&](int layout) {
    if (Operands::bytes) return false;
    const auto exact = own::plan(data.description(layout), false);
    const auto within = own::plan(data.description(layout), true);
    return exact.ok() && within.ok() && exact.value().algorithm() != within.value().algorithm();
  };
  for (int layout : {ashlar_peer_nhwc, ashlar_peer_nchw}) {
    if (layout == ashlar_peer_nchw && Operands::bytes) continue;
    for (bool tolerant : {false, true}) {
      if (tolerant && !tolerance_matters(layout)) continue;
      pool ? add(own_name, layout, tolerant, *pool) : add(own_name, layout, tolerant, one);
    }
  }
  if (pool) add(own_serial_name, ashlar_peer_nhwc, false, one);
}

}  // namespace bench
