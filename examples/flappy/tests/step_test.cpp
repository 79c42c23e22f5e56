// SPDX-License-Identifier: Apache-2.0
//
// step_test.cpp: one training step, every gradient, both of Adam's moments and every new parameter, against double
// precision; and what a checkpoint gives back.
#include <cstdio>

#include "../checkpoint.hpp"
#include "reference_step.hpp"

namespace flappy {
namespace {

int failures = 0;

// Says how near the worst of `got` comes to its tolerance.
template <class Want>
void check(const char* what, const std::vector<float>& got, const Want& want) {
  double worst = 0, squares = 0, tolerances = 0;
  std::size_t at = 0, wrong = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto [value, tolerance] = want(i);
    const double error = std::abs(double(got[i]) - value);
    if (!(error <= tolerance)) ++wrong;
    if (error > worst * tolerance) worst = error / tolerance, at = i;
    squares += value * value, tolerances += tolerance * tolerance;
  }
  // Tolerances that let anything pass would be no test.
  const double size = std::sqrt(tolerances / squares);
  const bool passed = wrong == 0 && size < 0.01;
  std::printf(
      "%-10s %zu numbers: worst %.3f of its tolerance (number %zu), %zu beyond; tolerances are %.1e of the whole: %s\n",
      what, got.size(), worst, at, wrong, size, passed ? "passed" : "FAILED");
  failures += !passed;
}

struct expected {
  double value, tolerance;
};

transitions some_transitions(random& r, index count) {
  transitions t(count);
  for (float& x : t.states) x = float(r.below(256)) / 255;
  for (float& x : t.next_states) x = float(r.below(256)) / 255;
  for (std::size_t i = 0; i < t.actions.size(); ++i) {
    t.actions[i] = int(r.below(2)), t.rewards[i] = float(r.uniform()), t.continues[i] = i % 3 ? 1.f : 0.f;
  }
  return t;
}

void check_step(index batch, int threads) {
  std::printf("batch %lld, %d threads\n", (long long)batch, threads);
  random r(7);
  ashlar::thread_pool pool(threads);
  parameters start = fresh_parameters(r);
  for (const part& l : layout::all)
    for (index i = 0; i < l.outputs; ++i) start[std::size_t(l.bias + i)] = float(0.1 * r.normal());
  const float discount = 0.95f;
  learner l(batch, start, discount, pool);
  l.target = fresh_parameters(r);
  const parameters target = l.target;
  l.refresh_target_weights();
  for (float& x : l.optimizer.mean) x = float(1e-3 * r.normal());
  for (float& x : l.optimizer.square) x = float(1e-5 * r.uniform());
  l.optimizer.steps = 2;
  const adam before = l.optimizer;
  const transitions t = some_transitions(r, batch);
  (void)l.step(t);

  using reference::u;
  const reference::numbers g = reference::step_gradient(t, start, target, discount);
  for (const part& p : layout::all) {
    const auto first = std::size_t(p.weights);
    const std::vector<float> got(l.gradient.begin() + p.weights, l.gradient.begin() + p.bias + p.outputs);
    check("gradient", got, [&](std::size_t i) { return expected{g[first + i].value, g[first + i].tolerance()}; });
  }
  // Adam: three roundings of each term at most.
  const double b1 = double(before.beta1), b2 = double(before.beta2);
  const double c1 = double(1 - before.beta1), c2 = double(1 - before.beta2);
  check("mean", l.optimizer.mean, [&](std::size_t i) {
    const double old = b1 * double(before.mean[i]), fresh = c1 * g[i].value;
    return expected{old + fresh, c1 * g[i].tolerance() + 3 * u * (std::abs(old) + std::abs(fresh))};
  });
  check("square", l.optimizer.square, [&](std::size_t i) {
    const double old = b2 * double(before.square[i]), fresh = c2 * g[i].value * g[i].value, e = g[i].tolerance();
    return expected{old + fresh, c2 * e * (2 * std::abs(g[i].value) + e) + 4 * u * (old + fresh)};
  });
  // New parameters from the moments as they were computed: eight roundings of the change, one of the result.
  check("parameter", l.online, [&](std::size_t i) {
    const double mean = double(l.optimizer.mean[i]) / (1 - std::pow(b1, 3)),
                 square = double(l.optimizer.square[i]) / (1 - std::pow(b2, 3));
    const double change = double(before.rate) * mean / (std::sqrt(square) + double(before.epsilon));
    return expected{double(start[i]) - change,
                    8 * u * std::abs(change) + u * (std::abs(double(start[i])) + std::abs(change))};
  });
}

void check_checkpoint(const std::string& path) {
  random r(3);
  const parameters p = fresh_parameters(r);
  adam a;
  a.steps = 11, a.mean[5] = 2.5f, a.square.back() = 0.25f;
  parameters read;
  adam b;
  const bool same = checkpoint::save(path, p, a) && checkpoint::load(path, read, b) && read == p && b.steps == 11 &&
                    b.mean == a.mean && b.square == a.square;
  std::FILE* const cut = std::fopen(path.c_str(), "r+b");
  const bool damaged = cut && std::fwrite("X", 1, 1, cut) == 1 && std::fclose(cut) == 0;
  const bool refused = damaged && !checkpoint::load(path, read, b) && read == p;
  std::remove(path.c_str());
  std::printf("checkpoint: %s\n", same && refused ? "passed" : "FAILED");
  failures += !(same && refused);
}

}  // namespace
}  // namespace flappy

int main(int count, char** arguments) {
  flappy::check_step(3, 1);
  flappy::check_step(2, 3);
  flappy::check_checkpoint(count > 1 ? arguments[1] : "flappy_step_test.checkpoint");
  return flappy::failures ? 1 : 0;
}
