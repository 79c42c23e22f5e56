// SPDX-License-Identifier: Apache-2.0
//
// cuda/tensor_map.cuh: tells the tensor memory accelerator of a matrix: extents, strides, the box of one load or store.
//
// The encoder belongs to the driver. It is asked for through the runtime, so that no program links libcuda.
//
// Depends on: launch.cuh, sm90_elements.cuh.   Used by: sm90_gemm.cuh.
#pragma once

#include <ashlar/core/view.hpp>
#include <ashlar/cuda/batch.cuh>
#include <ashlar/cuda/launch.cuh>
#include <ashlar/cuda/sm90_elements.cuh>
#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace ashlar::cuda::detail {

template <class T>
inline constexpr CUtensorMapDataType map_type = CU_TENSOR_MAP_DATA_TYPE_UINT8;
template <>
inline constexpr CUtensorMapDataType map_type<float> = CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
template <>
inline constexpr CUtensorMapDataType map_type<tf32> = CU_TENSOR_MAP_DATA_TYPE_TFLOAT32;  // rounds as it loads
template <>
inline constexpr CUtensorMapDataType map_type<std::int32_t> = CU_TENSOR_MAP_DATA_TYPE_INT32;
template <>
inline constexpr CUtensorMapDataType map_type<bf16> = CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
template <>
inline constexpr CUtensorMapDataType map_type<f16> = CU_TENSOR_MAP_DATA_TYPE_FLOAT16;

/// A batch of matrices as the accelerator sees it: lines of `extent[0]` consecutive elements.
struct boxed_matrix {
  const void* data;
  std::uint64_t extent[3];      // elements of a line, lines, matrices
  std::uint64_t line_bytes;     // from one line to the next
  std::uint64_t matrix_bytes;   // from one matrix to the next
  std::uint32_t box[3];         // elements, lines and matrices of one load
};

/// The matrix `v`, whose lines are its rows, in boxes of 128 bytes by `lines`.
template <any_matrix V>
constexpr boxed_matrix boxed_rows(const V& v, index matrix_stride, index count, int lines) {
  constexpr index size = sizeof(typename V::value_type);
  const auto bytes = [&](index stride) { return static_cast<std::uint64_t>(stride * size); };
  const bool many = count > 1 && matrix_stride != 0;
  return {v.data(),
          {std::uint64_t(v.cols()), std::uint64_t(v.rows()), many ? std::uint64_t(count) : 1},
          v.rows() > 1 ? bytes(v.row_stride()) : bytes((v.cols() * size + 15) / 16 * 16 / size),
          many ? bytes(matrix_stride) : bytes(16),
          {std::uint32_t(128 / size), std::uint32_t(lines), 1}};
}

/// What the accelerator asks of a matrix: 16-byte steps, 32-bit extents.
constexpr bool boxable(const boxed_matrix& m) {
  constexpr std::uint64_t most_stride = std::uint64_t(1) << 40, most_extent = std::uint64_t(1) << 31;
  return reinterpret_cast<std::uintptr_t>(m.data) % 16 == 0 && m.line_bytes % 16 == 0 && m.matrix_bytes % 16 == 0 &&
         m.line_bytes < most_stride && m.matrix_bytes < most_stride && m.extent[0] < most_extent &&
         m.extent[1] < most_extent && m.extent[2] < most_extent;
}

/// What it asks of a matrix that it stores besides: it writes whole pieces of 16 bytes.
constexpr bool storable(const boxed_matrix& m, index element_bytes) {
  return boxable(m) && m.extent[0] * std::uint64_t(element_bytes) % 16 == 0;
}

using map_encoder = CUresult(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*, const cuuint64_t*,
                             const cuuint32_t*, const cuuint32_t*, CUtensorMapInterleave, CUtensorMapSwizzle,
                             CUtensorMapL2promotion, CUtensorMapFloatOOBfill);

/// A function of the driver, since CUDA 12.
template <class Function, class Unit = ashlar::detail::this_unit>
result<Function*> driver_function(const char* name, const char* who) {
  void* function = nullptr;
  cudaDriverEntryPointQueryResult found{};
  const cudaError_t error = cudaGetDriverEntryPointByVersion(name, &function, 12000, cudaEnableDefault, &found);
  if (status s = checked(error, who, "cudaGetDriverEntryPointByVersion"); !s.ok()) return s;
  if (found != cudaDriverEntryPointSuccess || function == nullptr) {
    return status::error(errc::unsupported, "%s: the driver has no %s: it is older than CUDA 12", who, name);
  }
  return reinterpret_cast<Function*>(function);
}
template <class Unit = ashlar::detail::this_unit>
result<map_encoder*> find_map_encoder(const char* who) {
  return driver_function<map_encoder>("cuTensorMapEncodeTiled", who);
}

/// Writes the map of `m`, whose elements are T's.
template <class T, class Unit = ashlar::detail::this_unit>
status encode(CUtensorMap& map, const boxed_matrix& m, map_encoder* encoder, const char* who) {
  const cuuint64_t strides[] = {m.line_bytes, m.matrix_bytes};
  const cuuint32_t steps[] = {1, 1, 1};
  const CUresult r = encoder(&map, map_type<T>, 3, const_cast<void*>(m.data), m.extent, strides, m.box, steps,
                             CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                             CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (r == CUDA_SUCCESS) return {};
  return status::error(errc::device_error, "%s: cuTensorMapEncodeTiled: error %d for %llu lines of %llu elements", who,
                       int(r), (unsigned long long)m.extent[1], (unsigned long long)m.extent[0]);
}

}  // namespace ashlar::cuda::detail
