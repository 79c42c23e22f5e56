// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/surroundings.hpp: where a call runs that says nothing of it: with caches of some size, so that any extent
// comes in blocks, some number of workers, and exactly the scratch memory that it asks for, before a guard page.
//
// What is wrong only where two options meet is found by drawing all of them for every case: packed bytes with a zero
// point and more rows than the cache holds were wrong while each was tested alone.
//
// Depends on: gemm.hpp, gemm/executors.hpp, support/guarded_matrix.hpp.   Used by: tests/gemm/, tests/conv/.
#pragma once

#include <ashlar/gemm/options.hpp>
#include <span>

#include "gemm/executors.hpp"
#include "support/guarded_matrix.hpp"

namespace ashlar::test {

struct surroundings {
  /// As a call has them by itself, where caches are `usual`, as often as not.
  surroundings(random& r, const cache_sizes& usual) : caches(usual), workers{1} {
    if (r.chance(50)) return;
    caches = {index(1) << r.between(0, 15), index(1) << r.between(0, 18)};
    workers.claimed = r.pick<index>({1, 1, 2, 3, 5, 16});
  }

  /// run(executor, caches, scratch) with bytes(executor, caches) of memory.
  template <class Bytes, class Run>
  status operator()(const Bytes& bytes, const Run& run) const {
    const std::size_t count = bytes(on(workers), caches);
    const guarded_bytes memory(count, placement::at_end);
    return run(on(workers), caches, scratch({memory.data(), count}));
  }

  cache_sizes caches;
  in_reverse workers;
};

/// Do options say it themselves?
template <class... Options>
inline constexpr bool says_surroundings =
    ((detail::is_on_executor<Options> || std::is_same_v<Options, cache_sizes> || std::is_same_v<Options, scratch>) ||
     ...);

}  // namespace ashlar::test
