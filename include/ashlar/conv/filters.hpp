// SPDX-License-Identifier: Apache-2.0
//
// conv/filters.hpp: weights as an algorithm packs them: group by group, as they are or as a gradient reads them.
//
//   forward      group g, filter k, tap t, channel c   ->  weights(g * K + k, t, c)
//   gradient     group g, filter c, tap t, channel k   ->  weights(g * K + k, last - t, c)      flipped, roles
//   exchanged
//
// Depends on: core/image.hpp.   Used by: conv/kernels.hpp, conv/parity.hpp.
#pragma once

#include <ashlar/core/image.hpp>

namespace ashlar {

/// The same taps in opposite order: true convolution where the kernels compute cross-correlation.
///     plan.pack(flipped(ohwi(w, k, 3, 3, c)), storage)
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr filter_view<T> flipped(const filter_view<T>& w) {
  const filter_axes &e = w.extents(), &s = w.strides();
  return {w.pointer(0, e.d - 1, e.r - 1, e.s - 1, 0), e, {s.k, -s.d, -s.r, -s.s, s.c}};
}

template <class T>
class grouped_filters {
 public:
  ASHLAR_INLINE constexpr grouped_filters(const filter_view<const T>& weights, index groups, bool gradient)
      : weights_(weights), each_(weights.extents().k / groups), gradient_(gradient) {}

  /// The filters of one group.
  [[nodiscard]] ASHLAR_INLINE constexpr filter_view<const T> group(index g) const {
    filter_axes e = weights_.extents(), s = weights_.strides();
    e.k = each_;
    const filter_view<const T> part(weights_.pointer(g * each_, 0, 0, 0, 0), e, s);
    if (!gradient_) return part;
    return flipped(filter_view<const T>(part.data(), {e.c, e.d, e.r, e.s, e.k}, {s.c, s.d, s.r, s.s, s.k}));
  }

  /// All of them as they are stored, of a forward convolution.
  [[nodiscard]] ASHLAR_INLINE constexpr filter_view<const T> stored() const { return weights_; }
  /// All filters where a group has one channel: of a gradient, where there is one group or a filter a group.
  [[nodiscard]] ASHLAR_INLINE constexpr filter_view<const T> depthwise() const {
    if (!gradient_) return weights_;
    return each_ == weights_.extents().k ? group(0) : flipped(weights_);
  }

 private:
  filter_view<const T> weights_;
  index each_;  // filters of a group, as stored
  bool gradient_;
};

}  // namespace ashlar
