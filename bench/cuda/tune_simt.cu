// SPDX-License-Identifier: Apache-2.0
// bench/cuda/tune_simt.cu: tiles of the exact product as contenders, in the place of own_gemm.cu: which is the fastest?
//
//     nvcc -std=c++20 -O3 -gencode arch=compute_90a,code=sm_90a -I../../include -I../../cuda
//       gemm.cu tune_simt.cu peer_cublaslt.cu -lcublasLt -o tune_simt
//     tune_simt --filter='^square/f32/'
//
// A name is bm x bn x bk / wm x wn, stages, resident blocks, k written out. What wins goes into simt_choose.cuh.
#include <ashlar/cuda/simt_gemm.cuh>

#include "contender.hpp"

namespace bench {
namespace {

namespace cd = ashlar::cuda::detail;
using ashlar::status;

cudaError_t as_error(const status& s) { return s.ok() ? cudaSuccess : cudaErrorUnknown; }

// f(a, b, c) with the views of one set, B as the problem's layout has it.
template <class F>
status with_views(const gemm_problem& p, const operand_set& s, const F& f) {
  const auto* a = static_cast<const float*>(s.a);
  const auto* b = static_cast<const float*>(s.b);
  const auto c = ashlar::view(static_cast<float*>(s.c), p.m, p.n);
  if (p.form == layout::tn) return f(ashlar::view(a, p.m, p.k), ashlar::column_major(b, p.k, p.n), c);
  return f(ashlar::view(a, p.m, p.k), ashlar::view(b, p.k, p.n), c);
}

ashlar::cuda::batch_strides strides_of(const gemm_problem& p) { return {p.batch, p.m * p.k, p.k * p.n, p.m * p.n}; }

bool takes(const gemm_problem& p) {
  return p.type == arithmetic::f32 && p.epilogue == epilogue::none && p.m > 0 && p.n % 4 == 0;
}

template <cd::simt_shape S>
status launch_tile(const gemm_problem& p, const operand_set& set, cudaStream_t stream) {
  return with_views(p, set, [&](const auto& a, const auto& b, const auto& c) {
    using A = std::remove_cvref_t<decltype(a)>;
    using B = std::remove_cvref_t<decltype(b)>;
    using C = std::remove_cvref_t<decltype(c)>;
    const cd::simt_problem<A, B, C, ashlar::acc_node> x{a, b, c, {}, strides_of(p), 0, {}, true};
    using order_b = std::conditional_t<B::static_row_stride == 1, cd::k_fastest, cd::strips>;
    return cd::launch_simt_tile<cd::simt_tile<S>, float, cd::k_fastest, order_b>(x, stream);
  });
}

template <cd::simt_shape S>
contender tile() {
  const auto n = [](int x) { return std::to_string(x); };
  const std::string name = "simt " + n(S.bm) + "x" + n(S.bn) + "x" + n(S.bk) + "/" + n(S.wm) + "x" + n(S.wn) + " s" +
                           n(S.stages) + " r" + n(S.resident) + " u" + n(S.unrolled);
  return {name, [](const gemm_problem& p, const buffers& b, launch& l) {
            if (!takes(p)) return false;
            l.run = [p, &b](cudaStream_t s, int i) { return as_error(launch_tile<S>(p, b.sets[std::size_t(i)], s)); };
            return true;
          }};
}

contender chosen() {
  return {"simt", [](const gemm_problem& p, const buffers& b, launch& l) {
            if (!takes(p)) return false;
            l.run = [p, &b](cudaStream_t s, int i) {
              return as_error(with_views(p, b.sets[std::size_t(i)], [&](const auto& x, const auto& y, const auto& z) {
                return cd::launch_simt<float>(x, y, z, ashlar::acc, strides_of(p), s);
              }));
            };
            l.note = "tile " + std::to_string(cd::best_simt_shape<4>(p.m, p.n, p.k, p.batch, {}));
            return true;
          }};
}

}  // namespace

//                                   bm   bn  bk  wm  wn lanes stages resident unrolled
std::vector<contender> own_contenders() {
  return {chosen(),
          tile<cd::simt_shape{128, 128, 8, 64, 64, 8, 4, 2}>(),
          tile<cd::simt_shape{128, 128, 16, 64, 64, 8, 2, 2}>(),
          tile<cd::simt_shape{128, 128, 16, 64, 64, 8, 2, 2, 2}>(),
          tile<cd::simt_shape{128, 128, 8, 32, 128, 4, 4, 2}>(),
          tile<cd::simt_shape{128, 256, 8, 64, 64, 8, 3, 1}>(),
          tile<cd::simt_shape{256, 128, 8, 64, 64, 8, 3, 1}>(),
          tile<cd::simt_shape{128, 128, 8, 32, 64, 4, 4, 2}>(),
          tile<cd::simt_shape{128, 128, 16, 32, 64, 4, 2, 2}>(),
          tile<cd::simt_shape{128, 64, 8, 64, 32, 8, 4, 4}>(),
          tile<cd::simt_shape{128, 64, 16, 64, 32, 8, 2, 4}>(),
          tile<cd::simt_shape{64, 128, 16, 32, 64, 4, 2, 4}>(),
          tile<cd::simt_shape{64, 64, 8, 32, 32, 4, 6, 4}>(),
          tile<cd::simt_shape{64, 64, 16, 32, 64, 4, 4, 6}>(),
          tile<cd::simt_shape{32, 32, 8, 16, 32, 4, 8, 8}>()};
}

}  // namespace bench
