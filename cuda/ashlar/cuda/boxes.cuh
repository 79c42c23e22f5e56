// SPDX-License-Identifier: Apache-2.0
//
// cuda/boxes.cuh: matrices and images as the tensor memory accelerator sees them: lines and boxes, walks over pixels.
//
//   boxed matrix     lines of consecutive elements; a box is 128 bytes of some lines
//   walked image     a box is 128 bytes of channels of consecutive pixels of dst, for one tap. The first lies at lower
//   +
//                    (i, j) * step of src; the walk goes along i until upper, then j, then to the next image. A load
//                    adds its tap's offset to all of them; what falls outside the image is zero
//
// Plain functions, tested on the CPU. The corners follow cuTensorMapEncodeIm2col of the CUDA driver API.
//
// Depends on: core/, conv/geometry.hpp.   Used by: tensor_map.cuh, pixel_map.cuh, sm90_conv.cuh.
#pragma once

#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/image.hpp>
#include <ashlar/core/view.hpp>
#include <cstdint>

namespace ashlar::cuda::detail {

/// A batch of matrices as the accelerator sees it: lines of `extent[0]` consecutive elements.
struct boxed_matrix {
  const void* data;
  std::uint64_t extent[3];     // elements of a line, lines, matrices
  std::uint64_t line_bytes;    // from one line to the next
  std::uint64_t matrix_bytes;  // from one matrix to the next
  std::uint32_t box[3];        // elements, lines and matrices of one load
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
inline bool boxable(const boxed_matrix& m) {
  constexpr std::uint64_t most_stride = std::uint64_t(1) << 40, most_extent = std::uint64_t(1) << 31;
  return reinterpret_cast<std::uintptr_t>(m.data) % 16 == 0 && m.line_bytes % 16 == 0 && m.matrix_bytes % 16 == 0 &&
         m.line_bytes < most_stride && m.matrix_bytes < most_stride && m.extent[0] < most_extent &&
         m.extent[1] < most_extent && m.extent[2] < most_extent;
}

/// What it asks of a matrix that it stores besides: it writes whole pieces of 16 bytes.
inline bool storable(const boxed_matrix& m, index element_bytes) {
  return boxable(m) && m.extent[0] * std::uint64_t(element_bytes) % 16 == 0;
}

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
  int channels, pixels;  // of one load
};

template <class T>
constexpr walked_image walked(const image_view<T>& v, const walked_axis& x, const walked_axis& y, int channels,
                              int pixels) {
  const image_axes &e = v.extents(), &s = v.strides();
  const auto bytes = [](index stride) { return std::uint64_t(stride * index(sizeof(T))); };
  const auto count = [](index n) { return std::uint64_t(n); };
  return {
      v.data(), {count(e.c), count(e.w), count(e.h), count(e.n)}, {bytes(s.w), bytes(s.h), bytes(s.n)}, x, y, channels,
      pixels};
}

/// What the accelerator asks of an image: 16-byte steps, small corners and offsets; `reach` is the last tap's offset.
inline bool walkable(const walked_image& v, index reach_x, index reach_y) {
  bool fits = reinterpret_cast<std::uintptr_t>(v.data) % 16 == 0;
  for (const std::uint64_t s : v.stride_bytes) fits &= s % 16 == 0 && s < (std::uint64_t(1) << 40);
  for (const std::uint64_t e : v.extent) fits &= e > 0 && e < (std::uint64_t(1) << 31);
  for (const walked_axis& a : {v.x, v.y}) {
    fits &=
        a.step >= 1 && a.step <= 8 && a.lower() >= -128 && a.lower() <= 127 && a.upper() >= -128 && a.upper() <= 127;
  }
  return fits && reach_x < 256 && reach_y < 256;
}

/// What the kernel reads and writes, whichever way the convolution runs.
struct conv_walk {
  walked_axis x, y;
  index kernel_w, taps, dilation_w, dilation_h;
  index channels;  // of what is read
  bool mirrored;
};

constexpr conv_walk forward_walk(const conv_geometry& g) {
  return {{g.src.w, g.dst.w, g.stride.w, g.before.w},
          {g.src.h, g.dst.h, g.stride.h, g.before.h},
          g.kernel.w,
          g.taps(),
          g.dilation.w,
          g.dilation.h,
          g.channels,
          false};
}
/// Of stride 1: dst's gradient is convolved with the mirrored filters.
constexpr conv_walk gradient_walk(const conv_geometry& g) {
  const auto axis = [](index read, index written, index kernel, index dilation, index before) {
    return walked_axis{read, written, 1, (kernel - 1) * dilation - before};
  };
  return {axis(g.dst.w, g.src.w, g.kernel.w, g.dilation.w, g.before.w),
          axis(g.dst.h, g.src.h, g.kernel.h, g.dilation.h, g.before.h),
          g.kernel.w,
          g.taps(),
          g.dilation.w,
          g.dilation.h,
          g.filters,
          true};
}

/// Filters (k, r, s, c) with c contiguous and taps evenly spaced, in boxes of 128 bytes of c by `lines` filters.
template <class T>
constexpr boxed_matrix boxed_filters(const filter_view<const T>& w, int lines) {
  const filter_axes &e = w.extents(), &s = w.strides();
  constexpr index size = sizeof(T);
  return {w.data(),
          {std::uint64_t(e.c), std::uint64_t(e.r * e.s), std::uint64_t(e.k)},
          std::uint64_t(s.s * size),
          std::uint64_t(s.k * size),
          {std::uint32_t(128 / size), 1, std::uint32_t(lines)}};
}

template <class T>
constexpr bool evenly_spaced_taps(const filter_view<const T>& w) {
  const filter_axes &e = w.extents(), &s = w.strides();
  return s.c == 1 && e.d == 1 && (e.r == 1 || s.r == e.s * s.s);
}

/// The pixels of an image as rows, where they lie at one distance.
template <class D>
constexpr matrix_view<D> pixel_rows(const image_view<D>& v) {
  return {v.data(), v.extents().n * v.pixels(), v.extents().c, v.strides().w, v.strides().c};
}

}  // namespace ashlar::cuda::detail
