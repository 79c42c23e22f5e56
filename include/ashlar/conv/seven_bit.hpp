// SPDX-License-Identifier: Apache-2.0
//
// conv/seven_bit.hpp: implicit contraction of bytes whose weights are within [-64, 64]: as quantizers of 7 bits
// ("reduce_range") make them. Then an ISA may multiply with instructions that saturate otherwise.
//
// What the weights are is known when they are packed: the packed weights say which kernel reads them.
//
// Depends on: conv/kernels.hpp, loop/dot_format.hpp.   Used by: conv/product.hpp.
#pragma once

#include <concepts>
#include <cstdint>

#include <ashlar/conv/kernels.hpp>
#include <ashlar/loop/dot_format.hpp>

namespace ashlar {

/// Are all numbers within [-64, 64]?
template <std::integral W, class Unit = detail::this_unit>
bool within_seven_bits(const filter_view<const W>& w) {
  const filter_axes& e = w.extents();
  for (index k = 0; k < e.k; ++k)
    for (index d = 0; d < e.d; ++d)
      for (index r = 0; r < e.r; ++r)
        for (index s = 0; s < e.s; ++s)
          for (index c = 0; c < e.c; ++c)
            if (w(k, d, r, s, c) > 64 || w(k, d, r, s, c) < -64) return false;
  return true;
}

/// implicit_algorithm of Format to D; Unit: what the plan's packed weights are counted in.
template <class Format, class D, class Unit>
struct seven_bit_algorithm {
  using dense = implicit_algorithm<Format, D>;
  using unit = typename dense::unit;
  using views_type = typename dense::views_type;
  static constexpr index units = index(sizeof(unit) / sizeof(Unit));

  static index panel_width() { return dense::panel_width(); }
  static index source_unit() { return dense::source_unit(); }
  static index packed_elements(const conv_geometry& g) { return dense::packed_elements(g) * units; }
  template <class W, class Zeros = typename dense::no_zeros>
  static void pack(const conv_geometry& g, const grouped_filters<W>& w, Unit* out, const Zeros& = {}) {
    dense::pack(g, w, reinterpret_cast<unit*>(out));
  }
  template <class E>
  static index workspace_elements(const views_type& v, const E& e, index lanes, const cache_sizes& caches) {
    return dense::workspace_elements(v, e, lanes, caches);
  }
  template <class E, class Executor, class Zeros>
  static void run(const views_type& v, const Unit* packed, const E& e,
                  const conv_run<std::int32_t, Executor, Zeros>& how) {
    using zeros = typename Format::zeros;
    const conv_run<std::int32_t, Executor, zeros> own{0, how.memory, how.executor, how.caches, zeros{how.zeros.a, {}}};
    dense::run(v, reinterpret_cast<const unit*>(packed), e, own);
  }
};

}  // namespace ashlar
