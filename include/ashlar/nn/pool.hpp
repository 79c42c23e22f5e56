// SPDX-License-Identifier: Apache-2.0
//
// nn/pool.hpp: maximum and average pooling with their gradients, planned once and run many times: plain values.
//
//   plan_max_pool2d<T>(problem)      ->  run(src, dst[, argmax]),  backward(dst_gradient, argmax, src_gradient)
//   plan_average_pool2d<T>(problem)  ->  run(src, dst),            backward(dst_gradient, src_gradient)
//
// Channels that are neighbours (NHWC and slices of it) are taken a vector at a time, any other layout one by one. No
// workspace, no packing, no allocation.
//
// Depends on: nn/pool_{problem,forward,backward}.hpp, conv/check.hpp.   Used by: users.
#pragma once

#include <cstdint>
#include <limits>

#include <ashlar/conv/check.hpp>
#include <ashlar/core.hpp>
#include <ashlar/nn/pool_backward.hpp>
#include <ashlar/nn/pool_forward.hpp>
#include <ashlar/nn/pool_problem.hpp>

namespace ashlar {

namespace detail {

// Extents and memory of one operand.
template <class T, class Unit = this_unit>
status check_pool_image(const char* what, const image_view<T>& v, const image_axes& e) {
  if (v.extents() != e) {
    const image_axes& x = v.extents();
    return status::error(errc::shape_mismatch,
                         "pool: %s is %" PRId64 " x %" PRId64 "x%" PRId64 "x%" PRId64 " x %" PRId64
                         " but the plan has %" PRId64 " x %" PRId64 "x%" PRId64 "x%" PRId64 " x %" PRId64,
                         what, x.n, x.d, x.h, x.w, x.c, e.n, e.d, e.h, e.w, e.c);
  }
  if (v.empty()) return {};
  if (v.data() == nullptr) return status::error(errc::null_pointer, "pool: the data of %s is null", what);
  if (!addressable(blocked_image_view(v)))
    return status::error(errc::overflow, "pool: offsets of %s exceed 64 bits", what);
  return {};
}

// What is written: elements of its own.
template <class T, class Unit = this_unit>
status check_pool_written(const char* what, const image_view<T>& v) {
  if (v.empty() || distinct(blocked_image_view(v))) return {};
  const image_axes& s = v.strides();
  return status::error(errc::bad_stride,
                       "pool: %s has strides %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
                       " (n, d, h, w, c): its elements must not overlap",
                       what, s.n, s.d, s.h, s.w, s.c);
}

template <class T, class U, class Unit = this_unit>
status check_pool_apart(const char* what, const image_view<T>& v, const char* other, const image_view<U>& w) {
  if (!images_overlap(blocked_image_view(v), blocked_image_view(w))) return {};
  return status::error(errc::aliasing, "pool: %s (at %p) shares memory with %s (at %p)", what,
                       static_cast<const void*>(v.data()), other, static_cast<const void*>(w.data()));
}

// src and dst of any of the four operations; `written` is the second.
template <class T, class Unit = this_unit>
status check_pool_pair(const char* read_name, const image_view<const T>& read, const image_axes& read_extents,
                       const char* written_name, const image_view<T>& written, const image_axes& written_extents) {
  if (status s = check_pool_image(read_name, read, read_extents); !s.ok()) return s;
  if (status s = check_pool_image(written_name, written, written_extents); !s.ok()) return s;
  if (status s = check_pool_written(written_name, written); !s.ok()) return s;
  return check_pool_apart(read_name, read, written_name, written);
}

// f(ops<T, Isa>) when channels of both are neighbours, else f(ops<T, isa::scalar>).
template <class T, class Isa, class A, class B, class F>
void with_channel_vectors(const image_view<A>& a, const image_view<B>& b, const F& f) {
  if (a.strides().c == 1 && b.strides().c == 1) {
    f(ops<T, Isa>());
  } else {
    f(ops<T, isa::scalar>());
  }
}

}  // namespace detail

/// A planned maximum pooling of T on Isa; made by plan_max_pool2d and its kin.
template <class T, class Isa = isa::native>
class max_pool_plan {
 public:
  using value_type = T;

  explicit max_pool_plan(const conv_geometry& g) : geometry_(g) {}

  [[nodiscard]] const conv_geometry& geometry() const { return geometry_; }
  /// The extents that run() expects.
  [[nodiscard]] image_axes src_extents() const { return detail::src_extents(geometry_); }
  [[nodiscard]] image_axes dst_extents() const { return detail::dst_extents(geometry_); }

  /// dst = the greatest element of each window.        Specification: reference::max_pool.
  ///
  /// Any strides; dst's elements are distinct, and src apart from it. The padding takes no part: a window without an
  /// element of src gives -infinity. A NaN is greater than anything.
  ///
  ///     pool.run(nhwc(x, 8, 56, 56, 64), nhwc(y, 8, 28, 28, 64), on(threads));
  ///
  /// Returns shape_mismatch, null_pointer, overflow, bad_stride or aliasing; nothing is written then.
  /// Allocates nothing and starts no thread; the result depends neither on the executor nor on the layout.
  template <class E = serial>
  status run(const image_view<const T>& src, const image_view<T>& out, const on_executor<E>& target = {}) const {
    return run_checked(src, out, {}, target);
  }

  /// The same, and argmax = the position of that element in its image, (d * H + h) * W + w: the first of equal ones (-0
  /// and 0 are equal), the last of several NaN, -1 where there is none. argmax has the extents of dst, any strides.
  template <class E = serial>
  status run(const image_view<const T>& src, const image_view<T>& out, const image_view<std::int32_t>& argmax,
             const on_executor<E>& target = {}) const {
    if (status s = detail::check_pool_image("argmax", argmax, dst_extents()); !s.ok()) return s;
    if (status s = detail::check_pool_written("argmax", argmax); !s.ok()) return s;
    if (status s = detail::check_pool_apart("argmax", argmax, "dst", out); !s.ok()) return s;
    if (status s = detail::check_pool_apart("argmax", argmax, "src", src); !s.ok()) return s;
    return run_checked(src, out, argmax, target);
  }

  /// The gradient of src: zero, then for the elements of dst in reading order  src_gradient(argmax) += dst_gradient.
  /// Specification: reference::max_pool_backward.
  ///
  ///     pool.backward(dst_gradient, argmax, src_gradient);          // argmax as run() wrote it
  ///
  /// src_gradient is overwritten; positions outside the image are passed over. Errors and the rest as run().
  template <class E = serial>
  status backward(const image_view<const T>& dst_gradient, const image_view<const std::int32_t>& argmax,
                  const image_view<T>& src_gradient, const on_executor<E>& target = {}) const {
    const status s = detail::check_pool_pair("dst_gradient", dst_gradient, dst_extents(), "src_gradient", src_gradient,
                                             src_extents());
    if (!s.ok()) return s;
    if (status t = detail::check_pool_image("argmax", argmax, dst_extents()); !t.ok()) return t;
    if (status t = detail::check_pool_apart("argmax", argmax, "src_gradient", src_gradient); !t.ok()) return t;
    if (src_gradient.empty()) return {};
    using kernel = detail::pool_backward<T, Isa>;
    target.get().parallel_for(kernel::tasks(geometry_),
                              [&](index t) { kernel::max(geometry_, dst_gradient, argmax, src_gradient, t); });
    return {};
  }

 private:
  template <class E>
  status run_checked(const image_view<const T>& src, const image_view<T>& out, const image_view<std::int32_t>& argmax,
                     const on_executor<E>& target) const {
    const status s = detail::check_pool_pair("src", src, src_extents(), "dst", out, dst_extents());
    if (!s.ok() || out.empty()) return s;
    detail::with_channel_vectors<T, Isa>(src, out, [&]<class O>(O) {
      using kernel = detail::pool_forward<T, Isa, O>;
      const typename kernel::max_operands x{geometry_, src, out, argmax};
      target.get().parallel_for(geometry_.batch * geometry_.dst.d * geometry_.dst.h,
                                [&](index row) { kernel::max_row(x, row); });
    });
    return {};
  }

  conv_geometry geometry_;
};

/// A planned average pooling of T on Isa; made by plan_average_pool2d and its kin.
template <class T, class Isa = isa::native>
class average_pool_plan {
 public:
  using value_type = T;

  average_pool_plan(const conv_geometry& g, bool count_include_pad)
      : geometry_(g), count_include_pad_(count_include_pad) {}

  [[nodiscard]] const conv_geometry& geometry() const { return geometry_; }
  [[nodiscard]] image_axes src_extents() const { return detail::src_extents(geometry_); }
  [[nodiscard]] image_axes dst_extents() const { return detail::dst_extents(geometry_); }

  /// dst = (sum of the window's elements in reading order) / count.        Specification: reference::average_pool.
  ///
  /// count: the elements inside src, or all of the window with .count_include_pad. Without an element inside: 0.
  /// Operands, errors, threads and memory as max_pool_plan::run.
  template <class E = serial>
  status run(const image_view<const T>& src, const image_view<T>& out, const on_executor<E>& target = {}) const {
    const status s = detail::check_pool_pair("src", src, src_extents(), "dst", out, dst_extents());
    if (!s.ok() || out.empty()) return s;
    detail::with_channel_vectors<T, Isa>(src, out, [&]<class O>(O) {
      using kernel = detail::pool_forward<T, Isa, O>;
      const typename kernel::average_operands x{geometry_, src, out, count_include_pad_};
      target.get().parallel_for(geometry_.batch * geometry_.dst.d * geometry_.dst.h,
                                [&](index row) { kernel::average_row(x, row); });
    });
    return {};
  }

  /// The gradient of src: zero, then for the elements of dst in reading order dst_gradient / count is added to each
  /// element of the window.        Specification: reference::average_pool_backward.
  template <class E = serial>
  status backward(const image_view<const T>& dst_gradient, const image_view<T>& src_gradient,
                  const on_executor<E>& target = {}) const {
    const status s = detail::check_pool_pair("dst_gradient", dst_gradient, dst_extents(), "src_gradient", src_gradient,
                                             src_extents());
    if (!s.ok() || src_gradient.empty()) return s;
    detail::with_channel_vectors<T, Isa>(dst_gradient, src_gradient, [&]<class O>(O) {
      using kernel = detail::pool_backward<T, Isa, O>;
      target.get().parallel_for(kernel::tasks(geometry_), [&](index t) {
        kernel::average(geometry_, dst_gradient, src_gradient, count_include_pad_, t);
      });
    });
    return {};
  }

 private:
  conv_geometry geometry_;
  bool count_include_pad_;
};

namespace detail {

// Positions are int32, and those within a window exact in T.
template <class T, class Unit = this_unit>
status check_positions(const conv_geometry& g) {
  if (volume(g.src) > std::numeric_limits<std::int32_t>::max()) {
    return status::error(errc::unsupported,
                         "plan_pool: src has %" PRId64 " pixels; positions are 32-bit: it may have 2^31 - 1",
                         volume(g.src));
  }
  const triple t = tap_distances(g);
  const index span = std::min(g.src.d - 1, (g.kernel.d - 1) * g.dilation.d) * g.src.h * g.src.w +
                     std::min(g.src.h - 1, (g.kernel.h - 1) * g.dilation.h) * g.src.w + (g.kernel.w - 1) * t.w;
  if (volume(g.src) > 0 && span > index(1) << std::numeric_limits<T>::digits) {
    return status::error(errc::unsupported,
                         "plan_pool: a window spans %" PRId64
                         " pixels of src; counted in its element type it may span 2^%d",
                         span, std::numeric_limits<T>::digits);
  }
  return {};
}

template <class T, class Isa, int Rank>
result<max_pool_plan<T, Isa>> plan_max_pool(const pool_problem<Rank>& p) {
  const auto g = geometry_of(p);
  if (!g.ok()) return g.error();
  if (status s = check_positions<T>(g.value()); !s.ok()) return s;
  return max_pool_plan<T, Isa>(g.value());
}

template <class T, class Isa, int Rank>
result<average_pool_plan<T, Isa>> plan_average_pool(const pool_problem<Rank>& p) {
  const auto g = geometry_of(p);
  if (!g.ok()) return g.error();
  return average_pool_plan<T, Isa>(g.value(), p.count_include_pad);
}

}  // namespace detail

/// Plans a maximum pooling of T (float, double) on Isa, or says which field makes none (nn/pool_problem.hpp has them).
///
///     auto pool = plan_max_pool2d<float>({.src = {8, 56, 56, 64}, .window = {2, 2}, .stride = {2, 2}});
///
/// Errors: bad_geometry, negative_extent, overflow, and unsupported for images beyond 2^31 - 1 pixels or windows that
/// span more than 2^24 of them (float). Allocates nothing.
template <class T, class Isa = isa::native>
[[nodiscard]] result<max_pool_plan<T, Isa>> plan_max_pool1d(const pool1d& problem) {
  return detail::plan_max_pool<T, Isa>(problem);
}
template <class T, class Isa = isa::native>
[[nodiscard]] result<max_pool_plan<T, Isa>> plan_max_pool2d(const pool2d& problem) {
  return detail::plan_max_pool<T, Isa>(problem);
}
template <class T, class Isa = isa::native>
[[nodiscard]] result<max_pool_plan<T, Isa>> plan_max_pool3d(const pool3d& problem) {
  return detail::plan_max_pool<T, Isa>(problem);
}

/// Plans an average pooling. Errors: bad_geometry, negative_extent, overflow.
template <class T, class Isa = isa::native>
[[nodiscard]] result<average_pool_plan<T, Isa>> plan_average_pool1d(const pool1d& problem) {
  return detail::plan_average_pool<T, Isa>(problem);
}
template <class T, class Isa = isa::native>
[[nodiscard]] result<average_pool_plan<T, Isa>> plan_average_pool2d(const pool2d& problem) {
  return detail::plan_average_pool<T, Isa>(problem);
}
template <class T, class Isa = isa::native>
[[nodiscard]] result<average_pool_plan<T, Isa>> plan_average_pool3d(const pool3d& problem) {
  return detail::plan_average_pool<T, Isa>(problem);
}

}  // namespace ashlar
