// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/mixed_case.hpp: one convolution of small integers or narrow floating-point numbers between guard pages,
// against the reference.
#pragma once

#include <ashlar/core/small_integers.hpp>
#include <ashlar/quant.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "conv/case.hpp"

namespace ashlar::test {

using isa_t = isa_under_test;

template <class Product>
inline constexpr bool sums_64_bits = false;
template <class S, class W, class D>
inline constexpr bool sums_64_bits<wide_conv_types<S, W, D>> = true;

/// Set: Winograd's algorithms that plans admit besides their own.
template <class S, class W, class D, class Product = conv_types<S, W, D>, class Set = winograd_set<>>
struct mixed_case {
  using product = Product;
  static constexpr bool wide = sums_64_bits<product>;

  mixed_case(random& r, const conv3d& p, placement where, bool is_gradient = false, bool channels_last = false)
      : problem(p),
        g(detail::geometry_of(p).value()),
        gradient(is_gradient),
        in(gradient ? detail::dst_extents(g) : detail::src_extents(g)),
        out(gradient ? detail::src_extents(g) : detail::dst_extents(g)),
        src_layout(
            layout_of(in, channels_last ? r.pick({image_order::nhwc, image_order::nhwc_slice}) : some_order(r), r)),
        dst_layout(
            layout_of(out, channels_last ? r.pick({image_order::nhwc, image_order::nhwc_slice}) : some_order(r), r)),
        src_memory(src_layout.elements, where),
        weight_memory(g.filters * g.taps() * g.group_channels(), where),
        dst_memory(dst_layout.elements, where),
        src(src_memory.data(), in, src_layout.strides),
        dst(dst_memory.data(), out, dst_layout.strides),
        weights(r.chance(50)
                    ? odhwi(weight_memory.data(), g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels())
                    : oidhw(weight_memory.data(), g.filters, g.group_channels(), g.kernel.d, g.kernel.h, g.kernel.w)),
        around(r, detail::caches_of<isa_t>()) {
    fill(src_memory.data(), src_layout.elements, r), fill(dst_memory.data(), dst_layout.elements, r);
    fill(weight_memory.data(), g.filters * g.taps() * g.group_channels(), r);
    if constexpr (std::integral<S> && !wide)
      src_zero = r.pick<std::int32_t>({std::numeric_limits<S>::min(), std::numeric_limits<S>::max(), 0, 3});
    if constexpr (std::integral<W>) {
      using limits = std::numeric_limits<W>;
      for (index k = 0; k < out.c; ++k) weight_zero.push_back(std::int32_t(r.between(limits::min(), limits::max())));
    }
  }

  // Weights are within 7 bits now and then: they have kernels of their own.
  template <class T>
  static void fill(T* p, index count, random& r) {
    const bool extreme = r.chance(30), seven_bits = std::same_as<T, std::int8_t> && std::same_as<T, W> && r.chance(50);
    for (index i = 0; i < count; ++i) {
      if constexpr (narrow_floating_point<T>)
        p[i] = T(r.value<float>());
      else if (seven_bits)
        p[i] = static_cast<T>(extreme ? r.pick({-64, 64}) : int(r.between(-64, 64)));
      else
        p[i] = !extreme       ? static_cast<T>(r.bits())
               : r.chance(50) ? std::numeric_limits<T>::lowest()
                              : std::numeric_limits<T>::max();
    }
  }

  template <class E, class... Zeros>
  std::string differs(const E& e, Zeros... zeros) {
    const auto plan = gradient ? plan_conv3d_backward_data<product, isa_t>(problem, wanted, Set{})
                               : plan_conv3d<product, isa_t>(problem, wanted, Set{});
    if (!plan.ok()) return describe(g) + ": " + plan.error().message();
    const auto storage = aligned_buffer::make(plan.value().packed_bytes());
    const auto packed = plan.value().pack(filter_view<const W>(weights), storage.span(), zeros...);
    if (!packed.ok()) return describe(g) + ": " + packed.error().message();
    const auto before = dst_memory.snapshot();
    std::vector<D> expected = before;
    const image_view<D> want(expected.data(), out, dst_layout.strides);
    if constexpr (wide) {
      reference::mixed_convolution<S, W, D, std::int64_t>(g, src, weights, want, e, 0, 0, gradient);
    } else if constexpr (sizeof...(Zeros) == 0) {
      reference::mixed_convolution<S, W, D>(g, src, weights, want, e, src_zero, 0, gradient);
    } else {
      reference::mixed_convolution<S, W, D>(g, src, weights, want, e, src_zero, zeros..., gradient);
    }
    const image_view<const S> read(src);
    const auto w = open_filter<W>(storage.span()).value();
    const auto bytes = [&](const auto&... more) { return plan.value().workspace_bytes(read, dst, e, more...); };
    const status s = around(bytes, [&](const auto&... more) {
      if constexpr (std::integral<S> && !wide) {
        return plan.value().run(read, w, dst, e, src_zero_point(src_zero), more...);
      } else {
        return plan.value().run(read, w, dst, e, more...);
      }
    });
    if (!s.ok()) return describe(g) + ": " + s.message();
    const std::vector<D> got = dst_memory.snapshot();
    for (std::size_t i = 0; i < got.size(); ++i) {  // memory between the elements, too
      if (std::memcmp(&got[i], &expected[i], sizeof(D)) != 0)
        return describe(g) + ": element " + std::to_string(i) + " of memory is " + std::to_string(float(got[i])) +
               " instead of " + std::to_string(float(expected[i]));
    }
    return "";
  }

  conv3d problem;
  conv_geometry g;
  bool gradient;
  conv_algorithm wanted = conv_algorithm(0);  // the best
  image_axes in, out;
  image_layout src_layout, dst_layout;
  guarded_elements<S> src_memory;
  guarded_elements<W> weight_memory;
  guarded_elements<D> dst_memory;
  image_view<S> src;
  image_view<D> dst;
  filter_view<W> weights;
  surroundings around;
  std::int32_t src_zero = 0;
  std::vector<std::int32_t> weight_zero;
};

/// With a multiplier and a shift for each channel.
template <class Case>
std::string requantized_differs(Case& c) {
  std::vector<std::int32_t> multiplier(std::size_t(c.out.c), 1 << 30), shift(multiplier.size());
  for (std::size_t i = 0; i < shift.size(); ++i)
    shift[i] = -std::int32_t(i % 12), multiplier[i] += std::int32_t(i * 4321);
  return c.differs(requantize<tflite>(acc, per_column(multiplier.data()), per_column(shift.data()), -5));
}

/// f of the same random case of p before a guard page and after one.
template <class Case, class F>
void between_guards(random& r, const conv3d& p, bool gradient, bool channels_last, const F& f) {
  const random same = r;
  for (placement where : {placement::at_end, placement::at_start}) {
    r = same;
    Case c(r, p, where, gradient, channels_last);
    f(c);
  }
}

}  // namespace ashlar::test
