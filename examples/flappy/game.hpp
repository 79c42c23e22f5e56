// SPDX-License-Identifier: Apache-2.0
//
// game.hpp: a small Flappy Bird: a bird that falls, flaps, and has to pass between pipes. 80 x 80 grey pixels.
//
// Everything follows from the seed. A decision lasts two ticks, so that the agent sees every second frame.
#pragma once

#include <array>
#include <cstdint>

#include "random.hpp"

namespace flappy {

inline constexpr int frame_side = 80;
inline constexpr int frame_pixels = frame_side * frame_side;
using frame = std::array<std::uint8_t, frame_pixels>;  // row by row, 0 is the sky

/// The rules, in pixels and ticks.
struct rules {
  double gravity = 0.35, flap_speed = 2.4, pipe_speed = 1.5;
  int gap = 30;                       // between the two halves of a pipe
  int spacing = 45;                   // from pipe to pipe
  int lowest_gap = 22, top_gap = 58;  // where the middle of a gap may be, from the top
  int ticks = 2;                      // in one decision
};

struct outcome {
  float reward;  // 0.1 alive, 1 for a pipe, -1 for the end
  bool crashed, passed;
};

class game {
 public:
  static constexpr int bird_x = 16, bird_size = 6, pipe_width = 10, pipe_count = 3;

  explicit game(std::uint64_t seed, const rules& r = {});
  /// A new episode: bird in the middle, fresh pipes. The sequence of pipes goes on from the seed.
  void restart();
  outcome step(bool flap);
  void draw(frame& f) const;

 private:
  struct pipe {
    double x;
    int middle;
    bool passed;
  };
  int some_middle();
  bool hits() const;

  rules rules_;
  random random_;
  double y_ = 0, speed_ = 0;
  std::array<pipe, pipe_count> pipes_{};
};

}  // namespace flappy
