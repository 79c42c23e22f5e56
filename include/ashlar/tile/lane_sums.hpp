// SPDX-License-Identifier: Apache-2.0
//
// tile/lane_sums.hpp: the micro-kernel of products with very few rows or very few columns: dot products, many at once.
//
//   sums[r][l] = sum over k of  lanes(l, k) * others(r, k)         l < W: a vector of sums for each of R others
//   sums[g][l] = sum over k of  lanes(g W + l, k) * others(0, k)   one other, G groups of lanes
//
// `lanes` are W rows of memory with contiguous k, in most cases all of a large matrix: rows of A times a narrow B, or
// columns of a transposed B under a few rows of A. They are transposed in registers (isa/transpose.hpp), so that each
// sum keeps a lane to itself and runs in increasing k, one fused step per k, like every sum of this library: no partial
// sums that would have to be added up in another order.
//
// 16 rows of floats on AVX-512 (Zen 4): 66 cycles a KiB with one other, 75 with two, about 100 with four; the
// multiply-adds alone wait 64 for each other. Two vectors of lanes at a time were slower (addresses on the stack), and
// so was fetching ahead: the processor follows 16 rows by itself. 8 rows on AVX2 (Zen 3) wait as well, but two groups
// of them have registers enough: 512 x 1 x 512 takes 0.70 of the time.
//
// Depends on: isa/transpose.hpp, epilogue/semiring.hpp.   Used by: loop/narrow.hpp.
#pragma once

#include <array>
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

/// How many groups of lanes one other takes at a time: multiply-adds into a single vector of sums wait for each other.
template <class T, class Isa>
inline constexpr int lane_groups = block_transpose<T, Isa>::width > 8 ? 1 : 2;

/// The kernel of R others and G groups of lanes. LanesAreA: the lanes are rows of A and the others columns of B; else
/// the lanes are columns of B and the others rows of A. The order of operands counts for semirings that do not commute.
template <class O, int R, class Semiring, bool LanesAreA, int G = 1>
class lane_sums {
  static_assert(R == 1 || G == 1);
  using T = typename O::value_type;
  using vec = typename O::vec;
  using transpose = block_transpose<T, typename O::isa_type>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  using all = std::make_integer_sequence<int, R>;
  using all_sums = std::make_integer_sequence<int, R * G>;
  using groups = std::make_integer_sequence<int, G>;
  static constexpr int width = transpose::width, depth = transpose::depth;

 public:
  [[gnu::noinline]] static void run(const lane_operands<T>& x) { start(all_sums{}, x); }

 private:
  using rows = typename transpose::rows;
  using other_rows = row_addresses<T, R>;
  struct operands {
    std::array<rows, G> lanes;
    other_rows others;
    index k_stride;
  };

  template <int... I>
  static ASHLAR_INLINE void start(seq<I...>, const lane_operands<T>& x) {
    body(groups{}, x, ((void)I, Semiring::template zero<O>())...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, const lane_operands<T>& x, Acc... sum) {
    operands o{
        {rows(x.lanes + I * width * x.lane_stride, x.lane_stride)...}, {x.others, x.other_stride}, x.other_k_stride};
    index k = x.k;
    for (; k >= depth; k -= depth) {
      for_groups(
          s, o,
          [&](const rows& lanes, other_rows& others, auto&... its)
              __attribute__((always_inline)) { steps(lanes, others, o.k_stride, its...); },
          sum...);
      (o.lanes[I].advance(depth), ...);
    }
    if (k > 0) {
      for_groups(
          s, o,
          [&](const rows& lanes, other_rows& others, auto&... its) __attribute__((always_inline)) {
            T block[depth * width];
            transpose::store_some(lanes, k, block, width);
            block_steps(block, k, others, o.k_stride, its...);
          },
          sum...);
    }
    T* to = x.sums;
    ((O::store(to, sum), to += width), ...);
  }

  // f(lanes, others, sums of a group ...) for each group: of one all sums are, of several one each. The others move on,
  // from the same step for each group.
  template <int... I, class F, class... Acc>
  static ASHLAR_INLINE void for_groups(seq<I...>, operands& o, const F& f, Acc&... sum) {
    if constexpr (G == 1) {
      f(o.lanes[0], o.others, sum...);
    } else {
      other_rows next = o.others;
      ((next = after_group(f, o.lanes[I], o.others, sum)), ...);
      o.others = next;
    }
  }
  template <class F, class Acc>
  static ASHLAR_INLINE other_rows after_group(const F& f, const rows& lanes, other_rows others, Acc& sum) {
    f(lanes, others, sum);
    return others;
  }

  // Columns stay in registers where loads bind. Three others and more take them from L1: there multiply-adds bind, and
  // code that holds sixteen columns beside the sums compiles for seconds.
  template <class... Acc>
  static ASHLAR_INLINE void steps(const rows& lanes, other_rows& others, index k_stride, Acc&... sum) {
    if constexpr (R <= 2) {
      transpose::template columns<depth>(lanes, 0, [&](const auto&... column) __attribute__((always_inline)) {
        ((accumulate(all{}, transpose::template as<vec>(column), others, sum...), others.advance(k_stride)), ...);
      });
    } else {
      alignas(64) T block[depth * width];
      transpose::store(lanes, block, width);
      block_steps(block, depth, others, k_stride, sum...);
    }
  }

  template <class... Acc>
  static ASHLAR_INLINE void block_steps(const T* block, index count, other_rows& others, index k_stride, Acc&... sum) {
    for (index k = 0; k < count; ++k, others.advance(k_stride))
      accumulate(all{}, O::load(block + k * width), others, sum...);
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
