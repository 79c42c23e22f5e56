// SPDX-License-Identifier: Apache-2.0
//
// tile/tile_sums.hpp: what becomes of a tile's sums: memory between K blocks, after the last one the epilogue and dst.
//
//   load    acc[r][j] = partial[r][j]
//   store   last ? dst[r][j] = epilogue(acc[r][j]) : partial[r][j] = acc[r][j]
//
// The epilogue works on the registers. On L1 (finish_rows.hpp) works a long one, one of a type that has no registers
// and, where loads cannot be masked, one of columns that do not fill a vector. Sums are function parameter packs, as in
// register_tile.hpp.
//
// Depends on: tile/{operands,column_pairs,row_pairs,finish_rows}.hpp, core/{pick,unknown}.hpp, epilogue/.
// Used by: tile/register_tile.hpp.
#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include <ashlar/core/pick.hpp>
#include <ashlar/core/unknown.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/epilogue/output.hpp>
#include <ashlar/tile/column_pairs.hpp>
#include <ashlar/tile/finish_rows.hpp>
#include <ashlar/tile/operands.hpp>
#include <ashlar/tile/row_pairs.hpp>

namespace ashlar {

/// The sums of a tile of MR rows x NV vectors, outside its loop over k. Group: vectors of a panel; `tail`:
/// columns of the last vector.
template <class O, int MR, int NV, class Semiring, class E, class Operands, int Group>
class tile_sums {
  using T = typename O::value_type;
  using D = typename Operands::dst_type;
  using out = output<O, D>;
  using sum_ops = ops<T, typename O::isa_type>;  // O may be of products
  using operands = Operands;
  template <int... I>
  using seq = std::integer_sequence<int, I...>;
  using rows = std::make_integer_sequence<int, MR>;
  using tile_vectors = std::make_integer_sequence<int, NV>;
  using pairs_of_rows = std::make_integer_sequence<int, (MR + 1) / 2>;
  static constexpr bool by_pairs = multiplies_pairs<O>;
  static constexpr bool by_lanes = lane_semiring_on<Semiring, O>;
  static constexpr bool in_range = NV == 2 && takes_range<O, D, E>;

 public:
  /// I: row I / NV, vector I % NV. Two rows by two columns at a time, cells of an odd last row have cells of no row
  /// beside them.
  using cells = std::make_integer_sequence<int, (MR + by_pairs * (MR % 2)) * NV>;

  /// Does the tile itself fetch the lines of dst that it will store? Then its rows are addressed one after the other.
  static constexpr bool fetches_dst = std::is_base_of_v<isa::neon, typename O::isa_type>;

  static ASHLAR_INLINE void fetch_dst(const operands& x) {
    if constexpr (fetches_dst) fetch_rows(rows{}, x.dst, x.dst_stride);
  }

  /// The first and the last byte of each row of the tile below.
  static ASHLAR_INLINE void fetch_dst_of_next(const operands& x) {
    const D* row = x.dst + MR * x.dst_stride;
    for (int r = 0; r < MR; ++r, row += x.dst_stride) {
      __builtin_prefetch(row, 1, 3);
      if constexpr (sizeof(D) > 1) __builtin_prefetch(row + NV * O::lanes() - 1, 1, 3);
    }
  }

  /// The sums of the K blocks before.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void load([[maybe_unused]] seq<I...> s, const operands& x, index tail, Acc&... sums) {
    ((sums = load_cell<I / NV, I % NV>(x.partial + (I / NV) * x.partial_stride, tail)), ...);
    if constexpr (by_pairs) row_pairs<O, NV>::from_rows(s, sums...);
    if constexpr (alternates_columns<O, Group>) column_pairs<O>::from_rows(s, sums...);
  }

  /// To partial, or through the epilogue to dst.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void store(seq<I...> s, const operands& x, const E& e, index tail, Acc&... sums) {
    if constexpr (by_pairs) row_pairs<O, NV>::to_rows(s, sums...);
    if constexpr (alternates_columns<O, Group>) column_pairs<O>::to_rows(s, sums...);
    const bool ragged = by_lanes ? __builtin_expect(tail != O::lanes(), 0) : tail != O::lanes();
    const bool constant = __builtin_constant_p(tail);  // of fixed extents
    if constexpr (!O::masked_memory) {
      // Branches on the number of lanes between the accumulators would take their registers.
      if (ragged && !constant)
        return x.last ? finish_from_memory(s, x, e, sums...) : store_ragged_partial(s, x, sums...);
    }
    if (!x.last) return store_partial(s, x, O::masked_memory || constant ? tail : O::lanes(), sums...);
    if constexpr (runs_long<E> || out::in_memory) return finish_from_memory(s, x, e, sums...);
    if constexpr (O::masked_memory && !std::is_same_v<typename out::expression_type, D>) {
      if (ragged) return finish_from_memory(s, x, e, sums...);  // else every cell has a loop over single elements
    }
    if (O::masked_memory || (ragged && constant)) return finish<false>(s, x, e, tail, sums...);
    if constexpr (in_range) {
      if (!may_take_range(tile_vectors{}, x, e)) [[unlikely]]
        return finish_from_memory(s, x, e, sums...);
      finish_in_range(s, x, e, sums...);
    } else if constexpr (!O::masked_memory) {
      finish<true>(s, x, e, tail, sums...);
    }
  }

 private:
  template <int... R>
  static ASHLAR_INLINE void fetch_rows(seq<R...>, const D* out, index stride) {
    ((__builtin_prefetch(out, 1, 3), out = detail::unknown(out + (R < MR - 1 ? stride : 0))), ...);
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
  static ASHLAR_INLINE void store_partial(seq<I...>, const operands& x, index tail, Acc... sums) {
    T* const partial = x.partial;  // read once: a vector store may alias x
    const index stride = x.partial_stride;
    (store_sums<I / NV, I % NV>(partial + (I / NV) * stride, sums, tail), ...);
  }
  template <int R, int J, class V>
  static ASHLAR_INLINE void store_sums(T* row, V v, index tail) {
    if constexpr (R < MR) store_cell<sum_ops, J != NV - 1>(row + J * O::lanes(), v, tail);
  }
  template <class Out, bool Whole, class To, class V>
  static ASHLAR_INLINE void store_cell(To* to, V v, index tail) {
    if constexpr (Whole) {
      Out::store(to, v);
    } else {
      Out::store_n(to, v, tail);
    }
  }

  // A long epilogue, or columns that do not fill a vector: the accumulators go to L1, a loop takes them from there.
  template <int... I, class... Acc>
  static ASHLAR_INLINE void finish_from_memory(seq<I...> s, const operands& x, const E& e, Acc... sums) {
    alignas(64) T tile[cells::size() * O::max_lanes];
    to_memory(s, tile, sums...);
    const index lanes = O::lanes(), apart = dst_vector(x, lanes);
    const index together = apart == lanes ? x.n : lanes;  // columns that lie side by side in dst
    for (index j = 0; j < x.n; j += together) {
      finish_rows<O>(e, tile + j, NV * lanes, MR, std::min(together, x.n - j), x.dst + j / lanes * apart, x.dst_stride,
                     {x.row, row_step(x), x.col + j});
    }
  }
  template <int... I, class... Acc>
  static ASHLAR_INLINE void store_ragged_partial(seq<I...> s, const operands& x, Acc... sums) {
    alignas(64) T tile[cells::size() * O::max_lanes];
    to_memory(s, tile, sums...);
    finish_rows<sum_ops>(ashlar::acc, tile, NV * O::lanes(), MR, x.n, x.partial, x.partial_stride, {});
  }
  template <int... I, class... Acc>
  static ASHLAR_INLINE void to_memory(seq<I...>, T* tile, Acc... sums) {
    (O::store(tile + I * O::lanes(), sums), ...);
  }

  struct destination {  // read once: a vector store may alias the operands
    D* dst;
    index stride, vector, row, row_step, col;
  };
  template <int I>
  static ASHLAR_INLINE D* place_of(const destination& to) {
    return to.dst + I / NV * to.stride + I % NV * to.vector;
  }

  // Bytes whose range the store takes over: 16 numbers of two rows at a time, where the epilogue would clamp eight.
  template <int... J>
  static ASHLAR_INLINE bool may_take_range(seq<J...>, const operands& x, const E& e) {
    using place = typename out::template place<true>;
    const auto takes = [&](index j) {
      return e.leaves_range(typename out::context{}, place{x.row, x.col + j, O::lanes(), x.dst});
    };
    return (takes(J * O::lanes()) && ...);
  }
  template <int... I, class... Acc>
  static ASHLAR_INLINE void finish_in_range(seq<I...>, const operands& x, const E& expression, Acc... sums) {
    const E e = expression;  // of its own: a store of bytes may alias whatever has an address
    const destination to{x.dst, x.dst_stride, dst_vector(x, O::lanes()), x.row, row_step(x), x.col};
    store_in_range(pairs_of_rows{}, to, byte_range_of<typename out::E, D>(e), unranged<I>(to, e, sums)...);
  }
  template <int I, class V>
  static ASHLAR_INLINE auto unranged(const destination& to, const E& e, V v) {
    const typename out::template place<true> at{to.row + I / NV * to.row_step, to.col + I % NV * O::lanes(), O::lanes(),
                                                place_of<I>(to)};
    return e.unranged(typename out::context{}, out::seen(e, v, at), at);
  }
  template <int... P, class Range, class... V>
  static ASHLAR_INLINE void store_in_range(seq<P...>, const destination& to, const Range& range, V... values) {
    (store_two_rows<P>(to, range, values...), ...);
  }
  // The rows 2P and 2P + 1; an odd last one alone.
  template <int P, class Range, class... V>
  static ASHLAR_INLINE void store_two_rows(const destination& to, const Range& range, V... values) {
    constexpr bool two = 2 * P + 1 < MR;
    constexpr int first = 2 * P * NV, next = two ? first + NV : first;
    const auto bytes = out::E::bytes_within(pick<first>(values...), pick<first + 1>(values...), pick<next>(values...),
                                            pick<next + 1>(values...), range);
    if (to.vector != O::lanes()) {
      store_apart<2 * P>(to, bytes);
    } else if constexpr (two) {
      out::E::store_bytes(place_of<first>(to), place_of<next>(to), bytes);
    } else {
      out::E::store_bytes(place_of<first>(to), bytes);
    }
  }
  // Vectors in blocks of channels.
  template <int R, class Bytes>
  static ASHLAR_INLINE void store_apart(const destination& to, const Bytes& bytes) {
    out::E::template store_quarter<0>(place_of<R * NV>(to), bytes);
    out::E::template store_quarter<1>(place_of<R * NV + 1>(to), bytes);
    if constexpr (R + 1 < MR) {
      out::E::template store_quarter<2>(place_of<R * NV + 2>(to), bytes);
      out::E::template store_quarter<3>(place_of<R * NV + 3>(to), bytes);
    }
  }

  // Epilogue and store; Full: the last vector is whole as well.
  template <bool Full, int... I, class... Acc>
  static ASHLAR_INLINE void finish([[maybe_unused]] seq<I...> s, const operands& x, const E& expression, index tail,
                                   Acc... sums) {
    // Its own where a store of bytes may alias whatever has an address; else it stays where it is.
    std::conditional_t<sizeof(D) == 1, const E, const E&> e = expression;
    destination to{fetches_dst ? detail::unknown(x.dst) : x.dst,
                   x.dst_stride,
                   dst_vector(x, O::lanes()),
                   x.row,
                   row_step(x),
                   x.col};
    if constexpr (sizeof(D) == 1) {
      store_all<Full>(s, to, tail, value<I / NV, I % NV, Full>(to, place_of<I>(to), e, tail, sums)...);
    } else {
      (finish_cell<I / NV, I % NV, Full>(to, e, tail, sums), ...);
    }
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
      D* const cell = row + J * to.vector;
      store_cell<out, Full || J != NV - 1>(cell, value<R, J, Full>(to, cell, e, tail, v), tail);
      // One address that moves on: g++ would compute all of them before the loop over tiles and keep them in memory.
      if constexpr (fetches_dst && J == NV - 1 && R != MR - 1) to.dst = detail::unknown(row + to.stride);
    }
  }
  // Of bytes, whose stores alias whatever has an address: after all values, so that what a column's rows share in
  // memory is loaded once.
  template <bool Full, int... I, class... V>
  static ASHLAR_INLINE void store_all(seq<I...>, const destination& to, index tail, V... values) {
    if constexpr (Full && NV == 2 && narrowing_pairs<typename out::E, D>) {
      if (to.vector == O::lanes()) return store_pairs(rows{}, to, values...);
    }
    (store_one<I / NV, (Full || I % NV != NV - 1)>(place_of<I>(to), tail, values), ...);
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
