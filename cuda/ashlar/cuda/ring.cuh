// SPDX-License-Identifier: Apache-2.0
//
// cuda/ring.cuh: a place in a ring of stages: which slot, and the phase of its barriers.
//
//   producer: wait(empty[slot], phase ^ 1), fill, full arrives       consumer: wait(full[slot], phase), read, empty
//   arrives
//
// Both sides walk the same sequence of slots and never reset it; the phase flips each time round.
//
// Depends on: core/config.hpp.   Used by: sm90_gemm.cuh.
#pragma once

#include <ashlar/core/config.hpp>
#include <cstdint>

namespace ashlar::cuda::detail {

template <int Stages>
struct ring {
  std::uint32_t slot = 0, phase = 0;

  ASHLAR_HD constexpr void advance() {
    if (++slot == Stages) slot = 0, phase ^= 1;
  }
  /// `steps` stages further, without a loop.
  ASHLAR_HD constexpr void advance(std::uint32_t steps) {
    const std::uint32_t end = slot + steps;
    phase ^= end / Stages & 1;
    slot = end % Stages;
  }
};

}  // namespace ashlar::cuda::detail
