// SPDX-License-Identifier: Apache-2.0
//
// tile/register_tile.hpp: the micro-kernel. The only file with parameter packs of vectors and folds over them.
//
//   acc[r][j] = resume ? partial[r][j] : zero
//   for k:  acc[r][j] = semiring(A(r, k), B(k, j), acc[r][j])          one fused step per k, in increasing order
//   last ? dst[r][j] = epilogue(acc[r][j]) : partial[r][j] = acc[r][j]
//
// A is read by rows (k contiguous, any distance between rows), so a row-major matrix, a block copied from a transposed
// one and the pixels of an image are all the same to it. B is read by steps of NV vectors at any distance: a packed
// panel or the rows of a row-major matrix. Accumulators are function parameter packs: an array of them goes to the
// stack with g++ 12, and SVE vectors cannot be array elements or members at all.
//
// Depends on: tile/{shape,operands,row_pairs,finish_rows}.hpp, core/row_addresses.hpp, epilogue/.   Used by: loop/.
#pragma once

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include <ashlar/core/row_addresses.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/epilogue/output.hpp>
#include <ashlar/tile/finish_rows.hpp>
#include <ashlar/tile/operands.hpp>
#include <ashlar/tile/row_pairs.hpp>
#include <ashlar/tile/shape.hpp>

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
  using out = output<O, D>;
  using sums = ops<T, typename O::isa_type>;
  using operands = Operands;
  static constexpr bool segmented = std::is_same_v<Operands, segmented_operands<A, B, T, D>>;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  // Two rows by two columns at a time: cells of an odd last row have cells of no row beside them.
  static constexpr bool by_pairs = multiplies_pairs<O>;
  using cells = std::make_integer_sequence<int, (MR + by_pairs * (MR % 2)) * NV>;  // I: row I / NV, vector I % NV
  using vectors = std::make_integer_sequence<int, NV>;
  // A semiring that can use lane FMAs says so; others broadcast.
  static constexpr bool by_lanes = [] {
    if constexpr (lane_ops<O>) {
      return requires(typename O::vec v) { Semiring::template accumulate_lane<O, 0>(v, v, v); };
    } else {
      return false;
    }
  }();

 public:
  /// Does the tile itself fetch the lines of dst that it will store? Else the caller does, a tile ahead.
  static constexpr bool fetches_dst = std::is_base_of_v<isa::neon, typename O::isa_type>;

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
      const T* const from = unknown(initial);
      for (; count > 0; --count, next.move(y)) start_from(cells{}, y, e, from);
    } else {
      for (; count > 0; --count, next.move(y)) start(cells{}, y, e);
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
  static ASHLAR_INLINE void body(seq<I...> s, const operands& x, const E& e, Acc... acc) {
    const index tail = x.n - (NV - 1) * O::lanes();
    if (x.resume) load_partial(s, x, tail, acc...);
    work(s, x, e, tail, acc...);
  }

  // From one tile to the next. Addresses are not known to be regular: g++ would keep one a row of the tile, in memory.
  struct step_of_tiles {
    index a, b, partial, dst, prefetch, row, col;
    ASHLAR_INLINE void move(operands& y) const {
      y.a = unknown(y.a + a);
      y.b = unknown(y.b + b);
      y.partial = unknown(y.partial + partial);
      y.dst = unknown(y.dst + dst);
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
  static ASHLAR_INLINE void body_from(seq<I...> s, const operands& x, const E& e, const T* initial, Acc... acc) {
    const index tail = x.n - (NV - 1) * O::lanes();
    if (x.resume) [[unlikely]] {
      load_partial(s, x, tail, acc...);
    } else {
      ((acc = O::load(initial + I * O::lanes())), ...);
    }
    work(s, x, e, tail, acc...);
  }

  // The same pointer, of which the compiler knows nothing more.
  template <class P>
  static ASHLAR_INLINE P unknown(P p) {
    asm volatile("" : "+r"(p));
    return p;
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void work(seq<I...> s, const operands& x, const E& e, index tail, Acc&... acc) {
    if constexpr (fetches_dst) fetch_rows(std::make_integer_sequence<int, MR>{}, x.dst, x.dst_stride);
    accumulate(s, x, tail, acc...);
    if constexpr (by_pairs) row_pairs<O, NV>::to_rows(s, acc...);
    if (!x.last) return store_partial(s, x, tail, acc...);
    if constexpr (runs_long<E> || out::in_memory) return finish_from_memory(s, x, e, acc...);
    const bool ragged = by_lanes ? __builtin_expect(tail != O::lanes(), 0) : tail != O::lanes();
    if constexpr (!std::is_same_v<typename out::expression_type, D>) {
      if (ragged) return finish_from_memory(s, x, e, acc...);  // else every cell has a loop over single elements
    }
    if (O::masked_memory || ragged) return finish<false>(s, x, e, tail, acc...);
    if constexpr (!O::masked_memory) finish<true>(s, x, e, tail, acc...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void accumulate(seq<I...> s, const operands& x, index tail, Acc&... acc) {
    const B* b = x.b;
    const char* ahead = x.prefetch;
    if constexpr (segmented) {
      const index* offset = x.a_offset;
      for (index left = x.segments; left > 0; --left) segment(s, x, x.a + *offset++, b, ahead, tail, acc...);
    } else {
      segment(s, x, x.a, b, ahead, tail, acc...);
    }
  }

  // The main loop, KU steps (or one vector of k, with lane FMAs) at a time; b and ahead move on.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void segment(seq<I...> s, const operands& x, const A* a, const B*& b, const char*& ahead,
                                    index tail, Acc&... acc) {
    row_addresses<A, MR> rows(a, x.a_stride);
    const bool nothing_to_fetch =
        __builtin_constant_p(x.prefetch == nullptr) && x.prefetch == nullptr;  // fixed extents
    index k = x.k;
    constexpr int step = unroll();
    const auto left = [&](index steps) __attribute__((always_inline)) {
      if constexpr (by_lanes) return nothing_to_fetch ? steps : unknown(steps);
      return steps;
    };
    for (; by_lanes ? k > step : k >= step; k = left(k - step)) {
      if constexpr (by_lanes) {
        lane_steps(s, std::make_integer_sequence<int, MR>{}, rows, b, x.b_stride, x.b_group, tail, acc...);
      } else {
        steps(s, std::make_integer_sequence<int, step>{}, rows, b, x.b_stride, x.b_group, tail, acc...);
      }
      if (!nothing_to_fetch) fetch(std::make_integer_sequence<int, step>{}, ahead, x.prefetch_stride);
      rows.advance(by_pairs && !segmented ? 2 * step : step);
      b += step * x.b_stride;
      ahead += step * x.prefetch_stride;
    }
    if constexpr (by_lanes) {
      if (k == step) [[likely]] {
        lane_steps(s, std::make_integer_sequence<int, MR>{}, rows, b, x.b_stride, x.b_group, tail, acc...);
        b += step * x.b_stride;
        return;
      }
    }
    if constexpr (step > 1 && !by_pairs) {
      for (; k > 0; --k) {
        steps(s, seq<0>{}, rows, b, x.b_stride, x.b_group, tail, acc...);
        rows.advance(1);
        b += x.b_stride;
      }
    }
  }

  // Cache lines of a step of B. A vector counts as one at least where it is wide or its length is not known.
  static constexpr int lines = [] {
    constexpr int bytes = int(isa::facts<typename O::isa_type>::vector_bytes);
    return bytes == 16 ? (NV * bytes + 63) / 64 : NV * std::max(bytes, 64) / 64;
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

  template <int... R>
  static ASHLAR_INLINE void fetch_rows(seq<R...>, const D* dst, index stride) {
    ((__builtin_prefetch(dst, 1, 3), dst = unknown(dst + (R < MR - 1 ? stride : 0))), ...);
  }

  template <int... K>
  static ASHLAR_INLINE void fetch(seq<K...>, const char* p, index stride) {
    (fetch_lines(std::make_integer_sequence<int, lines>{}, p + K * stride), ...);
  }
  template <int... L>
  static ASHLAR_INLINE void fetch_lines(seq<L...>, const char* p) {
    (__builtin_prefetch(p + L * 64, 0, 2), ...);
  }

  template <int... I, int... K, class... Acc>
  static ASHLAR_INLINE void steps(seq<I...> s, seq<K...>, const row_addresses<A, MR>& rows, const B* b, index b_stride,
                                  index b_group, index tail, Acc&... acc) {
    if constexpr (by_pairs) {
      pair_step(s, std::make_integer_sequence<int, 2 * NV>{}, rows, b, b_group, acc...);
    } else {
      (step<K>(s, vectors{}, rows, b + K * b_stride, b_group, tail, acc...), ...);
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
                                 index tail, Acc&... acc) {
    [&](auto... bv) __attribute__((always_inline)) {
      ((acc =
            Semiring::template accumulate<O>(O::broadcast_load(rows.template at<I / NV>(K)), pick<I % NV>(bv...), acc),
        fence<I % NV == NV - 1>()),
       ...);
    }(load_b<J>(b, b_group, tail)...);
  }

  // One group of k. Cell (2p, j) sums the left half of the columns of vector j for the rows 2p and 2p + 1, cell
  // (2p + 1, j) the right half.
  template <int... I, int... J, class... Acc>
  static ASHLAR_INLINE void pair_step(seq<I...>, seq<J...>, const row_addresses<A, MR>& rows, const B* b, index b_group,
                                      Acc&... acc) {
    constexpr int halves = 2 * Group;
    [&](auto... bv) __attribute__((always_inline)) {
      auto a = load_pair<0>(rows);
      ((a = I % (2 * NV) == 0 ? load_pair<I / NV>(rows) : a,
        acc = Semiring::template accumulate_pair<O>(a, pick<I % NV * 2 + I / NV % 2>(bv...), acc),
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
    const B* const p = b + J / Group * b_group + J % Group * O::lanes();
    if constexpr (O::masked_memory && J == NV - 1 && std::is_same_v<B, T>) {
      return O::load_n(p, tail);
    } else {
      return O::load(p);
    }
  }

  // A vector of k of every row at once; then each k multiplies by one lane (NEON; vectors here are sized).
  template <int... I, int... R, class... Acc>
  static ASHLAR_INLINE void lane_steps(seq<I...> s, seq<R...>, const row_addresses<A, MR>& rows, const B* b,
                                       index b_stride, index b_group, index tail, Acc&... acc) {
    const std::array<typename O::vec, MR> a{O::load(rows.template at<R>(0))...};
    lane_steps(s, std::make_integer_sequence<int, O::quad>{}, a, b, b_stride, b_group, tail, acc...);
  }
  template <int... I, int... K, class... Acc>
  static ASHLAR_INLINE void lane_steps(seq<I...> s, seq<K...>, const std::array<typename O::vec, MR>& a, const B* b,
                                       index b_stride, index b_group, index tail, Acc&... acc) {
    ((lane_step<K>(s, vectors{}, a, b + K * b_stride, b_group, tail, acc...), fence()), ...);
  }
  template <int K, int... I, int... J, class... Acc>
  static ASHLAR_INLINE void lane_step(seq<I...>, seq<J...>, const std::array<typename O::vec, MR>& a, const B* b,
                                      index b_group, index tail, Acc&... acc) {
    const std::array<typename O::vec, NV> bv{load_b<J>(b, b_group, tail)...};
    ((acc = Semiring::template accumulate_lane<O, K>(a[I / NV], bv[I % NV], acc)), ...);
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void load_partial([[maybe_unused]] seq<I...> s, const operands& x, index tail, Acc&... acc) {
    ((acc = load_cell<I / NV, I % NV>(x.partial + (I / NV) * x.partial_stride, tail)), ...);
    if constexpr (by_pairs) row_pairs<O, NV>::from_rows(s, acc...);
  }
  template <int R, int J>
  static ASHLAR_INLINE auto load_cell(const T* row, index tail) {
    if constexpr (R >= MR) {
      return Semiring::template zero<O>();
    } else if constexpr (J == NV - 1) {
      return O::load_n(row + J * O::lanes(), tail);
    } else {
      return O::load(row + J * O::lanes());
    }
  }

  template <int... I, class... Acc>
  static ASHLAR_INLINE void store_partial(seq<I...>, const operands& x, index tail, Acc... acc) {
    T* const partial = x.partial;  // read once: a vector store may alias x
    const index stride = x.partial_stride;
    (store_sums<I / NV, I % NV>(partial + (I / NV) * stride, acc, tail), ...);
  }
  template <int R, int J, class V>
  static ASHLAR_INLINE void store_sums(T* row, V v, index tail) {
    if constexpr (R < MR) store_cell<sums, J != NV - 1>(row + J * O::lanes(), v, tail);
  }
  template <class Out, bool Whole, class To, class V>
  static ASHLAR_INLINE void store_cell(To* to, V v, index tail) {
    if constexpr (Whole) {
      Out::store(to, v);
    } else {
      Out::store_n(to, v, tail);
    }
  }

  // A long epilogue: the accumulators go to L1, a loop takes them from there.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void finish_from_memory(seq<I...>, const operands& x, const E& e, Acc... acc) {
    alignas(64) T tile[cells::size() * O::max_lanes];
    const index stride = NV * O::lanes();
    (O::store(tile + (I / NV) * stride + I % NV * O::lanes(), acc), ...);
    finish_rows<O>(e, tile, stride, MR, x.n, x.dst, x.dst_stride, {x.row, row_step(x), x.col});
  }

  // Epilogue and store; Full: the last vector is whole as well.
  template <bool Full, int... I, class... Acc>
  static ASHLAR_INLINE void finish([[maybe_unused]] seq<I...> s, const operands& x, const E& expression, index tail,
                                   Acc... acc) {
    // Its own where a store of bytes may alias whatever has an address; else it stays where it is.
    std::conditional_t<sizeof(D) == 1, const E, const E&> e = expression;
    destination to{fetches_dst ? unknown(x.dst) : x.dst, x.dst_stride, x.row, row_step(x), x.col};
    if constexpr (sizeof(D) == 1) {
      store_all<Full>(s, to, tail, value<I / NV, I % NV, Full>(to, place_of<I>(to), e, tail, acc)...);
    } else {
      (finish_cell<I / NV, I % NV, Full>(to, e, tail, acc), ...);
    }
  }
  struct destination {  // read once: a vector store may alias the operands
    D* dst;
    index stride, row, row_step, col;
  };
  template <int I>
  static ASHLAR_INLINE D* place_of(const destination& to) {
    return to.dst + I / NV * to.stride + I % NV * O::lanes();
  }
  template <int R, int J, bool Full, class V>
  static ASHLAR_INLINE auto value(const destination& to, D* cell, const E& e, index tail, V v) {
    if constexpr (R >= MR) {
      return v;
    } else {
      constexpr bool whole = Full || J != NV - 1;
      const typename out::template place<whole> at{to.row + R * to.row_step, to.col + J * O::lanes(),
                                                   whole ? O::lanes() : tail, cell};
      return e.eval(typename out::context{}, out::seen(e, v, at), at);
    }
  }
  template <int R, int J, bool Full, class V>
  static ASHLAR_INLINE void finish_cell(destination& to, const E& e, index tail, V v) {
    if constexpr (R < MR) {
      D* const row = fetches_dst ? to.dst : to.dst + R * to.stride;
      D* const cell = row + J * O::lanes();
      store_cell<out, Full || J != NV - 1>(cell, value<R, J, Full>(to, cell, e, tail, v), tail);
      // One address that moves on: g++ would compute all of them before the loop over tiles and keep them in memory.
      if constexpr (fetches_dst && J == NV - 1 && R != MR - 1) to.dst = unknown(row + to.stride);
    }
  }
  // Of bytes, whose stores alias whatever has an address: after all values, so that what a column's rows share in
  // memory is loaded once.
  template <bool Full, int... I, class... V>
  static ASHLAR_INLINE void store_all(seq<I...>, const destination& to, index tail, V... values) {
    if constexpr (Full && NV == 2 && narrowing_pairs<typename out::E, D>) {
      store_pairs(std::make_integer_sequence<int, MR>{}, to, values...);
    } else {
      (store_one<I / NV, (Full || I % NV != NV - 1)>(place_of<I>(to), tail, values), ...);
    }
  }
  template <int... R, class... V>
  static ASHLAR_INLINE void store_pairs(seq<R...>, const destination& to, V... values) {
    (out::E::store_nearest(place_of<R * NV>(to), pick<R * NV>(values...), pick<R * NV + 1>(values...)), ...);
  }
  template <int R, bool Whole, class V>
  static ASHLAR_INLINE void store_one(D* cell, index tail, V v) {
    if constexpr (R < MR) store_cell<out, Whole>(cell, v, tail);
  }
};

}  // namespace ashlar
