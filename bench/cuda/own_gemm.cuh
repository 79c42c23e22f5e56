// SPDX-License-Identifier: Apache-2.0
//
// bench/cuda/own_gemm.cuh: cuda::gemm as a contender, as a user calls it: the library chooses kernel and tile.
//
// Depends on: contender.hpp.   Used by: own_gemm.cu, own_gemm_8.cu, own_gemm_32.cu.
#pragma once
#include <ashlar/cuda/gemm.cuh>
#include <cstdio>

#include "contender.hpp"

namespace bench {

// Runs one problem of elements In and Out; with options such as allow_tf32.
template <class In, class Out, class... Options>
class own_gemm {
 public:
  explicit own_gemm(arithmetic type, const Options&... options) : type_(type), options_(options...) {}

  contender get() const {
    return {"ashlar", [self = *this](const gemm_problem& p, const buffers& memory, launch& out) {
              if (p.type != self.type_) return false;
              out.run = [self, p, &memory](cudaStream_t stream, int set) {
                const ashlar::status s = self.run(p, memory.sets[std::size_t(set)], stream);
                if (!s.ok()) std::fprintf(stderr, "%s\n", s.message());
                return s.ok() ? cudaSuccess : cudaErrorUnknown;
              };
              return true;
            }};
  }

 private:
  ashlar::status run(const gemm_problem& p, const operand_set& set, cudaStream_t stream) const {
    using ashlar::acc;
    const auto biased = acc + ashlar::cast(ashlar::per_column(static_cast<const Out*>(set.bias)));
    if (p.epilogue == epilogue::none) return with_layout(p, set, acc, stream);
    if constexpr (sizeof(In) == 2) {  // the others would take minutes to compile
      if (p.epilogue == epilogue::bias) return with_layout(p, set, biased, stream);
      if (p.epilogue == epilogue::bias_relu) return with_layout(p, set, relu(biased), stream);
      if (p.epilogue == epilogue::bias_gelu) return with_layout(p, set, gelu_tanh(biased), stream);
      return with_layout(p, set, silu(biased), stream);
    } else {
      return ashlar::status::error(ashlar::errc::unsupported, "not compiled: %s of this type", name_of(p.epilogue));
    }
  }

  template <class E>
  ashlar::status with_layout(const gemm_problem& p, const operand_set& set, const E& e, cudaStream_t stream) const {
    const auto a = ashlar::view(static_cast<const In*>(set.a), p.m, p.k);
    const auto* b = static_cast<const In*>(set.b);
    const auto c = ashlar::view(static_cast<Out*>(set.c), p.m, p.n);
    const auto go = [&](const auto& matrix) {
      return std::apply(
          [&](const auto&... options) {
            return ashlar::cuda::gemm_batched(a, p.m * p.k, matrix, p.n * p.k, c, p.m * p.n, p.batch, e, stream,
                                              options...);
          },
          options_);
    };
    if constexpr (sizeof(In) > 1 && std::is_same_v<E, ashlar::acc_node>) {
      if (p.form == layout::nn) return go(ashlar::view(b, p.k, p.n));
    }
    if (p.form == layout::nn) return ashlar::status::error(ashlar::errc::unsupported, "not compiled: nn of this type");
    return go(ashlar::column_major(b, p.k, p.n));
  }

  arithmetic type_;
  std::tuple<Options...> options_;
};

std::vector<contender> own_gemm_8();   // e4m3 and int8
std::vector<contender> own_gemm_32();  // f32, tf32, f64

}  // namespace bench
