// SPDX-License-Identifier: Apache-2.0
//
// bench/cuda/own_conv.cu: Ashlar's convolutions as contenders.
#include <ashlar/conv/problem.hpp>
#include <ashlar/cuda/sm90_conv.cuh>
#include <cstdio>

#include "conv_problem.hpp"

namespace {

using namespace bench;
using ashlar::cuda::sm90_tile;
namespace kernels = ashlar::cuda::detail;

ashlar::conv_geometry geometry(const conv_problem& p) {
  ashlar::conv2d c{.src = {p.n, p.h, p.w, p.c}, .weights = {p.k, p.r, p.s, p.c / p.groups}};
  c.stride = {p.stride, p.stride}, c.dilation = {p.dilation, p.dilation}, c.groups = p.groups;
  c.padding.before = c.padding.after = {p.pad, p.pad};
  return ashlar::detail::geometry_of(c).value();
}

template <class In, class D, sm90_tile S>
cudaError_t run_tile(const ashlar::conv_geometry& g, const operand_set& set, cudaStream_t stream) {
  static const auto device = kernels::current_device("bench").value();
  const auto src = ashlar::nhwc(static_cast<const In*>(set.a), g.batch, g.src.h, g.src.w, g.channels);
  const auto w = ashlar::ohwi(static_cast<const In*>(set.b), g.filters, g.kernel.h, g.kernel.w, g.channels);
  const auto dst = kernels::pixel_rows(ashlar::nhwc(static_cast<D*>(set.c), g.batch, g.dst.h, g.dst.w, g.filters));
  const auto s = kernels::launch_sm90_conv<In, S, false>(src, w, dst, ashlar::acc, kernels::forward_walk(g), device, stream);
  if (!s.ok()) std::fprintf(stderr, "%s\n", s.message());
  return s.ok() ? cudaSuccess : cudaErrorUnknown;
}

template <class In, class D, sm90_tile S>
conv_contender tile(arithmetic type) {
  const std::string name = std::to_string(S.bm) + "x" + std::to_string(S.bn) + (S.ping_pong ? "p" : "") + "s" + std::to_string(S.stages);
  return {name, [type](const conv_problem& p, const buffers& memory, launch& out) {
            const bench::index size = bench::index(sizeof(In));
            if (p.epilogue != epilogue::none || p.type != type || p.groups != 1 || p.c * size % 16 != 0) return false;
            out.run = [g = geometry(p), &memory](cudaStream_t stream, int set) {
              return run_tile<In, D, S>(g, memory.sets[std::size_t(set)], stream);
            };
            return true;
          }};
}

}  // namespace

std::vector<conv_contender> bench::own_conv_contenders() {
  using ashlar::bf16;
  return {tile<bf16, bf16, sm90_tile{128, 128, 6, 2, 2, 1, true}>(arithmetic::bf16),
          tile<bf16, bf16, sm90_tile{128, 256, 4, 2, 2, 1, false}>(arithmetic::bf16),
          tile<bf16, bf16, sm90_tile{64, 128, 8, 2, 2, 1, true}>(arithmetic::bf16),
          tile<bf16, bf16, sm90_tile{128, 64, 8, 2, 1, 1, true}>(arithmetic::bf16),
          tile<bf16, bf16, sm90_tile{256, 64, 4, 2, 1, 1, false}>(arithmetic::bf16),
          tile<std::int8_t, std::int32_t, sm90_tile{128, 128, 6, 2, 2, 1, true}>(arithmetic::s8)};
}
