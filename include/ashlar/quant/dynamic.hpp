// SPDX-License-Identifier: Apache-2.0
//
// quant/dynamic.hpp: matrices and images of floats quantized as they come: the range of each row or of all, then
// integers.
//
//   a = affine_of(least, most, low, high);   q = quantized(x, a, low, high)
//
// Row by row, the scales and zero points are what a product of bytes wants:
//
//   quantize_rows(X, Q, scales, zeros);
//   gemm(Q, W, C, acc * per_row(scales) * per_column(weight_scales), a_zero_point(zeros));
//
// Depends on: quant/affine.hpp, isa/, core/.   Used by: users, through <ashlar/quant.hpp>.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <ashlar/core/blocked_image.hpp>
#include <ashlar/core/status.hpp>
#include <ashlar/core/view.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/quant/affine.hpp>

namespace ashlar {

namespace detail {

struct value_range {
  float least = 0, most = 0;  // zero is always within
};

// A row of floats on Isa: its range, and its integers.
template <class Isa, class U>
struct quantized_row {
  using O = ops<float, Isa>;
  using I = ops<std::int32_t, Isa>;
  static constexpr bool in_registers =
      fixed_point_ops<I> && requires(U* p, typename I::vec v) { I::store_nearest(p, v); };

  static ASHLAR_INLINE void widen(value_range& r, float x) {
    r.least = x < r.least ? x : r.least;
    r.most = x > r.most ? x : r.most;
  }

  [[gnu::noinline]] static void range(const float* x, index count, index stride, value_range& r) {
    index i = 0;
    if (stride == 1) {
      auto least = O::broadcast(r.least), most = O::broadcast(r.most);
      for (; i + O::lanes() <= count; i += O::lanes()) {
        const auto v = O::load(x + i);
        least = O::min(v, least), most = O::max(v, most);
      }
      float lows[O::max_lanes], highs[O::max_lanes];
      O::store(lows, least), O::store(highs, most);
      for (index l = 0; l < O::lanes(); ++l) widen(r, lows[l]), widen(r, highs[l]);
    }
    for (; i < count; ++i) widen(r, x[i * stride]);
  }

  // The sum with the zero point does not wrap: it is clamped before.
  static ASHLAR_INLINE std::int32_t shifted_end(std::int32_t end, const affine& a) {
    using limits = std::numeric_limits<std::int32_t>;
    return std::int32_t(std::clamp<std::int64_t>(std::int64_t(end) - a.zero_point, limits::min(), limits::max()));
  }

  [[gnu::noinline]] static void convert(const float* x, index count, index x_stride, U* q, index q_stride,
                                        const affine& a) {
    index i = 0;
    if constexpr (in_registers) {
      if (x_stride == 1 && q_stride == 1) {
        constexpr std::int32_t low = std::numeric_limits<U>::min(), high = std::numeric_limits<U>::max();
        const auto scale = O::broadcast(a.scale);
        const auto zero = I::broadcast(a.zero_point);
        const auto least = I::broadcast(shifted_end(low, a)), most = I::broadcast(shifted_end(high, a));
        for (; i + O::lanes() <= count; i += O::lanes()) {
          const auto steps = I::to_int(O::round_even(O::div(O::load(x + i), scale)));
          I::store_nearest(q + i, I::add(I::min(most, I::max(least, steps)), zero));
        }
      }
    }
    for (; i < count; ++i) q[i * q_stride] = quantized<U>(x[i * x_stride], a);
  }

  // The same of contiguous floats to integers apart, a piece at a time.
  static void convert_apart(const float* x, index count, U* q, index q_stride, const affine& a) {
    constexpr index piece = 256;
    U some[piece];
    for (index i = 0; i < count; i += piece) {
      const index length = std::min(piece, count - i);
      convert(x + i, length, 1, some, 1, a);
      for (index k = 0; k < length; ++k) q[(i + k) * q_stride] = some[k];
    }
  }
};

template <any_matrix X, any_matrix Q, class Unit = this_unit>
status check_quantized(const X& x, const Q& q) {
  if (x.rows() != q.rows() || x.cols() != q.cols()) {
    return status::error(errc::shape_mismatch, "quantize: x is %lld x %lld but q is %lld x %lld", lld(x.rows()),
                         lld(x.cols()), lld(q.rows()), lld(q.cols()));
  }
  if (!x.empty() && (x.data() == nullptr || q.data() == nullptr)) {
    return status::error(errc::null_pointer, "quantize: the data of %s is null", x.data() == nullptr ? "x" : "q");
  }
  return {};
}

template <any_matrix X, class Unit = this_unit>
status check_rows(const char* who, const X& x, const float* scales, const std::int32_t* zeros) {
  if (!x.empty() && x.data() == nullptr) return status::error(errc::null_pointer, "%s: the data of x is null", who);
  if (x.rows() == 0 || (scales != nullptr && zeros != nullptr)) return {};
  return status::error(errc::null_pointer, "%s: x has %lld rows but %s is null", who, lld(x.rows()),
                       scales == nullptr ? "scales" : "zeros");
}

template <class Isa, class U, any_matrix X>
affine affine_of_row(const X& x, index i) {
  value_range r;
  quantized_row<Isa, U>::range(x.pointer(i, 0), x.cols(), x.col_stride(), r);
  return affine_of(r.least, r.most, std::numeric_limits<U>::min(), std::numeric_limits<U>::max());
}

// Elements of an image at one distance: along channels, and whole pixels then, or along a row.
template <class T>
struct line_of {
  T* data;
  index count, stride;
  bool along_channels;
};

// f(w, c, line) of lines that together are row (n, d, h) of an image, each from pixel w and channel c on.
template <class T, class F>
void for_each_line_of_row(const blocked_image_view<T>& x, index n, index d, index h, const F& f) {
  const image_axes &e = x.extents(), &s = x.strides();
  if (s.c == 1 && s.w == e.c && !x.blocked()) return f(0, 0, line_of<T>{x.pointer(n, d, h, 0, 0), e.w * e.c, 1, true});
  if (s.w == 1 && s.c != 1) {
    for (index c = 0; c < e.c; ++c) f(0, c, line_of<T>{x.pointer(n, d, h, 0, c), e.w, 1, false});
    return;
  }
  for (index w = 0; w < e.w; ++w)
    for (index c = 0, run; c < e.c; c += run) {
      run = x.run(c, e.c - c);
      f(w, c, line_of<T>{x.pointer(n, d, h, w, c), run, s.c, true});
    }
}

template <class X, class Q>
concept quantizable = any_matrix<X> && any_matrix<Q> && std::same_as<typename X::value_type, float> &&
                      std::integral<typename Q::value_type> && sizeof(typename Q::value_type) <= 2;

}  // namespace detail

/// The affine of all elements of X, zero included, to the integers of U. NaN counts for nothing.
///
///     const affine a = dynamic_affine<std::uint8_t>(view(x, m, k));
///
/// Reference: affine_of(least, most, ends of U). X: any strides. Allocates nothing.
/// Source: ONNX DynamicQuantizeLinear.
template <std::integral U, class Isa = isa::native, any_matrix X>
  requires std::same_as<typename X::value_type, float>
affine dynamic_affine(const X& x) {
  detail::value_range r;
  for (index i = 0; i < x.rows(); ++i)
    detail::quantized_row<Isa, U>::range(x.pointer(i, 0), x.cols(), x.col_stride(), r);
  return affine_of(r.least, r.most, std::numeric_limits<U>::min(), std::numeric_limits<U>::max());
}

/// The same of an image, blocks of channels or not.   dynamic_affine<std::uint8_t>(nhwc(x, 1, 56, 56, 64))
template <std::integral U, class Isa = isa::native, class T>
  requires std::same_as<std::remove_const_t<T>, float>
affine dynamic_affine(const blocked_image_view<T>& x) {
  detail::value_range r;
  const image_axes& e = x.extents();
  for (index n = 0; n < e.n; ++n)
    for (index d = 0; d < e.d; ++d)
      for (index h = 0; h < e.h; ++h)
        detail::for_each_line_of_row(x, n, d, h, [&](index, index, const detail::line_of<T>& line) {
          detail::quantized_row<Isa, U>::range(line.data, line.count, line.stride, r);
        });
  return affine_of(r.least, r.most, std::numeric_limits<U>::min(), std::numeric_limits<U>::max());
}
template <std::integral U, class Isa = isa::native, class T>
  requires std::same_as<std::remove_const_t<T>, float>
affine dynamic_affine(const image_view<T>& x) {
  return dynamic_affine<U, Isa>(blocked_image_view<const float>(x));
}

/// The affine of each row of X: scales[i] and zeros[i], M of each.
///
///     dynamic_affines<std::uint8_t>(view(x, m, k), scales, zeros);
///
/// Reference: dynamic_affine of each row. Returns null_pointer; nothing is written then. Allocates nothing.
template <std::integral U, class Isa = isa::native, any_matrix X>
  requires std::same_as<typename X::value_type, float>
status dynamic_affines(const X& x, float* scales, std::int32_t* zeros) {
  if (status s = detail::check_rows("dynamic_affines", x, scales, zeros); !s.ok()) return s;
  for (index i = 0; i < x.rows(); ++i) {
    const affine a = detail::affine_of_row<Isa, U>(x, i);
    scales[i] = a.scale, zeros[i] = a.zero_point;
  }
  return {};
}

/// Q(i, j) = quantized<U>(X(i, j), a), U the type of Q's elements.
///
///     quantize(view(x, m, k), view(q, m, k), a);
///
/// Any strides. Returns shape_mismatch or null_pointer; Q is untouched then. Allocates nothing.
template <class Isa = isa::native, class X, class Q>
  requires detail::quantizable<X, Q>
status quantize(const X& x, const Q& q, const affine& a) {
  if (status s = detail::check_quantized(x, q); !s.ok()) return s;
  using row = detail::quantized_row<Isa, typename Q::value_type>;
  for (index i = 0; i < x.rows(); ++i)
    row::convert(x.pointer(i, 0), x.cols(), x.col_stride(), q.pointer(i, 0), q.col_stride(), a);
  return {};
}

/// The same with an affine for each row, of its own range: its scale and zero point go to scales[i] and zeros[i].
///
///     quantize_rows(view(x, m, k), view(q, m, k), scales, zeros);
///
/// Returns shape_mismatch or null_pointer; nothing is written then. Allocates nothing.
template <class Isa = isa::native, class X, class Q>
  requires detail::quantizable<X, Q>
status quantize_rows(const X& x, const Q& q, float* scales, std::int32_t* zeros) {
  if (status s = detail::check_quantized(x, q); !s.ok()) return s;
  if (status s = detail::check_rows("quantize_rows", x, scales, zeros); !s.ok()) return s;
  using U = typename Q::value_type;
  using row = detail::quantized_row<Isa, U>;
  for (index i = 0; i < x.rows(); ++i) {
    const affine a = detail::affine_of_row<Isa, U>(x, i);
    row::convert(x.pointer(i, 0), x.cols(), x.col_stride(), q.pointer(i, 0), q.col_stride(), a);
    scales[i] = a.scale, zeros[i] = a.zero_point;
  }
  return {};
}

}  // namespace ashlar
