// SPDX-License-Identifier: Apache-2.0
//
// core/image.hpp: images and filters in the caller's memory: a pointer, five extents, five strides. Own nothing.
//
//   image   (n, d, h, w, c)   batch, depth, height, width, channel          any order in memory: NHWC, NCHW, slices
//   filter  (k, d, r, s, c)   output channel, taps, channel of the group    any order: OHWI, OIHW, HWIO
//
// One- and two-dimensional ones have depth (and height) 1. Strides count elements and are signed.
//
// Depends on: core/view.hpp.   Used by: conv/, winograd/, reference/conv.hpp.
#pragma once

#include <ashlar/core/config.hpp>
#include <ashlar/core/view.hpp>
#include <concepts>
#include <type_traits>

namespace ashlar {

/// A number for each of depth, height and width.
struct triple {
  index d = 1, h = 1, w = 1;
  friend constexpr bool operator==(const triple&, const triple&) = default;
};

/// d * h * w; the caller knows that it fits.
ASHLAR_INLINE constexpr index volume(const triple& t) { return t.d * t.h * t.w; }

/// The extents, or the strides, of an image.
struct image_axes {
  index n, d, h, w, c;
  friend constexpr bool operator==(const image_axes&, const image_axes&) = default;
};

/// A batch of images of T; made by nhwc(), nchw() and their one- and three-dimensional kin.
///
///     auto src = nhwc(pixels, 8, 224, 224, 3);                       // batch 8
///     auto part = src.channels(0, 1);                                // the same memory, one channel
///
/// A view is a value: copy it freely. It converts to a view of const elements. No access is checked.
template <class T>
class image_view {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr image_view() = default;
  ASHLAR_INLINE constexpr image_view(T* data, const image_axes& extents, const image_axes& strides)
      : data_(data), extents_(extents), strides_(strides) {}
  template <class U>
    requires std::convertible_to<U (*)[], T (*)[]>
  ASHLAR_INLINE constexpr image_view(const image_view<U>& v) : image_view(v.data(), v.extents(), v.strides()) {}

  [[nodiscard]] ASHLAR_INLINE constexpr T* data() const { return data_; }
  [[nodiscard]] ASHLAR_INLINE constexpr const image_axes& extents() const { return extents_; }
  [[nodiscard]] ASHLAR_INLINE constexpr const image_axes& strides() const { return strides_; }
  [[nodiscard]] ASHLAR_INLINE constexpr index pixels() const { return extents_.d * extents_.h * extents_.w; }
  [[nodiscard]] ASHLAR_INLINE constexpr bool empty() const {
    return extents_.n <= 0 || extents_.d <= 0 || extents_.h <= 0 || extents_.w <= 0 || extents_.c <= 0;
  }
  /// The address of an element, which need not be inside.
  [[nodiscard]] ASHLAR_INLINE constexpr T* pointer(index n, index d, index h, index w, index c) const {
    return data_ + (n * strides_.n + d * strides_.d + h * strides_.h + w * strides_.w + c * strides_.c);
  }
  ASHLAR_INLINE constexpr T& operator()(index n, index d, index h, index w, index c) const {
    return *pointer(n, d, h, w, c);
  }
  /// `count` channels from `first` on: the slice of one group, or of a concatenation.
  [[nodiscard]] ASHLAR_INLINE constexpr image_view channels(index first, index count) const {
    image_view part(pointer(0, 0, 0, 0, first), extents_, strides_);
    part.extents_.c = count;
    return part;
  }
  /// Do pixels follow each other at one distance, row by row and plane by plane? Then an image is a matrix.
  [[nodiscard]] ASHLAR_INLINE constexpr bool evenly_spaced() const {
    const bool rows = extents_.h == 1 || strides_.h == extents_.w * strides_.w;
    return rows && (extents_.d == 1 || strides_.d == extents_.h * extents_.w * strides_.w);
  }

 private:
  T* data_ = nullptr;
  image_axes extents_{}, strides_{};
};

/// The memory from the first to the last element of each image, as a matrix with a row an image.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T> covering_matrix(const image_view<T>& v) {
  if (v.empty()) return {v.data(), 0, 0, 0, 1};
  const image_axes &e = v.extents(), &s = v.strides();
  index low = 0, high = 0;
  for (index reach : {(e.d - 1) * s.d, (e.h - 1) * s.h, (e.w - 1) * s.w, (e.c - 1) * s.c}) {
    (reach < 0 ? low : high) += reach;
  }
  return {v.data() + low, e.n, high - low + 1, s.n, 1};
}

/// Channels innermost, contiguous; TensorFlow's and XNNPACK's order.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr image_view<T> ndhwc(T* p, index n, index d, index h, index w, index c) {
  return {p, {n, d, h, w, c}, {d * h * w * c, h * w * c, w * c, c, 1}};
}
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr image_view<T> nhwc(T* p, index n, index h, index w, index c) {
  return ndhwc(p, n, 1, h, w, c);
}
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr image_view<T> nwc(T* p, index n, index w, index c) {
  return ndhwc(p, n, 1, 1, w, c);
}

/// A plane a channel, contiguous; PyTorch's and ONNX's order.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr image_view<T> ncdhw(T* p, index n, index c, index d, index h, index w) {
  return {p, {n, d, h, w, c}, {c * d * h * w, h * w, w, 1, d * h * w}};
}
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr image_view<T> nchw(T* p, index n, index c, index h, index w) {
  return ncdhw(p, n, c, 1, h, w);
}
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr image_view<T> ncw(T* p, index n, index c, index w) {
  return ncdhw(p, n, c, 1, 1, w);
}

/// The extents, or the strides, of a filter: output channels, taps of depth, height and width, channels of a group.
struct filter_axes {
  index k, d, r, s, c;
  friend constexpr bool operator==(const filter_axes&, const filter_axes&) = default;
};

/// The weights of a convolution; made by ohwi(), oihw() and hwio().
template <class T>
class filter_view {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr filter_view() = default;
  ASHLAR_INLINE constexpr filter_view(T* data, const filter_axes& extents, const filter_axes& strides)
      : data_(data), extents_(extents), strides_(strides) {}
  template <class U>
    requires std::convertible_to<U (*)[], T (*)[]>
  ASHLAR_INLINE constexpr filter_view(const filter_view<U>& v) : filter_view(v.data(), v.extents(), v.strides()) {}

  [[nodiscard]] ASHLAR_INLINE constexpr T* data() const { return data_; }
  [[nodiscard]] ASHLAR_INLINE constexpr const filter_axes& extents() const { return extents_; }
  [[nodiscard]] ASHLAR_INLINE constexpr const filter_axes& strides() const { return strides_; }
  [[nodiscard]] ASHLAR_INLINE constexpr bool empty() const {
    return extents_.k <= 0 || extents_.d <= 0 || extents_.r <= 0 || extents_.s <= 0 || extents_.c <= 0;
  }
  [[nodiscard]] ASHLAR_INLINE constexpr T* pointer(index k, index d, index r, index s, index c) const {
    return data_ + (k * strides_.k + d * strides_.d + r * strides_.r + s * strides_.s + c * strides_.c);
  }
  ASHLAR_INLINE constexpr T& operator()(index k, index d, index r, index s, index c) const {
    return *pointer(k, d, r, s, c);
  }

 private:
  T* data_ = nullptr;
  filter_axes extents_{}, strides_{};
};

/// Output channel, height, width, input channel.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr filter_view<T> odhwi(T* p, index k, index d, index r, index s, index c) {
  return {p, {k, d, r, s, c}, {d * r * s * c, r * s * c, s * c, c, 1}};
}
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr filter_view<T> ohwi(T* p, index k, index r, index s, index c) {
  return odhwi(p, k, 1, r, s, c);
}
/// Output channel, input channel, height, width: PyTorch's and ONNX's order.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr filter_view<T> oidhw(T* p, index k, index c, index d, index r, index s) {
  return {p, {k, d, r, s, c}, {c * d * r * s, r * s, s, 1, d * r * s}};
}
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr filter_view<T> oihw(T* p, index k, index c, index r, index s) {
  return oidhw(p, k, c, 1, r, s);
}
/// Height, width, input channel, output channel: TensorFlow's order.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr filter_view<T> dhwio(T* p, index d, index r, index s, index c, index k) {
  return {p, {k, d, r, s, c}, {1, r * s * c * k, s * c * k, c * k, k}};
}
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr filter_view<T> hwio(T* p, index r, index s, index c, index k) {
  return dhwio(p, 1, r, s, c, k);
}

}  // namespace ashlar
