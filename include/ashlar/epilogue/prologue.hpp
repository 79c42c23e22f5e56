// SPDX-License-Identifier: Apache-2.0
//
// epilogue/prologue.hpp: an expression over what is read instead of what is written: an image on its way into a
// convolution. That of a matrix: gemm/operands.hpp.
//
//     plan.run(transform(nhwc(x, 1, 28, 28, 256), relu(acc * per_column(scale) + per_column(shift))), w, dst);
//
// Depends on: core/blocked_image.hpp, epilogue/expression.hpp.   Used by: loop/finish.hpp, conv/, reference/conv.hpp.
#pragma once

#include <ashlar/core/blocked_image.hpp>
#include <ashlar/epilogue/expression.hpp>

namespace ashlar {

/// Stands for "as it is".
struct no_prologue {};

/// An image whose elements pass through an expression when a convolution reads them.
template <class T, class E>
struct transformed_image {
  blocked_image_view<T> image;
  E prologue;
};

/// src(n, pixel, c) -> prologue(src(n, pixel, c)): takes the place of src in the run of a plan of floats; `acc` is the
/// element, per_column(p) a number for each channel of src. Padding is what it is: it does not pass through.
///
///     plan.run(transform(nhwc(x, 1, 28, 28, 256), relu(acc * per_column(scale) + per_column(shift))), w, dst);
///
/// Specification: reference::convolution, which takes it, too. A dense convolution computes it where it copies a block
/// of rows of src, once for each block; the others (depthwise, grouped, Winograd) keep one image of src in the
/// workspace. src is not changed; what the expression points to must outlive the run and not share memory with dst.
template <class T, expression E>
ASHLAR_INLINE constexpr transformed_image<T, E> transform(const image_view<T>& image, const E& prologue) {
  static_assert(!uses_rows<E> && !reads_dst<E>, "transform: the prologue of an image knows an element and its channel");
  return {image, prologue};
}
template <class T, expression E>
ASHLAR_INLINE constexpr transformed_image<T, E> transform(const blocked_image_view<T>& image, const E& prologue) {
  static_assert(!uses_rows<E> && !reads_dst<E>, "transform: the prologue of an image knows an element and its channel");
  return {image, prologue};
}

}  // namespace ashlar
