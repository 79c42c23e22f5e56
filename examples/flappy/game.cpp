// SPDX-License-Identifier: Apache-2.0
//
// game.cpp: the motion of bird and pipes, and their picture.
#include "game.hpp"

#include <algorithm>
#include <cmath>

namespace flappy {

game::game(std::uint64_t seed, const rules& r) : rules_(r), random_(seed) { restart(); }

void game::restart() {
  y_ = frame_side / 2 - bird_size / 2, speed_ = 0;
  for (int i = 0; i < pipe_count; ++i) {
    pipes_[std::size_t(i)] = {double(frame_side - 20 + i * rules_.spacing), some_middle(), false};
  }
}

int game::some_middle() { return rules_.lowest_gap + int(random_.below(rules_.top_gap - rules_.lowest_gap + 1)); }

outcome game::step(bool flap) {
  outcome result{0.1f, false, false};
  if (flap) speed_ = -rules_.flap_speed;
  for (int tick = 0; tick < rules_.ticks && !result.crashed; ++tick) {
    speed_ += rules_.gravity;
    y_ += speed_;
    if (y_ < 0) y_ = 0, speed_ = 0;  // the ceiling stops, it does not hurt
    for (pipe& p : pipes_) {
      p.x -= rules_.pipe_speed;
      if (!p.passed && p.x + pipe_width < bird_x) p.passed = result.passed = true;
      if (p.x + pipe_width < 0) p = {p.x + pipe_count * rules_.spacing, some_middle(), false};
    }
    result.crashed = hits();
  }
  if (result.passed) result.reward = 1;
  if (result.crashed) result.reward = -1;
  return result;
}

bool game::hits() const {
  if (y_ + bird_size > frame_side) return true;
  return std::any_of(pipes_.begin(), pipes_.end(), [&](const pipe& p) {
    const bool beside = p.x < bird_x + bird_size && p.x + pipe_width > bird_x;
    const double half = rules_.gap / 2.0;
    return beside && (y_ < p.middle - half || y_ + bird_size > p.middle + half);
  });
}

void game::draw(frame& f) const {
  f.fill(0);
  const auto box = [&](int x0, int y0, int x1, int y1, std::uint8_t grey) {
    for (int y = std::max(0, y0); y < std::min(frame_side, y1); ++y)
      for (int x = std::max(0, x0); x < std::min(frame_side, x1); ++x) f[std::size_t(y * frame_side + x)] = grey;
  };
  for (const pipe& p : pipes_) {
    const int x = int(std::lround(p.x));
    box(x, 0, x + pipe_width, p.middle - rules_.gap / 2, 130);
    box(x, p.middle + rules_.gap / 2, x + pipe_width, frame_side, 130);
  }
  const int y = int(std::lround(y_));
  box(bird_x, y, bird_x + bird_size, y + bird_size, 255);
}

}  // namespace flappy
