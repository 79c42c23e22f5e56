// SPDX-License-Identifier: Apache-2.0
// bench/conv_gradients.cpp: Ashlar's gradients of a convolution beside the peers'.
//
// Depends on: conv_session.hpp, gradient_operands.hpp, own_gradients.hpp.
#include "conv_session.hpp"
#include "gradient_operands.hpp"
#include "own_gradients.hpp"

void bench::run_gradient(benchmark::State& state, session& s, const conv_problem& p) {
  if (p.pass == conv_pass::backward_data) return run_problem<own_backward_data, gradient_operands>(state, s, p);
  run_problem<own_backward_weights, gradient_operands>(state, s, p);
}
