// SPDX-License-Identifier: Apache-2.0
//
// cuda/pixel_map.cuh: tells the tensor memory accelerator of an image, so that one load brings a column of its im2col
// matrix.
//
// Depends on: boxes.cuh, tensor_map.cuh.   Used by: sm90_conv.cuh.
#pragma once

#include <ashlar/cuda/tensor_map.cuh>

namespace ashlar::cuda::detail {

using pixel_map_encoder = CUresult(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*,
                                   const cuuint64_t*, const int*, const int*, cuuint32_t, cuuint32_t, const cuuint32_t*,
                                   CUtensorMapInterleave, CUtensorMapSwizzle, CUtensorMapL2promotion,
                                   CUtensorMapFloatOOBfill);

/// Writes the map of the walk.
template <class T, class Unit = ashlar::detail::this_unit>
status encode(CUtensorMap& map, const walked_image& v, const char* who) {
  const auto encoder = driver_function<pixel_map_encoder>("cuTensorMapEncodeIm2col", who);
  if (!encoder.ok()) return encoder.error();
  const int lower[] = {int(v.x.lower()), int(v.y.lower())}, upper[] = {int(v.x.upper()), int(v.y.upper())};
  const cuuint32_t steps[] = {1, cuuint32_t(v.x.step), cuuint32_t(v.y.step), 1};
  const CUresult r = encoder.value()(&map, map_type<T>, 4, const_cast<void*>(v.data), v.extent, v.stride_bytes, lower,
                                     upper, cuuint32_t(v.channels), cuuint32_t(v.pixels), steps,
                                     CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                                     CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (r == CUDA_SUCCESS) return {};
  return status::error(errc::device_error, "%s: cuTensorMapEncodeIm2col: error %d for an image of %llu x %llu pixels",
                       who, int(r), (unsigned long long)v.extent[2], (unsigned long long)v.extent[1]);
}

}  // namespace ashlar::cuda::detail
