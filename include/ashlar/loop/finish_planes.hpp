// SPDX-License-Identifier: Apache-2.0
//
// loop/finish_planes.hpp: the epilogue of sums whose dst has no contiguous channels: a plane a channel, or any strides.
//
// Pixels lie side by side in a plane: the sums are transposed, a few channels and a row of pixels at a time, and the
// transposed epilogue runs along the pixels. Blocks of channels that no vector fits are rows of few channels. Other
// layouts are scattered element by element.
//
// Depends on: core/blocked_image.hpp, loop/finish.hpp, tile/finish_rows.hpp, pack/copy_block.hpp.   Used by: conv/,
// winograd/kernel.hpp.
#pragma once

#include <ashlar/core/blocked_image.hpp>
#include <ashlar/loop/finish.hpp>
#include <ashlar/pack/copy_block.hpp>
#include <ashlar/tile/finish_rows.hpp>

namespace ashlar {

/// Sums of `pixels` x `channels`; rows are a pixel's channels.
template <class T>
struct pixel_sums {
  const T* data;
  index stride, pixels, channels;
};

template <class D>
struct strided_pixels {
  D* data;
  index pixel_stride, channel_stride;
};

/// dst(pixel, channel) = e(sums) for pixels and channels of an image from `at` on. `memory` holds the transposed
/// sums: channels x (pixels rounded up to two cache lines), and a vector more.
template <class O, class E, class T, class D>
void finish_planes(const E& e, const pixel_sums<T>& sums, const strided_pixels<D>& out, const epilogue_place& at,
                   T* memory) {
  if (out.channel_stride == 1) {
    return finish_rows<O>(e, sums.data, sums.stride, sums.pixels, sums.channels, out.data, out.pixel_stride, at);
  }
  if (out.pixel_stride != 1 || at.row_step != 1) {
    return finish_strided<O>(e, sums.data, sums.stride, sums.pixels, sums.channels, out.data, out.pixel_stride,
                             out.channel_stride, at);
  }
  const index ld = (sums.pixels + 31) / 32 * 32;
  block_copy<T, typename O::isa_type>::run({sums.data, 1, sums.stride, sums.channels, sums.pixels}, memory, ld,
                                           sums.pixels);
  finish_rows<O>(e.transposed(), memory, ld, sums.channels, sums.pixels, out.data, out.channel_stride,
                 {at.col, 1, at.row});
}

/// The same of pixels of a row of an image from (n, d, h, w) on, block of channels by block of channels.
template <class O, class E, class T, class D>
void finish_pixels(const E& e, const pixel_sums<T>& sums, const blocked_image_view<D>& out, const image_axes& first,
                   const epilogue_place& at, T* memory) {
  for (index c = 0, run; c < sums.channels; c += run) {
    run = out.run(first.c + c, sums.channels - c);
    const strided_pixels<D> to{out.pointer(first.n, first.d, first.h, first.w, first.c + c), out.strides().w,
                               out.strides().c};
    finish_planes<O>(e, pixel_sums<T>{sums.data + c, sums.stride, sums.pixels, run}, to,
                     {at.row, at.row_step, at.col + c}, memory);
  }
}

}  // namespace ashlar
