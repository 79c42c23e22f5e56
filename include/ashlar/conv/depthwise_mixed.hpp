// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_mixed.hpp: depthwise convolution of bytes and of narrow floating-point numbers.
//
//   in floats   sum over taps of float(src) * float(weight), in order: the reference's bits for narrow floats; of bytes
//               exact, as every partial sum is an integer below 2^24 (256 taps of products below 2^16)
//   in words    bytes where the ISA multiplies pairs of 16-bit numbers (conv/depthwise_pair_tile.hpp): exact
//
// Words are made as the tile loads bytes, so src is read where it is. Floats, and images whose channels are not
// contiguous, are copied: the source rows of a block of output rows, channels innermost and padded to whole vectors;
// what is left is a depthwise convolution without padding.
//
// Depends on:
// conv/{depthwise,depthwise_pair_tile,implicit_cut,packed_filter,refusal,source_copy,source_images,kernels}.hpp,
// loop/{finish_planes,format}.hpp.   Used by: conv/product.hpp.
#pragma once

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include <ashlar/conv/depthwise.hpp>
#include <ashlar/conv/depthwise_pair_tile.hpp>
#include <ashlar/conv/implicit_cut.hpp>
#include <ashlar/conv/kernels.hpp>
#include <ashlar/conv/packed_filter.hpp>
#include <ashlar/conv/refusal.hpp>
#include <ashlar/conv/source_copy.hpp>
#include <ashlar/conv/source_images.hpp>
#include <ashlar/isa/half.hpp>
#include <ashlar/isa/word_pairs.hpp>
#include <ashlar/loop/finish_planes.hpp>
#include <ashlar/loop/half_format.hpp>

namespace ashlar {

/// What is multiplied, and how source_copy stores it: elements of any small type as floats ...
template <class TA, class Isa>
struct depthwise_elements {
  using O = ops<float, Isa>;
  using tiles = single_channels;
  using a_type = TA;
  using a_unit = float;
  static constexpr index group = 1, together = 1;
  static constexpr bool in_place = false;  // does the tile load TA?
  static constexpr std::uint32_t taps_together = 0;
  static ASHLAR_INLINE void copy_a(const strided_block<TA>& a, float* out, index ld, index steps) {
    copy_widened<Isa>(a, out, ld, steps);
  }
  /// Unit u of a filter's packed weights, of weight(tap).
  template <class F>
  static float unit(const conv_geometry&, index u, const F& weight) {
    return float(weight(u));
  }
};
/// ... and bytes as they are, of which the tile makes pairs of words.
template <class TA, class Isa>
  requires word_pair_ops<TA, Isa>::exists
struct depthwise_elements<TA, Isa> {
  using O = word_pair_ops<TA, Isa>;
  using tiles = paired_channels;
  using a_type = TA;
  using a_unit = TA;
  static constexpr index group = 1, together = 1;
  static constexpr bool in_place = true;
  static constexpr std::uint32_t taps_together = 2;
  static ASHLAR_INLINE void copy_a(const strided_block<TA>& a, TA* out, index ld, index) {
    for (index i = 0; i < a.rows; ++i, out += ld) {
      const TA* const in = a.data + i * a.row_stride;
      for (index k = 0; k < a.cols; ++k) out[k] = in[k * a.col_stride];
    }
  }
  template <class F>
  static std::int32_t unit(const conv_geometry& g, index u, const F& weight) {
    const auto half = [&](int h) {
      const index tap = detail::tap_pairs(g).tap(u, h);
      return tap < 0 ? 0u : std::uint32_t(weight(tap)) & 0xffffu;
    };
    return static_cast<std::int32_t>(half(0) | half(1) << 16);
  }
};

/// Format: that of the dense algorithm, which says what sums and their corrections are. Terms: the same of numbers as
/// they are, without shifts.
template <class Format, class Terms, class D>
class depthwise_mixed {
  using Isa = typename Format::O::isa_type;
  using TA = typename Format::a_type;
  using elements = depthwise_elements<TA, Isa>;
  using tiles = typename elements::tiles;
  using O = typename elements::O;
  using stored_unit = typename elements::a_unit;
  using weight_unit = typename O::value_type;
  using sum_type = typename Format::sum_type;
  using out_ops = ops<sum_type, Isa>;
  static constexpr index most_taps = 256;

 public:
  using unit = typename Format::b_unit;
  using views_type = conv_views<TA, D>;
  using no_zeros = detail::zero_point_values<no_zero_point>;

  static bool serves(const conv_geometry& g) {
    return g.group_channels() == 1 && g.group_filters() == 1 && g.taps() > 0 && g.taps() <= most_taps &&
           (sizeof(TA) == 1 || narrow_floating_point<TA>) && detail::starts_outside(g);
  }
  static status refusal(conv_algorithm a, const conv_geometry& g) {
    const bool any_src = sizeof(TA) == 1 || narrow_floating_point<TA>;
    return any_src ? detail::refuse_groups(a, "one channel and one filter a group, up to 256 taps", g)
                   : detail::refuse_name(a);
  }
  static constexpr std::uint32_t key_group = elements::taps_together * packs_taps;
  static index panel_width() { return O::lanes(); }
  static index source_unit() { return 1; }
  static index packed_elements(const conv_geometry& g) {
    const index bytes = (tiles::units(g) * pitch(g) + Terms::filter_sums(g.filters, O::lanes())) * index(sizeof(float));
    return bytes / index(sizeof(unit));
  }

  /// The units of a vector of filters, one after the other, then the sum of each filter.
  template <class W, class Zeros = no_zeros>
  static void pack(const conv_geometry& g, const grouped_filters<W>& filters, unit* packed, const Zeros& zeros = {}) {
    const filter_view<const W> w = filters.depthwise();
    const index units = tiles::units(g), lanes = O::lanes();
    auto* const out = reinterpret_cast<weight_unit*>(packed);
    auto* const sums = reinterpret_cast<sum_type*>(out + units * pitch(g));
    std::fill(out, out + units * pitch(g), weight_unit(0));
    for (index c = 0; c < g.filters; ++c) {
      const auto weight = [&](index tap) {
        const auto x = w(c, tap / g.kernel.w / g.kernel.h, tap / g.kernel.w % g.kernel.h, tap % g.kernel.w, 0);
        if constexpr (std::integral<sum_type>) {
          return sum_type(x) - sum_type(zeros.at(c));
        } else {
          return x;
        }
      };
      for (index u = 0; u < units; ++u) {
        out[(c / lanes * units + u) * lanes + c % lanes] = elements::unit(g, u, weight);
      }
      if constexpr (std::integral<sum_type>) {
        sums[c] = 0;
        for (index tap = 0; tap < g.taps(); ++tap) sums[c] += weight(tap);
      }
    }
  }

  template <class E>
  static index workspace_elements(const views_type& v, const E&, index lanes, const cache_sizes& caches) {
    const cut_type c = cut_of(v.g, lanes, caches);
    const index workers = reads_in_place(v) ? lanes * channels_of<acc_node, sum_type>::workspace(v.g)
                                            : std::min(lanes, c.tasks) * c.each(v.g);
    return Terms::filter_sums(v.g.filters, O::lanes()) + workers;
  }

  template <class E, class How>
  static void run(const views_type& v, const unit* packed, const E& e, const How& how) {
    const cut_type c = cut_of(v.g, how.executor.concurrency(), how.caches);
    const auto* const weights = reinterpret_cast<const weight_unit*>(packed);
    const auto* const sums = reinterpret_cast<const sum_type*>(weights + tiles::units(v.g) * pitch(v.g));
    const auto whole = Terms::with_terms(e, terms_zeros(how), sums, v.g.filters, O::lanes(), how.memory);
    sum_type* const memory = how.memory + Terms::filter_sums(v.g.filters, O::lanes());
    if constexpr (elements::in_place) {
      if (reads_in_place(v)) return run_in_place(v, weights, whole, memory, how);
    }
    const index workers = std::min<index>(how.executor.concurrency(), c.tasks);
    std::atomic<index> next{0};
    const auto work = [&](index w) {
      const block<decltype(values(how))> b(v, c, weights, values(how), memory + w * c.each(v.g));
      for (index t; (t = next.fetch_add(1, std::memory_order_relaxed)) < c.tasks;) b.run(t, whole);
    };
    workers <= 1 ? work(0) : how.executor.parallel_for(workers, work);
  }

 private:
  static index pitch(const conv_geometry& g) { return multiple(g.channels, O::lanes()); }

  static bool reads_in_place(const views_type& v) {
    return elements::in_place && v.src.holds_vectors(O::lanes()) && v.dst.holds_vectors(O::lanes());
  }
  template <class E, class How>
  static void run_in_place(const views_type& v, const weight_unit* weights, const E& e, sum_type* memory,
                           const How& how) {
    detail::for_each_image<Isa, uses_rows<E>>(v, e, how, [&](const views_type& x, const auto& own, const auto& rest) {
      using kernel = channels_of<std::decay_t<decltype(own)>, D>;
      const pixel_numbers numbers{x.first_pixel, x.pixel_plane, x.pixel_row, x.pixel_step};
      kernel(x.g, x.src, weights, x.dst, own, values(rest).padding, numbers)
          .run(reinterpret_cast<weight_unit*>(memory), rest.executor);
    });
  }

  template <class How>
  static auto terms_zeros(const How& how) {
    if constexpr (std::integral<sum_type>) {
      return typename Terms::zeros{how.zeros.a, {}};
    } else {
      return how.zeros;
    }
  }
  template <class How>
  static auto values(const How& how) {
    using prologue = std::decay_t<decltype(how.prologue)>;
    if constexpr (std::integral<sum_type>) {
      return source_values<stored_unit, prologue>{stored_unit(how.zeros.a), how.prologue};
    } else {
      return source_values<stored_unit, prologue>{how.padding_value, how.prologue};
    }
  }

  // Channels of a pixel of the copy; not a multiple of 2 KiB, which would meet in few sets of L1.
  static index distance(const conv_geometry& g) {
    const index p = pitch(g);
    return p * index(sizeof(stored_unit)) % 2048 == 0 ? p + 16 : p;
  }

  // Blocks of whole output rows, so many that their source takes its share of L2.
  struct cut_type {
    index rows, row_blocks, tasks, in_rows, in_columns;
    index source_units(const conv_geometry& g) const { return g.kernel.d * in_rows * in_columns * distance(g); }
    index source(const conv_geometry& g) const {
      return multiple(ceil_div(source_units(g), index(sizeof(sum_type) / sizeof(stored_unit))), 16);
    }
    // The convolution of a block of so many rows, without padding.
    conv_geometry inner(const conv_geometry& g, index block_rows) const {
      conv_geometry x = g;
      x.batch = 1;
      x.src = {g.kernel.d, detail::span_of(block_rows, g.stride.h, g.kernel.h, g.dilation.h), in_columns};
      x.dst = {1, block_rows, g.dst.w};
      x.stride.d = x.dilation.d = 1;
      x.before = x.after = {0, 0, 0};
      return x;
    }
    index tables(const conv_geometry& g) const { return channels_of<acc_node, sum_type>::workspace(inner(g, rows)); }
    // Sums of an output row, and what turns them into planes.
    index sums(const conv_geometry& g) const { return multiple(g.dst.w * pitch(g), 16); }
    static index finish(const conv_geometry& g) { return multiple(g.filters * multiple(g.dst.w, 32) + 64, 16); }
    index each(const conv_geometry& g) const { return source(g) + tables(g) + sums(g) + finish(g); }
  };
  template <class E, class Dst>
  using channels_of = depthwise_channels<O, E, tiles, sum_type, Dst>;

  static cut_type cut_of(const conv_geometry& g, index lanes, const cache_sizes& caches) {
    cut_type c{};
    c.in_columns = detail::span_of(g.dst.w, g.stride.w, g.kernel.w, g.dilation.w);
    const index row_bytes = g.kernel.d * c.in_columns * distance(g) * index(sizeof(stored_unit));
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

  template <class Values>
  class block {
   public:
    block(const views_type& views, const cut_type& c, const weight_unit* packed, const Values& what, sum_type* memory)
        : v(views),
          cut(c),
          weights(packed),
          values_of_src(what),
          source(reinterpret_cast<stored_unit*>(memory)),
          scratch(reinterpret_cast<weight_unit*>(memory + c.source(v.g))),
          sums(memory + c.source(v.g) + c.tables(v.g)),
          finished(sums + c.sums(v.g)) {
      if (distance(v.g) > v.g.channels) std::fill(source, source + cut.source_units(v.g), stored_unit(0));
    }

    template <class E>
    void run(index task, const E& all) const {
      const conv_geometry& g = v.g;
      const index h0 = task % cut.row_blocks * cut.rows, rest = task / cut.row_blocks;
      const index d = rest % g.dst.d, n = rest / g.dst.d;
      const conv_geometry inner = cut.inner(g, std::min(cut.rows, g.dst.h - h0));
      const triple apart{cut.in_rows * cut.in_columns * distance(g), cut.in_columns * distance(g), distance(g)};
      source_copy<elements>::run(v.src,
                                 {n, d * g.stride.d - g.before.d, h0 * g.stride.h - g.before.h, -g.before.w, g.kernel.d,
                                  g.dilation.d, inner.src.h, cut.in_columns},
                                 source, apart, values_of_src);
      const image_view<const stored_unit> src(source, {1, inner.src.d, inner.src.h, inner.src.w, g.channels},
                                              {0, apart.d, apart.h, apart.w, 1});
      const auto e = all.at_image(n);
      const pixel_numbers numbers{v.first_pixel + d * v.pixel_plane + h0 * v.pixel_row, 0, v.pixel_row, v.pixel_step};
      if (v.dst.strides().c == 1 && !v.dst.blocked()) {
        const image_view<D> out(v.dst.pointer(n, d, h0, 0, 0), {1, 1, inner.dst.h, inner.dst.w, g.filters},
                                v.dst.strides());
        return sum(inner, src, out, e, numbers);
      }
      for (index r = 0; r < inner.dst.h; ++r) planes(inner, src, e, n, d, h0, r, numbers);
    }

   private:
    template <class Dst, class E>
    void sum(const conv_geometry& inner, const image_view<const stored_unit>& src, const image_view<Dst>& out,
             const E& e, const pixel_numbers& numbers) const {
      serial one;
      channels_of<E, Dst>(inner, src, weights, out, e, stored_unit(0), numbers).run(scratch, one);
    }

    // Output row r of the block, whose channels are not next to each other.
    template <class E>
    void planes(const conv_geometry& inner, const image_view<const stored_unit>& src, const E& e, index n, index d,
                index h0, index r, const pixel_numbers& numbers) const {
      const conv_geometry& g = v.g;
      const conv_geometry row = cut.inner(g, 1);
      const image_view<const stored_unit> under(src.pointer(0, 0, r * g.stride.h, 0, 0),
                                                {1, inner.src.d, row.src.h, row.src.w, g.channels}, src.strides());
      const image_view<sum_type> to(sums, {1, 1, 1, g.dst.w, g.filters}, {0, 0, 0, pitch(g), 1});
      sum(row, under, to, acc, numbers);
      finish_pixels<out_ops>(e, pixel_sums<sum_type>{sums, pitch(g), g.dst.w, g.filters}, v.dst, {n, d, h0 + r, 0, 0},
                             epilogue_place{numbers.first + r * numbers.row, numbers.step, 0}, finished);
    }

    const views_type& v;
    const cut_type& cut;
    const weight_unit* weights;
    const Values values_of_src;
    stored_unit* source;
    weight_unit* scratch;
    sum_type *sums, *finished;
  };
};

}  // namespace ashlar
