// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_weights.hpp: the gradient of depthwise weights, channels innermost in src and dy, a filter a channel.
//
//   for each block of channels                            shared out among the workers
//     for each image and row of dy                        which is then in L1, and the rows of src under it in L2
//       for each row of taps, W of them, and V vectors    their sums are loaded, and stored again
//         for each pixel of the row                       W x V multiply-adds, a load each, and one of dy a vector
//
// Every sum takes one multiply-add a pixel in increasing order, padding included: the bits of the reference. Bound: a
// load for each multiply-add and V for dy, so that nine multiply-adds of three taps take six cycles of two loads.
//
// Depends on: conv/geometry.hpp, core/{image,blocked_image}.hpp, isa/, loop/blocking.hpp, tile/row_pairs.hpp.
// Used by: conv/weights_plan.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/blocked_image.hpp>
#include <ashlar/core/checked.hpp>
#include <ashlar/core/image.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/loop/blocking.hpp>
#include <ashlar/tile/row_pairs.hpp>

namespace ashlar {

namespace detail {

/// sums[w][v] += src[i * pixel + w * tap][v] * dy[i * dy_pixel][v] over pixels i, for W taps and V vectors of channels;
/// not Whole: of one vector, its first n lanes.
template <class O, int W, int V, bool Whole>
class depthwise_weights_row {
  using T = typename O::value_type;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  static_assert(Whole || V == 1);

 public:
  struct operands {
    const T* src;
    index pixel, tap;
    const T* dy;
    index dy_pixel, count, n;
    T* sums;
  };

  [[gnu::noinline]] static void run(const operands& x) { start(std::make_integer_sequence<int, W * V>{}, x); }

 private:
  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const operands& x) {
    body(s, x, O::load(x.sums + I * O::lanes())...);
  }
  template <int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...>, const operands& x, Acc... acc) {
    const T *src = x.src, *dy = x.dy;
    for (index i = 0; i < x.count; ++i, src += x.pixel, dy += x.dy_pixel) {
      each_vector(std::make_integer_sequence<int, V>{}, dy, x.n, [&](auto... y) __attribute__((always_inline)) {
        ((acc = O::fma(load(src + I / V * x.tap + I % V * O::lanes(), x.n), pick<I % V>(y...), acc)), ...);
      });
    }
    (O::store(x.sums + I * O::lanes(), acc), ...);
  }
  template <int... J, class F>
  static ASHLAR_INLINE void each_vector(seq<J...>, const T* dy, index n, const F& f) {
    f(load(dy + J * O::lanes(), n)...);
  }
  static ASHLAR_INLINE auto load(const T* p, index n) {
    if constexpr (Whole) {
      return O::load(p);
    } else {
      return O::load_n(p, n);
    }
  }
};

}  // namespace detail

/// Gradients of T on Isa. `padding`: what src is padded with.
template <class T, class Isa>
class depthwise_weights {
  using O = ops<T, Isa>;
  static constexpr int most_taps = 7, most_vectors = 4;  // at a time

 public:
  static bool serves(const conv_geometry& g, const blocked_image_view<const T>& src,
                     const blocked_image_view<const T>& dy) {
    return g.group_channels() == 1 && g.group_filters() == 1 && g.channels > 1 && src.strides().c == 1 &&
           dy.strides().c == 1 && !src.blocked() && !dy.blocked();
  }

  /// Channels of a task: so few that the sums of all their taps rest in L1, and that every worker has some.
  static index block_channels(const conv_geometry& g, index workers) {
    const index fit = index(16 * 1024 / sizeof(T)) / std::max<index>(1, g.taps());
    const index share = ceil_div(g.channels, std::max<index>(1, workers));
    return multiple(std::clamp<index>(std::min(fit, share), 1, g.channels), most_vectors * O::lanes());
  }
  /// Elements for one worker: a pixel of padding, and the sums.
  static index workspace_elements(const conv_geometry& g, index workers) {
    return multiple(most_vectors * O::lanes() + g.taps() * block_channels(g, workers), index(64 / sizeof(T)));
  }

  depthwise_weights(const conv_geometry& g, const image_view<const T>& src, const image_view<const T>& dy,
                    const filter_view<T>& dw, T padding, index workers)
      : g_(g), src_(src), dy_(dy), dw_(dw), padding_(padding), block_(block_channels(g, workers)) {}

  /// Tasks: a block of channels each; `memory` is one worker's.
  [[nodiscard]] index tasks() const { return ceil_div(g_.channels, block_); }
  void run(index task, T* memory) const {
    const index first = task * block_, count = std::min(block_, g_.channels - first);
    T* const sums = memory + most_vectors * O::lanes();
    std::fill(memory, sums, padding_);
    std::fill(sums, sums + g_.taps() * block_, T(0));
    each_row([&](index n, index d, index h) {
      each_part([&](place at) {
        T* const to = sums + offset(at);
        for (index c = 0; c < count;) {
          at.channel = first + c;
          c += with_taps(at, {n, d, h, 0, 0}, count - c, memory, to + at.taps * c);
        }
      });
    });
    each_part([&](place at) {
      const T* const from = sums + offset(at);
      for (index c = 0; c < count;) {
        at.channel = first + c;
        c += store(at, count - c, from + at.taps * c);
      }
    });
  }

  /// bias(k) = sum of dy(n, o, k).
  void sum_dy(T* bias) const {
    const index lanes = O::lanes();
    index c = 0;
    for (; c + most_vectors * lanes <= g_.channels; c += most_vectors * lanes) {
      sum_vectors<true>(std::make_integer_sequence<int, most_vectors>{}, c, lanes, bias);
    }
    for (; c < g_.channels; c += lanes) {
      sum_vectors<false>(std::make_integer_sequence<int, 1>{}, c, std::min(lanes, g_.channels - c), bias);
    }
  }

 private:
  struct place {
    index d, r, tap, taps, channel;  // taps (d, r, tap ..) of the channels from `channel` on
  };

  template <class F>
  void each_row(const F& f) const {
    for (index n = 0; n < g_.batch; ++n)
      for (index d = 0; d < g_.dst.d; ++d)
        for (index h = 0; h < g_.dst.h; ++h) f(n, d, h);
  }
  template <class F>
  void each_part(const F& f) const {
    for (index d = 0; d < g_.kernel.d; ++d)
      for (index r = 0; r < g_.kernel.h; ++r)
        for (index s = 0; s < g_.kernel.w; s += most_taps)
          f(place{d, r, s, std::min<index>(most_taps, g_.kernel.w - s), 0});
  }

  template <bool Whole, int... J>
  void sum_vectors(std::integer_sequence<int, J...>, index c, index n, T* bias) const {
    [&](auto... sum) {
      each_row([&](index image, index d, index h) {
        const T* p = dy_.pointer(image, d, h, 0, c);
        for (index w = 0; w < g_.dst.w; ++w, p += dy_.strides().w) {
          ((sum = O::add(sum, Whole ? O::load(p + J * O::lanes()) : O::load_n(p, n))), ...);
        }
      });
      (O::store_n(bias + c + J * O::lanes(), sum, n), ...);
    }(((void)J, O::zero())...);
  }

  // Where the sums of these taps begin, each of block_ channels.
  index offset(const place& at) const { return ((at.d * g_.kernel.h + at.r) * g_.kernel.w + at.tap) * block_; }

  // Vectors of the kernel of so many taps: with its operands in sixteen registers.
  static constexpr int vectors_of(int taps) { return std::clamp(10 / taps, 1, most_vectors); }

  // A row of dy for as many channels as the kernel of so many taps takes; returns how many.
  template <int W = most_taps>
  index with_taps(const place& at, const image_axes& o, index channels, const T* padding, T* sums) const {
    if constexpr (W > 1) {
      if (at.taps < W) return with_taps<W - 1>(at, o, channels, padding, sums);
    }
    constexpr int v = vectors_of(W);
    const index lanes = O::lanes();
    if (channels >= v * lanes) {
      row_of_pixels<W, v, true>(at, o, lanes, padding, sums);
      return v * lanes;
    }
    channels >= lanes ? row_of_pixels<W, 1, true>(at, o, lanes, padding, sums)
                      : row_of_pixels<W, 1, false>(at, o, channels, padding, sums);
    return std::min(lanes, channels);
  }
  // What those left; returns the same number.
  index store(const place& at, index channels, const T* sums) const {
    const index whole = vectors_of(int(at.taps)) * O::lanes();
    const index lanes = channels >= whole ? whole : O::lanes(), count = std::min(channels, lanes);
    for (index s = 0; s < at.taps; ++s)
      for (index c = 0; c < count; ++c) dw_(at.channel + c, at.d, at.r, at.tap + s, 0) = sums[s * lanes + c];
    return count;
  }

  // Pixels of a row of dy: those whose taps are all inside by one call, the others tap by tap.
  template <int W, int V, bool Whole>
  void row_of_pixels(const place& at, const image_axes& o, index channels, const T* padding, T* sums) const {
    using rows = detail::depthwise_weights_row<O, W, V, Whole>;
    const index id = o.d * g_.stride.d - g_.before.d + at.d * g_.dilation.d;
    const index ih = o.h * g_.stride.h - g_.before.h + at.r * g_.dilation.h;
    const index iw = at.tap * g_.dilation.w - g_.before.w, reach = (W - 1) * g_.dilation.w;  // of the first pixel
    const bool inside = id >= 0 && id < g_.src.d && ih >= 0 && ih < g_.src.h;
    const T* const dy = dy_.pointer(o.n, o.d, o.h, 0, at.channel);
    if (!inside) return rows::run({padding, 0, 0, dy, dy_.strides().w, g_.dst.w, channels, sums});
    const index left = std::clamp<index>(iw < 0 ? ceil_div(-iw, g_.stride.w) : 0, 0, g_.dst.w);
    const index room = g_.src.w - 1 - reach - iw;
    const index right = room < 0 ? left : std::clamp<index>(room / g_.stride.w + 1, left, g_.dst.w);
    const T* const src = src_.pointer(o.n, id, ih, iw, at.channel);
    const index pixel = g_.stride.w * src_.strides().w, tap = g_.dilation.w * src_.strides().w;
    const auto edge = [&](index w) {
      for (index s = 0; s < W; ++s) {
        const index x = iw + w * g_.stride.w + s * g_.dilation.w;
        const T* const from = x >= 0 && x < g_.src.w ? src + w * pixel + s * tap : padding;
        detail::depthwise_weights_row<O, 1, V, Whole>::run(
            {from, 0, 0, dy + w * dy_.strides().w, 0, 1, channels, sums + s * V * O::lanes()});
      }
    };
    for (index w = 0; w < left; ++w) edge(w);
    rows::run(
        {src + left * pixel, pixel, tap, dy + left * dy_.strides().w, dy_.strides().w, right - left, channels, sums});
    for (index w = right; w < g_.dst.w; ++w) edge(w);
  }

  const conv_geometry& g_;
  image_view<const T> src_, dy_;
  filter_view<T> dw_;
  T padding_;
  index block_;
};

}  // namespace ashlar
