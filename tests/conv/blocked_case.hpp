// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/blocked_case.hpp: a random convolution whose src and dst lie in any layout, blocks of channels among them,
// between guard pages, and its comparison with the reference.
//
// Depends on: tests/conv/case.hpp, core/blocked_image.hpp.   Used by: tests/conv/blocked_test.cpp.
#pragma once

#include <string>
#include <vector>

#include "conv/mixed_case.hpp"

namespace ashlar::test {

/// Where an image lies, from element `first` of its memory on.
struct any_layout {
  image_axes extents, strides;
  index block, block_stride, lead, elements;

  template <class T>
  blocked_image_view<T> over(T* memory) const {
    image_axes whole = extents;
    whole.c += lead;
    return blocked_image_view<T>(memory, whole, strides, block, block_stride).channels(lead, extents.c);
  }
};

/// Blocks of `block` channels: contiguous, outermost, with gaps between rows; a slice where `lead`. Half of them end
/// with the last element: the missing channels of the last pixel are not there, and must not be looked at.
inline any_layout in_blocks(const image_axes& e, index block, index lead, random& r) {
  const index blocks = ceil_div(lead + e.c, block), gap = r.chance(30) ? r.between(1, 5) : 0;
  const index row = e.w * block + gap, plane = e.h * row, volume = e.d * plane;
  const bool outermost = r.chance(20);
  any_layout l{e,     {outermost ? volume : blocks * volume, plane, row, block, 1},
               block, outermost ? e.n * volume : volume,
               lead,  blocks * e.n * volume};
  if (e.n * e.d * e.h * e.w * e.c == 0) {
    l.elements = 0;
  } else if (r.chance(50)) {
    const index c = lead + e.c - 1;
    l.elements = (e.n - 1) * l.strides.n + (e.d - 1) * plane + (e.h - 1) * row + (e.w - 1) * block + c % block + 1 +
                 (blocks - 1) * l.block_stride;
  }
  return l;
}

inline any_layout some_layout(const image_axes& e, random& r) {
  const index block = r.pick<index>({0, 1, 4, 8, 16, 8, 16, 3});
  if (block > 1) return in_blocks(e, block, r.chance(15) ? r.between(1, 2 * block) : 0, r);
  const image_layout l = layout_of(e, block == 0 ? image_order::nhwc : image_order::nchw, r);
  return {e, l.strides, std::numeric_limits<index>::max() / 2, 0, 0, l.elements};
}

/// A convolution of S by W to D; gradient: src has the extents of its dst.
template <class S, class W = S, class D = S, class Product = S>
struct blocked_case {
  blocked_case(random& r, const conv3d& p, placement where, bool is_gradient = false)
      : problem(p),
        g(detail::geometry_of(p).value()),
        gradient(is_gradient),
        in(some_layout(gradient ? detail::dst_extents(g) : detail::src_extents(g), r)),
        out(some_layout(gradient ? detail::src_extents(g) : detail::dst_extents(g), r)),
        src_memory(in.elements, where),
        dst_memory(out.elements, where),
        weight_memory(g.filters * g.taps() * g.group_channels(), where),
        around(r, detail::caches_of<isa_under_test>()) {
    each(in.over(src_memory.data()), [&](S& x) { fill(x, r); });
    each(out.over(dst_memory.data()), [&](D& x) { fill(x, r); });
    for (index i = 0; i < g.filters * g.taps() * g.group_channels(); ++i) fill(weight_memory.data()[i], r);
  }

  blocked_image_view<const S> src() const { return in.over<const S>(src_memory.data()); }
  blocked_image_view<D> dst() const { return out.over(dst_memory.data()); }
  filter_view<const W> weights() const {
    return odhwi<const W>(weight_memory.data(), g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels());
  }
  std::string described() const {
    return describe(g) + ", blocks of " + std::to_string(in.block) + " from " + std::to_string(in.lead) + " to " +
           std::to_string(out.block) + " from " + std::to_string(out.lead);
  }

  /// Plans, packs, runs in its surroundings; reference(expected dst) computes what dst must be. Says what is wrong, in
  /// dst or in the memory around its elements.
  template <class Source, class E, class Reference, class... Options>
  std::string differs(const Source& source, const E& e, const Reference& reference, const Options&... options) {
    const auto plan = gradient ? plan_conv3d_backward_data<Product, isa_under_test>(problem)
                               : plan_conv3d<Product, isa_under_test>(problem);
    if (!plan.ok()) return described() + ": " + plan.error().message();
    const auto storage = aligned_buffer::make(plan.value().packed_bytes());
    const auto packed = plan.value().pack(weights(), storage.span());
    if (!packed.ok()) return described() + ": " + packed.error().message();
    const std::vector<D> before = dst_memory.snapshot();
    std::vector<D> expected = before;
    reference(out.over(expected.data()));
    const auto bytes = [&](const auto&... more) { return plan.value().workspace_bytes(source, dst(), e, more...); };
    const status s = around(bytes, [&](const auto&... more) {
      return plan.value().run(source, packed.value(), dst(), e, options..., more...);
    });
    if (!s.ok()) return described() + ": " + s.message();
    return wrong(before, expected);
  }
  template <class E>
  std::string differs(const E& e) {
    return differs(src(), e, [&](const auto& want) {
      if (gradient) {
        reference::transposed_convolution(g, src(), weights(), want, e);
      } else {
        reference::convolution(g, src(), weights(), want, e);
      }
    });
  }

  template <class T, class F>
  static void each(const blocked_image_view<T>& v, const F& f) {
    const image_axes& e = v.extents();
    for (index n = 0; n < e.n; ++n)
      for (index d = 0; d < e.d; ++d)
        for (index h = 0; h < e.h; ++h)
          for (index w = 0; w < e.w; ++w)
            for (index c = 0; c < e.c; ++c) f(v(n, d, h, w, c));
  }
  template <class T>
  static void fill(T& x, random& r) {
    if constexpr (std::integral<T>) {
      x = static_cast<T>(r.bits());
    } else if constexpr (narrow_floating_point<T>) {
      x = T(r.value<float>());
    } else {
      x = r.value<T>();
    }
  }

  conv3d problem;
  conv_geometry g;
  bool gradient;
  any_layout in, out;
  guarded_elements<S> src_memory;
  guarded_elements<D> dst_memory;
  guarded_elements<W> weight_memory;
  surroundings around;

 private:
  std::string wrong(std::vector<D> before, const std::vector<D>& expected) const {
    const blocked_image_view<D> got = dst();
    std::string what;
    each(got, [&](D& x) {
      const auto i = std::size_t(&x - dst_memory.data());
      if (what.empty() && !same_bits(x, expected[i]))
        what = described() + ": element " + std::to_string(i) + " is " + shown(x) + " instead of " + shown(expected[i]);
      before[i] = x;
    });
    if (!what.empty()) return what;
    return dst_memory.same_as(before) ? "" : described() + ": memory between dst's elements was written";
  }
};

/// f(case, random) of random problems, one in three depthwise, before a guard page and after one.
template <class Case, class F>
void for_each_blocked(index count, const F& f) {
  for_each_case(scaled(count, count / 10), [&](random& r) {
    conv3d p = some_problem(r, 100000);
    if (r.chance(30)) {
      const index channels = r.between(2, 40);
      p.groups = channels, p.src[4] = channels, p.weights[0] = channels, p.weights[4] = 1;
    }
    Case c(r, p, r.pick({placement::at_end, placement::at_start}), r.chance(25));
    f(c, r);
  });
}

}  // namespace ashlar::test
