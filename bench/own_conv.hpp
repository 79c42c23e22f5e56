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
#include <memory>
#include <string>
#include <vector>

#include "conv_operands.hpp"
#include "own.hpp"

namespace bench {

inline auto plan_own_conv(const ashlar_peer_conv_problem& p, bool tolerant) {
  const ashlar::conv2d problem{.src = {p.n, p.h, p.w, p.c},
                               .weights = {p.k, p.r, p.s, p.c / p.groups},
                               .stride = {p.stride[0], p.stride[1]},
                               .dilation = {p.dilation[0], p.dilation[1]},
                               .padding = {.before = {p.before[0], p.before[1]}, .after = {p.after[0], p.after[1]}},
                               .groups = p.groups};
  const ashlar::tolerance within(tolerant ? conv_tolerance : 0);
  return p.layout == ashlar_peer_nhwc ? ashlar::plan_conv2d<float, own_isa>(problem, within, ashlar::channels_last)
                                      : ashlar::plan_conv2d<float, own_isa>(problem, within);
}

// The values of conv_algorithm that have a name, for who reads them as numbers.
template <class Take>
void for_each_algorithm(Take take) {
  for (int value = 1; value < 64; ++value) {
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

template <class Executor>
std::optional<contender> make_own_conv(const std::string& name, const ashlar_peer_conv_problem& p, bool tolerant,
                                       Executor& executor) {
  const auto plan = plan_own_conv(p, tolerant);
  if (!plan.ok()) return std::fprintf(stderr, "ashlar: %s\n", plan.error().message()), std::nullopt;
  const auto storage = own_memory(plan.value().packed_bytes());
  const auto packed = plan.value().pack(ashlar::ohwi(p.weights, p.k, p.r, p.s, p.c / p.groups), storage->span());
  if (!packed.ok()) return std::fprintf(stderr, "ashlar: %s\n", packed.error().message()), std::nullopt;
  const auto src = own_image(p.layout, p.src, p.n, p.h, p.w, p.c);
  const auto dst = own_image(p.layout, p.dst, p.n, p.oh, p.ow, p.k);
  const auto epilogue = ashlar::relu(ashlar::acc + ashlar::per_column(p.bias));
  const auto memory = own_memory(plan.value().workspace_bytes(src, dst, epilogue, ashlar::on(executor)));
  return make_contender(name, [=, plan = plan.value(), filter = packed.value(), &executor] {
    (void)storage;
    expect_ok(plan.run(src, filter, dst, epilogue, ashlar::on(executor), ashlar::scratch(memory->span())));
  });
}

inline void add_own_conv(std::vector<conv_candidate>& all, const conv_operands& data, ashlar::thread_pool* pool) {
  static ashlar::serial one;
  auto add = [&](std::string name, int layout, bool tolerant, auto& executor) {
    const auto plan = plan_own_conv(data.description(layout), tolerant);
    if (!plan.ok()) return (void)std::fprintf(stderr, "ashlar: %s\n", plan.error().message());
    name += std::string(layout_suffix(layout)) + (tolerant ? "~" : "");
    const auto algorithm = static_cast<int>(plan.value().algorithm());
    auto make = [=, &data, &executor](extent turn) {
      return make_own_conv(name, data.description(layout, turn), tolerant, executor);
    };
    all.push_back({name, layout, tolerant, make, algorithm});
  };
  const auto tolerance_matters = [&](int layout) {
    const auto exact = plan_own_conv(data.description(layout), false);
    const auto within = plan_own_conv(data.description(layout), true);
    return exact.ok() && within.ok() && exact.value().algorithm() != within.value().algorithm();
  };
  for (int layout : {ashlar_peer_nhwc, ashlar_peer_nchw}) {
    for (bool tolerant : {false, true}) {
      if (tolerant && !tolerance_matters(layout)) continue;
      pool ? add(own_name, layout, tolerant, *pool) : add(own_name, layout, tolerant, one);
    }
  }
  if (pool) add(own_serial_name, ashlar_peer_nhwc, false, one);
}

}  // namespace bench
