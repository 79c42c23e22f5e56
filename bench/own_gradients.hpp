// SPDX-License-Identifier: Apache-2.0
// bench/own_gradients.hpp: Ashlar's gradients of a convolution, as own_conv.hpp has the convolution.
//
// Depends on: <ashlar/conv.hpp>, own_conv.hpp.   Used by: conv_gradients.cpp.
#pragma once
#include <optional>
#include <string>
#include <utility>

#include "own_conv.hpp"

namespace bench {

inline auto own_dy(const ashlar_peer_conv_problem& p) {
  return own_image(p.layout, static_cast<const float*>(p.dy), p.n, p.oh, p.ow, p.k);
}

struct own_backward_data : own_planned<own_backward_data> {
  using weights = float;
  static auto plan(const ashlar_peer_conv_problem& p, bool tolerant) {
    using ashlar::plan_conv2d_backward_data;
    const ashlar::conv2d problem = own_problem(p);
    const ashlar::tolerance within(tolerant ? conv_tolerance : 0);
    return p.layout == ashlar_peer_nhwc
               ? plan_conv2d_backward_data<float, own_isa>(problem, within, ashlar::channels_last)
               : plan_conv2d_backward_data<float, own_isa>(problem, within);
  }
  static auto images(const ashlar_peer_conv_problem& p) {
    return std::pair(own_dy(p), own_image(p.layout, static_cast<float*>(p.dst), p.n, p.h, p.w, p.c));
  }
  static auto epilogue(const ashlar_peer_conv_problem&) { return ashlar::acc; }
};

struct own_backward_weights {
  static auto plan(const ashlar_peer_conv_problem& p, bool tolerant) {
    return ashlar::plan_conv2d_backward_weights<float, own_isa>(own_problem(p),
                                                                ashlar::tolerance(tolerant ? conv_tolerance : 0));
  }
  static int algorithm(const ashlar_peer_conv_problem& p, bool tolerant) {
    const auto planned = plan(p, tolerant);
    return planned.ok() ? int(planned.value().algorithm()) : 0;
  }

  static std::optional<contender> make(const std::string& name, const ashlar_peer_conv_problem& p, bool tolerant,
                                       own_executor executor) {
    const auto plan = own_backward_weights::plan(p, tolerant);
    if (!plan.ok()) return std::fprintf(stderr, "ashlar: %s\n", plan.error().message()), std::nullopt;
    const auto src = own_image(p.layout, static_cast<const float*>(p.src), p.n, p.h, p.w, p.c);
    const auto dy = own_dy(p);
    const auto dw = ashlar::ohwi(static_cast<float*>(p.dst), p.k, p.r, p.s, p.c / p.groups);
    const auto memory = own_memory(plan.value().workspace_bytes(ashlar::on(executor)));
    return make_contender(name, [=, plan = plan.value()] {
      expect_ok(plan.run(src, dy, dw, nullptr, ashlar::on(executor), ashlar::scratch(memory->span())));
    });
  }
};

}  // namespace bench
