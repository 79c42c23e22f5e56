// SPDX-License-Identifier: Apache-2.0
//
// options.hpp: the command line: --name value, each with its default and a line of help.
#pragma once

#include <cstdint>
#include <string>

namespace flappy {

struct options {
  std::string command = "train";  // train, evaluate, compare
  std::int64_t steps = 12000;     // decisions of the agent
  std::uint64_t seed = 1;
  int threads = 1;
  std::int64_t batch = 32, memory = 20000, learn_from = 500, refresh = 500, episodes = 20, report = 500;
  double rate = 2.5e-4, discount = 0.95, epsilon_first = 0.5, epsilon_last = 0.01, explore = 6000;
  double explore_flap = 0.15;  // how often an exploring action is a flap
  std::string load, save, curve, pictures;
};

/// Fills o; the text of what is wrong, or of --help, otherwise empty.
std::string parse(int count, char** arguments, options& o);

}  // namespace flappy
