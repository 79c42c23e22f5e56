// SPDX-License-Identifier: Apache-2.0
// bench/options.hpp: the executable's own options; what it does not know is left to Google Benchmark. run.py sets all
// of them.
#pragma once
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace bench {

struct options {
  std::string peers = "all", peer_folder = ".", family = "", variants = "";
  int threads = 1, core = -1, rounds = 11;
  double sample = 0.02;  // seconds a contender in one round
  bool quick = false, own = true, list = false;
};

inline const char* value_of(const char* argument, const char* name) {
  const auto length = std::strlen(name);
  return std::strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : nullptr;
}

// Takes one argument into `o`; false when it is not ours.
inline bool take(options& o, const char* argument) {
  if (const char* v = value_of(argument, "--peers")) return o.peers = v, true;
  if (const char* v = value_of(argument, "--peer_folder")) return o.peer_folder = v, true;
  if (const char* v = value_of(argument, "--family")) return o.family = v, true;
  if (const char* v = value_of(argument, "--variant")) return o.variants = v, true;
  if (const char* v = value_of(argument, "--threads")) return o.threads = std::atoi(v), true;
  if (const char* v = value_of(argument, "--core")) return o.core = std::atoi(v), true;
  if (const char* v = value_of(argument, "--rounds")) return o.rounds = std::atoi(v), true;
  if (const char* v = value_of(argument, "--sample_ms")) return o.sample = std::atof(v) * 1e-3, true;
  if (!std::strcmp(argument, "--quick")) return o.quick = true;
  if (!std::strcmp(argument, "--no_own")) return o.own = false, true;
  if (!std::strcmp(argument, "--list")) return o.list = true;
  return false;
}

inline options take_options(int& count, char** arguments) {
  options o;
  int kept = 1;
  for (int i = 1; i < count; ++i)
    if (!take(o, arguments[i])) arguments[kept++] = arguments[i];
  count = kept;
  if (o.threads < 1) o.threads = 1;
  if (o.rounds < 3) o.rounds = 3;
  return o;
}

// Stays on `core`, or with several threads on as many cores from it on. Before any library is loaded: their threads
// inherit it.
inline void pin(const options& o) {
  if (o.core < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int t = 0; t < o.threads; ++t) CPU_SET(o.core + t, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) std::perror("could not pin the benchmark to its core");
}

}  // namespace bench
