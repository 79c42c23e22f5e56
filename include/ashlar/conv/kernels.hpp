// SPDX-License-Identifier: Apache-2.0
//
// conv/kernels.hpp: one interface over the algorithms, so that a plan can name one at run time.
//
//   serves(g)                                  can it compute this geometry
//   panel_width()                              of the packed weights; part of their key
//   packed_elements(g), pack(g, weights, out)
//   workspace_elements(views, e, lanes, caches)
//   run(views, packed, e, how)                 how: padding value, memory, executor, caches
//
// Depends on: conv/implicit.hpp, conv/reduce.hpp, conv/algorithm.hpp.   Used by: conv/plan.hpp.
#pragma once

#include <algorithm>

#include <ashlar/conv/algorithm.hpp>
#include <ashlar/conv/implicit.hpp>
#include <ashlar/conv/reduce.hpp>

namespace ashlar {

/// What a run has besides its operands.
template <class T, class Executor>
struct conv_run {
  T padding_value;
  T* memory;  // workspace_elements() of it
  Executor& executor;
  cache_sizes caches;
};

/// Dense convolution, reduced to its simplest form first.
template <class T, class Isa>
struct implicit_algorithm {
  using kernel = implicit_kernel<T, Isa>;

  static bool serves(const conv_geometry&) { return true; }
  static index panel_width() { return kernel::nr(); }
  static index packed_elements(const conv_geometry& g) { return kernel::packed_elements(g); }
  static void pack(const conv_geometry& g, const filter_view<const T>& w, T* out) { kernel::pack(g, w, out); }

  template <class E>
  static index workspace_elements(const conv_views<T>& views, const E& e, index lanes, const cache_sizes& caches) {
    const conv_views<T> v = simplest(views, e);
    index most = 0;
    for (index p = 0; p < row_phases(v); ++p) {
      const conv_views<T> part = row_phase(v, p);
      const implicit_cut cut = cut_of(part, lanes, caches);
      most = std::max(most, workspace_elements_of(cut, part, lanes));
    }
    return most;
  }

  template <class E, class Executor>
  static void run(const conv_views<T>& views, const T* packed, const E& e, const conv_run<T, Executor>& how) {
    const conv_views<T> v = simplest(views, e);
    for (index p = 0; p < row_phases(v); ++p) {
      const conv_operands<T> part{row_phase(v, p), packed, how.padding_value};
      kernel::run(part, cut_of(part.views, how.executor.concurrency(), how.caches), e, how.memory, how.executor);
    }
  }

 private:
  template <class E>
  static conv_views<T> simplest(const conv_views<T>& v, const E&) {
    return as_one_row(without_strides(v), !uses_rows<E>);
  }
  static implicit_cut cut_of(const conv_views<T>& v, index lanes, const cache_sizes& caches) {
    return kernel::plan(v.g, {index(sizeof(T)), v.src.strides(), v.dst.strides().c == 1, false}, lanes, caches);
  }
  static index workspace_elements_of(const implicit_cut& cut, const conv_views<T>& v, index lanes) {
    return std::min(lanes, cut.tasks(v.g)) * ashlar::workspace_elements(cut);
  }
};

/// f(the algorithm of this name); Tolerant: Winograd's are among them.
template <class T, class Isa, bool Tolerant, class F>
ASHLAR_INLINE auto with_algorithm(conv_algorithm a, const F& f) {
  switch (a) {
    default:
      return f(implicit_algorithm<T, Isa>());
  }
}

}  // namespace ashlar
