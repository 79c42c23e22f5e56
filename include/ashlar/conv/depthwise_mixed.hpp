// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_mixed.hpp: depthwise convolution of bytes and of narrow floating-point numbers, in floats.
//
//   sum over taps of float(src) * float(weight), in order: the reference's bits for narrow floats; of bytes exact, as
//   every partial sum is an integer below 2^24 (256 taps of products below 2^16)
//
// The source rows of a block of output rows are copied as floats, channels innermost and padded to whole vectors: then
// a tap is one load and one multiply-add for each pixel and vector of channels, at the rate of f32, and the bytes of
// the other sign, strides and layouts are all the copy's.
//
// Depends on: conv/{implicit_cut,source_copy,finish_planes,kernels}.hpp, loop/format.hpp, tile/row_pairs.hpp.
// Used by: conv/product.hpp.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <type_traits>

#include <ashlar/conv/finish_planes.hpp>
#include <ashlar/conv/implicit_cut.hpp>
#include <ashlar/conv/kernels.hpp>
#include <ashlar/conv/source_copy.hpp>
#include <ashlar/isa/half.hpp>
#include <ashlar/loop/half_format.hpp>
#include <ashlar/tile/row_pairs.hpp>

namespace ashlar {

/// Elements of any small type as floats: what source_copy stores here.
template <class TA, class Isa>
struct float_rows {
  using O = ops<float, Isa>;
  using a_type = TA;
  using a_unit = float;
  static constexpr index group = 1, together = 1;
  static ASHLAR_INLINE void copy_a(const strided_block<TA>& a, float* out, index ld, index steps) {
    copy_widened<Isa>(a, out, ld, steps);
  }
};

/// Format: that of the dense algorithm, which says what sums and their corrections are. Terms: the same of numbers as
/// they are, without shifts.
template <class Format, class Terms, class D>
class depthwise_mixed {
  using Isa = typename Format::O::isa_type;
  using O = ops<float, Isa>;
  using TA = typename Format::a_type;
  using sum_type = typename Format::sum_type;
  using out_ops = ops<sum_type, Isa>;
  using rows_format = float_rows<TA, Isa>;
  static constexpr index most_taps = 256;

 public:
  using unit = typename Format::b_unit;
  using views_type = conv_views<TA, D>;
  using no_zeros = detail::zero_point_values<no_zero_point>;

  static bool serves(const conv_geometry& g) {
    return g.group_channels() == 1 && g.group_filters() == 1 && g.taps() > 0 && g.taps() <= most_taps &&
           (sizeof(TA) == 1 || narrow_floating_point<TA>) && detail::starts_outside(g);
  }
  static index panel_width() { return O::lanes(); }
  static index packed_elements(const conv_geometry& g) {
    const index bytes = (g.taps() * pitch(g) + Terms::filter_sums(g.filters, O::lanes())) * index(sizeof(float));
    return bytes / index(sizeof(unit));
  }

  /// Floats [tap][channel], then the sum of each filter.
  template <class W, class Zeros = no_zeros>
  static void pack(const conv_geometry& g, const grouped_filters<W>& filters, unit* packed, const Zeros& zeros = {}) {
    const filter_view<const W> w = filters.depthwise();
    float* out = reinterpret_cast<float*>(packed);
    auto* const sums = reinterpret_cast<sum_type*>(out + g.taps() * pitch(g));
    if (Terms::filter_sums(g.filters, O::lanes()) > 0) std::fill(sums, sums + g.filters, sum_type(0));
    for (index d = 0; d < g.kernel.d; ++d)
      for (index r = 0; r < g.kernel.h; ++r)
        for (index s = 0; s < g.kernel.w; ++s, out += pitch(g))
          for (index c = 0; c < pitch(g); ++c) {
            out[c] = c < g.filters ? float(w(c, d, r, s, 0)) : 0;
            if constexpr (std::integral<sum_type>) {
              if (c >= g.filters) continue;
              out[c] -= float(zeros.at(c));
              sums[c] += sum_type(out[c]);
            }
          }
  }

  template <class E>
  static index workspace_elements(const views_type& v, const E&, index lanes, const cache_sizes& caches) {
    const cut_type c = cut_of(v.g, lanes, caches);
    return Terms::filter_sums(v.g.filters, O::lanes()) + std::min(lanes, c.tasks) * c.each(v.g);
  }

  template <class E, class How>
  static void run(const views_type& v, const unit* packed, const E& e, const How& how) {
    const cut_type c = cut_of(v.g, how.executor.concurrency(), how.caches);
    const float* const weights = reinterpret_cast<const float*>(packed);
    const auto* const sums = reinterpret_cast<const sum_type*>(weights + v.g.taps() * pitch(v.g));
    const auto whole = Terms::with_terms(e, terms_zeros(how), sums, v.g.filters, O::lanes(), how.memory);
    sum_type* const memory = how.memory + Terms::filter_sums(v.g.filters, O::lanes());
    const index workers = std::min<index>(how.executor.concurrency(), c.tasks);
    std::atomic<index> next{0};
    const auto work = [&](index w) {
      block b{v, c, weights, padding(how), memory + w * c.each(v.g)};
      b.set_offsets();
      for (index t; (t = next.fetch_add(1, std::memory_order_relaxed)) < c.tasks;) b.run(t, whole);
    };
    workers <= 1 ? work(0) : how.executor.parallel_for(workers, work);
  }

 private:
  static index pitch(const conv_geometry& g) { return multiple(g.channels, O::lanes()); }

  template <class How>
  static auto terms_zeros(const How& how) {
    if constexpr (std::integral<sum_type>) {
      return typename Terms::zeros{how.zeros.a, {}};
    } else {
      return how.zeros;
    }
  }
  template <class How>
  static float padding(const How& how) {
    if constexpr (std::integral<sum_type>) {
      return float(how.zeros.a);
    } else {
      return 0;
    }
  }

  // Blocks of whole output rows, so many that their source takes its share of L2.
  struct cut_type {
    index rows, row_blocks, tasks, in_rows, in_columns;
    index source(const conv_geometry& g) const { return multiple(g.kernel.d * in_rows * in_columns * pitch(g), 16); }
    index sums(const conv_geometry& g) const { return multiple(g.dst.w * pitch(g), 16); }
    static index finish(const conv_geometry& g) { return multiple(g.filters * multiple(g.dst.w, 32) + 64, 16); }
    static index offsets(const conv_geometry& g) { return multiple(g.taps() * 2, 16); }
    index each(const conv_geometry& g) const { return offsets(g) + source(g) + sums(g) + finish(g); }
  };
  static cut_type cut_of(const conv_geometry& g, index lanes, const cache_sizes& caches) {
    cut_type c{};
    c.in_columns = detail::span_of(g.dst.w, g.stride.w, g.kernel.w, g.dilation.w);
    const index row_bytes = g.kernel.d * c.in_columns * pitch(g) * index(sizeof(float));
    c.rows = std::max<index>(g.dst.h, 1);
    const index wanted = lanes > 1 ? 4 * lanes : 1;
    const auto tasks = [&] { return g.batch * g.dst.d * ceil_div(std::max<index>(g.dst.h, 1), c.rows); };
    while (c.rows > 1 && (detail::span_of(c.rows, g.stride.h, g.kernel.h, g.dilation.h) * row_bytes > caches.l2 / 2 ||
                          tasks() < wanted)) {
      c.rows = c.rows - ceil_div(c.rows, 4);
    }
    c.row_blocks = ceil_div(g.dst.h, c.rows);
    c.tasks = g.batch * g.dst.d * c.row_blocks;
    c.in_rows = detail::span_of(c.rows, g.stride.h, g.kernel.h, g.dilation.h);
    return c;
  }

  struct block {
    const views_type& v;
    const cut_type& cut;
    const float* weights;
    float padding_value;
    sum_type* memory;

    index* offsets() const { return reinterpret_cast<index*>(memory); }
    float* source() const { return reinterpret_cast<float*>(memory + cut_type::offsets(v.g)); }
    sum_type* sums() const { return memory + cut_type::offsets(v.g) + cut.source(v.g); }
    sum_type* finished() const { return sums() + cut.sums(v.g); }
    triple distances() const {
      const index p = pitch(v.g);
      return {cut.in_rows * cut.in_columns * p, cut.in_columns * p, p};
    }

    // Of each tap, from the first one's pixel. Channels that do not exist are zeros.
    void set_offsets() const {
      const conv_geometry& g = v.g;
      const triple t = distances();
      index* to = offsets();
      for (index d = 0; d < g.kernel.d; ++d)
        for (index r = 0; r < g.kernel.h; ++r)
          for (index s = 0; s < g.kernel.w; ++s) *to++ = d * t.d + r * g.dilation.h * t.h + s * g.dilation.w * t.w;
      if (pitch(g) > g.channels) std::fill(source(), source() + cut.source(g), 0.0f);
    }

    template <class E>
    void run(index task, const E& all) const {
      const conv_geometry& g = v.g;
      const index h0 = task % cut.row_blocks * cut.rows, rest = task / cut.row_blocks;
      const index d = rest % g.dst.d, n = rest / g.dst.d, rows = std::min(cut.rows, g.dst.h - h0);
      const triple to = distances();
      const index in_rows = detail::span_of(rows, g.stride.h, g.kernel.h, g.dilation.h);
      source_copy<rows_format>::run(v.src,
                                    {n, d * g.stride.d - g.before.d, h0 * g.stride.h - g.before.h, -g.before.w,
                                     g.kernel.d, g.dilation.d, in_rows, cut.in_columns},
                                    source(), to, padding_value);
      const auto e = all.at_image(n);
      for (index r = 0; r < rows; ++r) {
        sum_row(source() + r * g.stride.h * to.h);
        finish(e, n, d, h0 + r);
      }
    }

    // All pixels of one output row, four at a time, two vectors of channels of each: as many sums as hide the latency
    // of a multiply-add.
    [[gnu::noinline]] void sum_row(const float* row) const {
      const conv_geometry& g = v.g;
      const index p = pitch(g), step = g.stride.w * p;
      float* to = reinterpret_cast<float*>(sums());
      index w = 0;
      for (; w + 4 <= g.dst.w; w += 4, row += 4 * step, to += 4 * p) sum_pixels<4>(row, step, to, p);
      for (; w < g.dst.w; ++w, row += step, to += p) sum_pixels<1>(row, step, to, p);
    }
    template <int Pixels>
    ASHLAR_INLINE void sum_pixels(const float* row, index step, float* to, index p) const {
      index c = 0;
      for (; c + 2 * O::lanes() <= p; c += 2 * O::lanes())
        sum_channels<Pixels, 2>(row + c, step, to + c, p, weights + c);
      if (c < p) sum_channels<Pixels, 1>(row + c, step, to + c, p, weights + c);
    }
    template <int Pixels, int Vectors>
    ASHLAR_INLINE void sum_channels(const float* row, index step, float* to, index p, const float* w) const {
      sum_cells<Vectors>(std::make_integer_sequence<int, Pixels * Vectors>{},
                         std::make_integer_sequence<int, Vectors>{}, row, step, to, p, w);
    }
    // Cell I: pixel I / Vectors, vector I % Vectors.
    template <int Vectors, int... I, int... J>
    ASHLAR_INLINE void sum_cells(std::integer_sequence<int, I...>, std::integer_sequence<int, J...>, const float* row,
                                 index step, float* to, index p, const float* w) const {
      const index taps = v.g.taps(), lanes = O::lanes();
      const index* const offset = offsets();
      [&](auto... acc) __attribute__((always_inline)) {
        for (index t = 0; t < taps; ++t, w += p) {
          const float* const x = row + offset[t];
          [&](auto... weight) __attribute__((always_inline)) {
            ((acc = O::fma(O::load(x + I / Vectors * step + I % Vectors * lanes), pick<I % Vectors>(weight...), acc)),
             ...);
          }(O::load(w + J * lanes)...);
        }
        (O::store(to + I / Vectors * p + I % Vectors * lanes, acc), ...);
      }(((void)I, O::zero())...);
    }

    template <class E>
    void finish(const E& e, index n, index d, index h) const {
      const conv_geometry& g = v.g;
      const index p = pitch(g);
      if constexpr (std::integral<sum_type>) whole_numbers(sums(), g.dst.w * p);
      const pixel_sums<sum_type> from{sums(), p, g.dst.w, g.filters};
      const strided_pixels<D> to{v.dst.pointer(n, d, h, 0, 0), v.dst.strides().w, v.dst.strides().c};
      const epilogue_place at{v.first_pixel + d * v.pixel_plane + h * v.pixel_row, v.pixel_step, 0};
      if (v.dst.strides().c == 1) {
        finish_rows<out_ops>(e, from.data, from.stride, from.pixels, from.channels, to.data, to.pixel_stride, at);
      } else {
        finish_planes<out_ops>(e, from, to, at, finished());
      }
    }

    // Floats that are integers, in place.
    static void whole_numbers(std::int32_t* x, index count) {
      typedef float floats __attribute__((vector_size(32)));
      typedef std::int32_t ints __attribute__((vector_size(32)));
      for (index i = 0; i < count; i += 8) {
        floats f;
        std::memcpy(&f, x + i, sizeof f);
        const ints y = __builtin_convertvector(f, ints);
        std::memcpy(x + i, &y, sizeof y);
      }
    }
  };
};

}  // namespace ashlar
