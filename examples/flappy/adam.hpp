// SPDX-License-Identifier: Apache-2.0
//
// adam.hpp: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, Algorithm 1.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "parameters.hpp"

namespace flappy {

struct adam {
  float rate = 2.5e-4f, beta1 = 0.9f, beta2 = 0.999f, epsilon = 1e-8f;
  std::int64_t steps = 0;
  std::vector<float> mean = std::vector<float>(std::size_t(layout::count));
  std::vector<float> square = std::vector<float>(std::size_t(layout::count));

  void step(parameters& p, const std::vector<float>& gradient) {
    ++steps;
    const auto t = double(steps);
    const auto mean_scale = float(1 / (1 - std::pow(double(beta1), t)));
    const auto square_scale = float(1 / (1 - std::pow(double(beta2), t)));
    for (std::size_t i = 0; i < p.size(); ++i) {
      const float g = gradient[i];
      mean[i] = beta1 * mean[i] + (1 - beta1) * g;
      square[i] = beta2 * square[i] + (1 - beta2) * (g * g);
      p[i] -= rate * (mean[i] * mean_scale) / (std::sqrt(square[i] * square_scale) + epsilon);
    }
  }
};

}  // namespace flappy
