// SPDX-License-Identifier: Apache-2.0
// bench/cuda/options.hpp: what the command line may say.
//
// Used by: session.cuh.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <string>

#include "timing.cuh"

namespace bench {

struct options {
  std::string filter = "", json = "";
  protocol timing;
  bool warm = false, list = false, peers = true;

  bool wants(const std::string& name) const { return std::regex_search(name, std::regex(filter)); }
};

inline const char* usage =
    "  --filter=REGEX    only the problems whose name it finds (--list shows the names)\n"
    "  --json=FILE       results, written anew after each problem\n"
    "  --seconds=0.3     of timed replays for each problem\n"
    "  --warm_up=0.1     seconds before them\n"
    "  --rounds=20       interleaved rounds wanted\n"
    "  --warm            one buffer set: operands may stay in L2\n"
    "  --no_peers        Ashlar's kernels alone\n"
    "  --list            names only\n";

inline const char* value_of(const char* argument, const char* name) {
  const auto length = std::strlen(name);
  return std::strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : nullptr;
}

inline bool take(options& o, const char* argument) {
  if (const char* v = value_of(argument, "--filter")) return o.filter = v, true;
  if (const char* v = value_of(argument, "--json")) return o.json = v, true;
  if (const char* v = value_of(argument, "--seconds")) return o.timing.seconds = std::atof(v), true;
  if (const char* v = value_of(argument, "--warm_up")) return o.timing.warm_up = std::atof(v), true;
  if (const char* v = value_of(argument, "--rounds")) return o.timing.rounds = std::max(1, std::atoi(v)), true;
  if (!std::strcmp(argument, "--warm")) return o.warm = true;
  if (!std::strcmp(argument, "--list")) return o.list = true;
  if (!std::strcmp(argument, "--no_peers")) return o.peers = false, true;
  return false;
}

// False, after saying so, where an argument is not known.
inline bool take_options(options& o, int count, char** arguments) {
  for (int i = 1; i < count; ++i)
    if (!take(o, arguments[i])) {
      std::fprintf(stderr, "%s: unknown argument '%s'\n%s", arguments[0], arguments[i], usage);
      return false;
    }
  return true;
}

}  // namespace bench
