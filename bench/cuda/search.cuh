// SPDX-License-Identifier: Apache-2.0
// bench/cuda/search.cuh: the fastest of many kernels that a library offers for one problem: each is timed over five
// launches, the best three again by the full protocol. One that fails, or that two launches show to be half again as
// slow as the best so far, is out.
//
// Depends on: timing.cuh.   Used by: peer_cublaslt.cu, peer_cudnn.cu.
#pragma once
#include <optional>

#include "timing.cuh"

namespace bench {

inline std::optional<double> sieve_time(const launch& candidate, int sets, double best, cudaStream_t s) try {
  const double first = time_once(candidate, sets, 2, s);
  return first > 1.5 * best ? first : time_once(candidate, sets, 5, s);
} catch (const failure&) {
  static_cast<void>(cudaGetLastError());
  return std::nullopt;
}

// The position of the fastest in `candidates`, or nothing where none of them runs.
inline std::optional<std::size_t> fastest(const std::vector<launch>& candidates, int sets, cudaStream_t s) {
  std::vector<std::pair<double, std::size_t>> times;
  double best = 1e9;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (const auto t = sieve_time(candidates[i], sets, best, s)) {
      times.emplace_back(*t, i);
      best = std::min(best, *t);
    }
  if (times.empty()) return std::nullopt;
  std::sort(times.begin(), times.end());
  times.resize(std::min<std::size_t>(times.size(), 3));
  std::vector<launch> finalists;
  for (const auto& [t, i] : times) finalists.push_back(candidates[i]);
  const auto measured = time_interleaved(finalists, sets, {.seconds = 0.1, .warm_up = 0.02, .rounds = 10}, nullptr, s);
  std::size_t winner = 0;
  for (std::size_t f = 1; f < measured.size(); ++f)
    if (measured[f].median < measured[winner].median) winner = f;
  return times[winner].second;
}

}  // namespace bench
