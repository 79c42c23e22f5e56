// SPDX-License-Identifier: Apache-2.0
// bench/cuda/gemm_problems.hpp: which matrix products are timed, and how far two right results of one may lie apart.
//
// Depends on: contender.hpp.   Used by: gemm.cu.
#pragma once
#include "session.cuh"

namespace bench {

// Bounds on the relative Frobenius distance of two right results. Rounding the output gives about u / sqrt(3) each
// (u: half a unit in the last place); f32 and f64 sums in another order grow like sqrt(k) u; tf32 and f16 inputs are
// exact products, so only the sum differs; the short e4m3 accumulator keeps about 14 bits, which k steps lose from.
inline double tolerance_of(const gemm_problem& p) {
  constexpr double bounds[] = {1e-5, 2e-3, 1e-13, 2e-3, 1e-2, 1e-2, 5e-2, 0};
  return bounds[int(p.type)];
}

using gemm_list = std::vector<listed<gemm_problem>>;

inline void add_squares_of_sizes(gemm_list& list) {
  using enum arithmetic;
  for (const index size : {1024, 2048, 4096, 8192}) {
    for (const arithmetic t : {bf16, f16, e4m3_fast, e4m3, s8, tf32, f32, f64})
      list.push_back({"square", {t, size, size, size}});
    for (const arithmetic t : {bf16, f16, tf32, f32, f64})
      list.push_back({"square", {t, size, size, size, layout::nn}});
  }
}

// The layers of a language model at its decoding batch sizes.
inline void add_small_m(gemm_list& list) {
  using enum arithmetic;
  for (const arithmetic t : {bf16, e4m3_fast, s8})
    for (const index n : {4096, 14336})
      for (const index k : {4096, 14336})
        for (const index m : {1, 16, 64, 256}) list.push_back({"small_m", {t, m, n, k}});
}

inline void add_odd(gemm_list& list) {
  constexpr index sizes[][3] = {{4096, 4097, 4096}, {4097, 4096, 4096},  {4096, 4096, 4097}, {1000, 1000, 1000},
                                {2048, 2112, 7168}, {127, 8191, 511},    {8192, 64, 8192},   {64, 8192, 8192},
                                {8192, 8192, 64},   {3000, 3000, 16384}, {256, 256, 16384}};
  for (const arithmetic t : {arithmetic::bf16, arithmetic::f32})
    for (const auto& [m, n, k] : sizes) list.push_back({"odd", {t, m, n, k}});
}

inline void add_short_k(gemm_list& list) {
  using enum arithmetic;
  constexpr index sizes[][2] = {{4096, 4096}, {8192, 8192}, {4096, 32768}};
  for (const arithmetic t : {bf16, e4m3_fast, s8, f32})
    for (const auto& [m, n] : sizes) list.push_back({"k512", {t, m, n, 512}});
}

inline void add_batched(gemm_list& list) {
  for (const arithmetic t : {arithmetic::bf16, arithmetic::f32}) {
    list.push_back({"batch", {t, 1024, 1024, 1024, layout::tn, 8}});
    list.push_back({"batch", {t, 256, 256, 256, layout::tn, 64}});
    list.push_back({"batch", {t, 2048, 2048, 128, layout::tn, 16}});
    list.push_back({"batch", {t, 2048, 128, 2048, layout::nn, 16}});
  }
}

inline void add_epilogues(gemm_list& list) {
  using enum arithmetic;
  constexpr index sizes[][3] = {{4096, 4096, 4096}, {8192, 8192, 1024}, {2048, 14336, 4096}};
  for (const arithmetic t : {bf16, f16, e4m3_fast, f32})
    for (const auto& [m, n, k] : sizes)
      for (const epilogue e : {epilogue::bias, epilogue::bias_relu, epilogue::bias_gelu, epilogue::bias_silu})
        list.push_back({"epilogue", {t, m, n, k, layout::tn, 1, e}});
}

inline gemm_list all_gemm_problems() {
  gemm_list list;
  add_squares_of_sizes(list);
  add_small_m(list);
  add_odd(list);
  add_short_k(list);
  add_batched(list);
  add_epilogues(list);
  return list;
}

}  // namespace bench
