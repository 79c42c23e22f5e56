// SPDX-License-Identifier: Apache-2.0
//
// cuda/conv.cuh: convolutions and their gradients on the GPU: plans, and which kernel runs.
//
//   16-bit floats, int8, NHWC, 1-D and 2-D     sm90_conv      compute capability 9.0: the accelerator finds the pixels
//   depthwise 3x3 and 5x5, NHWC                depthwise      16 bytes of channels a thread, exact
//   anything else                              direct         one element of dst a thread, exact
//
// Depends on: gemm.cuh, sm90_conv.cuh, direct_conv.cuh, depthwise_conv.cuh, conv/problem.hpp.   Used by: users.
#pragma once

#include <ashlar/conv/problem.hpp>
#include <ashlar/cuda/depthwise_conv.cuh>
#include <ashlar/cuda/direct_conv.cuh>
#include <ashlar/cuda/gemm.cuh>
#include <ashlar/cuda/sm90_conv.cuh>

namespace ashlar::cuda {

namespace detail {

// The type of the sums.
template <class X>
using sum_of =
    std::conditional_t<std::is_integral_v<X>, std::int32_t, std::conditional_t<std::same_as<X, double>, double, float>>;

template <class T, class Unit = ashlar::detail::this_unit>
status check_image(const char* what, const image_view<T>& v, const image_axes& wanted) {
  const image_axes& e = v.extents();
  if (e != wanted) {
    return status::error(
        errc::shape_mismatch,
        "conv: %s is %lld x %lld x %lld x %lld x %lld (n, d, h, w, c) but the plan has %lld x %lld x %lld x "
        "%lld x %lld",
        what, (long long)e.n, (long long)e.d, (long long)e.h, (long long)e.w, (long long)e.c, (long long)wanted.n,
        (long long)wanted.d, (long long)wanted.h, (long long)wanted.w, (long long)wanted.c);
  }
  if (v.data() == nullptr && !v.empty()) return status::error(errc::null_pointer, "conv: the data of %s is null", what);
  return {};
}

template <class X, class D, class E, class Unit = ashlar::detail::this_unit>
status check_conv(const conv_geometry& g, const image_view<const X>& read, const image_axes& read_extents,
                  const filter_view<const X>& weights, const image_view<D>& written, const image_axes& written_extents,
                  const E& e) {
  if (status s = check_image("src", read, read_extents); !s.ok()) return s;
  if (status s = check_image("dst", written, written_extents); !s.ok()) return s;
  const filter_axes wanted{g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels()};
  const filter_axes& f = weights.extents();
  if (f != wanted) {
    return status::error(errc::shape_mismatch,
                         "conv: weights are %lld x %lldx%lldx%lld x %lld but the plan has %lld x %lldx%lldx%lld x %lld",
                         (long long)f.k, (long long)f.d, (long long)f.r, (long long)f.s, (long long)f.c,
                         (long long)wanted.k, (long long)wanted.d, (long long)wanted.r, (long long)wanted.s,
                         (long long)wanted.c);
  }
  if (weights.data() == nullptr) return status::error(errc::null_pointer, "conv: the data of weights is null");
  if (written.empty()) return {};
  const auto memory = covering_matrix(written);
  if (!read.empty() && ashlar::detail::overlaps(covering_matrix(read), memory)) {
    return status::error(errc::aliasing, "conv: src (at %p) shares memory with dst (at %p)", (const void*)read.data(),
                         (const void*)written.data());
  }
  if (!e.fits(written.pixels(), written.extents().c) || !e.fits_batch(written.extents().n)) {
    return status::error(
        errc::shape_mismatch,
        "conv: dst has %lld pixels of %lld channels in a batch of %lld but an elements() operand of the "
        "epilogue has not",
        (long long)written.pixels(), (long long)written.extents().c, (long long)written.extents().n);
  }
  return {};
}

// Is dst one matrix of pixels, of all images, and the same expression right for all of them?
template <class D, class E>
bool is_one_matrix(const image_view<D>& v, const E& e) {
  const image_axes &x = v.extents(), &s = v.strides();
  return v.evenly_spaced() && s.c == 1 && (x.n == 1 || s.n == v.pixels() * s.w) && (x.n == 1 || !uses_rows<E>) &&
         e.fits_batch(x.n);
}

// May the Hopper kernel run this walk?
template <class X, class D, class E>
bool suits_sm90_conv(const image_view<const X>& read, const filter_view<const X>& weights, const image_view<D>& written,
                     const E& e, const conv_geometry& g, const conv_walk& walk) {
  const index reach_x = (g.kernel.w - 1) * g.dilation.w, reach_y = (g.kernel.h - 1) * g.dilation.h;
  const double elements = double(written.extents().n) * double(written.pixels());
  return g.groups == 1 && g.kernel.d == 1 && g.src.d == 1 && read.strides().c == 1 && elements < 1e9 &&
         is_one_matrix(written, e) && evenly_spaced_taps(weights) && boxable(boxed_filters(weights, 8)) &&
         walkable(walked(read, walk.x, walk.y, 64, 128), reach_x, reach_y);
}

// unsupported: another kernel must.
template <bool Gradient, class X, class D, class E, class Unit = ashlar::detail::this_unit>
status conv_on_sm90(const image_view<const X>& read, const filter_view<const X>& weights, const image_view<D>& written,
                    const E& e, const conv_geometry& g, cudaStream_t stream) {
  const status unsuited = status::error(errc::unsupported, "conv: not for this kernel");
  const conv_walk walk = Gradient ? gradient_walk(g) : forward_walk(g);
  if (Gradient && g.stride != triple{}) return unsuited;
  if (!suits_sm90_conv(read, weights, written, e, g, walk)) return unsuited;
  const auto device = current_device("conv");
  if (!device.ok()) return device.error();
  if (device.value().capability != 90) return unsuited;
  const auto rows = pixel_rows(written);
  constexpr index bk = 128 / index(sizeof(X));
  const index k_blocks = (walk.channels + bk - 1) / bk * walk.taps;
  const int tile = best_sm90_tile(rows.rows(), rows.cols(), 1, k_blocks, device.value().multiprocessors);
  return with_sm90_tile(tile, [&]<sm90_tile S>() {
    return launch_sm90_conv<X, S, Gradient>(read, weights, rows, e, walk, device.value(), stream);
  });
}

}  // namespace detail

/// A convolution of `Rank` dimensions, checked: what can be known before there are data.
///
///     const auto plan = cuda::plan_conv2d({.src = {32, 56, 56, 64}, .weights = {64, 3, 3, 64}, .padding = same});
///     if (!plan.ok()) return plan.error();
///     plan.value().run(src, weights, dst, relu(acc + per_column(bias)), stream);
///
/// A plain value; owns no memory. Its functions allocate nothing, synchronise nothing and may be captured into a graph.
class conv_plan {
 public:
  explicit constexpr conv_plan(const conv_geometry& g) : geometry_(g) {}
  [[nodiscard]] constexpr const conv_geometry& geometry() const { return geometry_; }

  /// dst(n, o, k) = epilogue( sum over taps t, channels c of src(n, o * stride - before + t * dilation, c) *
  /// weights(k, t, c) ).        Specification: reference::convolution.
  ///
  /// Images and filters are of bf16, f16, f32, f64 or int8, in device memory, of any layout; dst of any element. Sums
  /// are float, double for f64, int32 for int8. f32 and f64 are equal to the reference bit for bit, as is int8;
  /// products of 16-bit elements are exact and summed in the hardware's order. To the epilogue each image of dst is a
  /// matrix of pixels x channels.
  ///
  /// Returns shape_mismatch, null_pointer, aliasing or device_error; dst is untouched then.
  template <class S, class W, class D, class... Options>
    requires(detail::call_option<Options> && ...)
  status run(const image_view<S>& src, const filter_view<W>& weights, const image_view<D>& dst,
             const Options&... options) const {
    using X = std::remove_const_t<S>;
    static_assert(std::same_as<X, std::remove_const_t<W>>, "src and weights must have one element type");
    const image_view<const X> x = src;
    const filter_view<const X> w = weights;
    const auto e = detail::epilogue_of(options...);
    const cudaStream_t stream = detail::stream_of(options...);
    if (status s = detail::check_conv(geometry_, x, src_extents(), w, dst, dst_extents(), e); !s.ok()) return s;
    if (dst.empty()) return {};
    if constexpr (sizeof(X) <= 2) {
      if (const status s = detail::conv_on_sm90<false>(x, w, dst, e, geometry_, stream); s.code() != errc::unsupported)
        return s;
    }
    return detail::launch_depthwise_conv<detail::sum_of<X>>(x, w, dst, e, geometry_, stream);
  }

  /// The gradient with respect to src: src_gradient(n, i, c) = epilogue( sum over the taps t, outputs o and filters k
  /// that read pixel i of  dst_gradient(n, o, k) * weights(k, t, c) ).  Specification:
  /// reference::transposed_convolution.
  ///
  ///     plan.run_backward_data(dst_gradient, weights, src_gradient, stream);
  ///
  /// Otherwise as run().
  template <class S, class W, class D, class... Options>
    requires(detail::call_option<Options> && ...)
  status run_backward_data(const image_view<S>& dst_gradient, const filter_view<W>& weights,
                           const image_view<D>& src_gradient, const Options&... options) const {
    using X = std::remove_const_t<S>;
    static_assert(std::same_as<X, std::remove_const_t<W>>, "dst_gradient and weights must have one element type");
    const image_view<const X> y = dst_gradient;
    const filter_view<const X> w = weights;
    const auto e = detail::epilogue_of(options...);
    const cudaStream_t stream = detail::stream_of(options...);
    if (status s = detail::check_conv(geometry_, y, dst_extents(), w, src_gradient, src_extents(), e); !s.ok())
      return s;
    if (src_gradient.empty()) return {};
    if constexpr (sizeof(X) == 2) {
      if (const status s = detail::conv_on_sm90<true>(y, w, src_gradient, e, geometry_, stream);
          s.code() != errc::unsupported) {
        return s;
      }
    }
    return detail::launch_direct_conv_backward_data<detail::sum_of<X>>(y, w, src_gradient, e, geometry_, stream);
  }

 private:
  [[nodiscard]] constexpr image_axes src_extents() const {
    return {geometry_.batch, geometry_.src.d, geometry_.src.h, geometry_.src.w, geometry_.channels};
  }
  [[nodiscard]] constexpr image_axes dst_extents() const {
    return {geometry_.batch, geometry_.dst.d, geometry_.dst.h, geometry_.dst.w, geometry_.filters};
  }

  conv_geometry geometry_;
};

/// The plan of a convolution, or the field of the problem that makes none.
///
/// Returns negative_extent, bad_geometry, shape_mismatch or overflow, as ashlar::plan_conv2d does.
template <int Rank, class Unit = ashlar::detail::this_unit>
result<conv_plan> plan_conv(const conv_problem<Rank>& problem) {
  const auto g = ashlar::detail::geometry_of(problem);
  if (!g.ok()) return g.error();
  return conv_plan(g.value());
}
inline result<conv_plan> plan_conv1d(const conv1d& problem) { return plan_conv(problem); }
inline result<conv_plan> plan_conv2d(const conv2d& problem) { return plan_conv(problem); }
inline result<conv_plan> plan_conv3d(const conv3d& problem) { return plan_conv(problem); }

}  // namespace ashlar::cuda
