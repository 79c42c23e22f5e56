// SPDX-License-Identifier: Apache-2.0
//
// core/pick.hpp: one of a pack of values.
//
// Depends on: core/config.hpp.   Used by: tile/, conv/.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar {

/// Number J of a pack.
template <int J, class First, class... Rest>
ASHLAR_INLINE constexpr auto pick(First first, [[maybe_unused]] Rest... rest) {
  if constexpr (J == 0) {
    return first;
  } else {
    return pick<J - 1>(rest...);
  }
}

}  // namespace ashlar
