// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/case.hpp: a random convolution between guard pages, and its comparison with the reference, bit for bit.
//
//   conv_case<float> c(r, some_geometry(r), placement::at_end);
//   REQUIRE(c.differs<Isa>(relu(acc), options...) == "");  // what is wrong, or nothing
//
// Depends on: conv.hpp, reference.hpp, support/.   Used by: tests/conv/.
#pragma once

#include <ashlar/conv.hpp>
#include <ashlar/reference.hpp>
#include <string>
#include <vector>

#include "gemm/surroundings.hpp"
#include "support/guarded_matrix.hpp"
#include "support/isa.hpp"

namespace ashlar::test {

/// Memory of an image or a filter between guard pages, every element poison at first.
template <class T>
class guarded_elements {
 public:
  guarded_elements(index count, placement where)
      : memory_(std::size_t(count) * sizeof(T), where),
        elements_{reinterpret_cast<T*>(memory_.data()), std::size_t(count)} {
    std::fill(elements_.begin(), elements_.end(), poison<T>());
  }
  T* data() const { return elements_.data(); }
  std::vector<T> snapshot() const { return {elements_.begin(), elements_.end()}; }
  bool same_as(const std::vector<T>& before) const {
    return elements_.empty() || std::memcmp(before.data(), elements_.data(), elements_.size_bytes()) == 0;
  }

 private:
  guarded_bytes memory_;
  std::span<T> elements_;
};

enum class image_order { nhwc, nchw, nhwc_slice, nchw_rows_apart, any };

/// Strides of an image in some order, with gaps that stay untouched; the elements they span.
struct image_layout {
  image_axes strides;
  index elements;
};
inline image_layout layout_of(const image_axes& e, image_order order, random& r) {
  const index gap = r.between(1, 5);
  image_axes s{};
  switch (order) {
    case image_order::nhwc:
      s = {e.d * e.h * e.w * e.c, e.h * e.w * e.c, e.w * e.c, e.c, 1};
      break;
    case image_order::nchw:
      s = {e.c * e.d * e.h * e.w, e.h * e.w, e.w, 1, e.d * e.h * e.w};
      break;
    case image_order::nhwc_slice:  // of a concatenation along the channels
      s = {e.d * e.h * e.w * (e.c + gap), e.h * e.w * (e.c + gap), e.w * (e.c + gap), e.c + gap, 1};
      break;
    case image_order::nchw_rows_apart:
      s = {e.c * e.d * e.h * (e.w + gap), e.h * (e.w + gap), e.w + gap, 1, e.d * e.h * (e.w + gap)};
      break;
    case image_order::any:  // width outermost, every second element
      s = {2, 2 * e.n, 2 * e.n * e.d, 2 * e.n * e.d * e.h * e.c, 2 * e.n * e.d * e.h};
      break;
  }
  const bool empty = e.n * e.d * e.h * e.w * e.c == 0;
  const index last = (e.n - 1) * s.n + (e.d - 1) * s.d + (e.h - 1) * s.h + (e.w - 1) * s.w + (e.c - 1) * s.c;
  return {s, empty ? 0 : last + 1};
}
inline image_order some_order(random& r) {
  return r.pick({image_order::nhwc, image_order::nhwc, image_order::nchw, image_order::nhwc_slice,
                 image_order::nchw_rows_apart, image_order::any});
}

inline std::string describe(const conv_geometry& g) {
  const auto three = [](const triple& t) {
    return std::to_string(t.d) + "," + std::to_string(t.h) + "," + std::to_string(t.w);
  };
  return std::to_string(g.batch) + " x " + three(g.src) + " x " + std::to_string(g.channels) + " -> " +
         std::to_string(g.filters) + " in " + std::to_string(g.groups) + " groups, kernel " + three(g.kernel) +
         " stride " + three(g.stride) + " dilation " + three(g.dilation) + " before " + three(g.before) + " after " +
         three(g.after);
}

template <class T>
class conv_case {
 public:
  /// gradient: src has the extents of the convolution's dst, and the other way round.
  conv_case(random& r, const conv3d& p, placement where, bool is_gradient = false)
      : problem(p),
        g(detail::geometry_of(p).value()),
        gradient(is_gradient),
        src_layout_(layout_of(gradient ? detail::dst_extents(g) : detail::src_extents(g), some_order(r), r)),
        dst_layout_(layout_of(gradient ? detail::src_extents(g) : detail::dst_extents(g), some_order(r), r)),
        src_memory_(src_layout_.elements, where),
        weight_memory_(g.filters * g.taps() * g.group_channels(), where),
        dst_memory_(dst_layout_.elements, where),
        src(src_memory_.data(), gradient ? detail::dst_extents(g) : detail::src_extents(g), src_layout_.strides),
        dst(dst_memory_.data(), gradient ? detail::src_extents(g) : detail::dst_extents(g), dst_layout_.strides),
        weights(r.chance(50)
                    ? odhwi(weight_memory_.data(), g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels())
                : r.chance(50)
                    ? oidhw(weight_memory_.data(), g.filters, g.group_channels(), g.kernel.d, g.kernel.h, g.kernel.w)
                    : dhwio(weight_memory_.data(), g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels(), g.filters)),
        around(r, detail::caches_of<isa_under_test>()) {
    each(src, [&](T& x) { x = r.value<T>(); });
    for (index i = 0; i < g.filters * g.taps() * g.group_channels(); ++i) weight_memory_.data()[i] = r.value<T>();
    if (r.chance(50)) each(dst, [&](T& x) { x = r.value<T>(); });
  }

  /// Plans, packs and runs, and says how dst, or anything around it, differs from the reference.
  template <class Isa, class... Options>
  std::string differs(const Options&... options) {
    const auto plan = gradient ? plan_conv3d_backward_data<T, Isa>(problem) : plan_conv3d<T, Isa>(problem);
    if (!plan.ok()) return describe(g) + ": " + plan.error().message();
    const auto storage = aligned_buffer::make(plan.value().packed_bytes());
    const auto packed = plan.value().pack(image_filter(), storage.span());
    if (!packed.ok()) return describe(g) + ": " + packed.error().message();
    return differs_from_run([&] { return run_plan(plan.value(), packed.value(), options...); },
                            detail::option<detail::epilogue_option>(acc, options...));
  }

  /// A run in the case's surroundings, if the options do not say others.
  template <class Plan, class Packed, class... Options>
  status run_plan(const Plan& plan, const Packed& packed, const Options&... options) const {
    if constexpr (says_surroundings<Options...>) {
      return plan.run(read(), packed, dst, options...);
    } else {
      return around([&](const auto&... more) { return plan.workspace_bytes(read(), dst, options..., more...); },
                    [&](const auto&... more) { return plan.run(read(), packed, dst, options..., more...); });
    }
  }

  template <class Run, class E>
  std::string differs_from_run(const Run& run, const E& e) {
    return differs_from_run(run, e, read(), T(0));
  }
  /// The same of another source over src's memory, and another number outside it.
  template <class Run, class E, class Source>
  std::string differs_from_run(const Run& run, const E& e, const Source& source, T padding) {
    const auto before = dst_memory_.snapshot(), src_before = src_memory_.snapshot();
    std::vector<T> expected = before;
    const image_view<T> reference_dst(expected.data(), dst.extents(), dst.strides());
    if (gradient) {
      reference::transposed_convolution<T>(g, source, image_filter(), reference_dst, e);
    } else {
      reference::convolution<T>(g, source, image_filter(), reference_dst, e, padding);
    }
    const status s = run();
    if (!s.ok()) return describe(g) + ": " + s.message();
    std::string wrong = first_difference(reference_dst);
    if (wrong.empty() && !dst_memory_.same_as(with_elements(before)))
      wrong = "memory between dst's elements was written";
    if (wrong.empty() && !src_memory_.same_as(src_before)) wrong = "src was written";
    return wrong.empty() ? "" : describe(g) + ": " + wrong;
  }

  image_view<const T> read() const { return src; }
  filter_view<const T> image_filter() const { return weights; }

  template <class F>
  static void each(const image_view<T>& v, const F& f) {
    const image_axes& e = v.extents();
    for (index n = 0; n < e.n; ++n)
      for (index d = 0; d < e.d; ++d)
        for (index h = 0; h < e.h; ++h)
          for (index w = 0; w < e.w; ++w)
            for (index c = 0; c < e.c; ++c) f(v(n, d, h, w, c));
  }

  conv3d problem;
  conv_geometry g;
  bool gradient;

 private:
  image_layout src_layout_, dst_layout_;
  guarded_elements<T> src_memory_, weight_memory_, dst_memory_;

  std::string first_difference(const image_view<T>& expected) const {
    const image_axes& e = dst.extents();
    for (index n = 0; n < e.n; ++n)
      for (index d = 0; d < e.d; ++d)
        for (index h = 0; h < e.h; ++h)
          for (index w = 0; w < e.w; ++w)
            for (index c = 0; c < e.c; ++c) {
              const T got = dst(n, d, h, w, c), want = expected(n, d, h, w, c);
              if (same_bits(got, want)) continue;
              std::string at = std::to_string(n);
              for (index i : {d, h, w, c}) at += ", " + std::to_string(i);
              return "dst(" + at + ") is " + shown(got) + " instead of " + shown(want);
            }
    return "";
  }
  // What the memory of dst must hold when only its elements have changed.
  std::vector<T> with_elements(std::vector<T> before) const {
    each(dst, [&](T& x) { before[std::size_t(&x - dst_memory_.data())] = x; });
    return before;
  }

 public:
  image_view<T> src, dst;
  filter_view<T> weights;
  surroundings around;
};

/// A random problem of one to three dimensions; most of them small, all of them valid, now and then a src of no pixels
/// that is all padding.
inline conv3d some_problem(random& r, index most_multiplies = 300000) {
  const index work = scaled(most_multiplies, 20000);
  for (;;) {
    conv3d p{};
    const int rank = int(r.between(1, 10));
    p.groups = r.chance(25) ? r.between(2, 5) : 1;
    const index channels = r.pick<index>({1, 2, 3, 4, 7, 8, 16, 17, 33}),
                filters = r.pick<index>({1, 2, 5, 8, 16, 31, 32, 33, 50, 65});
    p.src = {r.between(1, 2), 1, 1, 1, channels * p.groups};
    p.weights = {filters * p.groups, 1, 1, 1, channels};
    const bool pointwise = r.chance(15);
    for (std::size_t i = 0; i < 3; ++i) {
      if (int(i) < 3 - (rank == 1 ? 1 : rank < 9 ? 2 : 3)) continue;
      p.src[i + 1] = r.pick<index>({1, 2, 3, 5, 7, 8, 12, 13, 17, 20, 31});
      if (!pointwise) p.weights[i + 1] = r.pick<index>({1, 2, 3, 3, 3, 4, 5, 7});
      p.stride[i] = r.pick<index>({1, 1, 1, 2, 3});
      p.dilation[i] = r.pick<index>({1, 1, 1, 2, 3});
      if (!pointwise || r.chance(20)) p.padding.before[i] = r.between(0, 3), p.padding.after[i] = r.between(0, 3);
      if (r.chance(3)) p.src[i + 1] = 0, p.padding.after[i] += (p.weights[i + 1] - 1) * p.dilation[i] + 1;
    }
    const auto g = detail::geometry_of(p);
    if (g.ok() && g.value().multiplies() <= double(work)) return p;
  }
}

}  // namespace ashlar::test
