// SPDX-License-Identifier: Apache-2.0
//
// reference/conv.hpp: what a convolution computes: the specification that every exact algorithm equals bit for bit.
//
//   acc = 0;  for taps (d, r, s), for channels c of the group:  acc = fma(src, weight, acc);   dst = epilogue(acc)
//
// A tap outside the image takes part with the padding value, so that 0 * infinity is what arithmetic says.
//
// Depends on: core/image.hpp, conv/geometry.hpp, epilogue/, isa/scalar.hpp.   Used by: tests.
#pragma once

#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/image.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/isa/scalar.hpp>

namespace ashlar::reference {

namespace convolution_detail {

template <class T>
struct operands {
  const conv_geometry& g;
  image_view<const T> src;
  filter_view<const T> weights;
  T padding_value;

  // src at tap t of output position o, in image n.
  constexpr T element(index n, const triple& o, const triple& t, index c) const {
    const triple at{o.d * g.stride.d - g.before.d + t.d * g.dilation.d,
                    o.h * g.stride.h - g.before.h + t.h * g.dilation.h,
                    o.w * g.stride.w - g.before.w + t.w * g.dilation.w};
    const bool inside = at.d >= 0 && at.d < g.src.d && at.h >= 0 && at.h < g.src.h && at.w >= 0 && at.w < g.src.w;
    return inside ? src(n, at.d, at.h, at.w, c) : padding_value;
  }

  constexpr T sum(index n, const triple& o, index k) const {
    using O = ops<T, isa::scalar>;
    const index first = k / g.group_filters() * g.group_channels();
    T acc = O::zero();
    for (index d = 0; d < g.kernel.d; ++d)
      for (index r = 0; r < g.kernel.h; ++r)
        for (index s = 0; s < g.kernel.w; ++s)
          for (index c = 0; c < g.group_channels(); ++c)
            acc = O::fma(element(n, o, {d, r, s}, first + c), weights(k, d, r, s, c), acc);
    return acc;
  }
};

}  // namespace convolution_detail

/// dst(n, o, k) = epilogue( sum over taps t and channels c of src(n, o * stride - before + t * dilation, c) *
/// weights(k, t, c) ), in this order, one fused multiply-add each.
///
/// src, weights and dst have the extents of g, any strides; the epilogue sees pixel (od * H + oh) * W + ow of an image
/// as its row and the output channel as its column. The caller sees to shapes and aliasing.
///
///     reference::convolution(g, nhwc(x, 1, 8, 8, 4), ohwi(w, 6, 3, 3, 4), nhwc(y, 1, 6, 6, 6), relu(acc));
///
/// Changes nothing but dst; allocates nothing.
template <class T, expression E = acc_node, class Unit = ashlar::detail::this_unit>
constexpr void convolution(const conv_geometry& g, const image_view<const T>& src, const filter_view<const T>& weights,
                           const image_view<T>& dst, const E& epilogue = {}, T padding_value = T(0)) {
  const convolution_detail::operands<T> x{g, src, weights, padding_value};
  for (index n = 0; n < g.batch; ++n) {
    const auto e = epilogue.at_image(n);
    index pixel = 0;
    for (index d = 0; d < g.dst.d; ++d)
      for (index h = 0; h < g.dst.h; ++h)
        for (index w = 0; w < g.dst.w; ++w, ++pixel)
          for (index k = 0; k < g.filters; ++k) {
            T* const to = dst.pointer(n, d, h, w, k);
            *to = e.eval(math<ops<T, isa::scalar>>{}, x.sum(n, {d, h, w}, k), position<T, true>{pixel, k, 1, to});
          }
  }
}

}  // namespace ashlar::reference
