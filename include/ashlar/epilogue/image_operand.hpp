// SPDX-License-Identifier: Apache-2.0
//
// epilogue/image_operand.hpp: elements(image): another image of dst's extents in the epilogue of a convolution.
//
//   relu(acc + per_column(bias) + elements(shortcut))
//
// To an epilogue dst is, image by image, a matrix: a row a pixel, a column an output channel. per_column(p) is a
// number for each channel, per_row(p) one for each pixel of an image, elements(matrix) a matrix for every image.
//
// Depends on: core/image.hpp, epilogue/operands.hpp.   Used by: conv/, whoever writes an epilogue.
#pragma once

#include <ashlar/core/image.hpp>
#include <ashlar/epilogue/operands.hpp>

namespace ashlar {

/// image(n, pixel, channel). Convolutions take at_image(n) of it before they evaluate anything.
template <class T>
struct image_node : expression_base<image_node<T>> {
  using matrix = matrix_view<const T>;
  static constexpr bool uses_rows = true;
  static constexpr bool reads_dst = false;

  ASHLAR_INLINE constexpr explicit image_node(const image_view<const T>& v) : image(v) {}
  ASHLAR_INLINE constexpr elements_node<matrix> at_image(index n) const {
    return elements_node<matrix>(
        matrix(image.pointer(n, 0, 0, 0, 0), image.pixels(), image.extents().c, image.strides().w, image.strides().c));
  }
  ASHLAR_INLINE constexpr bool fits(index pixels, index channels) const {
    return image.pixels() == pixels && image.extents().c == channels && image.evenly_spaced();
  }
  ASHLAR_INLINE constexpr bool fits_batch(index batch) const { return image.extents().n == batch; }

  /// As a matrix that covers it, for the search of shared memory: a row an image.
  template <class F>
  ASHLAR_HOST_INLINE constexpr void visit(const F& f, index, index) const {
    f(covering_matrix(image));
  }

  image_view<const T> image;
};

/// The elements of an image with the batch, pixels and channels of dst, its rows and planes without gaps; for the
/// epilogue of a convolution.
template <class T>
ASHLAR_INLINE constexpr image_node<std::remove_const_t<T>> elements(const image_view<T>& v) {
  return image_node<std::remove_const_t<T>>(v);
}

}  // namespace ashlar
