// SPDX-License-Identifier: Apache-2.0
//
// cuda/options.cuh: what may follow the operands of a call, in any order: an epilogue expression, a stream, allow_tf32.
//
// Depends on: epilogue/expression.hpp.   Used by: gemm.cuh, conv.cuh.
#pragma once

#include <cuda_runtime.h>
#include <ashlar/cuda/tf32.cuh>
#include <ashlar/epilogue/expression.hpp>

#include <type_traits>

namespace ashlar::cuda {

/// Option: floats may be multiplied as TF32, by tensor cores.   cuda::gemm(A, B, C, allow_tf32)
struct tf32_option {};
inline constexpr tf32_option allow_tf32{};

namespace detail {

template <class X>
concept call_option = expression<X> || std::same_as<X, cudaStream_t> || std::same_as<X, tf32_option>;

template <class... Options>
inline constexpr bool may_use_tf32 = (std::same_as<Options, tf32_option> || ...);

inline acc_node epilogue_of() { return {}; }
template <class First, class... Rest>
auto epilogue_of(const First& first, const Rest&... rest) {
  if constexpr (expression<First>) {
    return first;
  } else {
    return epilogue_of(rest...);
  }
}

inline cudaStream_t stream_of() { return nullptr; }
template <class First, class... Rest>
cudaStream_t stream_of(const First& first, const Rest&... rest) {
  if constexpr (std::same_as<First, cudaStream_t>) {
    return first;
  } else {
    return stream_of(rest...);
  }
}

}  // namespace detail
}  // namespace ashlar::cuda
