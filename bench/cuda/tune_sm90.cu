// SPDX-License-Identifier: Apache-2.0
//
// bench/cuda/tune_sm90.cu: tiles of the Hopper product as contenders, in the place of own_gemm*.cu: which is the
// fastest?
//
// What wins goes into sm90_choose.cuh.
#include <algorithm>
#include <ashlar/cuda/sm90_launch.cuh>
#include <cstdio>

#include "contender.hpp"

namespace {

using namespace bench;
using ashlar::cuda::sm90_tile;
namespace kernels = ashlar::cuda::detail;
template <class T>
using matrix = ashlar::matrix_view<T>;

template <class In, class D, sm90_tile S>
cudaError_t run_tile(const gemm_problem& p, const operand_set& set, int group, cudaStream_t stream) {
  const auto* a = static_cast<const In*>(set.a);
  const auto* b = static_cast<const In*>(set.b);
  const matrix<const In> A(a, p.m, p.k, p.k, 1);
  const matrix<const In> B =
      p.form == layout::tn ? matrix<const In>(b, p.n, p.k, p.k, 1) : matrix<const In>(b, p.n, p.k, 1, p.n);
  const ashlar::matrix_view<D, ashlar::dynamic, ashlar::dynamic, ashlar::dynamic, 1> C(static_cast<D*>(set.c), p.m, p.n,
                                                                                       p.n, 1);
  const ashlar::cuda::batch_strides batch{p.batch, p.m * p.k, p.n * p.k, p.m * p.n};
  static const auto device = kernels::current_device("bench").value();
  const auto s = kernels::launch_sm90<In, S>(A, B, C, ashlar::acc, batch, device, group, stream);
  if (!s.ok()) std::fprintf(stderr, "%s\n", s.message());
  return s.ok() ? cudaSuccess : cudaErrorUnknown;
}

template <class In, class D, sm90_tile S>
contender tile(std::initializer_list<arithmetic> types, int group) {
  std::string name = std::to_string(S.bm) + "x" + std::to_string(S.bn) + (S.ping_pong ? "p" : "") + "s" +
                     std::to_string(S.stages) + "b" + std::to_string(S.boxes) + "c" + std::to_string(S.cluster_m) +
                     std::to_string(S.cluster_n) + "g" + std::to_string(group);
  const std::vector<arithmetic> wanted(types);
  return {name, [wanted, group](const gemm_problem& p, const buffers& memory, launch& out) {
            if (p.epilogue != epilogue::none) return false;
            if (std::find(wanted.begin(), wanted.end(), p.type) == wanted.end()) return false;
            if (p.form == layout::nn && !kernels::any_major<In>) return false;
            if (p.k * bench::index(sizeof(In)) % 16 != 0 || p.n * bench::index(sizeof(In)) % 16 != 0) return false;
            out.run = [p, &memory, group](cudaStream_t stream, int set) {
              return run_tile<In, D, S>(p, memory.sets[std::size_t(set)], group, stream);
            };
            return true;
          }};
}

template <class In, class D>
void add_main_tiles(std::vector<contender>& list, std::initializer_list<arithmetic> types) {
  list.push_back(tile<In, D, sm90_tile{128, 256, 4, 2, 2, 1, false}>(types, 8));
  list.push_back(tile<In, D, sm90_tile{128, 128, 6, 2, 2, 1, true}>(types, 8));
  list.push_back(tile<In, D, sm90_tile{128, 128, 6, 2, 2, 2, true}>(types, 8));
  list.push_back(tile<In, D, sm90_tile{64, 128, 8, 2, 2, 2, true}>(types, 8));
}

}  // namespace

std::vector<contender> bench::own_contenders() {
  using enum arithmetic;
  std::vector<contender> list;
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{128, 256, 4, 2, 2, 1, false}>({bf16}, 8));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{256, 128, 4, 2, 1, 2, false}>({bf16}, 8));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{256, 128, 4, 2, 1, 2, false}>({bf16}, 4));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{128, 192, 4, 3, 2, 1, false}>({bf16}, 8));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{128, 128, 6, 2, 2, 1, true}>({bf16}, 8));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{128, 128, 6, 2, 1, 2, true}>({bf16}, 8));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{128, 128, 6, 2, 2, 2, true}>({bf16}, 8));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{128, 128, 6, 2, 2, 2, true}>({bf16}, 4));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{128, 256, 4, 2, 2, 2, false}>({bf16}, 4));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{64, 128, 8, 2, 2, 1, true}>({bf16}, 8));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{64, 128, 8, 2, 2, 2, true}>({bf16}, 8));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{64, 128, 8, 2, 1, 2, true}>({bf16}, 8));
  list.push_back(tile<ashlar::bf16, ashlar::bf16, sm90_tile{64, 128, 8, 2, 4, 1, true}>({bf16}, 8));
  add_main_tiles<ashlar::cuda::tf32, float>(list, {tf32});
  add_main_tiles<ashlar::e4m3, ashlar::bf16>(list, {e4m3_fast});
  add_main_tiles<std::int8_t, std::int32_t>(list, {s8});
  for (const contender& c : f64_contenders()) list.push_back(c);
  return list;
}
