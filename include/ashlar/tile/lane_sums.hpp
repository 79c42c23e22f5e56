// SPDX-License-Identifier: Apache-2.0
//
// tile/lane_sums.hpp: the micro-kernel of products with very few rows or very few columns: dot products, many at once.
//
//   sums[r][l] = sum over k of  lanes(l, k) * others(r, k)         l < W: a vector of sums for each of R others
//
// `lanes` are W rows of memory with contiguous k, in most cases all of a large matrix: rows of A times a narrow B, or
// columns of a transposed B under a few rows of A. They are transposed in registers (isa/transpose.hpp), so that each
// sum keeps a lane to itself and runs in increasing k, one fused step per k, like every sum of this library: no partial
// sums that would have to be added up in another order.
//
// 16 rows of floats on AVX-512 (Zen 4): 66 cycles a KiB with one other, 75 with two, about 100 with four; the
// multiply-adds alone wait 64 for each other. Two vectors of lanes at a time were slower (addresses on the stack), and
// so was fetching ahead: the processor follows 16 rows by itself.
//
// Depends on: isa/transpose.hpp, epilogue/semiring.hpp.   Used by: loop/narrow.hpp.
#pragma once

#include <ashlar/core/row_addresses.hpp>
#include <ashlar/epilogue/semiring.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/isa/transpose.hpp>
#include <utility>

namespace ashlar {

/// What one call of lane_sums works on. Strides in elements.
template <class T>
struct lane_operands {
  index k;
  const T* lanes;  // lane l, step k at lanes[l * lane_stride + k]; W lanes exist
  index lane_stride;
  const T* others;  // other r, step k at others[r * other_stride + k * other_k_stride]; R others exist
  index other_stride, other_k_stride;
  T* sums;  // sums[r * W + l]
};

/// The kernel of R others. LanesAreA: the lanes are rows of A and the others columns of B; else the lanes are columns
/// of B and the others rows of A. The order of operands counts for semirings that do not commute.
template <class O, int R, class Semiring, bool LanesAreA>
class lane_sums {
  using T = typename O::value_type;
  using vec = typename O::vec;
  using transpose = block_transpose<T, typename O::isa_type>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  using all = std::make_integer_sequence<int, R>;
  static constexpr int width = transpose::width, depth = transpose::depth;

 public:
  [[gnu::noinline]] static void run(const lane_operands<T>& x) { start(all{}, x); }

 private:
  struct operands {
    typename transpose::rows lanes;
    row_addresses<T, R> others;
    index k_stride;
  };

  template <int... I>
  static ASHLAR_INLINE void start(seq<I...>, const lane_operands<T>& x) {
    body(x, ((void)I, Semiring::template zero<O>())...);
  }

  template <class... Acc>
  static ASHLAR_INLINE void body(const lane_operands<T>& x, Acc... sum) {
    operands o{{x.lanes, x.lane_stride}, {x.others, x.other_stride}, x.other_k_stride};
    index k = x.k;
    for (; k >= depth; k -= depth) {
      steps(o, sum...);
      o.lanes.advance(depth);
    }
    if (k > 0) {
      T block[depth * width];
      transpose::store_some(o.lanes, k, block, width);
      block_steps(block, k, o, sum...);
    }
    T* sums = x.sums;
    ((O::store(sums, sum), sums += width), ...);
  }

  // Columns stay in registers where loads bind. Three others and more take them from L1: there multiply-adds bind, and
  // code that holds sixteen columns beside the sums compiles for seconds.
  template <class... Acc>
  static ASHLAR_INLINE void steps(operands& o, Acc&... sums) {
    if constexpr (R <= 2) {
      transpose::template columns<depth>(o.lanes, 0, [&](const auto&... column) __attribute__((always_inline)) {
        ((accumulate(all{}, transpose::template as<vec>(column), o.others, sums...), o.others.advance(o.k_stride)),
         ...);
      });
    } else {
      alignas(64) T block[depth * width];
      transpose::store(o.lanes, block, width);
      block_steps(block, depth, o, sums...);
    }
  }

  template <class... Acc>
  static ASHLAR_INLINE void block_steps(const T* block, index count, operands& o, Acc&... sums) {
    for (index k = 0; k < count; ++k, o.others.advance(o.k_stride))
      accumulate(all{}, O::load(block + k * width), o.others, sums...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void accumulate(seq<I...>, const vec& column, const row_addresses<T, R>& others, Acc&... sums) {
    ((sums = step(column, O::broadcast_load(others.template at<I>(0)), sums)), ...);
  }
  static ASHLAR_INLINE vec step(const vec& lane, const vec& other, const vec& sums) {
    if constexpr (LanesAreA) {
      return Semiring::template accumulate<O>(lane, other, sums);
    } else {
      return Semiring::template accumulate<O>(other, lane, sums);
    }
  }
};

}  // namespace ashlar
