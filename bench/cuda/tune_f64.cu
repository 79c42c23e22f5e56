// SPDX-License-Identifier: Apache-2.0
//
// bench/cuda/tune_f64.cu: the exact product of doubles as contenders: on the tensor cores every tile by itself and the
// one that is chosen, and without them.
//
// Depends on: contender.hpp.   Used by: tune_sm90.cu.
#include <ashlar/cuda/dmma_gemm.cuh>
#include <ashlar/cuda/simt_gemm.cuh>
#include <cstdio>

#include "contender.hpp"

namespace bench {
namespace {

namespace cd = ashlar::cuda::detail;
using ashlar::status;

cudaError_t as_error(const status& s) {
  if (!s.ok()) std::fprintf(stderr, "%s\n", s.message());
  return s.ok() ? cudaSuccess : cudaErrorUnknown;
}

ashlar::cuda::batch_strides strides_of(const gemm_problem& p) { return {p.batch, p.m * p.k, p.k * p.n, p.m * p.n}; }

// f(a, b, c) with the views of one set, B as the problem's layout has it.
template <class F>
status with_views(const gemm_problem& p, const operand_set& s, const F& f) {
  const auto a = ashlar::view(static_cast<const double*>(s.a), p.m, p.k);
  const auto* b = static_cast<const double*>(s.b);
  const auto c = ashlar::view(static_cast<double*>(s.c), p.m, p.n);
  if (p.form == layout::tn) return f(a, ashlar::column_major(b, p.k, p.n), c);
  return f(a, ashlar::view(b, p.k, p.n), c);
}

bool takes(const gemm_problem& p) { return p.type == arithmetic::f64 && p.epilogue == epilogue::none; }
// A tile by itself takes lines of A and B that begin on 16 bytes.
bool on_16_bytes(const gemm_problem& p) { return p.k % 2 == 0 && (p.form == layout::tn || p.n % 2 == 0); }

const ashlar::cuda::device_facts& this_device() {
  static const auto facts = cd::current_device("bench").value();
  return facts;
}

template <class Tile>
status launch_tile(const gemm_problem& p, const operand_set& set, cudaStream_t stream) {
  return with_views(p, set, [&](const auto& a, const auto& b, const auto& c) {
    constexpr bool columns = std::remove_cvref_t<decltype(b)>::static_row_stride == 1;
    using config =
        cd::mma_config<double, double, cd::route::direct_k, columns ? cd::route::direct_k : cd::route::direct_mn, Tile>;
    const auto arguments = cd::mma_arguments_of<double, double>(a, b, c, ashlar::acc, strides_of(p));
    return cd::launch_config<config>(arguments, this_device(), stream);
  });
}

template <class Tile>
contender tile() {
  const auto n = [](int x) { return std::to_string(x); };
  return {"dmma " + n(Tile::m) + "x" + n(Tile::n) + "/" + n(Tile::warp_m) + "x" + n(Tile::warp_n) + " s" +
              n(Tile::stages) + " r" + n(Tile::resident),
          [](const gemm_problem& p, const buffers& b, launch& l) {
            if (!takes(p) || !on_16_bytes(p)) return false;
            l.run = [p, &b](cudaStream_t s, int i) {
              return as_error(launch_tile<Tile>(p, b.sets[std::size_t(i)], s));
            };
            return true;
          }};
}

// The kernel that `start(a, b, c, batch, stream)` chooses.
template <class Start>
contender chosen(const char* name, const Start& start) {
  return {name, [start](const gemm_problem& p, const buffers& memory, launch& l) {
            if (!takes(p)) return false;
            l.run = [p, &memory, start](cudaStream_t s, int i) {
              return as_error(with_views(
                  p, memory.sets[std::size_t(i)],
                  [&](const auto& a, const auto& b, const auto& c) { return start(a, b, c, strides_of(p), s); }));
            };
            return true;
          }};
}

}  // namespace

std::vector<contender> f64_contenders() {
  const auto dmma = [](const auto& a, const auto& b, const auto& c, const auto& batch, cudaStream_t s) {
    return cd::launch_dmma(a, b, c, ashlar::acc, batch, s);
  };
  const auto simt = [](const auto& a, const auto& b, const auto& c, const auto& batch, cudaStream_t s) {
    return cd::launch_simt<double>(a, b, c, ashlar::acc, batch, s);
  };
  return {chosen("dmma", dmma),
          chosen("simt", simt),
          tile<cd::mma_tile<128, 128, 128, 64, 32, 3, 1>>(),
          tile<cd::mma_tile<128, 128, 128, 64, 32, 4, 1>>(),
          tile<cd::mma_tile<128, 128, 128, 32, 64, 3, 1>>(),
          tile<cd::mma_tile<128, 64, 128, 64, 32, 3, 2>>(),
          tile<cd::mma_tile<64, 128, 128, 64, 32, 3, 2>>(),
          tile<cd::mma_tile<64, 64, 128, 32, 32, 3, 3>>()};
}

}  // namespace bench
