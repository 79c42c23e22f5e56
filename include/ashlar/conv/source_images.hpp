// SPDX-License-Identifier: Apache-2.0
//
// conv/source_images.hpp: a convolution image by image, for kernels that read src where it is: where the epilogue looks
// at the number of a pixel, and where src passes through a prologue, or lies in blocks that the kernel does not read;
// the image is then copied to the workspace.
//
//   for_each_image(views, e, how, f)    f(views, epilogue, how) of one image, or of all of them at once
//
// Depends on: conv/{reduce,source_copy}.hpp, core/executor.hpp.   Used by: conv/kernels.hpp.
#pragma once

#include <algorithm>
#include <concepts>
#include <type_traits>

#include <ashlar/conv/reduce.hpp>
#include <ashlar/conv/source_copy.hpp>
#include <ashlar/core/executor.hpp>
#include <ashlar/loop/blocking.hpp>
#include <ashlar/loop/format.hpp>

namespace ashlar::detail {

/// Elements that the image of src takes: none where it stays where it is.
template <class T, class D>
ASHLAR_INLINE constexpr index source_image_elements(const conv_views<T, D>& v) {
  const image_axes& e = v.src.extents();
  return v.transformed ? multiple(e.d * e.h * e.w * e.c, index(64 / sizeof(T))) : 0;
}

/// The image of views as it leaves the prologue, channels innermost, at `to`. The workers share its rows.
template <class Isa, class T, class How>
image_view<const T> transformed_source(const blocked_image_view<const T>& src, T* to, const How& how) {
  const image_axes& e = src.extents();
  const index rows = e.d * e.h, row = e.w * e.c;  // of a src that is all padding none
  const index workers = std::max<index>(1, std::min<index>(how.executor.concurrency(), rows));
  how.executor.parallel_for(workers, [&](index worker) {
    const source_values<T, std::decay_t<decltype(how.prologue)>> values{T(0), how.prologue};
    for (index r = worker * rows / workers; r < (worker + 1) * rows / workers; ++r) {
      source_copy<plain_format<T, Isa>>::run(src, {0, r / e.h, r % e.h, 0, 1, 1, 1, e.w}, to + r * row, {row, row, e.c},
                                             values);
    }
  });
  return ndhwc(static_cast<const T*>(to), 1, e.d, e.h, e.w, e.c);
}

template <class T, class D>
ASHLAR_INLINE conv_views<T, D> one_image(const conv_views<T, D>& v, index n) {
  conv_views<T, D> one = v;
  image_axes in = v.src.extents(), out = v.dst.extents();
  one.g.batch = in.n = out.n = 1;
  one.src = v.src.over(v.src.pointer(n, 0, 0, 0, 0), in, v.src.strides());
  one.dst = v.dst.over(v.dst.pointer(n, 0, 0, 0, 0), out, v.dst.strides());
  return one;
}

template <class Isa, bool Numbered, class T, class D, class E, class How, class F>
void for_each_image(const conv_views<T, D>& v, const E& e, const How& how, const F& f) {
  constexpr bool transforms = !std::is_same_v<std::decay_t<decltype(how.prologue)>, no_prologue>;
  if constexpr (!Numbered && !transforms) {
    if (!v.transformed) return f(v, e, how);
  }
  for (index n = 0; n < v.g.batch; ++n) {
    conv_views<T, D> one = one_image(v, n);
    How rest = how;
    if constexpr (std::floating_point<T>) {  // integers are read where they are
      if (v.transformed) one.src = transformed_source<Isa, T>(one.src, how.memory, how);
      rest.memory += source_image_elements(v);
    }
    f(one, e.at_image(n), rest);
  }
}

}  // namespace ashlar::detail
