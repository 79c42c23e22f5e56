// SPDX-License-Identifier: Apache-2.0
//
// layers.cpp: the same product through the three public layers: the micro-kernel, one contraction block, the whole
// operation.
#include <ashlar/gemm.hpp>
#include <cstdio>

namespace {

using namespace ashlar;
using ashlar::index;  // <string.h> has one too
using O = ops<float, isa::native>;
using format = plain_format<float, isa::native>;
constexpr tile_shape tile = default_tile<float, isa::native>;

// A in rows, B in rows of exactly one panel: no edges, no packing.
void micro_kernel(index k, const float* a, const float* b, float* c) {
  const index nr = tile.nv * O::lanes();
  tile_operands<float> x{};
  x.k = k, x.a = a, x.a_stride = k, x.b = b, x.b_stride = nr, x.dst = c, x.dst_stride = nr;
  x.n = nr, x.last = true, x.prefetch = reinterpret_cast<const char*>(b);
  register_tile<O, tile.mr, tile.nv, tile.ku, plus_times, acc_node>::run(x, acc);
}

// Cuts the product by hand and runs its only block: what an engine with its own scheduler does.
void one_block(index k, const float* a, const float* b, float* c) {
  const index nr = tile.nv * O::lanes();
  const contraction<format> x{tile.mr, nr, k, a, k, 1, b, nr, 1, nullptr, 0, c, nr, 1};
  contraction_shape s{tile.mr, nr, k, sizeof(float), k, 1, false, false, nr, 1, false, true, false};
  const blocking cut_by_hand = cut(s, tile.mr, nr, 1, {32 * 1024, 512 * 1024});
  aligned_buffer memory = aligned_buffer::make(workspace_elements(cut_by_hand, s, nr) * sizeof(float));
  contraction_block<format, tile, plus_times, acc_node, no_prologue> block(x, cut_by_hand, acc, no_prologue{},
                                                                           reinterpret_cast<float*>(memory.data()));
  block.run(0);
}

}  // namespace

int main() {
  using ashlar::index;
  constexpr index k = 40;
  static float a[tile.mr * k], b[k * tile.nv * O::max_lanes], c[3][tile.mr * tile.nv * O::max_lanes];
  const index m = tile.mr, n = tile.nv * O::lanes();
  for (index i = 0; i < m * k; ++i) a[i] = float(i % 9) / 8;
  for (index i = 0; i < k * n; ++i) b[i] = float(i % 17) - 8;
  micro_kernel(k, a, b, c[0]);
  one_block(k, a, b, c[1]);
  if (!gemm(view(a, m, k), view(b, k, n), view(c[2], m, n)).ok()) return 1;
  bool same = true;
  for (index i = 0; i < m * n; ++i) same = same && c[0][i] == c[2][i] && c[1][i] == c[2][i];
  std::printf("%s, tile %lld x %lld: c(0, 0) = %g, %s on all three layers\n", isa::facts<isa::native>::name,
              (long long)m, (long long)n, c[2][0], same ? "the same bits" : "NOT the same bits");
  return same ? 0 : 1;
}
