// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_tile.cuh: the tile of a Hopper block, and what follows from it: bytes of a stage, shared memory, rows of a
// warpgroup.
//
//   one producer warpgroup fills a ring of `stages` (128 bytes of k each); two consumer warpgroups multiply:
//   cooperative   each takes half of the rows of the same tile
//   ping-pong     each takes every second tile whole, one multiplies while the other stores
//
// Depends on: core/config.hpp.   Used by: sm90_gemm.cuh, sm90_cursor.cuh, sm90_choose.cuh.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::cuda {

/// A tile of bm x bn elements of C for each block. A cluster is cluster_m blocks one below the other, which share what
/// they load of B, by cluster_n side by side, which share A. A warpgroup stores `boxes` boxes (of 64 lines of 128
/// bytes) at a time.
struct sm90_tile {
  int bm, bn;
  int stages;
  int boxes = 2;
  int cluster_m = 1, cluster_n = 1;
  bool ping_pong = false;

  ASHLAR_HD constexpr int cluster() const { return cluster_m * cluster_n; }
};

namespace detail {

inline constexpr int warpgroup = 128;     // threads
inline constexpr int sm90_consumers = 2;  // warpgroups
inline constexpr int sm90_threads = warpgroup * (1 + sm90_consumers);
inline constexpr int store_bytes = 64 * 128;  // one stored box: 64 lines of 128 bytes
inline constexpr int sm90_shared_limit = 227 * 1024;

template <sm90_tile S>
struct sm90_geometry {
  static constexpr int rows = S.ping_pong ? S.bm : S.bm / sm90_consumers;  // of a warpgroup
  static constexpr int row_blocks = rows / 64;
  static constexpr int a_bytes = S.bm * 128, b_bytes = S.bn * 128;
  static constexpr int stage_bytes = a_bytes + b_bytes;
  static constexpr int staging = S.stages * stage_bytes;  // where the stored boxes begin
  static constexpr int barriers = staging + sm90_consumers * S.boxes * store_bytes;
  static constexpr int barrier_count = 2 * S.stages + 2;                    // full, empty; turns of ping-pong
  static constexpr int shared_bytes = barriers + 8 * barrier_count + 1024;  // and room to align
  static constexpr int readers = S.ping_pong ? 1 : sm90_consumers;          // warpgroups that read a stage
  static constexpr int turn_arrivals = 4;                                   // warps that hand over a turn
  static constexpr int sharers = S.cluster_m + S.cluster_n - 1;             // blocks that read what one block loads

  static_assert(S.bm % 64 == 0 && rows % 64 == 0, "a warpgroup multiplies 64 rows at a time");
  static_assert(S.bn % 16 == 0 && S.bn <= 256, "an instruction has at most 256 columns");
  static_assert(row_blocks * S.bn <= 256, "a thread holds at most 128 accumulators");
  static_assert(S.bm / S.cluster_n % 8 == 0 && S.bn / S.cluster_m % 8 == 0,
                "a part of a tile is whole swizzled blocks");
  static_assert(shared_bytes <= sm90_shared_limit, "the stages exceed a block's shared memory");
};

}  // namespace detail
}  // namespace ashlar::cuda
