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

#include <type_traits>

#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/blocked_image.hpp>
#include <ashlar/core/small_integers.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/epilogue/output.hpp>
#include <ashlar/epilogue/prologue.hpp>
#include <ashlar/isa/scalar.hpp>

namespace ashlar::reference {

namespace convolution_detail {

// T: what is summed; S and W: elements of src and weights, of small integers less their zero points, of src as they
// leave the prologue.
template <class T, class S = T, class W = T, class Za = no_zero_point, class Zb = no_zero_point,
          class Prologue = no_prologue>
struct operands {
  using sum_type = T;
  const conv_geometry& g;
  blocked_image_view<const S> src;
  filter_view<const W> weights;
  T padding_value;
  ashlar::detail::zero_point_values<Za> src_zero{};
  ashlar::detail::zero_point_values<Zb> weight_zero{};
  [[no_unique_address]] Prologue prologue{};

  template <class X, class Z>
  static constexpr T less(X x, const Z& zero, index i) {
    if constexpr (std::same_as<Z, ashlar::detail::zero_point_values<no_zero_point>>) {
      return T(x);
    } else {
      return T(x) - zero.at(i);  // 8 and 16 bits less a zero point of theirs
    }
  }

  constexpr T value(S x, index c) const {
    if constexpr (std::same_as<Prologue, no_prologue>) {
      return less(x, src_zero, 0);
    } else {
      return prologue.eval(math<ops<T, isa::scalar>>{}, T(x), position<T, true>{0, c, 1, nullptr});
    }
  }

  // src at tap t of output position o, in image n.
  constexpr T element(index n, const triple& o, const triple& t, index c) const {
    const triple at{o.d * g.stride.d - g.before.d + t.d * g.dilation.d,
                    o.h * g.stride.h - g.before.h + t.h * g.dilation.h,
                    o.w * g.stride.w - g.before.w + t.w * g.dilation.w};
    const bool inside = at.d >= 0 && at.d < g.src.d && at.h >= 0 && at.h < g.src.h && at.w >= 0 && at.w < g.src.w;
    return inside ? value(src(n, at.d, at.h, at.w, c), c) : padding_value;
  }

  // Where tap t lands in src for element o of a transposed convolution: src's pixel, or none.
  struct place {
    bool exists, inside;
    index at;
  };
  static constexpr place landing(index o, index t, index stride, index dilation, index before, index src) {
    const index at = o + before - t * dilation;
    return {at % stride == 0, at >= 0 && at / stride < src, at / stride};
  }

  // Element (o, c) of the gradient of g: `src` has the extents of g's dst.
  constexpr T transposed_sum(index n, const triple& o, index c) const {
    using O = ops<T, isa::scalar>;
    const index group = c / g.group_channels(), filters = g.group_filters();
    T acc = O::zero();
    for (index d = g.kernel.d - 1; d >= 0; --d)
      for (index r = g.kernel.h - 1; r >= 0; --r)
        for (index s = g.kernel.w - 1; s >= 0; --s) {
          const place x = landing(o.d, d, g.stride.d, g.dilation.d, g.before.d, g.dst.d),
                      y = landing(o.h, r, g.stride.h, g.dilation.h, g.before.h, g.dst.h),
                      z = landing(o.w, s, g.stride.w, g.dilation.w, g.before.w, g.dst.w);
          if (!x.exists || !y.exists || !z.exists) continue;
          const bool inside = x.inside && y.inside && z.inside;
          for (index k = group * filters; k < (group + 1) * filters; ++k)
            acc = O::fma(inside ? value(src(n, x.at, y.at, z.at, k), k) : T(0),
                         less(weights(k, d, r, s, c % g.group_channels()), weight_zero, c), acc);
        }
    return acc;
  }

  constexpr T sum(index n, const triple& o, index k) const {
    using O = ops<T, isa::scalar>;
    const index first = k / g.group_filters() * g.group_channels();
    T acc = O::zero();
    for (index d = 0; d < g.kernel.d; ++d)
      for (index r = 0; r < g.kernel.h; ++r)
        for (index s = 0; s < g.kernel.w; ++s)
          for (index c = 0; c < g.group_channels(); ++c)
            acc = O::fma(element(n, o, {d, r, s}, first + c), less(weights(k, d, r, s, c), weight_zero, k), acc);
    return acc;
  }
};

// f(n, position, pixel) for each pixel of images of these extents.
template <class F>
constexpr void for_each_pixel(index batch, const triple& extents, const F& f) {
  for (index n = 0; n < batch; ++n) {
    index pixel = 0;
    for (index d = 0; d < extents.d; ++d)
      for (index h = 0; h < extents.h; ++h)
        for (index w = 0; w < extents.w; ++w, ++pixel) f(n, triple{d, h, w}, pixel);
  }
}

// dst = epilogue(the sums of x), of the convolution or its transposed one.
template <class Operands, class D, class E, class Unit = ashlar::detail::this_unit>
constexpr void run(const Operands& x, const blocked_image_view<D>& dst, const E& epilogue, bool gradient) {
  using T = typename Operands::sum_type;
  using out = output<ops<T, isa::scalar>, D>;
  for_each_pixel(x.g.batch, gradient ? x.g.src : x.g.dst, [&](index n, const triple& o, index pixel) {
    const auto e = epilogue.at_image(n);
    for (index k = 0; k < (gradient ? x.g.channels : x.g.filters); ++k) {
      D* const to = dst.pointer(n, o.d, o.h, o.w, k);
      const typename out::template place<true> at{pixel, k, 1, to};
      const T sum = gradient ? x.transposed_sum(n, o, k) : x.sum(n, o, k);
      out::store(to, e.eval(typename out::context{}, out::seen(e, sum, at), at));
    }
  });
}

}  // namespace convolution_detail

/// dst = epilogue( sum over taps t and channels c of src * weights ) of small integers less their zero points, in 32
/// bits that wrap, or of narrow floating-point numbers in float, one fused multiply-add each in the order of
/// convolution().
///
/// Of g or, `gradient`, of the transposed convolution whose forward one g is. What lies outside src counts as its zero
/// point, of floats as 0. weight_zero: an integer or a pointer to one for each output channel. Dst as in gemm.
///
/// Sum: std::int64_t sums integers of at most 16 bits in 64, without zero points. Of floats, src may be a transform()
/// of an image, and padding another number than 0. Of src and dst one alone in blocks of channels: state S, W and D.
///
///     reference::mixed_convolution(g, nhwc(x, 1, 8, 8, 4), ohwi(w, 6, 3, 3, 4), nhwc(y, 1, 6, 6, 6), acc, 128, 0);
template <class S, class W, class D, class Sum = std::conditional_t<small_integers<S, W>, std::int32_t, float>,
          expression E = acc_node, class Zb = int, class Unit = ashlar::detail::this_unit>
constexpr void mixed_convolution(const conv_geometry& g, const blocked_image_view<const S>& src,
                                 const filter_view<const W>& weights, const blocked_image_view<D>& dst,
                                 const E& epilogue = {}, std::int32_t src_zero = 0, Zb weight_zero = 0,
                                 bool gradient = false) {
  if constexpr (std::same_as<Sum, std::int32_t>) {
    const convolution_detail::operands<Sum, S, W, std::int32_t, Zb> x{g, src, weights, 0, {src_zero}, {weight_zero}};
    convolution_detail::run(x, dst, epilogue, gradient);
  } else {
    convolution_detail::run(convolution_detail::operands<Sum, S, W>{g, src, weights, 0}, dst, epilogue, gradient);
  }
}
template <class S, class W, class D, class Sum = std::conditional_t<small_integers<S, W>, std::int32_t, float>,
          expression E = acc_node, class Zb = int, class Unit = ashlar::detail::this_unit>
constexpr void mixed_convolution(const conv_geometry& g, const image_view<const S>& src,
                                 const filter_view<const W>& weights, const image_view<D>& dst, const E& epilogue = {},
                                 std::int32_t src_zero = 0, Zb weight_zero = 0, bool gradient = false) {
  mixed_convolution<S, W, D, Sum>(g, blocked_image_view<const S>(src), weights, blocked_image_view<D>(dst), epilogue,
                                  src_zero, weight_zero, gradient);
}
template <class S, class P, class W, class D, expression E = acc_node, class Unit = ashlar::detail::this_unit>
constexpr void mixed_convolution(const conv_geometry& g, const transformed_image<S, P>& src,
                                 const filter_view<const W>& weights, const blocked_image_view<D>& dst,
                                 const E& epilogue = {}, float padding_value = 0, bool gradient = false) {
  using operands = convolution_detail::operands<float, std::remove_const_t<S>, W, no_zero_point, no_zero_point, P>;
  convolution_detail::run(operands{g, src.image, weights, padding_value, {}, {}, src.prologue}, dst, epilogue,
                          gradient);
}
template <class S, class P, class W, class D, expression E = acc_node, class Unit = ashlar::detail::this_unit>
constexpr void mixed_convolution(const conv_geometry& g, const transformed_image<S, P>& src,
                                 const filter_view<const W>& weights, const image_view<D>& dst, const E& epilogue = {},
                                 float padding_value = 0, bool gradient = false) {
  mixed_convolution(g, src, weights, blocked_image_view<D>(dst), epilogue, padding_value, gradient);
}

/// dst(n, o, k) = epilogue( sum over taps t and channels c of src(n, o * stride - before + t * dilation, c) *
/// weights(k, t, c) ), in this order, one fused multiply-add each.
///
/// src, weights and dst have the extents of g, any strides or blocks; src may be a transform() of an image; the
/// epilogue sees pixel (od * H + oh) * W + ow of an image as its row and the output channel as its column. The caller
/// sees to shapes and aliasing.
///
///     reference::convolution(g, nhwc(x, 1, 8, 8, 4), ohwi(w, 6, 3, 3, 4), nhwc(y, 1, 6, 6, 6), relu(acc));
///
/// Changes nothing but dst; allocates nothing.
template <class T, expression E = acc_node, class Unit = ashlar::detail::this_unit>
constexpr void convolution(const conv_geometry& g, const std::type_identity_t<blocked_image_view<const T>>& src,
                           const filter_view<const T>& weights, const std::type_identity_t<blocked_image_view<T>>& dst,
                           const E& epilogue = {}, std::type_identity_t<T> padding_value = T(0)) {
  convolution_detail::run(convolution_detail::operands<T>{g, src, weights, padding_value}, dst, epilogue, false);
}
template <class T, class S, class P, expression E = acc_node, class Unit = ashlar::detail::this_unit>
constexpr void convolution(const conv_geometry& g, const transformed_image<S, P>& src,
                           const filter_view<const T>& weights, const std::type_identity_t<blocked_image_view<T>>& dst,
                           const E& epilogue = {}, std::type_identity_t<T> padding_value = T(0)) {
  using operands = convolution_detail::operands<T, T, T, no_zero_point, no_zero_point, P>;
  convolution_detail::run(operands{g, src.image, weights, padding_value, {}, {}, src.prologue}, dst, epilogue, false);
}

/// dst(n, o, c) = epilogue( sum over taps t, filters k of the group of src(n, i, k) * weights(k, t, c) ) with
/// i = (o + before - t * dilation) / stride where that is a whole number: the gradient of convolution g.
///
/// Taps from the last to the first, so that src's pixels come in increasing order; those outside src are 0 and take
/// part. src has the extents of g's dst, dst those of g's src, weights are g's.
template <class T, expression E = acc_node, class Unit = ashlar::detail::this_unit>
constexpr void transposed_convolution(const conv_geometry& g,
                                      const std::type_identity_t<blocked_image_view<const T>>& src,
                                      const filter_view<const T>& weights,
                                      const std::type_identity_t<blocked_image_view<T>>& dst, const E& epilogue = {}) {
  convolution_detail::run(convolution_detail::operands<T>{g, src, weights, T(0)}, dst, epilogue, true);
}
template <class T, class S, class P, expression E = acc_node, class Unit = ashlar::detail::this_unit>
constexpr void transposed_convolution(const conv_geometry& g, const transformed_image<S, P>& src,
                                      const filter_view<const T>& weights,
                                      const std::type_identity_t<blocked_image_view<T>>& dst, const E& epilogue = {}) {
  using operands = convolution_detail::operands<T, T, T, no_zero_point, no_zero_point, P>;
  convolution_detail::run(operands{g, src.image, weights, T(0), {}, {}, src.prologue}, dst, epilogue, true);
}

/// dw(k, t, c) = sum over images n, pixels o of src(n, o * stride - before + t * dilation, c) * dy(n, o, k), in this
/// order, one fused multiply-add each; bias(k) = sum of dy(n, o, k), where bias is not null.
template <class T, class Unit = ashlar::detail::this_unit>
constexpr void weights_gradient(const conv_geometry& g, const std::type_identity_t<blocked_image_view<const T>>& src,
                                const std::type_identity_t<blocked_image_view<const T>>& dy, const filter_view<T>& dw,
                                std::type_identity_t<T>* bias = nullptr, std::type_identity_t<T> padding_value = T(0)) {
  using O = ops<T, isa::scalar>;
  const convolution_detail::operands<T> x{g, src, {}, padding_value};
  const auto for_each_pixel = [&](const auto& f) {
    for (index n = 0; n < g.batch; ++n)
      for (index d = 0; d < g.dst.d; ++d)
        for (index h = 0; h < g.dst.h; ++h)
          for (index w = 0; w < g.dst.w; ++w) f(n, triple{d, h, w});
  };
  for (index k = 0; k < g.filters; ++k) {
    const index first = k / g.group_filters() * g.group_channels();
    for (index d = 0; d < g.kernel.d; ++d)
      for (index r = 0; r < g.kernel.h; ++r)
        for (index s = 0; s < g.kernel.w; ++s)
          for (index c = 0; c < g.group_channels(); ++c) {
            T acc = O::zero();
            for_each_pixel([&](index n, const triple& o) {
              acc = O::fma(x.element(n, o, {d, r, s}, first + c), dy(n, o.d, o.h, o.w, k), acc);
            });
            dw(k, d, r, s, c) = acc;
          }
    if (!bias) continue;
    T sum = O::zero();
    for_each_pixel([&](index n, const triple& o) { sum = O::add(sum, dy(n, o.d, o.h, o.w, k)); });
    bias[k] = sum;
  }
}

}  // namespace ashlar::reference
