// SPDX-License-Identifier: Apache-2.0
//
// tile/register_tile.hpp: the micro-kernel.
//
//   acc[r][j] = resume ? partial[r][j] : zero
//   for k:  acc[r][j] = semiring(A(r, k), B(k, j), acc[r][j])          one fused step per k, in increasing order
//   last ? dst[r][j] = epilogue(acc[r][j]) : partial[r][j] = acc[r][j]                       (tile/tile_sums.hpp)
//
// A is read by rows (k contiguous, any distance between rows), so a row-major matrix, a block copied from a transposed
// one and the pixels of an image are all the same to it. B is read by steps of NV vectors at any distance: a packed
// panel or the rows of a row-major matrix. Accumulators are function parameter packs, here and in what they are passed
// to: an array of them goes to the stack with g++ 12, and SVE vectors cannot be array elements or members at all.
//
// Depends on: tile/{shape,operands,row_pairs,tile_sums}.hpp, core/{pick,row_addresses,unknown}.hpp,
// epilogue/semiring.hpp. Used by: loop/.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <ashlar/core/pick.hpp>
#include <ashlar/core/row_addresses.hpp>
#include <ashlar/core/unknown.hpp>
#include <ashlar/epilogue/semiring.hpp>
#include <ashlar/tile/operands.hpp>
#include <ashlar/tile/row_pairs.hpp>
#include <ashlar/tile/shape.hpp>
#include <ashlar/tile/tile_sums.hpp>

namespace ashlar {

/// Several tiles in one call: each below the other, or side by side.
enum class tile_order { down, across };

/// The micro-kernel of MR rows x NV vectors on the ISA of O, for one semiring and one epilogue expression E.
///
/// Group: vectors of B that lie side by side. A tile wider than a panel (few rows, where one panel's accumulators are
/// too few to hide the latency of the multiply-add) reads several panels, b_group apart. Operands: tile_operands or
/// segmented_operands.
template <class O, int MR, int NV, int KU, class Semiring, class E, int Group = NV,
          class Operands = tile_operands<typename O::value_type>>
class register_tile {
  using T = typename O::value_type;
  using A = typename Operands::a_type;
  using B = typename Operands::b_type;
  using D = typename Operands::dst_type;
  using sums = tile_sums<O, MR, NV, Semiring, E, Operands, Group>;
  using operands = Operands;
  static constexpr bool segmented = is_segmented<Operands>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  static constexpr bool by_pairs = multiplies_pairs<O>;
  static constexpr bool by_lanes = lane_semiring_on<Semiring, O>;
  static constexpr int loaded = joins_vectors<O, Group> ? 2 : 1;  // vectors of B at a time
  template <int J>
  using ops_of = typename vector_ops<O, J % loaded == 1>::type;  // of vector J
  using cells = typename sums::cells;                            // I: row I / NV, vector I % NV
  using vectors = std::make_integer_sequence<int, NV>;

 public:
  /// Does the tile itself fetch the lines of dst that it will store? Else the caller does, a tile ahead.
  static constexpr bool fetches_dst = sums::fetches_dst;

  /// Runs the tile. A function of its own (never inlined), so that one binary copy serves every caller.
  [[gnu::noinline]] static void run(const operands& x, const E& e) { start(cells{}, x, e); }

  /// Runs `count` tiles, one after the other. Down: `step` is how many bytes x.prefetch moves on by, so that every tile
  /// fetches its share; 0: the first one fetches all. Across (all of K, without partial sums): `step` is the distance
  /// from a panel of B to the next; the first one fetches all.
  [[gnu::noinline]] static void run_several(const operands& x, const E& e, index count, tile_order order, index step) {
    operands y = x;
    const index nr = NV * O::lanes();
    const step_of_tiles next =
        order == tile_order::down
            ? step_of_tiles{MR * x.a_stride, 0, MR * x.partial_stride, MR * x.dst_stride, step, MR * row_step(x), 0}
            : step_of_tiles{0, step, 0, nr, 0, 0, nr};
    if constexpr (by_lanes) {
      T initial[MR * NV * O::max_lanes];
      store_initial(cells{}, initial);
      const T* const from = detail::unknown(initial);
      for (; count > 0; --count, next.move(y)) start_from(cells{}, y, e, from);
    } else {
      for (; count > 0; --count, next.move(y)) {
        if (!fetches_dst && order == tile_order::down && count > 1) sums::fetch_dst_of_next(y);
        start(cells{}, y, e);
      }
    }
  }

  /// The same, inlined into the caller: for static extents, where the constants unroll it.
  static ASHLAR_INLINE void run_inline(const operands& x, const E& e) { start(cells{}, x, e); }

 private:
  template <int... I>
  static ASHLAR_INLINE void start(seq<I...> s, const operands& x, const E& e) {
    body(s, x, e, ((void)I, Semiring::template zero<O>())...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void body(seq<I...> s, const operands& x, const E& e, Acc... sum) {
    const index tail = x.n - (NV - 1) * O::lanes();
    if (x.resume) sums::load(s, x, tail, sum...);
    work(s, x, e, tail, sum...);
  }

  // From one tile to the next. Addresses are not known to be regular: g++ would keep one a row of the tile, in memory.
  struct step_of_tiles {
    index a, b, partial, dst, prefetch, row, col;
    ASHLAR_INLINE void move(operands& y) const {
      y.a = detail::unknown(y.a + a);
      y.b = detail::unknown(y.b + b);
      y.partial = detail::unknown(y.partial + partial);
      y.dst = detail::unknown(y.dst + dst);
      y.row += row;
      y.col += col;
      y.prefetch += prefetch;
      if (prefetch == 0) y.prefetch_stride = 0;
    }
  };

  // With lane FMAs accumulators start from memory: to copy a zero to 18 registers would take the pipes of as many
  // multiply-adds, and loads have pipes to spare.
  template <int... I>
  static ASHLAR_INLINE void store_initial(seq<I...>, T* initial) {
    (O::store(initial + I * O::lanes(), Semiring::template zero<O>()), ...);
  }
  template <int... I>
  static ASHLAR_INLINE void start_from(seq<I...> s, const operands& x, const E& e, const T* initial) {
    body_from(s, x, e, initial, ((void)I, O::undefined())...);
  }
  template <int... I, class... Acc>
  static ASHLAR_INLINE void body_from(seq<I...> s, const operands& x, const E& e, const T* initial, Acc... sum) {
    const index tail = x.n - (NV - 1) * O::lanes();
    if (x.resume) [[unlikely]] {
      sums::load(s, x, tail, sum...);
    } else {
      ((sum = O::load(initial + I * O::lanes())), ...);
    }
    work(s, x, e, tail, sum...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void work(seq<I...> s, const operands& x, const E& e, index tail, Acc&... sum) {
    sums::fetch_dst(x);
    accumulate(s, x, tail, sum...);
    sums::store(s, x, e, tail, sum...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void accumulate(seq<I...> s, const operands& x, index tail, Acc&... sums) {
    const B* b = x.b;
    const char* ahead = x.prefetch;
    if constexpr (segmented) {
      const index* offset = x.a_offset;
      for (index left = x.segments; left > 0; --left) segment(s, x, x.a + *offset++, b, ahead, tail, sums...);
    } else {
      segment(s, x, x.a, b, ahead, tail, sums...);
    }
  }

  // The main loop, KU steps (or one vector of k, with lane FMAs) at a time; b and ahead move on.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void segment(seq<I...> s, const operands& x, const A* a, const B*& b, const char*& ahead,
                                    index tail, Acc&... sums) {
    row_addresses<A, MR> rows(a, x.a_stride);
    const bool nothing_to_fetch =
        __builtin_constant_p(x.prefetch == nullptr) && x.prefetch == nullptr;  // fixed extents
    index k = x.k;
    constexpr int step = unroll();
    const auto left = [&](index steps) __attribute__((always_inline)) {
      if constexpr (by_lanes) return nothing_to_fetch ? steps : detail::unknown(steps);
      return steps;
    };
    for (; by_lanes ? k > step : k >= step; k = left(k - step)) {
      if constexpr (by_lanes) {
        b = lane_steps(s, std::make_integer_sequence<int, MR>{}, rows, b, x.b_stride, x.b_group, tail, sums...);
      } else {
        steps(s, std::make_integer_sequence<int, step>{}, rows, b, x.b_stride, x.b_group, tail, sums...);
        b += step * x.b_stride;
      }
      if (!nothing_to_fetch) ahead = fetch(std::make_integer_sequence<int, step>{}, ahead, x.prefetch_stride);
      rows.advance(by_pairs && !segmented ? 2 * step : step);
    }
    if constexpr (by_lanes) {
      if (k == step) [[likely]] {
        b = lane_steps(s, std::make_integer_sequence<int, MR>{}, rows, b, x.b_stride, x.b_group, tail, sums...);
        return;
      }
    }
    if constexpr (step > 1 && !by_pairs) {
      for (; k > 0; --k) {
        steps(s, seq<0>{}, rows, b, x.b_stride, x.b_group, tail, sums...);
        rows.advance(1);
        b += x.b_stride;
      }
    }
  }

  // Bytes of a step of B. Its lines are fetched, the last one by its last byte: where rows are not aligned, its start
  // came with the panel before. A vector whose length is not known counts as a line.
  static constexpr int step_bytes = [] {
    constexpr int bytes = int(isa::facts<typename O::isa_type>::vector_bytes);
    return NV * (bytes == 0 ? 64 : bytes);
  }();

  static constexpr int unroll() {
    if constexpr (by_lanes) {
      return int(O::quad);
    } else if constexpr (by_pairs) {
      return int(O::group / O::unit);
    } else {
      return KU;
    }
  }

  // Addresses of several panels times eight steps are more than there are registers.
  static constexpr bool moves_one_address = [] {
    if constexpr (by_lanes) return Group != NV && O::quad > 4;
    return false;
  }();

  // Returns what the next steps fetch. x86 has 16 general registers, and several panels have addresses enough: one
  // moves on, where several would take those of the rows of A.
  template <int... K>
  static ASHLAR_INLINE const char* fetch(seq<K...>, const char* p, index stride) {
    constexpr auto lines = std::make_integer_sequence<int, (step_bytes + 63) / 64>{};
    if constexpr (std::is_base_of_v<isa::avx2, typename O::isa_type> || moves_one_address) {
      ((fetch_lines(lines, p), p = detail::unknown(p + stride), (void)K), ...);
      return p;
    } else {
      (fetch_lines(lines, p + K * stride), ...);
      return p + index(sizeof...(K)) * stride;
    }
  }
  template <int... L>
  static ASHLAR_INLINE void fetch_lines(seq<L...>, const char* p) {
    const auto address = reinterpret_cast<std::uintptr_t>(p);  // 0 where there is nothing to fetch
    (__builtin_prefetch(reinterpret_cast<const char*>(address + std::min(L * 64 + 63, step_bytes - 1)), 0, 2), ...);
  }

  template <int... I, int... K, class... Acc>
  static ASHLAR_INLINE void steps(seq<I...> s, seq<K...>, const row_addresses<A, MR>& rows, const B* b, index b_stride,
                                  index b_group, index tail, Acc&... sums) {
    if constexpr (by_pairs) {
      pair_step(s, std::make_integer_sequence<int, 2 * NV>{}, rows, b, b_group, sums...);
    } else {
      (step<K>(s, vectors{}, rows, b + K * b_stride, b_group, tail, sums...), ...);
    }
  }

  // g++ for AArch64 schedules before it allocates registers: it moves loads of later rows and steps up until
  // accumulators are copied (a ninth of NEON's vector instructions) or spilled. It takes no instruction across this.
  template <bool Here = true>
  static ASHLAR_INLINE void fence() {
    if constexpr (Here && std::is_base_of_v<isa::neon, typename O::isa_type>) asm volatile("");
  }

  // One k: the vectors of B are loaded once, as a second pack, then one broadcast of A a row.
  template <int K, int... I, int... J, class... Acc>
  static ASHLAR_INLINE void step(seq<I...>, seq<J...>, const row_addresses<A, MR>& rows, const B* b, index b_group,
                                 index tail, Acc&... sums) {
    [&](auto... bv) __attribute__((always_inline)) {
      ((sums = Semiring::template accumulate<ops_of<I % NV>>(O::broadcast_load(rows.template at<I / NV>(K)),
                                                             pick<I % NV>(bv...), sums),
        fence<I % NV == NV - 1>()),
       ...);
    }(load_b<J>(b, b_group, tail)...);
  }

  // One group of k. Cell (2p, j) sums the left half of the columns of vector j for the rows 2p and 2p + 1, cell
  // (2p + 1, j) the right half.
  template <int... I, int... J, class... Acc>
  static ASHLAR_INLINE void pair_step(seq<I...>, seq<J...>, const row_addresses<A, MR>& rows, const B* b, index b_group,
                                      Acc&... sums) {
    constexpr int halves = 2 * Group;
    [&](auto... bv) __attribute__((always_inline)) {
      auto a = load_pair<0>(rows);
      ((a = I % (2 * NV) == 0 ? load_pair<I / NV>(rows) : a,
        sums = Semiring::template accumulate_pair<O>(a, pick<I % NV * 2 + I / NV % 2>(bv...), sums),
        fence<I % (2 * NV) == 2 * NV - 1>()),
       ...);
    }(O::load(b + J / halves * b_group + J % halves * O::lanes())...);
  }
  // Rows of a matrix are copied two side by side, pixels are where they are.
  template <int R>
  static ASHLAR_INLINE auto load_pair(const row_addresses<A, MR>& rows) {
    if constexpr (segmented) {
      return O::load_pair(rows.template at<R>(0), rows.template at<std::min(R + 1, MR - 1)>(0));
    } else {
      return O::load_groups(rows.template at<R>(0));
    }
  }

  template <int J>
  static ASHLAR_INLINE auto load_b(const B* b, index b_group, index tail) {
    const B* const p = b + J / Group * b_group + J % Group / loaded * loaded * O::lanes();
    if constexpr (loaded == 2) {
      return O::load_two(p);
    } else if constexpr (J > 0 && requires { typename O::in_memory; }) {
      return typename O::in_memory{p};
    } else if constexpr (O::masked_memory && J == NV - 1 && std::is_same_v<B, T>) {
      return O::load_n(p, tail);
    } else {
      return O::load(p);
    }
  }

  // A vector of k of every row at once; then each k multiplies by one lane (NEON; vectors here are sized). Returns
  // where the next one starts.
  template <int... I, int... R, class... Acc>
  static ASHLAR_INLINE const B* lane_steps(seq<I...> s, seq<R...>, const row_addresses<A, MR>& rows, const B* b,
                                           index b_stride, index b_group, index tail, Acc&... sums) {
    const std::array<typename O::vec, MR> a{O::load(rows.template at<R>(0))...};
    return lane_steps(s, std::make_integer_sequence<int, O::quad>{}, a, b, b_stride, b_group, tail, sums...);
  }
  template <int... I, int... K, class... Acc>
  static ASHLAR_INLINE const B* lane_steps(seq<I...> s, seq<K...>, const std::array<typename O::vec, MR>& a, const B* b,
                                           index b_stride, index b_group, index tail, Acc&... sums) {
    if constexpr (moves_one_address) {
      ((lane_step<K>(s, vectors{}, a, b, b_group, tail, sums...), b = detail::unknown(b + b_stride), fence()), ...);
      return b;
    } else {
      ((lane_step<K>(s, vectors{}, a, b + K * b_stride, b_group, tail, sums...), fence()), ...);
      return b + index(sizeof...(K)) * b_stride;
    }
  }
  template <int K, int... I, int... J, class... Acc>
  static ASHLAR_INLINE void lane_step(seq<I...>, seq<J...>, const std::array<typename O::vec, MR>& a, const B* b,
                                      index b_group, index tail, Acc&... sums) {
    const std::array<typename O::vec, NV> bv{load_b<J>(b, b_group, tail)...};
    ((sums = Semiring::template accumulate_lane<ops_of<I % NV>, K>(a[I / NV], bv[I % NV], sums)), ...);
  }
};

}  // namespace ashlar
