// SPDX-License-Identifier: Apache-2.0
//
// cuda/gemm.cuh: matrix products on the GPU: which kernel runs.
//
//   f32, f64, anything exact        simt_gemm       one fused multiply-add a k, in order: the bits of the CPU
//   bf16, f16, e4m3, e5m2, s8,      sm90_gemm       compute capability 9.0, operands on 16 bytes
//   f32 as TF32                     mma_gemm        8.0 and later, any operands
//
// Depends on: these, gemm/check_views.hpp.   Used by: users.
#pragma once

#include <ashlar/cuda/mma_gemm.cuh>
#include <ashlar/cuda/options.cuh>
#include <ashlar/cuda/simt_gemm.cuh>
#include <ashlar/cuda/sm90_choose.cuh>
#include <ashlar/cuda/sm90_launch.cuh>
#include <ashlar/gemm/check_views.hpp>
#include <concepts>

namespace ashlar::cuda {

namespace detail {

template <class T>
concept tensor_element = narrow_floating_point<T> || std::same_as<T, std::int8_t>;

template <any_matrix A, any_matrix B, any_matrix C, class E, class Unit = ashlar::detail::this_unit>
status check_gemm(const A& a, const B& b, const C& c, const E& e, const batch_strides& batch) {
  namespace common = ashlar::detail;
  if (batch.count < 0) {
    return status::error(errc::negative_extent, "gemm_batched: %lld products: the count must not be negative",
                         (long long)batch.count);
  }
  if (status s = common::check_view("A", a); !s.ok()) return s;
  if (status s = common::check_view("B", b); !s.ok()) return s;
  if (status s = common::check_view("C", c); !s.ok()) return s;
  if (a.cols() != b.rows() || c.rows() != a.rows() || c.cols() != b.cols()) {
    return common::shape_error(a.rows(), a.cols(), b.rows(), b.cols(), c.rows(), c.cols());
  }
  if (status s = common::check_written(c); !s.ok()) return s;
  const bool shared_a = common::overlaps(a, c);
  if (shared_a || common::overlaps(b, c)) {
    return status::error(errc::aliasing, "gemm: %s shares memory with C (at %p): C must be disjoint from A and B",
                         shared_a ? "A" : "B", (const void*)c.data());
  }
  if (status s = common::check_expression("the epilogue", e, "C", c.rows(), c.cols()); !s.ok()) return s;
  if (common::reads_memory_of(e, c, c.rows(), c.cols())) {
    return status::error(
        errc::aliasing,
        "gemm: an operand of the epilogue shares memory with C (at %p): write dst to read C's old value",
        (const void*)c.data());
  }
  return {};
}

// May the accelerator load these operands? Lines along k, or the other way where the element allows it.
template <class In>
bool suits_sm90(const matrix_view<const In>& a, const matrix_view<const In>& b_columns, const batch_strides& batch) {
  const auto pa = k_lines<In>(a, batch.a, batch.count, 8, 8), pb = k_lines<In>(b_columns, batch.b, batch.count, 8, 8);
  return (any_major<In> || (pa.k_major && pb.k_major)) && boxable(pa.boxes) && boxable(pb.boxes);
}

template <class In, any_matrix A, any_matrix B, any_matrix C, class E, class Unit = ashlar::detail::this_unit>
status gemm_on_tensor_cores(const A& a, const B& b, const C& c, const E& e, const batch_strides& batch,
                            cudaStream_t stream) {
  const auto device = current_device("gemm");
  if (!device.ok()) return device.error();
  const auto lines_a = reinterpreted<In>(a);
  const auto lines_b = reinterpreted<In>(b.transposed());
  const index k_blocks = (a.cols() * index(sizeof(In)) + 127) / 128;
  const double tiles = double(c.rows()) * double(c.cols()) / (64 * 64) * double(batch.count);
  if (device.value().capability == 90 && k_blocks > 0 && tiles < 1e9 && suits_sm90<In>(lines_a, lines_b, batch)) {
    const int tile = best_sm90_tile(c.rows(), c.cols(), batch.count, k_blocks, device.value().multiprocessors);
    const status s = with_sm90_tile(tile, [&]<sm90_tile S>() {
      return launch_sm90<In, S>(lines_a, lines_b, c, e, batch, device.value(), 8, stream);
    });
    if (s.code() != errc::unsupported) return s;
  }
  using Multiply = std::conditional_t<std::same_as<In, tf32>, tf32, as_stored>;
  return launch_mma<Multiply>(a, b, c, e, batch, stream);
}

}  // namespace detail

/// For p = 0 .. count - 1:  C_p(m,n) = epilogue( sum over k of A_p(m,k) * B_p(k,n) ), the p-th matrices lying p times a
/// stride (in elements) behind the first; a stride of 0 shares an operand. Otherwise as gemm.
///
///     cuda::gemm_batched(A, m * k, B, 0, C, m * n, count, stream);          // one B for all
template <any_matrix A, any_matrix B, any_matrix C, class... Options>
  requires(detail::call_option<Options> && ...)
status gemm_batched(const A& a, index a_stride, const B& b, index b_stride, const C& c, index c_stride, index count,
                    const Options&... options) {
  using X = typename A::value_type;
  using T = typename C::value_type;
  static_assert(std::same_as<X, typename B::value_type>, "A and B must have one element type");
  const auto e = detail::epilogue_of(options...);
  const cudaStream_t stream = detail::stream_of(options...);
  const batch_strides batch{count, a_stride, b_stride, c_stride};
  if (status s = detail::check_gemm(a, b, c, e, batch); !s.ok()) return s;
  if (c.empty() || count == 0) return {};
  if constexpr (std::same_as<X, float> && detail::may_use_tf32<Options...>) {
    return detail::gemm_on_tensor_cores<tf32>(a, b, c, e, batch, stream);
  } else if constexpr (detail::tensor_element<X>) {
    return detail::gemm_on_tensor_cores<X>(a, b, c, e, batch, stream);
  } else {
    static_assert(std::same_as<X, T> && (std::same_as<X, float> || std::same_as<X, double>),
                  "exact products are of f32 or f64; A and B may be bf16, f16, e4m3, e5m2 or int8 with any C");
    return detail::launch_simt<X>(a, b, c, e, batch, stream);
  }
}

/// C(m,n) = epilogue( sum over k of A(m,k) * B(k,n) ) on the current device.        Specification: reference::gemm.
///
/// A is M x K, B is K x N, C is M x N, in device memory; any strides. Elements:
///
///     A, B        C                                sums         equal to the reference
///     f32         f32                              float        to the bit
///     f64         f64                              double       to the bit
///     int8        int32 and others                 int32        to the bit
///     bf16, f16   f32, bf16, f16, e4m3, e5m2       float        exact products; sums in the hardware's order
///     e4m3, e5m2  the same                         float        exact products; sums with the hardware's precision
///     f32         f32, with allow_tf32             float        operands rounded to 11 bits
///
///     cuda::gemm(view(a, m, k), view(b, k, n), view(c, m, n));
///     cuda::gemm(A, B, C, gelu(acc + cast(per_column(bias))), stream);
///
/// The epilogue is any expression of the library, evaluated in the type of the sums while they are in registers; its
/// operands lie in device memory. A user's function in it must be a named type.
///
/// Returns shape_mismatch, negative_extent, null_pointer, bad_stride, aliasing, overflow, unsupported (a device or an
/// operand for which there is no kernel in this program) or device_error; C is untouched then. Allocates nothing,
/// synchronises nothing; may be captured into a graph. Two calls give the same bits.
template <any_matrix A, any_matrix B, any_matrix C, class... Options>
  requires(detail::call_option<Options> && ...)
status gemm(const A& a, const B& b, const C& c, const Options&... options) {
  return gemm_batched(a, 0, b, 0, c, 0, 1, options...);
}

}  // namespace ashlar::cuda
