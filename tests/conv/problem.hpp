// SPDX-License-Identifier: Apache-2.0
//
// tests/conv/problem.hpp: a random convolution between guard pages, for kernels with the interface of depthwise_kernel,
// and its comparison with a plain loop, bit for bit.
//
//   differs<depthwise_kernel<float, Isa>>(r, geometry, layouts...)     what is wrong, or nothing
//
// Depends on: ashlar/conv/, support/.   Used by: tests/conv/.
#pragma once

#include <ashlar/conv/geometry.hpp>
#include <ashlar/core/executor.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/loop/blocking.hpp>
#include <string>
#include <vector>

#include "support/guarded_matrix.hpp"
#include "support/isa.hpp"

namespace ashlar::test {

/// acc = fma(src or padding, weights, acc) over d, r, s, c; then the epilogue.
template <class T, class E>
void plain_convolution(const conv_geometry& g, const image_view<const T>& src, const filter_view<const T>& weights,
                       const image_view<T>& dst, const E& e, T padding) {
  using O = ops<T, isa::scalar>;
  const auto source = [&](index n, index d, index h, index w, index c) {
    const bool inside = d >= 0 && d < g.src.d && h >= 0 && h < g.src.h && w >= 0 && w < g.src.w;
    return inside ? src(n, d, h, w, c) : padding;
  };
  for (index n = 0; n < g.batch; ++n) {
    for (index p = 0; p < g.pixels(); ++p) {
      const index ow = p % g.dst.w, oh = p / g.dst.w % g.dst.h, od = p / g.dst.w / g.dst.h;
      for (index k = 0; k < g.filters; ++k) {
        T sum = 0;
        for (index d = 0; d < g.kernel.d; ++d)
          for (index r = 0; r < g.kernel.h; ++r)
            for (index s = 0; s < g.kernel.w; ++s)
              for (index c = 0; c < g.group_channels(); ++c)
                sum = O::fma(source(n, od * g.stride.d - g.before.d + d * g.dilation.d,
                                    oh * g.stride.h - g.before.h + r * g.dilation.h,
                                    ow * g.stride.w - g.before.w + s * g.dilation.w,
                                    k / g.group_filters() * g.group_channels() + c),
                             weights(k, d, r, s, c), sum);
        T& to = dst(n, od, oh, ow, k);
        to = e.eval(math<O>{}, sum, position<T, true>{p, k, 1, &to});
      }
    }
  }
}

enum class image_layout { channels_last, planes, channels_last_apart, planes_apart, scattered };

/// Strides of an image, with gaps where the layout has them.
inline image_axes strides_of(image_layout l, const image_axes& e, index gap) {
  const index apart = l == image_layout::channels_last_apart || l == image_layout::planes_apart ? gap : 0;
  if (l == image_layout::planes || l == image_layout::planes_apart) {
    const index h = e.w + apart, d = e.h * h + apart, c = e.d * d + apart;
    return {e.c * c + apart, d, h, 1, c};
  }
  const index c = l == image_layout::scattered ? 3 : 1;
  const index w = e.c * c + apart, h = e.w * w + apart, d = e.h * h + apart;
  return {e.d * d + apart, d, h, w, c};
}

/// An image between guard pages, poison in its gaps.
template <class T>
struct guarded_image {
  guarded_image(const image_axes& extents, const image_axes& strides, placement where)
      : size((extents.n - 1) * strides.n + (extents.d - 1) * strides.d + (extents.h - 1) * strides.h +
             (extents.w - 1) * strides.w + (extents.c - 1) * strides.c + 1),
        memory(std::size_t(size) * sizeof(T), where),
        view(reinterpret_cast<T*>(memory.data()), extents, strides) {
    std::fill(view.data(), view.data() + size, poison<T>());
  }
  template <class F>
  void each(const F& f) const {
    const image_axes e = view.extents();
    for (index i = 0; i < e.n * e.d * e.h * e.w * e.c; ++i) {
      index rest = i;
      const index c = rest % e.c, w = (rest /= e.c) % e.w, h = (rest /= e.w) % e.h, d = (rest /= e.h) % e.d;
      f(view(rest / e.d, d, h, w, c));
    }
  }
  std::vector<T> snapshot() const { return {view.data(), view.data() + size}; }

  index size;
  guarded_bytes memory;
  image_view<T> view;
};

/// Several workers, one after the other.
struct pretended_workers {
  index count;
  template <class F>
  void parallel_for(index tasks, const F& f) const {
    for (index t = tasks - 1; t >= 0; --t) f(t);
  }
  index concurrency() const { return count; }
};

inline std::string describe(const conv_geometry& g) {
  const auto text = [](const triple& t) {
    return std::to_string(t.d) + "x" + std::to_string(t.h) + "x" + std::to_string(t.w);
  };
  return "batch " + std::to_string(g.batch) + ", " + std::to_string(g.channels) + " -> " + std::to_string(g.filters) +
         " in " + std::to_string(g.groups) + " groups, src " + text(g.src) + ", kernel " + text(g.kernel) +
         ", stride " + text(g.stride) + ", dilation " + text(g.dilation) + ", before " + text(g.before) + ", after " +
         text(g.after);
}

/// Sets dst from the rest; false if it is empty.
inline bool complete(conv_geometry& g) {
  const auto extent = [](index src, index before, index after, index kernel, index dilation, index stride) {
    const index room = src + before + after - (kernel - 1) * dilation - 1;
    return room < 0 ? 0 : room / stride + 1;
  };
  g.dst.d = extent(g.src.d, g.before.d, g.after.d, g.kernel.d, g.dilation.d, g.stride.d);
  g.dst.h = extent(g.src.h, g.before.h, g.after.h, g.kernel.h, g.dilation.h, g.stride.h);
  g.dst.w = extent(g.src.w, g.before.w, g.after.w, g.kernel.w, g.dilation.w, g.stride.w);
  return volume(g.dst) > 0;
}

/// Runs Kernel on random data and says how dst, or what lies between its elements, differs from the plain loop.
template <class Kernel, class T>
std::string differs(random& r, const conv_geometry& g, image_layout src_layout, image_layout dst_layout) {
  const placement where = r.pick({placement::at_start, placement::at_end});
  const image_axes src_extents{g.batch, g.src.d, g.src.h, g.src.w, g.channels};
  const image_axes dst_extents{g.batch, g.dst.d, g.dst.h, g.dst.w, g.filters};
  guarded_image<T> src(src_extents, strides_of(src_layout, src_extents, r.between(1, 5)), where);
  guarded_image<T> dst(dst_extents, strides_of(dst_layout, dst_extents, r.between(1, 5)), where);
  guarded_matrix<T> weights(g.filters, g.taps() * g.group_channels(), g.taps() * g.group_channels(), 1, where);
  guarded_matrix<T> bias(1, g.filters, g.filters, 1, where);
  guarded_matrix<T> gate(g.pixels(), g.filters, g.filters, 1, where);
  const pretended_workers workers{r.between(1, 3)};
  guarded_matrix<T> packed(1, Kernel::packed_elements(g), 1, 1, placement::at_end);
  const index scratch = Kernel::workspace_elements(g, {1 << 15, 1 << 20}) * workers.count;
  guarded_matrix<T> memory(1, scratch, 1, 1, placement::at_start);
  src.each([&](T& x) { x = r.value<T>(); });
  dst.each([&](T& x) { x = r.value<T>(); });
  weights.fill(r), bias.fill(r), gate.fill(r);
  const T padding = r.pick({T(0), T(0), T(-0.0), T(0.75), T(-3)});

  const filter_view<const T> filter =
      odhwi<const T>(weights.view().data(), g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels());
  Kernel::pack(g, filter, packed.view().data());
  std::string wrong;
  const auto check = [&](const auto& e) {
    const std::vector<T> before = dst.snapshot();
    std::vector<T> expected = before;
    const image_view<T> want(expected.data(), dst_extents, dst.view.strides());
    plain_convolution<T>(g, src.view, filter, want, e, padding);
    Kernel::run(g, src.view, packed.view().data(), dst.view, e, padding, memory.view().data(), workers,
                {0, g.dst.h * g.dst.w, g.dst.w, 1});
    for (index i = 0; i < dst.size && wrong.empty(); ++i) {
      const T got = dst.view.data()[i];
      if (!same_bits(got, expected[std::size_t(i)])) {
        wrong = describe(g) + ", layouts " + std::to_string(int(src_layout)) + " " + std::to_string(int(dst_layout)) +
                ": element " + std::to_string(i) + " is " + shown(got) + " instead of " +
                shown(expected[std::size_t(i)]);
      }
    }
  };
  // Few of them: every one is another copy of all tiles.
  const T* const b = bias.view().data();
  if constexpr (std::is_same_v<T, double>) {
    check(acc * per_column(b) + elements(gate.read()) + ashlar::dst);
  } else {
    r.chance(60) ? check(relu(acc + per_column(b))) : check(silu(acc + elements(gate.read())));
  }
  return wrong;
}

}  // namespace ashlar::test
