// SPDX-License-Identifier: Apache-2.0
// bench/cuda/peer_cudnn.cuh: cuDNN's forward convolutions as contenders, epilogue fused.
//
//   cudnn_first   the first plan of its heuristic that can be built
//   cudnn         the fastest of all plans that its heuristics list and that need at most 1 GiB
//
// Depends on: conv_problem.hpp.   Used by: conv.cu.
#pragma once
#include "conv_problem.hpp"

namespace bench {

std::vector<conv_contender> cudnn_contenders();

}  // namespace bench
