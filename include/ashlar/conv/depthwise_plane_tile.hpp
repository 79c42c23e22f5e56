// SPDX-License-Identifier: Apache-2.0
//
// conv/depthwise_plane_tile.hpp: the register tiles of depthwise convolution in one plane: vectors along the width.
//
//   for each row y of src, tap s, vector j:      v = row[y][offset(s) + x + j * lanes]
//     for each row ty of dst that it concerns:   acc[ty][j] = fma(v, weights[y - S ty][s], acc[ty][j])
//
// Rows of src are copies with their padding, the columns of each residue modulo the stride together, so that every load
// is a whole vector of consecutive elements. Lanes past the end of a row of dst compute what nobody stores.
//
// Depends on: isa/, conv/depthwise_tile.hpp, core/unknown.hpp.   Used by: conv/depthwise_planes.hpp.
#pragma once

#include <algorithm>
#include <utility>

#include <ashlar/conv/depthwise_tile.hpp>
#include <ashlar/core/unknown.hpp>

namespace ashlar {

/// What one call of a tile works on: one channel, some rows of dst, `columns` of each. Strides in elements.
template <class T>
struct plane_operands {
  const T* const* rows;      // of src: those under the first row of taps first, all depths one after the other
  const index* offsets;      // of tap s in a row of src
  index column;              // of dst, and in src besides the offset
  const T* weights;          // tap t at weights[t * lanes]
  T* sums;                   // of V vectors of each row, one after the other
  index depths, depth_rows;  // a tile of any shape: planes of taps, rows of src in each,
  index kernel_rows, dilation, kernel_columns;
};

/// TH rows x V vectors of dst, kernel and stride known at compile time.
template <class O, depthwise_shape S, int TH, int V>
class plane_tile {
  using T = typename O::value_type;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

 public:
  [[gnu::noinline]] static void run(const plane_operands<T>& x) { start(std::make_integer_sequence<int, TH * V>{}, x); }

 private:
  static constexpr int rows = (TH - 1) * S.stride + S.height;

  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const plane_operands<T>& x) {
    body(s, std::make_integer_sequence<int, rows>{}, x, ((void)I, O::zero())...);
  }
  template <int... I, int... Y, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, seq<Y...>, const plane_operands<T>& x, Acc... sum) {
    const T* weights = x.weights;
    (row<Y>(s, std::make_integer_sequence<int, S.width>{}, x.rows[Y] + x.column, x.offsets, fence(weights), sum...),
     ...);
    (O::store(x.sums + I * O::lanes(), sum), ...);
  }

  // As in depthwise_tile.
  static constexpr bool keeps_weights =
      S.height * S.width + TH * V + V <= isa::facts<typename O::isa_type>::vector_registers;
  static ASHLAR_INLINE const T* fence(const T*& weights) {
    if constexpr (!keeps_weights) weights = detail::unknown(weights);
    return weights;
  }

  template <int Y, int... I, int... C, class... Acc>
  static ASHLAR_INLINE void row(seq<I...> s, seq<C...>, const T* src, const index* offsets, const T* weights,
                                Acc&... sums) {
    (tap<Y, C>(s, std::make_integer_sequence<int, V>{}, src + offsets[C], weights, sums...), ...);
  }
  template <int Y, int C, int... I, int... J, class... Acc>
  static ASHLAR_INLINE void tap(seq<I...> s, seq<J...>, const T* src, const T* weights, Acc&... sums) {
    (vector<Y, C, J>(s, O::load(src + J * O::lanes()), weights, sums...), ...);
  }
  template <int Y, int C, int J, int... I, class Vector, class... Acc>
  static ASHLAR_INLINE void vector(seq<I...>, Vector v, const T* weights, Acc&... sums) {
    (step<(I % V == J ? Y - I / V * S.stride : -1), C>(v, weights, sums), ...);
  }
  template <int R, int C, class Vector>
  static ASHLAR_INLINE void step(Vector v, const T* weights, Vector& sums) {
    if constexpr (R >= 0 && R < S.height) {
      sums = plus_times::accumulate<O>(v, O::broadcast_load(weights + (R * S.width + C) * O::lanes()), sums);
    }
  }
};

/// One row x V vectors of dst, any kernel.
template <class O, int V>
class any_plane_tile {
  using T = typename O::value_type;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

 public:
  [[gnu::noinline]] static void run(const plane_operands<T>& x) { start(std::make_integer_sequence<int, V>{}, x); }

 private:
  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const plane_operands<T>& x) {
    body(s, x, ((void)I, O::zero())...);
  }
  template <int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...>, const plane_operands<T>& x, Acc... sum) {
    const T* weights = x.weights;
    for (index d = 0; d < x.depths; ++d) {
      for (index r = 0; r < x.kernel_rows; ++r) {
        const T* const src = x.rows[d * x.depth_rows + r * x.dilation] + x.column;
        for (index c = 0; c < x.kernel_columns; ++c, weights += O::lanes()) {
          const T* const at = src + x.offsets[c];
          ((sum = plus_times::accumulate<O>(O::load(at + I * O::lanes()), O::broadcast_load(weights), sum)), ...);
        }
      }
    }
    (O::store(x.sums + I * O::lanes(), sum), ...);
  }
};

}  // namespace ashlar
