// SPDX-License-Identifier: Apache-2.0
//
// cuda/tile_order.cuh: in which order blocks take the tiles of C, so that those at work together share operands in L2.
//
//   `group` rows of tiles are walked column by column, then the next `group` rows; then the next matrix of the batch
//
// Depends on: core/config.hpp.   Used by: the GEMM kernels.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar::cuda::detail {

/// A tile of C: its row and column of tiles, and the matrix of the batch.
struct tile_place {
  int m, n, batch;
};

struct tile_order {
  int rows, cols;  // tiles of one matrix
  int group;
  int batch;

  ASHLAR_HD constexpr int count() const { return rows * cols * batch; }

  ASHLAR_HD constexpr tile_place operator[](int tile) const {
    const int each = rows * cols, inside = tile % each;
    const int first = inside / (group * cols) * group;
    const int height = rows - first < group ? rows - first : group;
    const int place = inside % (group * cols);
    return {first + place % height, place / height, tile / each};
  }
};

}  // namespace ashlar::cuda::detail
