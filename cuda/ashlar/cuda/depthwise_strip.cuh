// SPDX-License-Identifier: Apache-2.0
//
// cuda/depthwise_strip.cuh: the strip of one thread of a depthwise convolution: 16 bytes of channels of a few pixels.
//
//   for each line of src the strip reads:  load all its columns, then for each of them:  sums(j) += x * w(s), i = j *
//   stride + s
//
// A column is loaded and widened once for all of its taps, and a column beyond the image is zeros that take part. Lines
// and columns come in increasing order, so every sum is the reference's. The filters of a block's channels are floats
// in shared memory, four channels of a lane together and lanes side by side: no two of a quarter warp meet in a bank.
//
// Depends on: depthwise_cut.cuh, vector_memory.cuh.   Used by: depthwise_conv.cuh, tests.
#pragma once

#include <ashlar/core/image.hpp>
#include <ashlar/cuda/depthwise_cut.cuh>
#include <ashlar/cuda/epilogue.cuh>
#include <ashlar/cuda/vector_memory.cuh>

namespace ashlar::cuda::detail {

template <class X, class D, class E>
struct depthwise_problem {
  using element_type = X;
  static constexpr int channels_of_vector = 16 / int(sizeof(X));

  image_view<const X> src;
  filter_view<const X> weights;
  image_view<D> dst;
  E e;
  depthwise_cut cut;
  int before_h, before_w;
};

template <depthwise_shape S, class P>
struct depthwise_filters {
  alignas(16) float at[S.taps() * most_lanes * P::channels_of_vector];
};

template <depthwise_shape S, class P>
class depthwise_strip {
  using X = typename P::element_type;
  static constexpr int channels = P::channels_of_vector;
  static constexpr int quads = channels / 4;
  using line = vector16[S.inputs()];

 public:
  using problem = P;
  using filters = depthwise_filters<S, P>;
  static constexpr int resident = S.resident;

  /// Before the barrier: this thread's share of the filters, while its first line is on its way.
  ASHLAR_INLINE void start(const P& p, filters& shared, int block, int thread) {
    at_ = place_of_strip(p.cut, block, thread);
    y_ = at_.row_group * S.rows * S.stride - p.before_h;
    x_ = at_.strip * S.columns * S.stride - p.before_w;
    if (at_.exists) load(p, raw_, 0);
    const int lanes = p.cut.lanes;
    for (int i = thread; i < lanes * channels * S.taps(); i += depthwise_threads) {
      const int c = i / S.taps(), tap = i % S.taps();
      const index k = index(at_.slice) * lanes * channels + c;
      const bool exists = k < p.weights.extents().k;
      shared.at[place_of_filter(tap, c / channels, c % channels / 4, lanes) + c % 4] =
          exists ? widened<float>(p.weights(k, 0, tap / S.window, tap % S.window, 0)) : 0.0f;
    }
  }

  /// After it.
  ASHLAR_INLINE void finish(const P& p, const filters& shared) {
    if (!at_.exists) return;
    float sums[S.rows][S.columns][channels] = {};
    if constexpr (S.ahead) {
      ASHLAR_UNROLL_ALL
      for (int l = 0; l < S.lines(); ++l) {
        line next = {};
        if (l + 1 < S.lines()) load(p, next, l + 1);
        add_line(p, shared, sums, l);
        ASHLAR_UNROLL_ALL
        for (int i = 0; i < S.inputs(); ++i) raw_[i] = next[i];
      }
    } else {
      ASHLAR_UNROLL_BY(1)
      for (int l = 0; l < S.lines(); ++l) {
        if (l > 0) load(p, raw_, l);
        add_line(p, shared, sums, l);
      }
    }
    write(p, sums);
  }

 private:
  static ASHLAR_INLINE int place_of_filter(int tap, int lane, int quad, int lanes) {
    return ((tap * quads + quad) * lanes + lane) * 4;
  }

  // Line l of the strip. Of what is outside the image no address is formed.
  ASHLAR_INLINE void load(const P& p, line& to, int l) const {
    const auto& e = p.src.extents();
    const auto& s = p.src.strides();
    const bool inside = unsigned(y_ + l) < unsigned(e.h);
    const X* const from =
        p.src.data() + (at_.n * s.n + index(y_ + l) * s.h + index(x_) * s.w + index(at_.vector) * channels);
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < S.inputs(); ++i) {
      to[i] = inside && unsigned(x_ + i) < unsigned(e.w) ? load_vector(from + i * s.w) : vector16{};
    }
  }

  // Line l is row l - h * stride of the window of row h of the strip.
  ASHLAR_INLINE void add_line(const P& p, const filters& shared, float (&sums)[S.rows][S.columns][channels],
                              int l) const {
    ASHLAR_UNROLL_ALL
    for (int h = 0; h < S.rows; ++h) {
      const int r = l - h * S.stride;
      if (r < 0 || r >= S.window) continue;
      ASHLAR_UNROLL_ALL
      for (int q = 0; q < quads; ++q) {
        float w[S.window][4];
        ASHLAR_UNROLL_ALL
        for (int s = 0; s < S.window; ++s) {
          const vector16 v = shared_vector(shared.at + place_of_filter(r * S.window + s, at_.lane, q, p.cut.lanes));
          ASHLAR_UNROLL_ALL
          for (int c = 0; c < 4; ++c) w[s][c] = lane_of<float>(v, c);
        }
        add_quad(sums[h], w, q);
      }
    }
  }

  ASHLAR_INLINE void add_quad(float (&sums)[S.columns][channels], const float (&w)[S.window][4], int q) const {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < S.inputs(); ++i) {
      ASHLAR_UNROLL_ALL
      for (int c = 0; c < 4; ++c) {
        const float x = lane_of<X>(raw_[i], 4 * q + c);
        ASHLAR_UNROLL_ALL
        for (int s = 0; s < S.window; ++s) {
          const int j = (i - s) / S.stride;
          if (i < s || j * S.stride != i - s || j >= S.columns) continue;
          float& sum = sums[j][4 * q + c];
          sum = ops<float, isa::cuda>::fma(x, w[s][c], sum);
        }
      }
    }
  }

  static ASHLAR_INLINE vector16 shared_vector(const float* from) {
#if defined(__CUDA_ARCH__)
    const uint4 v = *reinterpret_cast<const uint4*>(from);
    return {{v.x, v.y, v.z, v.w}};
#else
    return load_vector(from);
#endif
  }

  // All values before the first store, so that an operand of a channel is read once. Beyond dst they are those of its
  // last pixel, and are not stored.
  ASHLAR_INLINE void write(const P& p, float (&sums)[S.rows][S.columns][channels]) const {
    using D = typename std::remove_reference_t<decltype(p.dst)>::value_type;
    const auto e = p.e.at_image(at_.n);
    const index height = p.dst.extents().h, width = p.dst.extents().w, c0 = index(at_.vector) * channels;
    const index y0 = index(at_.row_group) * S.rows, x0 = index(at_.strip) * S.columns;
    ASHLAR_UNROLL_ALL
    for (int h = 0; h < S.rows; ++h) {
      const index y = y0 + h < height ? y0 + h : height - 1;
      ASHLAR_UNROLL_ALL
      for (int j = 0; j < S.columns; ++j) {
        const index x = x0 + j < width ? x0 + j : width - 1;
        const D* const old = p.dst.pointer(at_.n, 0, y, x, c0);
        ASHLAR_UNROLL_ALL
        for (int c = 0; c < channels; ++c) {
          const place<float, D> here{y * width + x, c0 + c, 1, old + c};
          sums[h][j][c] = e.eval(math<ops<float, isa::cuda>>{}, sums[h][j][c], here);
        }
      }
    }
    ASHLAR_UNROLL_ALL
    for (int h = 0; h < S.rows; ++h) {
      ASHLAR_UNROLL_ALL
      for (int j = 0; j < S.columns; ++j) {
        if (y0 + h < height && x0 + j < width) store_vector(p.dst.pointer(at_.n, 0, y0 + h, x0 + j, c0), sums[h][j]);
      }
    }
  }

  strip_place at_;
  int y_, x_;  // of src: the strip's first line and column
  line raw_;
};

}  // namespace ashlar::cuda::detail
