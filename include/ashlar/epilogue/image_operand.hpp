// SPDX-License-Identifier: Apache-2.0
//
// epilogue/image_operand.hpp: elements(image): another image of dst's extents in the epilogue of a convolution.
//
//   relu(acc + per_column(bias) + elements(shortcut))
//
// To an epilogue dst is, image by image, a matrix: a row a pixel, a column an output channel. per_column(p) is a
// number for each channel, per_row(p) one for each pixel of an image, elements(matrix) a matrix for every image.
//
// Depends on: core/blocked_image.hpp, epilogue/operands.hpp.   Used by: conv/, whoever writes an epilogue.
#pragma once

#include <ashlar/core/blocked_image.hpp>
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

  template <class F>
  ASHLAR_HOST_INLINE constexpr void visit(const F& f, index, index) const {
    f(blocked_image_view<const T>(image));
  }

  image_view<const T> image;
};

/// view(pixel, channel) of one image whose channels lie in blocks; Transposed: (channel, pixel).
template <class T, bool Transposed = false>
struct blocked_elements_node : expression_base<blocked_elements_node<T, Transposed>> {
  static constexpr bool uses_rows = true;
  static constexpr bool reads_dst = false;

  ASHLAR_INLINE constexpr explicit blocked_elements_node(const blocked_image_view<const T>& v) : image(v) {}
  template <class M, class At>
  ASHLAR_INLINE constexpr typename M::vec eval(M m, const typename M::vec&, const At& at) const {
    static_assert(detail::same_element<M, T>, "elements(v): a v with blocks of channels must have dst's element type");
    if constexpr (!Transposed) {
      if (image.strides().c == 1 && image.run(at.col, at.n) == at.n) {
        return detail::load_at(m, pointer(at.row, at.col), at);
      }
    }
    typename M::value_type lanes[M::max_lanes] = {};
    for (index l = 0; l < at.n; ++l) lanes[l] = *pointer(at.row, at.col + l);
    return m.load_n(lanes, at.n);
  }
  ASHLAR_INLINE constexpr blocked_elements_node<T, !Transposed> transposed() const {
    return blocked_elements_node<T, !Transposed>(image);
  }
  ASHLAR_INLINE constexpr bool fits(index, index) const { return true; }  // image_node has said it

  blocked_image_view<const T> image;

 private:
  ASHLAR_INLINE constexpr const T* pointer(index row, index col) const {
    const index pixel = Transposed ? col : row;
    return image.pointer(0, 0, 0, 0, Transposed ? row : col) + pixel * image.strides().w;
  }
};

/// image(n, pixel, channel), channels in blocks.
template <class T>
struct blocked_image_node : expression_base<blocked_image_node<T>> {
  static constexpr bool uses_rows = true;
  static constexpr bool reads_dst = false;

  ASHLAR_INLINE constexpr explicit blocked_image_node(const blocked_image_view<const T>& v) : image(v) {}
  ASHLAR_INLINE constexpr blocked_elements_node<T> at_image(index n) const {
    return blocked_elements_node<T>(image.over(image.pointer(n, 0, 0, 0, 0), image.extents(), image.strides()));
  }
  ASHLAR_INLINE constexpr bool fits(index pixels, index channels) const {
    return image.block() > 0 && image.pixels() == pixels && image.extents().c == channels && image.evenly_spaced();
  }
  ASHLAR_INLINE constexpr bool fits_batch(index batch) const { return image.extents().n == batch; }
  template <class F>
  ASHLAR_HOST_INLINE constexpr void visit(const F& f, index, index) const {
    f(image);
  }

  blocked_image_view<const T> image;
};

/// The elements of an image with the batch, pixels and channels of dst, its rows and planes without gaps; for the
/// epilogue of a convolution.
template <class T>
ASHLAR_INLINE constexpr image_node<std::remove_const_t<T>> elements(const image_view<T>& v) {
  return image_node<std::remove_const_t<T>>(v);
}
template <class T>
ASHLAR_INLINE constexpr blocked_image_node<std::remove_const_t<T>> elements(const blocked_image_view<T>& v) {
  return blocked_image_node<std::remove_const_t<T>>(v);
}

}  // namespace ashlar
