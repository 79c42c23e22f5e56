// SPDX-License-Identifier: Apache-2.0
//
// cuda/pixel_map.cuh: tells the tensor memory accelerator of an image, so that one load brings a column of its im2col
// matrix: some channels of consecutive pixels of dst, for one tap.
//
//   The first pixel lies at lower + (i, j) * step of src; the walk goes along i until upper, then j, then the next image.
//   A load adds its tap's offset to all of them; what falls outside the image is zero.
//
// Source: CUDA driver API, cuTensorMapEncodeIm2col; the corners are derived in docs/cuda.md.
// Depends on: tensor_map.cuh, conv/geometry.hpp.   Used by: sm90_conv.cuh.
#pragma once

#include <ashlar/core/image.hpp>
#include <ashlar/cuda/tensor_map.cuh>

namespace ashlar::cuda::detail {

/// One axis of an image that is walked: `count` positions from -before on, `step` apart, over `extent` pixels.
struct walked_axis {
  index extent, count, step, before;

  constexpr index lower() const { return -before; }
  /// The last position is extent - 1 + upper.
  constexpr index upper() const { return (count - 1) * step - before - (extent - 1); }
};

struct walked_image {
  const void* data;
  std::uint64_t extent[4];        // channels, width, height, images
  std::uint64_t stride_bytes[3];  // of width, height, images
  walked_axis x, y;
  int channels, pixels;           // of one load
};

template <class T>
constexpr walked_image walked(const image_view<T>& v, const walked_axis& x, const walked_axis& y, int channels, int pixels) {
  const image_axes &e = v.extents(), &s = v.strides();
  const auto bytes = [](index stride) { return std::uint64_t(stride * index(sizeof(T))); };
  const auto count = [](index n) { return std::uint64_t(n); };
  return {v.data(), {count(e.c), count(e.w), count(e.h), count(e.n)}, {bytes(s.w), bytes(s.h), bytes(s.n)}, x, y, channels, pixels};
}

/// What the accelerator asks of an image: 16-byte steps, small corners and offsets; `reach` is the last tap's offset.
constexpr bool walkable(const walked_image& v, index reach_x, index reach_y) {
  bool fits = reinterpret_cast<std::uintptr_t>(v.data) % 16 == 0;
  for (const std::uint64_t s : v.stride_bytes) fits &= s % 16 == 0 && s < (std::uint64_t(1) << 40);
  for (const std::uint64_t e : v.extent) fits &= e > 0 && e < (std::uint64_t(1) << 31);
  for (const walked_axis& a : {v.x, v.y}) {
    fits &= a.step >= 1 && a.step <= 8 && a.lower() >= -128 && a.lower() <= 127 && a.upper() >= -128 && a.upper() <= 127;
  }
  return fits && reach_x < 256 && reach_y < 256;
}

using pixel_map_encoder = CUresult(CUtensorMap*, CUtensorMapDataType, cuuint32_t, void*, const cuuint64_t*, const cuuint64_t*,
                                   const int*, const int*, cuuint32_t, cuuint32_t, const cuuint32_t*, CUtensorMapInterleave,
                                   CUtensorMapSwizzle, CUtensorMapL2promotion, CUtensorMapFloatOOBfill);

/// Writes the map of the walk.
template <class T, class Unit = ashlar::detail::this_unit>
status encode(CUtensorMap& map, const walked_image& v, const char* who) {
  const auto encoder = driver_function<pixel_map_encoder>("cuTensorMapEncodeIm2col", who);
  if (!encoder.ok()) return encoder.error();
  const int lower[] = {int(v.x.lower()), int(v.y.lower())}, upper[] = {int(v.x.upper()), int(v.y.upper())};
  const cuuint32_t steps[] = {1, cuuint32_t(v.x.step), cuuint32_t(v.y.step), 1};
  const CUresult r =
      encoder.value()(&map, map_type<T>, 4, const_cast<void*>(v.data), v.extent, v.stride_bytes, lower, upper,
                      cuuint32_t(v.channels), cuuint32_t(v.pixels), steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
                      CU_TENSOR_MAP_SWIZZLE_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (r == CUDA_SUCCESS) return {};
  return status::error(errc::device_error, "%s: cuTensorMapEncodeIm2col: error %d for an image of %llu x %llu pixels", who, int(r),
                       (unsigned long long)v.extent[2], (unsigned long long)v.extent[1]);
}

}  // namespace ashlar::cuda::detail
