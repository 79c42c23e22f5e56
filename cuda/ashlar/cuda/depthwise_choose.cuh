// SPDX-License-Identifier: Apache-2.0
//
// cuda/depthwise_choose.cuh: whether a convolution has a depthwise kernel, and with which strip it runs.
//
//   fits_depthwise(src, dst, g)            else the direct convolution
//   with_strip<X>(g, [&](auto s) {...})    s.value is a depthwise_shape
//
// Depends on: depthwise_cut.cuh, vector_memory.cuh.   Used by: depthwise_conv.cuh, tests.
#pragma once

#include <ashlar/core/image.hpp>
#include <ashlar/cuda/depthwise_cut.cuh>
#include <ashlar/cuda/vector_memory.cuh>
#include <cstdint>
#include <type_traits>

namespace ashlar::cuda::detail {

/// 16-bit and 32-bit elements whose sums are float.
template <class T, class X>
inline constexpr bool has_depthwise_kernel =
    std::is_same_v<T, float> && (std::is_same_v<X, float> || std::is_same_v<X, f16> || std::is_same_v<X, bf16>);

/// Are channels contiguous, and pixels, rows, images and the first element multiples of `bytes` apart?
template <class T>
bool pixels_aligned(const image_view<T>& v, index bytes) {
  const image_axes& s = v.strides();
  const auto fits = [&](index stride) { return stride * index(sizeof(T)) % bytes == 0; };
  return s.c == 1 && fits(s.n) && fits(s.h) && fits(s.w) &&
         reinterpret_cast<std::uintptr_t>(v.data()) % static_cast<std::uintptr_t>(bytes) == 0;
}

/// One filter a channel, a known window, two dimensions, numbers that fit in 31 bits with room.
constexpr bool is_depthwise_window(const conv_geometry& g) {
  constexpr index most = index(1) << 29;
  const bool flat = g.src.d == 1 && g.kernel.d == 1 && g.dst.d == 1 && g.before.d == 0;
  const bool even = g.stride.h == g.stride.w && g.stride.h <= 2 && g.dilation.h == 1 && g.dilation.w == 1;
  const bool small = g.src.h + g.before.h + g.after.h < most && g.src.w + g.before.w + g.after.w < most;
  return g.groups == g.channels && g.filters == g.channels && flat && even && small && g.channels < most &&
         g.kernel.h == g.kernel.w && (g.kernel.h == 3 || g.kernel.h == 5);
}

template <class X, class D>
bool fits_depthwise(const image_view<const X>& src, const image_view<D>& dst, const conv_geometry& g) {
  constexpr int channels = 16 / int(sizeof(X));
  return is_depthwise_window(g) && g.channels % channels == 0 && pixels_aligned(src, 16) &&
         pixels_aligned(dst, store_piece<D, channels>);
}

/// Can blocks and units be counted with 31 bits?
constexpr bool countable(const depthwise_cut& c) { return c.units < 0x7fff0000 && c.blocks < 0x7fff0000; }

/// The strips, of 4 columns or wider ones, as registers allow (nvcc 13, sm_90: 80 registers for three blocks of a
/// multiprocessor, 128 for two, nothing spilled). A second row halves what is read where sums are few.
///
/// 16 bits, measured on an H200 (us; others beside the choice): 3x3 112x112x32 29.3 (4x1 not ahead 31.5, 4x2 33.8, 7x1
/// 37.0), 28x28x192 13.4 (14.7, 15.0, 14.3), stride 2 56x56x144 17.5 (4x1 19.2), 5x5 14x14x576 19.7 (5x1 21.6, 2x1
/// 24.7). f32 is not measured.
template <class X>
constexpr depthwise_shape strip_shape(int window, int stride, bool wide) {
  if (sizeof(X) == 2 && window == 3) return {window, stride, stride == 1 ? 4 : 2, 1, true, 2};
  if (sizeof(X) == 2) return {window, stride, 4, 1, false, 2};
  if (stride == 2) return {window, stride, 4, 1, false, window == 3 ? 3 : 2};
  if (wide) return {window, stride, 7, 1, false, 2};
  return {window, stride, 4, window == 3 ? 2 : 1, false, window == 3 ? 2 : 3};
}

template <depthwise_shape S>
struct strip_constant {  // std::integral_constant of a class type is too much for g++ 12
  static constexpr depthwise_shape value = S;
};

template <class X, int Window, class F>
auto with_strip_of(const conv_geometry& g, const F& f) {
  constexpr depthwise_shape common = strip_shape<X>(Window, 1, false), wide = strip_shape<X>(Window, 1, true);
  const auto columns = [&](const depthwise_shape& s) { return (g.dst.w + s.columns - 1) / s.columns * s.columns; };
  if (g.stride.w == 2) return f(strip_constant<strip_shape<X>(Window, 2, false)>{});
  return columns(wide) < columns(common) ? f(strip_constant<wide>{}) : f(strip_constant<common>{});
}

/// Of stride 1 the strip that covers a row with fewer columns too many: 14 is 2 of 7 and not 4 of 4.
template <class X, class F>
auto with_strip(const conv_geometry& g, const F& f) {
  return g.kernel.w == 3 ? with_strip_of<X, 3>(g, f) : with_strip_of<X, 5>(g, f);
}

}  // namespace ashlar::cuda::detail
