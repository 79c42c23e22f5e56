// SPDX-License-Identifier: Apache-2.0
//
// replay.hpp: what the agent has seen: a ring of frames with the action taken at each and what came of it.
//
// A state is the last four frames of its episode; they are kept once and put together when they are asked for:
// 6.4 kB a step instead of 51.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "game.hpp"
#include "random.hpp"

namespace flappy {

inline constexpr int stacked = 4;
inline constexpr int state_elements = frame_pixels * stacked;  // NHWC: the four frames of a pixel are its channels

/// A batch of transitions, ready for the network.
struct transitions {
  explicit transitions(std::int64_t count)
      : states(std::size_t(count * state_elements)),
        next_states(std::size_t(count * state_elements)),
        actions(std::size_t(count)),
        rewards(std::size_t(count)),
        continues(std::size_t(count)) {}
  std::vector<float> states, next_states;
  std::vector<int> actions;
  std::vector<float> rewards, continues;  // continues: 0 after a crash, else 1
};

class replay_memory {
 public:
  explicit replay_memory(std::int64_t capacity) : slots_(std::size_t(capacity)), frames_(std::size_t(capacity)) {}

  /// The next frame; `first` of an episode. Then the state that ends with it may be read.
  void see(const frame& f, bool first) {
    if (count_ > 0) newest_ = (newest_ + 1) % capacity();
    count_ = std::min(count_ + 1, capacity());
    const std::int64_t age = first ? 0 : slot(newest_ - 1).age + 1;
    slots_[std::size_t(newest_)] = {age, 0, 0, false};
    frames_[std::size_t(newest_)] = f;
  }
  /// What was done at the newest frame, and what came of it.
  void act(int action, float reward, bool crashed) {
    entry& s = slots_[std::size_t(newest_)];
    s.action = action, s.reward = reward, s.crashed = crashed;
  }

  /// The state that ends with the newest frame, in [0, 1].
  void current(float* state) const { read(newest_, state); }

  /// A uniform sample of transitions; more than eight frames have been seen.
  void sample(random& r, transitions& batch) const {
    const std::int64_t oldest = count_ < capacity() ? 0 : newest_ + 1;
    for (std::size_t i = 0; i < batch.actions.size(); ++i) {
      // Not the newest, which has no successor yet, and not the oldest three, whose past is overwritten.
      const std::int64_t at = (oldest + stacked - 1 + r.below(count_ - stacked)) % capacity();
      const entry& s = slots_[std::size_t(at)];
      read(at, &batch.states[i * state_elements]);
      read(s.crashed ? at : (at + 1) % capacity(), &batch.next_states[i * state_elements]);
      batch.actions[i] = s.action, batch.rewards[i] = s.reward, batch.continues[i] = s.crashed ? 0.f : 1.f;
    }
  }
  [[nodiscard]] std::int64_t size() const { return count_; }
  [[nodiscard]] std::int64_t capacity() const { return std::int64_t(slots_.size()); }

 private:
  struct entry {
    std::int64_t age;  // frames since the episode began
    int action;
    float reward;
    bool crashed;
  };
  [[nodiscard]] const entry& slot(std::int64_t i) const { return slots_[std::size_t((i + capacity()) % capacity())]; }

  // Before an episode's fourth frame its first one stands in.
  void read(std::int64_t at, float* state) const {
    const std::uint8_t* from[stacked];
    for (int i = 0; i < stacked; ++i) {
      const std::int64_t back = std::min<std::int64_t>(stacked - 1 - i, slot(at).age);
      from[i] = frames_[std::size_t((at - back + capacity()) % capacity())].data();
    }
    for (int p = 0; p < frame_pixels; ++p)
      for (int i = 0; i < stacked; ++i) state[p * stacked + i] = float(from[i][p]) * (1.f / 255);
  }

  std::vector<entry> slots_;
  std::vector<frame> frames_;
  std::int64_t newest_ = 0, count_ = 0;
};

}  // namespace flappy
