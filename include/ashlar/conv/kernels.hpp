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
// Depends on: conv/{implicit,parity,depthwise,grouped,source_images,algorithm}.hpp, winograd/kernel.hpp.   Used by:
// conv/plan.hpp.
#pragma once

#include <algorithm>

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
template <class Format, class D = typename Format::sum_type>
struct implicit_algorithm {
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
    const bool in_place = Format::in_place && !v.transformed && (fills || !v.src.blocked());
    const bool starts_vectors = !v.dst.blocked() || v.g.groups == 1 || v.g.group_filters() % lanes == 0;
    return {sizeof(typename Format::sum_type), v.src.strides(), v.dst.holds_vectors(lanes) && starts_vectors, !in_place,
            fills ? channels / block : 1};
  }
};

/// Transposed convolution of stride 2 and more: views.g is the forward convolution whose gradient it is.
template <class Format, class D = typename Format::sum_type>
struct parity_algorithm {
  using dense = implicit_algorithm<Format, D>;
  using unit = typename dense::unit;
  using views_type = typename dense::views_type;

  static bool serves(const conv_geometry&) { return false; }  // no forward convolution
  static index panel_width() { return dense::panel_width(); }
  static index source_unit() { return dense::source_unit(); }

  static index packed_elements(const conv_geometry& g) {
    const parity_classes classes(g);
    index sum = 0;
    for (index i = 0; i < classes.count(); ++i) sum += dense::packed_elements(classes.geometry(i));
    return sum;
  }

  template <class W, class Zeros = typename dense::no_zeros>
  static void pack(const conv_geometry& g, const grouped_filters<W>& w, unit* out, const Zeros& zeros = {}) {
    const parity_classes classes(g);
    for (index i = 0; i < classes.count(); ++i) {
      const conv_geometry part = classes.geometry(i);
      dense::kernel::pack(part, [&](index k) { return classes.filters(i, w.group(k)); }, out, zeros);
      out += dense::packed_elements(part);
    }
  }

  template <class E>
  static index workspace_elements(const views_type& v, const E& e, index lanes, const cache_sizes& caches) {
    const parity_classes classes(v.g);
    index most = 0;
    for (index i = 0; i < classes.count(); ++i) {
      most = std::max(most, dense::workspace_elements(classes.views(i, v), e, lanes, caches));
    }
    return most;
  }

  template <class E, class How>
  static void run(const views_type& v, const unit* packed, const E& e, const How& how) {
    const parity_classes classes(v.g);
    for (index i = 0; i < classes.count(); ++i) {
      dense::run(classes.views(i, v), packed, e, how);
      packed += dense::packed_elements(classes.geometry(i));
    }
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
          Kernel::run(x.g, x.src, packed, x.dst, own, rest.padding_value, rest.memory, rest.executor);
        });
  }
};

/// A channel a group.
template <class T, class Isa>
struct depthwise_algorithm : small_group_algorithm<T, Isa, depthwise_kernel<T, Isa>> {
  static bool serves(const conv_geometry& g) { return g.group_channels() == 1 && detail::starts_outside(g); }
  static void pack(const conv_geometry& g, const grouped_filters<T>& w, T* out) {
    depthwise_kernel<T, Isa>::pack(g, w.depthwise(), out);
  }
};

/// Several groups in a vector; channels last.
template <class T, class Isa>
struct grouped_algorithm : small_group_algorithm<T, Isa, grouped_kernel<T, Isa>> {
  static bool serves(const conv_geometry& g) {
    return g.groups > 1 && grouped_kernel<T, Isa>::serves(g) && detail::starts_outside(g);
  }
  static void pack(const conv_geometry& g, const grouped_filters<T>& w, T* out) {
    grouped_kernel<T, Isa>::pack(g, w.stored(), out);
  }
};

/// F(m x m, r x r): of floats within a tolerance, of bytes exact (conv/exact_winograd.hpp). Unit: what packed weights
/// are counted in.
template <class Format, class D = typename Format::sum_type, class Unit = typename Format::unit>
struct winograd_algorithm {
  using kernel = winograd_kernel<Format, D>;
  using unit = typename Format::unit;
  using views_type = conv_views<typename Format::src_type, D>;
  using no_zeros = detail::zero_point_values<no_zero_point>;
  static constexpr index units = index(sizeof(unit) / sizeof(Unit));

  static bool serves(const conv_geometry& g) {
    return g.groups == 1 && kernel::serves(g) && detail::starts_outside(g) && g.channels <= Format::most_channels;
  }
  static index panel_width() { return kernel::nr(); }
  static index source_unit() { return 1; }
  static index packed_elements(const conv_geometry& g) { return kernel::packed_elements(g) * units; }
  template <class W, class Zeros = no_zeros>
  static void pack(const conv_geometry& g, const grouped_filters<W>& w, Unit* out, const Zeros& = {}) {
    kernel::pack(g, w.group(0), reinterpret_cast<unit*>(out));
  }
  template <class E>
  static index workspace_elements(const views_type& v, const E&, index lanes, const cache_sizes& caches) {
    const conv_geometry g = detail::image_geometry(v);
    const winograd_cut cut = kernel::plan(g, lanes, caches);
    return detail::source_image_elements(v) + std::min(lanes, cut.tasks(g)) * kernel::workspace(cut);
  }
  template <class E, class How>
  static void run(const views_type& v, const Unit* packed, const E& e, const How& how) {
    const auto* const u = reinterpret_cast<const unit*>(packed);
    detail::for_each_image<typename Format::isa_type, false>(
        v, e, how, [&](const views_type& x, const auto& own, const auto& rest) {
          const winograd_cut cut = kernel::plan(x.g, rest.executor.concurrency(), rest.caches);
          const winograd_operands<Format, D> operands{x.src.image(), u, x.dst, Format::zero_of(rest)};
          kernel::run(x.g, cut, operands, own, rest.memory, rest.executor);
        });
  }
};
template <class T, class Isa, class F>
using float_winograd = winograd_algorithm<winograd_floats<T, Isa, F>>;

/// f(the algorithm of this name); Tolerant: Winograd's are among them.
template <class T, class Isa, bool Tolerant, class F>
ASHLAR_INLINE auto with_algorithm(conv_algorithm a, const F& f) {
  if constexpr (Tolerant) {
    if (a == conv_algorithm::winograd_2x2) return f(float_winograd<T, Isa, f2x2_3x3>());
    if (a == conv_algorithm::winograd_4x4) return f(float_winograd<T, Isa, f4x4_3x3>());
    if (a == conv_algorithm::winograd_6x6) return f(float_winograd<T, Isa, f6x6_3x3>());
  }
  if (a == conv_algorithm::depthwise) return f(depthwise_algorithm<T, Isa>());
  if (a == conv_algorithm::grouped) return f(grouped_algorithm<T, Isa>());
  if (a == conv_algorithm::parity_classes) return f(parity_algorithm<plain_format<T, Isa>>());
  return f(implicit_algorithm<plain_format<T, Isa>>());
}

}  // namespace ashlar
