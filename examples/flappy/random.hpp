// SPDX-License-Identifier: Apache-2.0
//
// random.hpp: random numbers that are the same everywhere, so that a seed names a game, a network and a training run.
#pragma once

#include <cmath>
#include <cstdint>

namespace flappy {

/// SplitMix64.
class random {
 public:
  explicit random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// In [0, 1).
  double uniform() { return double(bits() >> 11) * 0x1p-53; }
  /// In [0, count).
  std::int64_t below(std::int64_t count) { return std::int64_t(bits() % std::uint64_t(count)); }
  /// Normal, mean 0, variance 1 (Box and Muller).
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(6.283185307179586 * uniform());
  }

 private:
  std::uint64_t state_;
};

}  // namespace flappy
