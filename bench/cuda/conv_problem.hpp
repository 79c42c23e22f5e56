// SPDX-License-Identifier: Apache-2.0
// bench/cuda/conv_problem.hpp: a 2-D convolution, its contenders' interface, which ones are timed, and how far two
// right results of one may lie apart.
//
// Depends on: contender.hpp.   Used by: conv.cu, own_conv.cu, own_depthwise.cu, peer_cudnn.cu.
#pragma once
#include "contender.hpp"

namespace bench {

// dst = epilogue(src * weights): src N x H x W x C, weights K x R x S x C/groups, dst N x P x Q x K, all dense in this
// order; `pad` on all sides. In an operand_set a is src, b is weights, c is dst; bias is one element for each k.
struct conv_problem {
  arithmetic type = arithmetic::bf16;
  index n = 0, h = 0, w = 0, c = 0;
  index k = 0, r = 1, s = 1;
  index stride = 1, pad = 0, dilation = 1, groups = 1;
  bench::epilogue epilogue = bench::epilogue::none;

  index p() const { return (h + 2 * pad - dilation * (r - 1) - 1) / stride + 1; }
  index q() const { return (w + 2 * pad - dilation * (s - 1) - 1) / stride + 1; }
  double flops() const { return 2.0 * double(n * p() * q() * k) * double(r * s * (c / groups)); }
  operand_shape operands() const {
    const index bias = epilogue == epilogue::none ? 0 : k;
    return {input_of(type), output_of(type), n * h * w * c, k * r * s * (c / groups), bias, n * p() * q() * k};
  }
  std::string name() const {
    const auto text = [](index i) { return std::to_string(i); };
    std::string t = std::string(name_of(type)) + "/n" + text(n) + "_" + text(h) + "x" + text(w) + "_c" + text(c) +
                    "_k" + text(k) + "_" + text(r) + "x" + text(s) + "_s" + text(stride);
    if (dilation > 1) t += "_d" + text(dilation);
    if (groups > 1) t += "_g" + text(groups);
    if (epilogue != epilogue::none) t += std::string("/") + name_of(epilogue);
    return t;
  }
};

using conv_contender = contender_for<conv_problem>;

std::vector<conv_contender> own_conv_contenders();
std::vector<conv_contender> depthwise_contenders();  // and the direct convolution

// As for gemm, but that an f32 result may come from a Winograd kernel.
inline double tolerance_of(const conv_problem& p) {
  constexpr double bounds[] = {1e-4, 2e-3, 1e-13, 5e-3, 1e-2, 1e-2, 5e-2, 0};
  return bounds[int(p.type)];
}

}  // namespace bench
