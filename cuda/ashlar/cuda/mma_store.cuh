// SPDX-License-Identifier: Apache-2.0
//
// cuda/mma_store.cuh: the sums of a warp, finished by the epilogue and stored in whole rows.
//
//   16 rows of the warp's tile at a time:   registers -> a strip of shared memory, the warp's own -> registers, in the
//   order of C: a lane takes four neighbours of a row (one, where C's rows are not aligned), finishes and stores them
//
// A fragment has two neighbours of a row a lane, and of 8-bit types scattered ones. Through the strip every store of C
// is of 4 elements, 128 bytes or more of a row together; and the expression is one loop's body, not 128 copies.
//
// Depends on: fragment.cuh, epilogue.cuh, convert.cuh.   Used by: mma_block.cuh.
#pragma once

#include <ashlar/cuda/convert.cuh>
#include <ashlar/cuda/device_code.cuh>
#include <ashlar/cuda/epilogue.cuh>
#include <ashlar/cuda/fragment.cuh>
#include <ashlar/cuda/unroll.cuh>
#include <cstdint>

namespace ashlar::cuda::detail {

/// 16 rows of Width sums. A pitch of 8 words more than a multiple of 32 keeps the stores of fragments free of
/// conflicts: the 16 lanes of a phase write pairs of words in 4 rows.
template <int Width>
struct store_strip {
  static constexpr int pitch = 4 * (Width + 8);
  static constexpr int bytes = 16 * pitch;

  static ASHLAR_INLINE constexpr int offset(int row, int column) { return row * pitch + 4 * column; }
};

/// The same matrix `distance` elements further on.
template <class T, index R, index C, index RS, index CS>
ASHLAR_INLINE constexpr matrix_view<T, R, C, RS, CS> shifted(const matrix_view<T, R, C, RS, CS>& v, index distance) {
  return {v.data() + distance, v.rows(), v.cols(), v.row_stride(), v.col_stride()};
}

/// May four neighbours of a row, the first in a column that is a multiple of four, be stored at once?
template <any_matrix C>
ASHLAR_INLINE bool stores_four(const C& c) {
  constexpr int bytes = 4 * sizeof(typename C::value_type);
  const bool aligned =
      reinterpret_cast<std::uintptr_t>(c.data()) % bytes == 0 && (c.row_stride() % 4 == 0 || c.rows() == 1);
  return c.col_stride() == 1 && aligned && bytes <= 16;
}

/// The bits of a number of 32 bits. A function of its own: nvcc 13.0 fails on __builtin_bit_cast of a reference.
template <class To, class From>
ASHLAR_INLINE To bits_as(From x) {
  return __builtin_bit_cast(To, x);
}

/// Row i of blocks of a warp's sums, into the strip.
template <class Config, class Warp>
ASHLAR_DEVICE void fill_strip(const typename Config::sums& sum, int i, std::uint32_t strip, int lane) {
  using shape = store_strip<Config::warp_n>;
  constexpr bool rows = interleaved<typename Config::tile_a>, columns = interleaved<typename Config::tile_b>;
  ASHLAR_UNROLL_ALL
  for (int j = 0; j < Config::blocks_n; ++j) {
    ASHLAR_UNROLL_ALL
    for (int s = 0; s < 4; ++s) {
      // Two neighbours of a row: of one half, or one of each half where they are interleaved.
      const int h = s & 1, first = s & 2, second = columns ? first + h : first + 1;
      const auto& x = columns ? sum.at[i][j][0][second] : sum.at[i][j][h][first];
      const auto& y = columns ? sum.at[i][j][1][second] : sum.at[i][j][h][second];
      const std::uint32_t pair[2] = {bits_as<std::uint32_t>(x), bits_as<std::uint32_t>(y)};
      const int column =
          columns ? accumulator_column<true>(lane, 0, second) : accumulator_column<false>(lane, h, first);
      const int offset = shape::offset(accumulator_row<rows>(lane, first), 16 * j + column);
      Warp::store_words(strip + std::uint32_t(offset), pair);
    }
  }
}

/// x as an element of C, by the machine's conversion where there is one.
template <class D, class T>
ASHLAR_DEVICE D stored_one(T x) {
  return __builtin_bit_cast(element_pair<D>, packed<D>(x, x)).low;
}

/// Four neighbours as the words of C.
template <class D, class T>
ASHLAR_DEVICE void pack_four(std::uint32_t (&words)[sizeof(D)], const T (&x)[4]) {
  const auto low = packed<D>(x[0], x[1]), high = packed<D>(x[2], x[3]);
  if constexpr (sizeof(D) == 4) {
    words[0] = std::uint32_t(low), words[1] = std::uint32_t(low >> 32);
    words[2] = std::uint32_t(high), words[3] = std::uint32_t(high >> 32);
  } else if constexpr (sizeof(D) == 2) {
    words[0] = low, words[1] = high;
  } else {
    words[0] = std::uint32_t(low) | std::uint32_t(high) << 16;
  }
}

/// Four neighbours, or those of them that C has.
template <class Warp, class T, class C, class E>
ASHLAR_DEVICE void store_four(const T (&x)[4], const C& c, const E& e, index row, index column) {
  using D = typename C::value_type;
  T done[4];
  ASHLAR_UNROLL_ALL
  for (int i = 0; i < 4; ++i) done[i] = finished(e, x[i], c, row, column + i);
  if (column + 3 < c.cols()) {
    std::uint32_t words[sizeof(D)];
    pack_four<D>(words, done);
    Warp::store_global(c.pointer(row, column), words);
  } else {
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < 4; ++i) {
      if (column + i < c.cols()) *c.pointer(row, column + i) = stored_one<D>(done[i]);
    }
  }
}

/// Count neighbours, 4 or 1, from shared memory.
template <int Count, class Warp, class T>
ASHLAR_DEVICE void load_sums(T (&x)[Count], std::uint32_t from) {
  if constexpr (Count == 4) {
    std::uint32_t words[4];
    Warp::load_words(words, from);
    for (int i = 0; i < 4; ++i) x[i] = bits_as<T>(words[i]);
  } else {
    x[0] = bits_as<T>(Warp::load_word(from));
  }
}

/// The strip, whose first element is (row0, column0) of C, into C, Count neighbours a lane. Where the expression is
/// short, four loads are under way before the first is needed.
template <int Count, class Config, class Warp, class C, class E>
ASHLAR_DEVICE void drain_strip(std::uint32_t strip, int lane, const C& c, const E& e, index row0, index column0) {
  using T = typename mma_element<typename Config::x>::sum;
  constexpr int passes = 16 * Config::warp_n / (32 * Count), lanes = Config::warp_n / Count;  // of a row
  constexpr int at_once = runs_long<E> ? 1 : passes < 4 ? passes : 4;
  ASHLAR_UNROLL_BY(1)
  for (int pass = 0; pass < passes; pass += at_once) {
    T x[at_once][Count];
    ASHLAR_UNROLL_ALL
    for (int p = 0; p < at_once; ++p) {
      const int i = (pass + p) * 32 + lane;
      load_sums<Count, Warp>(x[p],
                             strip + std::uint32_t(store_strip<Config::warp_n>::offset(i / lanes, i % lanes * Count)));
    }
    ASHLAR_UNROLL_ALL
    for (int p = 0; p < at_once; ++p) {
      const int i = (pass + p) * 32 + lane;
      const index row = row0 + i / lanes, column = column0 + i % lanes * Count;
      if (row >= c.rows() || column >= c.cols()) continue;
      if constexpr (Count == 4) {
        store_four<Warp>(x[p], c, e, row, column);
      } else {
        *c.pointer(row, column) = stored_one<typename C::value_type>(finished(e, x[p][0], c, row, column));
      }
    }
  }
}

/// The block's tile of C, whose first element is (m0, n0). Shared memory is free for it.
template <class Config, class Warp, class C, class E>
ASHLAR_DEVICE void store_tile(const typename Config::sums& sum, const C& c, const E& e, int m0, int n0) {
  using shape = store_strip<Config::warp_n>;
  static_assert(Config::threads / 32 * shape::bytes <= Config::shared_bytes);
  const int warp = Warp::thread() / 32, lane = Warp::thread() % 32;
  const std::uint32_t strip = Warp::shared() + std::uint32_t(warp * shape::bytes);
  const index row = m0 + Config::warp_row(warp), column = n0 + Config::warp_column(warp);
  const bool four = stores_four(c);
  ASHLAR_UNROLL_ALL
  for (int i = 0; i < Config::blocks_m; ++i) {
    Warp::warp_barrier();  // the strip has been read
    fill_strip<Config, Warp>(sum, i, strip, lane);
    Warp::warp_barrier();
    if (four) {
      drain_strip<4, Config, Warp>(strip, lane, c, e, row + 16 * i, column);
    } else {
      drain_strip<1, Config, Warp>(strip, lane, c, e, row + 16 * i, column);
    }
  }
}

}  // namespace ashlar::cuda::detail
