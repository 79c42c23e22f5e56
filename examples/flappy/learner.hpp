// SPDX-License-Identifier: Apache-2.0
//
// learner.hpp: one step of deep Q-learning (Mnih et al., 2015): a batch of transitions in, better parameters out.
//
//   loss = mean of huber(Q(s, a) - y),   y = r + discount * max over a' of Q_target(s', a'), or r after a crash
#pragma once

#include <algorithm>
#include <cmath>

#include "adam.hpp"
#include "network.hpp"
#include "replay.hpp"

namespace flappy {

class learner {
 public:
  learner(index batch, const parameters& start, float discount, ashlar::thread_pool& pool)
      : online(start),
        target(start),
        gradient(start.size()),
        discount_(discount),
        online_network_(batch, pool),
        target_network_(batch, pool),
        q_gradient_(std::size_t(batch * actions)) {
    online_network_.use(online);
    target_network_.use(target);
  }

  /// Forward, backward, Adam. Returns the loss.
  float step(const transitions& batch) {
    const float loss = compute_gradient(batch);
    optimizer.step(online, gradient);
    online_network_.use(online);
    return loss;
  }

  /// Fills `gradient` and changes nothing else.
  float compute_gradient(const transitions& batch) {
    const index count = online_network_.batch();
    const float* const next = target_network_.forward(batch.next_states.data());
    const float* const q = online_network_.forward(batch.states.data());
    std::fill(q_gradient_.begin(), q_gradient_.end(), 0.f);
    float loss = 0;
    for (index i = 0; i < count; ++i) {
      const auto at = std::size_t(i);
      const float y = batch.rewards[at] + batch.continues[at] * discount_ * std::max(next[2 * i], next[2 * i + 1]);
      const index chosen = actions * i + batch.actions[at];
      const float error = q[chosen] - y, size = std::abs(error);
      loss += size <= 1 ? error * error / 2 : size - 0.5f;
      q_gradient_[std::size_t(chosen)] = std::clamp(error, -1.f, 1.f) / float(count);
    }
    online_network_.backward(batch.states.data(), q_gradient_.data(), gradient);
    return loss / float(count);
  }

  /// After `online` was changed from outside: both networks become it.
  void refresh() {
    online_network_.use(online);
    refresh_target();
  }
  /// The target network becomes the online one.
  void refresh_target() {
    target = online;
    refresh_target_weights();
  }
  /// After `target` was changed from outside.
  void refresh_target_weights() { target_network_.use(target); }

  adam optimizer;
  parameters online, target;
  std::vector<float> gradient;

 private:
  float discount_;
  network online_network_, target_network_;
  std::vector<float> q_gradient_;
};

}  // namespace flappy
