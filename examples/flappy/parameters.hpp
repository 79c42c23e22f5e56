// SPDX-License-Identifier: Apache-2.0
//
// parameters.hpp: the network's numbers in one array, and where each layer's lie in it.
//
//   80 x 80 x 4 -> conv 8x8 / 4 -> 32 -> max pool 2x2 -> conv 4x4 / 2 -> 64 -> conv 3x3 -> 64 -> 512 -> 2
//
// One array, because Adam, checkpoints and the copy to the target network do not care about layers.
#pragma once

#include <ashlar/conv/problem.hpp>
#include <ashlar/nn/pool_problem.hpp>
#include <cmath>
#include <vector>

#include "random.hpp"
#include "replay.hpp"

namespace flappy {

using ashlar::index;

inline constexpr int actions = 2;  // fall, flap

/// The layers for a batch. PyTorch pads by 2, 1 and 1, which is what `same` comes to here.
struct architecture {
  index batch;
  ashlar::conv2d conv1{.src = {batch, frame_side, frame_side, stacked},
                       .weights = {32, 8, 8, stacked},
                       .stride = {4, 4},
                       .padding = ashlar::same};
  ashlar::pool2d pool{.src = {batch, 20, 20, 32}, .window = {2, 2}, .stride = {2, 2}};
  ashlar::conv2d conv2{
      .src = {batch, 10, 10, 32}, .weights = {64, 4, 4, 32}, .stride = {2, 2}, .padding = ashlar::same};
  ashlar::conv2d conv3{.src = {batch, 5, 5, 64}, .weights = {64, 3, 3, 64}, .padding = ashlar::same};
  static constexpr index flat = 5 * 5 * 64, hidden = 512;
};

/// A layer's part of the array: weights, then a bias for each output.
struct part {
  index weights, weight_count, bias, outputs;
};

namespace layout {
constexpr part after(index start, index inputs, index outputs) {
  return {start, inputs * outputs, start + inputs * outputs, outputs};
}
constexpr index end(const part& p) { return p.bias + p.outputs; }
// Convolutions: OHWI. Fully connected: inputs x outputs.
inline constexpr part conv1 = after(0, 8 * 8 * stacked, 32);
inline constexpr part conv2 = after(end(conv1), 4 * 4 * 32, 64);
inline constexpr part conv3 = after(end(conv2), 3 * 3 * 64, 64);
inline constexpr part fc1 = after(end(conv3), architecture::flat, architecture::hidden);
inline constexpr part fc2 = after(end(fc1), architecture::hidden, actions);
inline constexpr part all[] = {conv1, conv2, conv3, fc1, fc2};
inline constexpr index count = end(fc2);
}  // namespace layout

using parameters = std::vector<float>;  // layout::count of them

/// He et al., 2015: variance 2 / inputs for what a ReLU follows; biases zero.
inline parameters fresh_parameters(random& r) {
  parameters p(layout::count);
  for (const part& l : layout::all) {
    const double scale = std::sqrt(2.0 * double(l.outputs) / double(l.weight_count));
    for (index i = 0; i < l.weight_count; ++i) p[std::size_t(l.weights + i)] = float(scale * r.normal());
  }
  return p;
}

}  // namespace flappy
