// SPDX-License-Identifier: Apache-2.0
//
// conv/kernels.hpp: one interface over the algorithms, so that a plan can name one at run time.
//
//   serves(g)                                  can it compute this geometry
//   panel_width()                              of the packed weights; part of their key
//   source_unit()                              channels of src that are copied together: no block may cut them
//   packed_elements(g), pack(g, weights, out)
//   workspace_elements(views, e, lanes, caches)
//   run(views, packed, e, how)                 how: padding value, prologue, memory, executor, caches
//
// Depends on: conv/{implicit,parity,depthwise,grouped,source_images,algorithm}.hpp, winograd/{kernel,set}.hpp.   Used
// by: conv/plan.hpp.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>

#include <ashlar/conv/algorithm.hpp>
#include <ashlar/conv/depthwise.hpp>
#include <ashlar/conv/filters.hpp>
#include <ashlar/conv/grouped.hpp>
#include <ashlar/conv/implicit.hpp>
#include <ashlar/conv/parity.hpp>
#include <ashlar/conv/reduce.hpp>
#include <ashlar/conv/source_images.hpp>
#include <ashlar/core/small_integers.hpp>
#include <ashlar/loop/format.hpp>
#include <ashlar/winograd/kernel.hpp>
#include <ashlar/winograd/set.hpp>

namespace ashlar {

/// What a run has besides its operands.
template <class T, class Executor, class Zeros = no_zero_point, class Prologue = no_prologue>
struct conv_run {
  T padding_value;  // of floats
  T* memory;        // workspace_elements() of it
  Executor& executor;
  cache_sizes caches;
  [[no_unique_address]] Zeros zeros{};  // of small integers
  [[no_unique_address]] Prologue prologue{};
};

/// Dense convolution, reduced to its simplest form first.
template <class Format, class D>
struct implicit_algorithm_of {
  using kernel = implicit_kernel<Format, D>;
  using unit = typename Format::b_unit;
  using views_type = conv_views<typename Format::a_type, D>;
  using no_zeros = detail::zero_point_values<no_zero_point>;

  static bool serves(const conv_geometry&) { return true; }
  static index panel_width() { return kernel::nr(); }
  static index source_unit() { return Format::group * Format::together; }
  static index packed_elements(const conv_geometry& g) { return kernel::packed_elements(g); }
  template <class W, class Zeros = no_zeros>
  static void pack(const conv_geometry& g, const grouped_filters<W>& w, unit* out, const Zeros& zeros = {}) {
    kernel::pack(g, [&](index i) { return w.group(i); }, out, zeros);
  }

  template <class E>
  static index workspace_elements(const views_type& views, const E& e, index lanes, const cache_sizes& caches) {
    const views_type v = simplest(views, e);
    index most = 0;
    for (index p = 0; p < row_phases(v); ++p) {
      const views_type part = row_phase(v, p);
      const implicit_cut cut = cut_of(part, lanes, caches);
      most = std::max(most, kernel::workspace(part.g, cut, std::min(lanes, cut.tasks(part.g))));
    }
    return most;
  }

  template <class E, class How>
  static void run(const views_type& views, const unit* packed, const E& e, const How& how) {
    const views_type v = simplest(views, e);
    for (index p = 0; p < row_phases(v); ++p) {
      using prologue = std::decay_t<decltype(how.prologue)>;
      typename kernel::template operands<prologue> part{
          row_phase(v, p), packed, {Format::padding_of(how), how.prologue, 0}};
      if constexpr (!Format::in_place) part.zeros = how.zeros;
      kernel::run(part, cut_of(part.views, how.executor.concurrency(), how.caches), e, how.memory, how.executor);
    }
  }

 private:
  template <class E>
  static views_type simplest(const views_type& v, const E&) {
    return as_one_row(without_strides(without_cropping(v)), uses_rows<E>);
  }
  static implicit_cut cut_of(const views_type& v, index lanes, const cache_sizes& caches) {
    return kernel::plan(v.g, layout_of(v), lanes, caches);
  }
  // Blocks of src are read in place where each group fills its own, those of dst written where vectors never cross
  // them.
  static conv_layout layout_of(const views_type& v) {
    const index channels = v.g.group_channels(), block = v.src.block(), lanes = Format::O::lanes();
    const bool fills = v.src.blocked() && v.src.holds_vectors(block) && channels % block == 0;
    const bool in_place = !v.transformed && (v.src.blocked() ? fills && Format::in_place : holds_units(v));
    const bool starts_vectors = !v.dst.blocked() || v.g.groups == 1 || v.g.group_filters() % lanes == 0;
    return {sizeof(typename Format::sum_type), in_units(v.src.strides()), v.dst.holds_vectors(lanes) && starts_vectors,
            !in_place, fills ? channels / block : 1};
  }
  // Are src's pixels units as they lie in memory?
  static bool holds_units(const views_type& v) {
    constexpr index unit = Format::group, step = unit * Format::together;
    const image_axes s = v.src.strides();
    const bool whole = s.n % unit == 0 && s.d % unit == 0 && s.h % unit == 0 && s.w % unit == 0;
    return Format::units_in_place && (step == 1 || (s.c == 1 && whole && v.g.group_channels() % step == 0));
  }
  static image_axes in_units(image_axes s) {
    s.n /= Format::group, s.d /= Format::group, s.h /= Format::group, s.w /= Format::group;
    return s;
  }
};

template <class Format, class D = typename Format::sum_type>
struct implicit_algorithm : implicit_algorithm_of<Format, D> {};

/// f16 or bf16 multiplied as they are; as floats where src passes through a prologue, or is padded with what is none.
template <class Format, class D>
  requires requires { typename Format::as_floats; }
struct implicit_algorithm<Format, D> : implicit_algorithm_of<Format, D> {
  using as_they_are = implicit_algorithm_of<Format, D>;
  using as_floats = implicit_algorithm_of<typename Format::as_floats, D>;
  using typename as_they_are::unit, typename as_they_are::views_type;

  template <class E>
  static index workspace_elements(const views_type& v, const E& e, index lanes, const cache_sizes& caches) {
    return std::max(as_they_are::workspace_elements(v, e, lanes, caches),
                    as_floats::workspace_elements(v, e, lanes, caches));
  }
  template <class E, class How>
  static void run(const views_type& v, const unit* packed, const E& e, const How& how) {
    if constexpr (std::is_same_v<std::decay_t<decltype(how.prologue)>, no_prologue>) {
      using N = typename Format::a_type;
      if (float(N(how.padding_value)) == how.padding_value) return as_they_are::run(v, packed, e, how);
    }
    as_floats::run(v, packed, e, how);
  }
};

namespace detail {

ASHLAR_INLINE constexpr bool starts_outside(const conv_geometry& g) {
  return g.before.d >= 0 && g.before.h >= 0 && g.before.w >= 0;
}

}  // namespace detail

/// A kernel of small groups: depthwise_kernel or grouped_kernel.
template <class T, class Isa, class Kernel>
struct small_group_algorithm {
  static index panel_width() { return ops<T, Isa>::lanes(); }
  static index source_unit() { return 1; }
  static index packed_elements(const conv_geometry& g) { return Kernel::packed_elements(g); }
  template <class E>
  static index workspace_elements(const conv_views<T>& v, const E&, index lanes, const cache_sizes& caches) {
    return detail::source_image_elements(v) + lanes * Kernel::workspace_elements(v.g, caches);
  }
  template <class E, class How>
  static void run(const conv_views<T>& v, const T* packed, const E& e, const How& how) {
    detail::for_each_image<Isa, uses_rows<E>>(
        v, e, how, [&](const conv_views<T>& x, const auto& own, const auto& rest) {
          Kernel::run(x.g, x.src, packed, x.dst, own, rest.padding_value, rest.memory, rest.executor,
                      {x.first_pixel, x.pixel_plane, x.pixel_row, x.pixel_step});
        });
  }
};

/// A channel a group.
template <class T, class Isa>
struct depthwise_algorithm : small_group_algorithm<T, Isa, depthwise_kernel<T, Isa>> {
  using kernel = depthwise_kernel<T, Isa>;
  static constexpr const char* takes = "one channel a group";

  static bool serves(const conv_geometry& g) { return g.group_channels() == 1 && detail::starts_outside(g); }
  static void pack(const conv_geometry& g, const grouped_filters<T>& w, T* out) { kernel::pack(g, w.depthwise(), out); }
};

/// Transposed convolution of stride 2 and more: views.g is the forward convolution whose gradient it is. Classes with
/// taps are computed by Kernel, which has `dense` or depthwise_algorithm's functions; the others by dense.
template <class Format, class D = typename Format::sum_type, class Kernel = implicit_algorithm<Format, D>>
struct parity_algorithm {
  using dense = implicit_algorithm<Format, D>;
  using unit = typename dense::unit;
  using views_type = typename dense::views_type;
  static constexpr bool depthwise = !std::is_same_v<Kernel, dense>;

  static bool serves(const conv_geometry&) { return false; }  // no forward convolution
  static index panel_width() { return Kernel::panel_width(); }
  static index source_unit() { return Kernel::source_unit(); }

  static index packed_elements(const conv_geometry& g) {
    const parity_classes classes(g);
    index sum = 0;
    for (index i = 0; i < classes.count(); ++i) sum += packed_class(classes.geometry(i));
    return sum;
  }

  template <class W, class Zeros = typename dense::no_zeros>
  static void pack(const conv_geometry& g, const grouped_filters<W>& w, unit* out, const Zeros& zeros = {}) {
    const parity_classes classes(g);
    for (index i = 0; i < classes.count(); ++i) {
      const conv_geometry part = classes.geometry(i);
      if constexpr (depthwise) {
        Kernel::kernel::pack(part, classes.filters(i, w.depthwise()), out);
      } else {
        dense::kernel::pack(part, [&](index k) { return classes.filters(i, w.group(k)); }, out, zeros);
      }
      out += packed_class(part);
    }
  }

  template <class E>
  static index workspace_elements(const views_type& v, const E& e, index lanes, const cache_sizes& caches) {
    const parity_classes classes(v.g);
    index most = 0;
    for (index i = 0; i < classes.count(); ++i) {
      const views_type part = classes.views(i, v);
      most = std::max(most, with(part.g, [&](auto kernel) {
                        return kernel.workspace_elements(without_cropping(part), e, lanes, caches);
                      }));
    }
    return most;
  }

  template <class E, class How>
  static void run(const views_type& v, const unit* packed, const E& e, const How& how) {
    const parity_classes classes(v.g);
    for (index i = 0; i < classes.count(); ++i) {
      const views_type part = classes.views(i, v);
      with(part.g, [&](auto kernel) { kernel.run(without_cropping(part), packed, e, how); });
      packed += packed_class(part.g);
    }
  }

 private:
  template <class F>
  static auto with(const conv_geometry& part, const F& f) {
    return part.taps() > 0 ? f(Kernel()) : f(dense());
  }
  static index packed_class(const conv_geometry& part) { return Kernel::packed_elements(part); }
};

/// Several groups in a vector; channels last.
template <class T, class Isa>
struct grouped_algorithm : small_group_algorithm<T, Isa, grouped_kernel<T, Isa>> {
  static constexpr bool channels_last = true;
  static constexpr const char* takes = "several groups whose filters divide a vector, or fill several";
  static bool serves(const conv_geometry& g) {
    return g.groups > 1 && grouped_kernel<T, Isa>::serves(g) && detail::starts_outside(g);
  }
  static void pack(const conv_geometry& g, const grouped_filters<T>& w, T* out) {
    grouped_kernel<T, Isa>::pack(g, w.stored(), out);
  }
};

namespace detail {

/// A block of src with contiguous channels, passed through its prologue (winograd/kernel.hpp).
template <class T, class Isa, class Prologue>
struct winograd_source {
  source_values<T, Prologue> values;

  void operator()(const blocked_image_view<const T>& src, const winograd_block_of_source& b, index channel,
                  T* to) const {
    source_values<T, Prologue> own = values;
    own.channel = channel;
    const index c = src.extents().c;
    source_copy<plain_format<T, Isa>>::run(src, {b.n, b.d, b.h, b.w, 1, 1, b.rows, b.columns}, to,
                                           {b.rows * b.columns * c, b.columns * c, c}, own);
  }
};

}  // namespace detail

/// F(m x n, r x s): of floats within a tolerance, of bytes exact (conv/exact_winograd.hpp). Unit: what packed weights
/// are counted in.
template <class Format, class D = typename Format::sum_type, class Unit = typename Format::unit>
struct winograd_algorithm {
  using kernel = winograd_kernel<Format, D>;
  using unit = typename Format::unit;
  using views_type = conv_views<typename Format::src_type, D>;
  using no_zeros = detail::zero_point_values<no_zero_point>;
  static constexpr index units = index(sizeof(unit) / sizeof(Unit));
  static constexpr bool channels_last = !std::floating_point<typename Format::src_type>;  // floats may be copied

  static bool serves(const conv_geometry& g) {
    return kernel::serves(g) && g.kernel.d * g.group_channels() <= Format::most_terms;
  }
  static index panel_width() { return kernel::nr(); }
  static index source_unit() { return 1; }
  /// What tells its packed weights from those of other points.
  static std::uint64_t transform() { return detail::weights_fingerprint<typename Format::algorithm>; }
  static index packed_elements(const conv_geometry& g) { return kernel::packed_elements(g) * units; }
  template <class W, class Zeros = no_zeros>
  static void pack(const conv_geometry& g, const grouped_filters<W>& w, Unit* out, const Zeros& = {}) {
    kernel::pack(g, [&](index i) { return w.group(i); }, reinterpret_cast<unit*>(out));
  }
  template <class E>
  static index workspace_elements(const views_type& v, const E&, index lanes, const cache_sizes& caches) {
    const winograd_cut cut = kernel::plan(v.g, lanes, caches, layout_of(v));
    return std::min(lanes, cut.tasks(v.g)) * kernel::workspace(cut);
  }
  template <class E, class How>
  static void run(const views_type& v, const Unit* packed, const E& e, const How& how) {
    const winograd_cut cut = kernel::plan(v.g, how.executor.concurrency(), how.caches, layout_of(v));
    const winograd_operands<Format, D> x{v.src, reinterpret_cast<const unit*>(packed), v.dst, Format::zero_of(how)};
    if constexpr (!channels_last) {
      using source = detail::winograd_source<typename Format::src_type, typename Format::isa_type,
                                             std::decay_t<decltype(how.prologue)>>;
      kernel::run(v.g, cut, x, e, how.memory, how.executor, source{{how.padding_value, how.prologue}});
    } else {
      kernel::run(v.g, cut, x, e, how.memory, how.executor);
    }
  }

 private:
  static winograd_layout layout_of(const views_type& v) {
    return {v.transformed || v.src.strides().c != 1 || v.src.blocked(), !v.dst.holds_vectors(Format::O::lanes())};
  }
};
template <class T, class Isa, class F>
using float_winograd = winograd_algorithm<winograd_floats<T, Isa, F>>;

/// The name of a Winograd algorithm in plans: its tile.
template <class A>
inline constexpr conv_algorithm winograd_name = winograd_tiles(A::vertical::m, A::horizontal::m);

/// Is `a`, for a kernel of these taps, algorithm A?
template <class A>
ASHLAR_INLINE constexpr bool is_named(conv_algorithm a, const triple& kernel) {
  static_assert(A::vertical::m < 16 && A::horizontal::m < 16, "conv_algorithm: tiles have up to 15 x 15 pixels");
  return a == winograd_name<A> && kernel.h == A::vertical::r && kernel.w == A::horizontal::r;
}

/// Is `a`, for a kernel of these taps, in the set?
template <class... A>
ASHLAR_INLINE constexpr bool contains(winograd_set<A...>, [[maybe_unused]] conv_algorithm a,
                                      [[maybe_unused]] const triple& kernel) {
  return (is_named<A>(a, kernel) || ...);
}

/// Does an algorithm need contiguous channels?
template <class Algorithm>
ASHLAR_INLINE constexpr bool needs_channels_last(Algorithm) {
  if constexpr (requires { Algorithm::channels_last; }) {
    return Algorithm::channels_last;
  } else {
    return false;
  }
}

/// What else than the name says how an algorithm's weights are packed: of Winograd's the points.
template <class Algorithm>
ASHLAR_INLINE constexpr std::uint64_t transform_of(Algorithm) {
  if constexpr (requires { Algorithm::transform(); }) {
    return Algorithm::transform();
  } else {
    return 0;
  }
}

/// f(the algorithm of this name for a kernel of these taps), Winograd's being those of a set.
template <class T, class Isa, class F>
ASHLAR_INLINE auto with_algorithm(winograd_set<>, conv_algorithm a, const triple&, const F& f) {
  if (a == conv_algorithm::depthwise) return f(depthwise_algorithm<T, Isa>());
  if (a == conv_algorithm::grouped) return f(grouped_algorithm<T, Isa>());
  if (a == conv_algorithm::parity_classes) return f(parity_algorithm<plain_format<T, Isa>>());
  if (a == conv_algorithm::depthwise_classes) {
    return f(parity_algorithm<plain_format<T, Isa>, T, depthwise_algorithm<T, Isa>>());
  }
  return f(implicit_algorithm<plain_format<T, Isa>>());
}
template <class T, class Isa, class A, class... Rest, class F>
ASHLAR_INLINE auto with_algorithm(winograd_set<A, Rest...>, conv_algorithm a, const triple& kernel, const F& f) {
  if (is_named<A>(a, kernel)) return f(float_winograd<T, Isa, A>());
  return with_algorithm<T, Isa>(winograd_set<Rest...>{}, a, kernel, f);
}

}  // namespace ashlar
