// SPDX-License-Identifier: Apache-2.0
//
// bench/cuda/own_conv.cu: cuda::conv_plan as a contender, as a user calls it: the library chooses kernel and tile.
#include <ashlar/conv/problem.hpp>
#include <ashlar/cuda/conv.cuh>
#include <cstdio>

#include "conv_problem.hpp"

namespace {

using namespace bench;

ashlar::conv_geometry geometry(const conv_problem& p) {
  ashlar::conv2d c{.src = {p.n, p.h, p.w, p.c}, .weights = {p.k, p.r, p.s, p.c / p.groups}};
  c.stride = {p.stride, p.stride}, c.dilation = {p.dilation, p.dilation}, c.groups = p.groups;
  c.padding.before = c.padding.after = {p.pad, p.pad};
  return ashlar::detail::geometry_of(c).value();
}

template <class In, class D>
ashlar::status run(const ashlar::cuda::conv_plan& plan, const conv_problem& p, const operand_set& set,
                   cudaStream_t stream) {
  const ashlar::conv_geometry& g = plan.geometry();
  const auto src = ashlar::nhwc(static_cast<const In*>(set.a), g.batch, g.src.h, g.src.w, g.channels);
  const auto w = ashlar::ohwi(static_cast<const In*>(set.b), g.filters, g.kernel.h, g.kernel.w, g.group_channels());
  const auto dst = ashlar::nhwc(static_cast<D*>(set.c), g.batch, g.dst.h, g.dst.w, g.filters);
  if (p.epilogue == epilogue::none) return plan.run(src, w, dst, stream);
  const auto biased = ashlar::acc + ashlar::cast(ashlar::per_column(static_cast<const D*>(set.bias)));
  return plan.run(src, w, dst, relu(biased), stream);
}

template <class In, class D>
conv_contender own(arithmetic type) {
  return {"ashlar", [type](const conv_problem& p, const buffers& memory, launch& out) {
            if (p.type != type || (p.epilogue != epilogue::none && p.epilogue != epilogue::bias_relu)) return false;
            out.run = [plan = ashlar::cuda::conv_plan(geometry(p)), p, &memory](cudaStream_t stream, int set) {
              const auto s = run<In, D>(plan, p, memory.sets[std::size_t(set)], stream);
              if (!s.ok()) std::fprintf(stderr, "%s\n", s.message());
              return s.ok() ? cudaSuccess : cudaErrorUnknown;
            };
            return true;
          }};
}

}  // namespace

std::vector<conv_contender> bench::own_conv_contenders() {
  return {own<ashlar::bf16, ashlar::bf16>(arithmetic::bf16), own<std::int8_t, std::int32_t>(arithmetic::s8),
          own<float, float>(arithmetic::f32)};
}
