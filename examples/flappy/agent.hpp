// SPDX-License-Identifier: Apache-2.0
//
// agent.hpp: playing: a policy, the four frames it looks at, and how well it does over some games.
#pragma once

#include <algorithm>
#include <cstdint>

#include "network.hpp"
#include "replay.hpp"

namespace flappy {

/// The action of the greatest Q.
inline int greedy(network& net, const float* state) {
  const float* const q = net.forward(state);
  return q[1] > q[0] ? 1 : 0;
}

struct score {
  double pipes = 0, decisions = 0;  // of a game, on average
  int best = 0, unfinished = 0;     // pipes of the best game; games still running at the limit
};

/// Plays `games` games with choose(state), each until the crash or for `limit` decisions; watch(frame, pipes) sees
/// every frame.
template <class Choose, class Watch>
score play(std::int64_t games, std::int64_t limit, std::uint64_t seed, const Choose& choose, const Watch& watch) {
  score total;
  replay_memory seen(2 * stacked);
  std::vector<float> state(state_elements);
  frame f;
  for (std::int64_t i = 0; i < games; ++i) {
    game g(seed + std::uint64_t(i) * 1000003);
    int pipes = 0;
    bool crashed = false;
    std::int64_t decisions = 0;
    for (; !crashed && decisions < limit; ++decisions) {
      g.draw(f);
      seen.see(f, decisions == 0);
      watch(f, pipes);
      seen.current(state.data());
      const outcome o = g.step(choose(state.data()) == 1);
      pipes += o.passed;
      crashed = o.crashed;
    }
    total.pipes += double(pipes) / double(games), total.decisions += double(decisions) / double(games);
    total.best = std::max(total.best, pipes), total.unfinished += !crashed;
  }
  return total;
}

}  // namespace flappy
