// SPDX-License-Identifier: Apache-2.0
//
// cuda/tile_copy.cuh: the tiles of A or B, one after the other along k, from global to shared memory.
//
//   direct_copy     16 bytes at a time, in the background (cp.async): the lines of a shared tile are lines of the
//   matrix staged_copy     element by element through registers, into major::k: any strides, any alignment
//
// Both have   fetch(stage)    starts the copy of the next tile         settle(stage)    does what has to wait for it
// and write zeros where the matrix ends.
//
// Depends on: shared_tile.cuh, device_code.cuh.   Used by: mma_block.cuh.
#pragma once

#include <ashlar/cuda/device_code.cuh>
#include <ashlar/cuda/shared_tile.cuh>
#include <ashlar/cuda/unroll.cuh>
#include <cstdint>
#include <type_traits>

namespace ashlar::cuda::detail {

/// A or B transposed: element (i, j) of mn x k.
template <class T>
struct operand {
  const T* data;
  index mn_stride, k_stride;  // in elements
  int mn, k;
};

/// Which line and which chunk of a shared tile thread `thread` of Threads copies first; a pass later it copies the same
/// chunk, lines_per_pass lines further on, where the key is that of its first line ^ that of the line of thread 0.
template <class Tile, int Threads>
struct copy_plan {
  static constexpr int passes = Tile::lines * Tile::chunks / Threads;
  static constexpr int lines_per_pass = Threads / Tile::chunks;
  static_assert(Threads % Tile::chunks == 0 && passes * Threads == Tile::lines * Tile::chunks);

  static ASHLAR_INLINE constexpr bool keys_combine() {
    for (int l = 0; l < Tile::lines; ++l) {
      if (Tile::key(l) != (Tile::key(l % lines_per_pass) ^ Tile::key(l / lines_per_pass * lines_per_pass)))
        return false;
    }
    return true;
  }
  static_assert(keys_combine());
  static ASHLAR_INLINE constexpr bool passes_keep_the_key() {
    for (int l = 0; l < Tile::lines; l += lines_per_pass) {
      if (Tile::key(l) != 0) return false;
    }
    return true;
  }

  static ASHLAR_INLINE constexpr int line(int thread) { return thread / Tile::chunks; }
  static ASHLAR_INLINE constexpr int chunk(int thread) { return thread % Tile::chunks; }
};

template <class T, class Tile, int Threads, class Warp>
class direct_copy {
  using plan = copy_plan<Tile, Threads>;
  static constexpr bool k_major = Tile::order == major::k;
  static constexpr int per_chunk = 16 / Tile::size;

 public:
  static constexpr major order = Tile::order;

  ASHLAR_DEVICE direct_copy(const operand<T>& x, int mn0, int thread) {
    const int line = plan::line(thread), chunk = plan::chunk(thread);
    const int lines = k_major ? x.mn : x.k;
    // In bytes, as all below. Of one line the stride means nothing, and need not be a multiple of 16.
    const index ld = lines == 1 ? 0 : (k_major ? x.mn_stride : x.k_stride) * Tile::size;
    const int first_line = (k_major ? mn0 : 0) + line, first = (k_major ? 0 : mn0) + chunk * per_chunk;
    source_ = reinterpret_cast<const char*>(x.data) + first_line * ld + index(first) * Tile::size;
    pass_step_ = plan::lines_per_pass * ld;
    tile_step_ = k_major ? Tile::line : Tile::lines * ld;
    lines_left_ = lines - first_line;
    left_ = (k_major ? x.k : x.mn) - first;
    target_ = std::uint32_t(Tile::offset(line, chunk));
  }

  ASHLAR_DEVICE void fetch(std::uint32_t stage) {
    const char* from = source_;
    const std::uint32_t to = stage + target_;
    if (left_ >= per_chunk) {
      ASHLAR_UNROLL_ALL
      for (int pass = 0; pass < plan::passes; ++pass, from += pass_step_) {
        const int line = pass * plan::lines_per_pass;
        Warp::copy_or_clear(at_line(to, line), from, line < lines_left_);
      }
    } else {  // the end of the lines
      const int bytes = left_ > 0 ? left_ * Tile::size : 0;
      ASHLAR_UNROLL_BY(1)
      for (int pass = 0; pass < plan::passes; ++pass, from += pass_step_) {
        const int line = pass * plan::lines_per_pass;
        Warp::copy(at_line(to, line), from, line < lines_left_ ? bytes : 0);
      }
    }
    source_ += tile_step_;
    (k_major ? left_ : lines_left_) -= Tile::k;
  }
  ASHLAR_DEVICE void settle(std::uint32_t) {}

 private:
  // This thread's chunk `line` lines after the first, of which it is at `to`; stages lie on 128 bytes.
  static ASHLAR_INLINE constexpr std::uint32_t at_line(std::uint32_t to, int line) {
    const auto first = to + std::uint32_t(line * Tile::line);
    if constexpr (plan::passes_keep_the_key()) return first;
    return first ^ std::uint32_t(Tile::key(line) << 4);
  }

  const char* source_;
  index pass_step_, tile_step_;
  int lines_left_, left_;  // lines, and elements of a line, from this thread's first on
  std::uint32_t target_;
};

template <class T, class Tile, int Threads, class Warp>
class staged_copy {
  static constexpr int passes = Tile::lines * Tile::chunks / Threads;
  static constexpr int per_chunk = 16 / Tile::size, per_word = 4 / Tile::size;
  using bits = std::conditional_t<sizeof(T) == 4, std::uint32_t,
                                  std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint8_t>>;
  static_assert(Tile::order == major::k && passes * Threads == Tile::lines * Tile::chunks);

 public:
  static constexpr major order = major::k;

  ASHLAR_DEVICE staged_copy(const operand<T>& x, int mn0, int thread) : x_(x), mn0_(mn0), thread_(thread) {
    const auto distance = [](index s) { return s < 0 ? -s : s; };
    along_mn_ = distance(x.mn_stride) < distance(x.k_stride);
  }

  /// Neighbouring threads take neighbours in memory.
  static ASHLAR_INLINE constexpr chunk_place place(bool along_mn, int i) {
    return along_mn ? chunk_place{i % Tile::mn, i / Tile::mn} : chunk_place{i / Tile::chunks, i % Tile::chunks};
  }

  ASHLAR_DEVICE void fetch(std::uint32_t) {
    ASHLAR_UNROLL_ALL
    for (int pass = 0; pass < passes; ++pass) {
      const chunk_place at = place(along_mn_, thread_ + pass * Threads);
      const int mn = mn0_ + at.line, k = k0_ + at.chunk * per_chunk;
      const int there = mn < x_.mn ? x_.k - k : 0;  // elements of this chunk and beyond
      const T* from = x_.data + mn * x_.mn_stride + k * x_.k_stride;
      ASHLAR_UNROLL_ALL
      for (int w = 0; w < 4; ++w) words_[pass][w] = 0;
      ASHLAR_UNROLL_ALL
      for (int e = 0; e < per_chunk; ++e, from += x_.k_stride) {  // not e * k_stride: those would stay in registers
        if (e < there) words_[pass][e / per_word] |= word_of(*from) << (8 * Tile::size * (e % per_word));
      }
    }
    k0_ += Tile::k;
  }

  ASHLAR_DEVICE void settle(std::uint32_t stage) {
    ASHLAR_UNROLL_ALL
    for (int pass = 0; pass < passes; ++pass) {
      const chunk_place at = place(along_mn_, thread_ + pass * Threads);
      Warp::store_words(stage + std::uint32_t(Tile::offset(at.line, at.chunk)), words_[pass]);
    }
  }

 private:
  static ASHLAR_INLINE std::uint32_t word_of(T x) { return __builtin_bit_cast(bits, x); }

  operand<T> x_;
  int mn0_, thread_, k0_ = 0;
  bool along_mn_;
  std::uint32_t words_[passes][4];
};

}  // namespace ashlar::cuda::detail
