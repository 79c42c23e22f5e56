// SPDX-License-Identifier: Apache-2.0
// bench/timing.hpp: interleaved rounds. In each round every contender is timed once, for about `sample` seconds, the
// first one being another each time (A B C, B C A, C A B ...): a disturbance or a change of the clock meets all of
// them.
//
// Depends on: contender.hpp.   Used by: session.cpp.
#pragma once
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "contender.hpp"

namespace bench {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

inline double time_calls(const contender& c, long calls) {
  const double start = seconds();
  for (long i = 0; i < calls; ++i) c();
  return seconds() - start;
}

// How many calls make a sample. Doubles until the clock's own cost (about 30 ns) is under a thousandth.
inline void calibrate(contender& c, double sample) {
  long calls = 1;
  double spent = time_calls(c, calls);
  while (spent < std::min(sample, 5e-5)) spent = time_calls(c, calls *= 2);
  c.batch = std::max(1L, std::lround(sample / (spent / double(calls))));
}

// Processor time of this program, all its threads: it falls behind the clock when another program is given the core.
inline double processor_seconds() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

// One sample: a call that brings the operands back to where this contender keeps them, then the timed ones. On one
// thread, a sample that lost the core for more than 2 % of its time is taken again; where that does not help, its
// processor time counts.
inline void take_sample(contender& c) {
  double spent = 0;
  for (int attempt = 0; attempt < 4; ++attempt) {
    if (c.batch > 1) c();
    const double before = processor_seconds();
    spent = time_calls(c, c.batch);
    const double used = processor_seconds() - before;
    if (!c.one_thread || used > 0.98 * spent) break;
    ++c.disturbed;
    spent = used;
  }
  c.samples.push_back(spent / double(c.batch));
}

inline void take_round(const std::vector<contender*>& all, std::size_t round) {
  for (std::size_t i = 0; i < all.size(); ++i) take_sample(*all[(i + round) % all.size()]);
}

inline double quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = q * double(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const auto high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - double(low));
}

}  // namespace bench
