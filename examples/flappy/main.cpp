// SPDX-License-Identifier: Apache-2.0
//
// main.cpp: flappy train | evaluate | compare: learns to play Flappy Bird from pixels, shows how well it plays, and
// measures a step beside PyTorch's.
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

#include "agent.hpp"
#include "checkpoint.hpp"
#include "learner.hpp"
#include "options.hpp"
#include "png.hpp"

namespace flappy {
namespace {

constexpr std::int64_t longest_game = 2000;  // decisions of an evaluation's game: some 130 pipes

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

score evaluate(const options& o, const parameters& p, ashlar::thread_pool& pool) {
  network net(1, pool);
  net.use(p);
  int number = 0;
  const auto watch = [&](const frame& f, int) {
    if (!o.pictures.empty() && number < 400 && number++ % 8 == 0) {
      char name[32];
      std::snprintf(name, sizeof name, "/frame_%03d.png", number / 8);
      if (!write_png(o.pictures + name, f.data(), frame_side, frame_side, 3)) std::perror(o.pictures.c_str());
    }
  };
  return play(o.episodes, longest_game, o.seed + 77, [&](const float* state) { return greedy(net, state); }, watch);
}

// A flap with this probability, whatever is to be seen.
score evaluate_random(const options& o, double flap) {
  random r(o.seed + 5);
  return play(
      std::max<std::int64_t>(200, o.episodes), longest_game, o.seed + 77,
      [&](const float*) { return r.uniform() < flap ? 1 : 0; }, [](const frame&, int) {});
}

void print(const char* who, const score& s) {
  std::printf("%s: %.2f pipes a game (best %d), %.0f decisions; %d games reached the limit\n", who, s.pipes, s.best,
              s.decisions, s.unfinished);
}

// Sums since the last line of progress.
struct progress {
  double loss = 0, reward = 0, began = seconds();
  std::int64_t pipes = 0, crashes = 0, learned = 0, decisions = 0;
};

void report(std::int64_t step, double epsilon, progress& p, std::FILE* curve) {
  const double loss = p.loss / double(std::max<std::int64_t>(1, p.learned)), took = seconds() - p.began;
  std::printf("decision %6" PRId64 "  epsilon %.3f  loss %.5f  reward %7.2f  pipes %3" PRId64 "  crashes %3" PRId64
              "  %.1f steps/s\n",
              step, epsilon, loss, p.reward, p.pipes, p.crashes, double(p.decisions) / took);
  std::fflush(stdout);
  if (curve) {
    std::fprintf(curve, "%" PRId64 ",%.4f,%.6f,%.2f,%" PRId64 ",%" PRId64 ",%.2f\n", step, epsilon, loss, p.reward,
                 p.pipes, p.crashes, took);
    std::fflush(curve);
  }
  p = {};
}

int train(const options& o, ashlar::thread_pool& pool) {
  random r(o.seed);
  learner l(o.batch, fresh_parameters(r), float(o.discount), pool);
  l.optimizer.rate = float(o.rate);
  if (!o.load.empty()) {
    if (!checkpoint::load(o.load, l.online, l.optimizer)) {
      std::fprintf(stderr, "flappy: %s is no checkpoint of this network\n", o.load.c_str());
      return 1;
    }
    l.refresh();
  }
  std::FILE* const curve = o.curve.empty() ? nullptr : std::fopen(o.curve.c_str(), "w");
  if (curve) std::fprintf(curve, "decision,epsilon,loss,reward,pipes,crashes,seconds\n");

  network player(1, pool);
  replay_memory memory(o.memory);
  transitions batch(o.batch);
  std::vector<float> state(state_elements);
  game g(o.seed);
  frame f;
  bool first = true;
  progress since;
  for (std::int64_t step = 1; step <= o.steps; ++step) {
    g.draw(f);
    memory.see(f, first);
    memory.current(state.data());
    const double decay = std::min(1.0, double(step) / o.explore);
    const double epsilon = o.epsilon_first + (o.epsilon_last - o.epsilon_first) * decay;
    int action = 0;
    if (r.uniform() < epsilon) {
      action = r.uniform() < o.explore_flap;
    } else {
      player.use(l.online);
      action = greedy(player, state.data());
    }
    const outcome result = g.step(action == 1);
    memory.act(action, result.reward, result.crashed);
    since.reward += double(result.reward), since.pipes += result.passed, since.crashes += result.crashed;
    ++since.decisions;
    first = result.crashed;
    if (result.crashed) g.restart();

    if (step > o.learn_from) {
      memory.sample(r, batch);
      since.loss += double(l.step(batch));
      ++since.learned;
      if (l.optimizer.steps % o.refresh == 0) l.refresh_target();
    }
    if (step % o.report == 0 || step == o.steps) {
      report(step, epsilon, since, curve);
      if (!o.save.empty() && !checkpoint::save(o.save, l.online, l.optimizer)) {
        std::perror(o.save.c_str());
        return 1;
      }
    }
  }
  if (curve) std::fclose(curve);
  print("random, half of it flaps", evaluate_random(o, 0.5));
  print("random, as it explored", evaluate_random(o, o.explore_flap));
  print("trained", evaluate(o, l.online, pool));
  return 0;
}

int evaluate_checkpoint(const options& o, ashlar::thread_pool& pool) {
  parameters p;
  adam a;
  if (!checkpoint::load(o.load, p, a)) {
    std::fprintf(stderr, "flappy: evaluate wants --load and a checkpoint of this network; '%s' is none\n",
                 o.load.c_str());
    return 1;
  }
  print("random, half of it flaps", evaluate_random(o, 0.5));
  print("random, as it explored", evaluate_random(o, o.explore_flap));
  print("trained", evaluate(o, p, pool));
  return 0;
}

// The step of training alone: sampled batch in, new parameters out.
int compare(const options& o, ashlar::thread_pool& pool) {
  random r(o.seed);
  learner l(o.batch, fresh_parameters(r), float(o.discount), pool);
  transitions batch(o.batch);
  for (float& x : batch.states) x = float(r.uniform());
  for (float& x : batch.next_states) x = float(r.uniform());
  for (std::size_t i = 0; i < batch.actions.size(); ++i) batch.actions[i] = int(i & 1), batch.continues[i] = 1;
  for (int i = 0; i < 10; ++i) (void)l.step(batch);
  double best = 1e9;  // the fastest of all: the machine may have other work
  for (const double began = seconds(); seconds() - began < 5;) {
    const double start = seconds();
    (void)l.step(batch);
    best = std::min(best, seconds() - start);
  }
  std::printf("ashlar:  %6.1f steps/s, batch %" PRId64 ", %d threads\n", 1 / best, o.batch, o.threads);
  std::fflush(stdout);
  const std::string command = "python3 '" FLAPPY_SOURCE_FOLDER "/compare_torch.py' --batch " + std::to_string(o.batch) +
                              " --threads " + std::to_string(o.threads);
  return std::system(command.c_str()) == 0 ? 0 : 1;
}

}  // namespace
}  // namespace flappy

int main(int count, char** arguments) {
  using namespace flappy;
  options o;
  const std::string wrong = parse(count, arguments, o);
  if (!wrong.empty()) {
    std::fputs(wrong.c_str(), stderr);
    return 2;
  }
  ashlar::thread_pool pool(o.threads);
  if (o.command == "evaluate") return evaluate_checkpoint(o, pool);
  if (o.command == "compare") return compare(o, pool);
  return train(o, pool);
}
