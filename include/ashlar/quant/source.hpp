// SPDX-License-Identifier: Apache-2.0
//
// quant/source.hpp: floats that become integers as a product reads them: they take the place of A, or of src.
//
//     const affine a = dynamic_affine<std::uint8_t>(X);                       // the pass over its range
//     gemm(quantized<std::uint8_t>(X, a), W, C, acc * a.scale);
//
//     dynamic_affines<std::uint8_t>(X, scales, zeros);                        // the same of each row
//     gemm(quantized<std::uint8_t>(X, scales, zeros), W, C, acc * per_row(scales));
//
// gemm and convolutions know such an operand by its parts: `matrix` or `image`, `prologue` (which makes rows of
// `element`s) and zero_point().
//
// Depends on: quant/dynamic.hpp, core/.   Used by: users, through <ashlar/quant.hpp>.
#pragma once

#include <concepts>
#include <cstdint>

#include <ashlar/core/blocked_image.hpp>
#include <ashlar/core/view.hpp>
#include <ashlar/quant/dynamic.hpp>

namespace ashlar {

namespace detail {

// One affine of all rows, ...
struct affine_of_all {
  affine a;
  ASHLAR_INLINE constexpr affine at(index) const { return a; }
  ASHLAR_INLINE constexpr std::int32_t zero_point() const { return a.zero_point; }
  template <class F>
  ASHLAR_INLINE constexpr void each_operand(const F&) const {}
};
// ... or one of each.
struct affines_of_rows {
  const float* scales;
  const std::int32_t* zeros;
  ASHLAR_INLINE constexpr affine at(index i) const { return {scales[i], zeros[i]}; }
  ASHLAR_INLINE constexpr const std::int32_t* zero_point() const { return zeros; }
  /// f(what, numbers) of what is read of each row.
  template <class F>
  ASHLAR_INLINE constexpr void each_operand(const F& f) const {
    f("scales", scales), f("zero points", zeros);
  }
};

// A prologue that makes U of floats, row by row.
template <class U, class Affines>
struct quantizing : Affines {
  using element = U;
  template <class Isa>
  ASHLAR_INLINE void convert(index row, const float* x, index count, index stride, U* to) const {
    quantized_row<Isa, U>::convert(x, count, stride, to, 1, this->at(row));
  }
};

template <class U>
concept quantized_element = std::integral<U> && !std::same_as<U, bool> && sizeof(U) <= 2;

}  // namespace detail

/// A matrix of floats that is read as integers of U.
template <class View, class U, class Affines>
struct quantized_matrix {
  using element = U;
  View matrix;
  detail::quantizing<U, Affines> prologue;
  ASHLAR_INLINE constexpr auto zero_point() const { return prologue.zero_point(); }
};

/// A(m, k) = quantized<U>(X(m, k), a): takes the place of A in a product of small integers, whose a_zero_point it
/// brings along.
///
///     gemm(quantized<std::uint8_t>(X, a), W, C, acc * a.scale * per_column(scales_of_W));
///
/// Specification: quantize() to a matrix of its own, then gemm of that; the bits are the same. Each row is converted
/// where gemm copies it to the workspace: nothing else is stored. Every ISA has it, at most 16 bits.
template <std::integral U, any_matrix View>
  requires(std::same_as<typename View::value_type, float> && detail::quantized_element<U>)
ASHLAR_INLINE constexpr quantized_matrix<View, U, detail::affine_of_all> quantized(const View& x, const affine& a) {
  return {x, {{a}}};
}

/// The same with an affine for each row, of dynamic_affines(): M scales and zero points, which must outlive the call
/// and not share memory with C.
///
///     gemm(quantized<std::uint8_t>(X, scales, zeros), W, C, acc * per_row(scales) * per_column(scales_of_W));
///
/// Errors, of gemm: null_pointer, aliasing.
template <std::integral U, any_matrix View>
  requires(std::same_as<typename View::value_type, float> && detail::quantized_element<U>)
ASHLAR_INLINE constexpr quantized_matrix<View, U, detail::affines_of_rows> quantized(const View& x, const float* scales,
                                                                                     const std::int32_t* zeros) {
  return {x, {{scales, zeros}}};
}

/// An image of floats that is read as integers of U.
template <class U>
struct quantized_image {
  using element = U;
  blocked_image_view<const float> image;
  affine a;
  ASHLAR_INLINE constexpr std::int32_t zero_point() const { return a.zero_point; }

  /// Row (n, d, h), channels innermost, to `to`.
  template <class Isa>
  void convert_row(index n, index d, index h, U* to) const {
    using row = detail::quantized_row<Isa, U>;
    detail::for_each_line_of_row(image, n, d, h, [&](index w, index c, const detail::line_of<const float>& x) {
      U* const first = to + w * image.extents().c + c;
      if (x.along_channels) return row::convert(x.data, x.count, x.stride, first, 1, a);
      row::convert_apart(x.data, x.count, first, image.extents().c, a);
    });
  }
};

/// src(n, pixel, c) = quantized<U>(x(n, pixel, c), a): takes the place of src in a run of a plan of bytes, whose
/// src_zero_point it brings along.
///
///     const affine a = dynamic_affine<std::uint8_t>(x);
///     plan.run(quantized<std::uint8_t>(x, a), w, dst, acc * a.scale);
///
/// Specification: quantized(), element by element, then the run; the bits are the same. Any layout of x; the integers
/// take one image, channels innermost, of the workspace, which the workers fill together.
template <std::integral U, class T>
  requires(std::same_as<std::remove_const_t<T>, float> && detail::quantized_element<U>)
ASHLAR_INLINE constexpr quantized_image<U> quantized(const image_view<T>& x, const affine& a) {
  return {image_view<const float>(x), a};
}
template <std::integral U, class T>
  requires(std::same_as<std::remove_const_t<T>, float> && detail::quantized_element<U>)
ASHLAR_INLINE constexpr quantized_image<U> quantized(const blocked_image_view<T>& x, const affine& a) {
  return {x, a};
}

}  // namespace ashlar
