// SPDX-License-Identifier: Apache-2.0
//
// cuda/tensor_map.cuh: tells the tensor memory accelerator of a matrix: extents, strides, the box of one load or store.
//
// The encoder belongs to the driver. It is asked for through the runtime, so that no program links libcuda.
//
// Depends on: boxes.cuh, launch.cuh, sm90_elements.cuh.   Used by: sm90_gemm.cuh.
#pragma once

#include <cuda.h>
#include <cuda_runtime.h>
#include <ashlar/cuda/boxes.cuh>
#include <ashlar/cuda/launch.cuh>
#include <ashlar/cuda/sm90_elements.cuh>

#include <cstdint>

namespace ashlar::cuda::detail {

template <class T>
inline constexpr CUtensorMapDataType map_type = CU_TENSOR_MAP_DATA_TYPE_UINT8;
template <>
inline constexpr CUtensorMapDataType map_type<float> = CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
template <>
inline constexpr CUtensorMapDataType map_type<tf32> = CU_TENSOR_MAP_DATA_TYPE_TFLOAT32;
template <>
inline constexpr CUtensorMapDataType map_type<std::int32_t> = CU_TENSOR_MAP_DATA_TYPE_INT32;
template <>
inline constexpr CUtensorMapDataType map_type<bf16> = CU_TENSOR_MAP_DATA_TYPE_BFLOAT16;
template <>
inline constexpr CUtensorMapDataType map_type<f16> = CU_TENSOR_MAP_DATA_TYPE_FLOAT16;

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
                             CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                             CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (r == CUDA_SUCCESS) return {};
  return status::error(errc::device_error, "%s: cuTensorMapEncodeTiled: error %d for %llu lines of %llu elements", who,
                       int(r), (unsigned long long)m.extent[1], (unsigned long long)m.extent[0]);
}

}  // namespace ashlar::cuda::detail
