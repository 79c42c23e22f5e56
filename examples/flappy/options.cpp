// SPDX-License-Identifier: Apache-2.0
//
// options.cpp: a table of the options, and the loop over the arguments.
#include "options.hpp"

#include <cstdlib>
#include <type_traits>
#include <variant>
#include <vector>

namespace flappy {

namespace {

struct option {
  const char *name, *help;
  std::variant<std::int64_t*, std::uint64_t*, int*, double*, std::string*> to;
};

std::vector<option> table(options& o) {
  return {{"--steps", "decisions to train for", &o.steps},
          {"--seed", "of network, games and samples", &o.seed},
          {"--threads", "of the kernels", &o.threads},
          {"--batch", "transitions of a step", &o.batch},
          {"--memory", "frames of the replay memory", &o.memory},
          {"--learn-from", "decisions before the first step", &o.learn_from},
          {"--refresh", "steps between copies to the target network", &o.refresh},
          {"--episodes", "games of an evaluation", &o.episodes},
          {"--report", "decisions between two lines of progress", &o.report},
          {"--rate", "Adam's step size", &o.rate},
          {"--discount", "of later rewards", &o.discount},
          {"--epsilon-first", "part of exploring actions at the start", &o.epsilon_first},
          {"--epsilon-last", "and at the end of the decay", &o.epsilon_last},
          {"--explore", "decisions of the decay", &o.explore},
          {"--explore-flap", "part of exploring actions that are flaps", &o.explore_flap},
          {"--load", "checkpoint to go on from", &o.load},
          {"--save", "checkpoint to write", &o.save},
          {"--curve", "file for the curve, as CSV", &o.curve},
          {"--pictures", "folder for frames of a game, as PNG", &o.pictures}};
}

std::string help(options& o) {
  std::string text = "usage: flappy [train | evaluate | compare] [--option value]...\n\n";
  for (const option& x : table(o)) {
    std::string name = x.name;
    name.resize(18, ' ');
    text += "  " + name + x.help + "\n";
  }
  return text;
}

bool assign(const option& x, const char* value) {
  char* end = nullptr;
  std::visit(
      [&](auto* to) {
        using value_type = std::remove_pointer_t<decltype(to)>;
        if constexpr (std::is_same_v<value_type, std::string>) {
          *to = value;
          end = const_cast<char*>("");
        } else if constexpr (std::is_same_v<value_type, double>) {
          *to = std::strtod(value, &end);
        } else {
          *to = static_cast<value_type>(std::strtoll(value, &end, 10));
        }
      },
      x.to);
  return end != value && *end == '\0';
}

}  // namespace

std::string parse(int count, char** arguments, options& o) {
  for (int i = 1; i < count; ++i) {
    const std::string word = arguments[i];
    if (word == "train" || word == "evaluate" || word == "compare") {
      o.command = word;
      continue;
    }
    if (word == "--compare") {
      o.command = "compare";
      continue;
    }
    bool known = false;
    for (const option& x : table(o)) {
      if (word != x.name) continue;
      known = true;
      if (++i == count || !assign(x, arguments[i])) return "flappy: " + word + " wants a value\n";
    }
    if (!known) return help(o);
  }
  return "";
}

}  // namespace flappy
