// SPDX-License-Identifier: Apache-2.0
//
// cuda/shared_tile.cuh: one stage of A or B in shared memory: lines of 16-byte chunks, swizzled.
//
//   major::k    a line is one row of A (column of B), KBytes of k            major::mn   a line is one k, Mn elements
//   chunk c of line l lies at  l * line + 16 * (c ^ key(l))
//
// The eight lines that one phase of ldmatrix reads (the four of a 32-bit load) must lie in different banks. key()
// spreads them over the eight chunks of 128 bytes; where a line has only four, neighbours share 128 bytes and the key
// does the rest. tests/cuda/mma_maps_test.cpp proves it for every tile, dmma_gemm_test.cpp for those of double.
//
// Depends on: core/config.hpp.   Used by: fragment.cuh, tile_copy.cuh.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::cuda::detail {

enum class major { k, mn };

struct chunk_place {
  int line, chunk;
};

template <int Size, major Major, int Mn, int KBytes>
struct shared_tile {
  static constexpr int size = Size;  // bytes of an element
  static constexpr major order = Major;
  static constexpr int mn = Mn;
  static constexpr int k = KBytes / Size;
  static constexpr int lines = Major == major::k ? Mn : k;
  static constexpr int line = Major == major::k ? KBytes : Mn * Size;  // bytes
  static constexpr int chunks = line / 16;
  static constexpr int bytes = lines * line;
  static_assert(chunks >= 4 && (chunks & (chunks - 1)) == 0, "a line is at least 64 bytes, a power of two");
  static_assert(Size < 4 || (Size == 4 && Major == major::k) || chunks >= 8, "words spread over 128 bytes");

  static ASHLAR_INLINE constexpr int key(int l) {
    if constexpr (Size == 8 || (Major == major::mn && Size == 4)) {
      return (l & 3) << 1;  // four lines at once, two chunks of each
    } else if constexpr (Major == major::mn && Size == 1) {
      // Lines 0 1 4 5 8 9 12 13, or those two further on, at once: fragment.cuh.
      return chunks >= 8 ? (l >> 2 & 3) << 1 | (l & 1) : l >> 2 & 3;
    } else {
      return chunks >= 8 ? l & 7 : l >> 1 & 3;  // eight lines in a row
    }
  }

  static ASHLAR_INLINE constexpr int offset(int l, int chunk) { return l * line + ((chunk ^ key(l)) << 4); }
};

}  // namespace ashlar::cuda::detail
