// SPDX-License-Identifier: Apache-2.0
//
// bench/cuda/own_depthwise.cu: Ashlar's depthwise convolutions as contenders: the strip that the library chooses,
// others beside it, and the direct convolution, which also takes what is grouped.
//
//   strip 4x2a r3      4 columns x 2 rows, the next line loaded ahead, three blocks of a multiprocessor
#include <ashlar/conv/problem.hpp>
#include <ashlar/cuda/depthwise_conv.cuh>
#include <cstdio>

#include "conv_problem.hpp"

namespace {

using namespace bench;
using ashlar::cuda::detail::depthwise_shape;
namespace kernels = ashlar::cuda::detail;

ashlar::conv_geometry geometry(const conv_problem& p) {
  ashlar::conv2d c{.src = {p.n, p.h, p.w, p.c}, .weights = {p.k, p.r, p.s, p.c / p.groups}};
  c.stride = {p.stride, p.stride}, c.dilation = {p.dilation, p.dilation}, c.groups = p.groups;
  c.padding.before = c.padding.after = {p.pad, p.pad};
  return ashlar::detail::geometry_of(c).value();
}

template <class X>
struct operands {
  ashlar::image_view<const X> src;
  ashlar::filter_view<const X> weights;
  ashlar::image_view<X> dst;

  operands(const ashlar::conv_geometry& g, const operand_set& set)
      : src(ashlar::nhwc(static_cast<const X*>(set.a), g.batch, g.src.h, g.src.w, g.channels)),
        weights(ashlar::ohwi(static_cast<const X*>(set.b), g.filters, g.kernel.h, g.kernel.w, g.group_channels())),
        dst(ashlar::nhwc(static_cast<X*>(set.c), g.batch, g.dst.h, g.dst.w, g.filters)) {}
};

/// run(g, operands, stream) where takes(g).
template <class X, class Takes, class Run>
conv_contender contender(const std::string& name, arithmetic type, Takes takes, Run run) {
  return {name, [=](const conv_problem& p, const buffers& memory, launch& out) {
            if (p.epilogue != epilogue::none || p.type != type) return false;
            const ashlar::conv_geometry g = geometry(p);
            if (!takes(g, operands<X>(g, memory.sets[0]))) return false;
            out.run = [g, &memory, run](cudaStream_t stream, int set) {
              const ashlar::status s = run(g, operands<X>(g, memory.sets[std::size_t(set)]), stream);
              if (!s.ok()) std::fprintf(stderr, "%s\n", s.message());
              return s.ok() ? cudaSuccess : cudaErrorUnknown;
            };
            return true;
          }};
}

template <class X, depthwise_shape S>
conv_contender strip(arithmetic type) {
  const auto text = [](int i) { return std::to_string(i); };
  const std::string name =
      "strip " + text(S.columns) + "x" + text(S.rows) + (S.ahead ? "a" : "") + " r" + text(S.resident);
  return contender<X>(
      name, type,
      [](const ashlar::conv_geometry& g, const operands<X>& o) {
        return g.kernel.h == S.window && g.stride.h == S.stride && kernels::fits_depthwise(o.src, o.dst, g);
      },
      [](const ashlar::conv_geometry& g, const operands<X>& o, cudaStream_t stream) {
        return kernels::launch_depthwise_strips<S>(o.src, o.weights, o.dst, ashlar::acc, g, stream);
      });
}

template <class X>
void add_chosen(std::vector<conv_contender>& list, arithmetic type) {
  list.push_back(contender<X>(
      "depthwise", type,
      [](const ashlar::conv_geometry& g, const operands<X>& o) { return kernels::fits_depthwise(o.src, o.dst, g); },
      [](const ashlar::conv_geometry& g, const operands<X>& o, cudaStream_t stream) {
        return kernels::launch_depthwise_conv<float>(o.src, o.weights, o.dst, ashlar::acc, g, stream);
      }));
  list.push_back(contender<X>(
      "direct", type, [](const ashlar::conv_geometry& g, const operands<X>&) { return g.groups > 1; },
      [](const ashlar::conv_geometry& g, const operands<X>& o, cudaStream_t stream) {
        return kernels::launch_direct_conv<float>(o.src, o.weights, o.dst, ashlar::acc, g, stream);
      }));
}

template <class X>
void add_strips_of_16_bits(std::vector<conv_contender>& list, arithmetic t) {
  list.push_back(strip<X, depthwise_shape{3, 1, 4, 1, true, 2}>(t));
  list.push_back(strip<X, depthwise_shape{3, 1, 4, 2, false, 2}>(t));
  list.push_back(strip<X, depthwise_shape{3, 1, 2, 2, false, 3}>(t));
  list.push_back(strip<X, depthwise_shape{3, 1, 2, 1, true, 3}>(t));
  list.push_back(strip<X, depthwise_shape{3, 1, 7, 1, false, 2}>(t));
  list.push_back(strip<X, depthwise_shape{3, 2, 2, 1, true, 2}>(t));
  list.push_back(strip<X, depthwise_shape{3, 2, 2, 1, false, 3}>(t));
  list.push_back(strip<X, depthwise_shape{5, 1, 4, 1, false, 2}>(t));
  list.push_back(strip<X, depthwise_shape{5, 1, 2, 1, false, 3}>(t));
}

void add_strips_of_32_bits(std::vector<conv_contender>& list, arithmetic t) {
  list.push_back(strip<float, depthwise_shape{3, 1, 4, 1, true, 3}>(t));
  list.push_back(strip<float, depthwise_shape{3, 1, 4, 1, false, 4}>(t));
  list.push_back(strip<float, depthwise_shape{3, 1, 7, 1, false, 2}>(t));
  list.push_back(strip<float, depthwise_shape{3, 2, 4, 1, true, 2}>(t));
  list.push_back(strip<float, depthwise_shape{3, 2, 2, 1, false, 4}>(t));
  list.push_back(strip<float, depthwise_shape{5, 1, 4, 1, false, 3}>(t));
}

}  // namespace

std::vector<conv_contender> bench::depthwise_contenders() {
  std::vector<conv_contender> list;
  add_chosen<ashlar::bf16>(list, arithmetic::bf16);
  add_chosen<ashlar::f16>(list, arithmetic::f16);
  add_chosen<float>(list, arithmetic::f32);
  add_strips_of_16_bits<ashlar::bf16>(list, arithmetic::bf16);
  add_strips_of_16_bits<ashlar::f16>(list, arithmetic::f16);
  add_strips_of_32_bits(list, arithmetic::f32);
  return list;
}
