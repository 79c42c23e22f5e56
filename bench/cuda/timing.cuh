// SPDX-License-Identifier: Apache-2.0
// bench/cuda/timing.cuh: interleaved replays. Each contender is a CUDA graph of launches that rotate over the buffer
// sets; in each round every graph is replayed once between two events, the first one being another each time (A B C,
// B C A, ...): a change of the clock or of the power meets all of them.
//
// All rounds are enqueued before the first wait, so that the device never idles between them: idle gaps would let its
// clock recover, and figures would flatter.
//
// Depends on: contender.hpp, device.cuh, clocks.hpp.   Used by: session.cuh, the peers' searches.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "clocks.hpp"
#include "contender.hpp"
#include "device.cuh"

namespace bench {

struct protocol {
  double seconds = 0.3;  // of the timed replays of one problem, all its contenders together
  double warm_up = 0.1;  // seconds; a search for the peers' best kernels comes before it
  int rounds = 20;       // wanted; where single launches are long, fewer, at least 5
};

inline constexpr double hang_after = 20;  // seconds: nothing here that is waited for takes as long

struct measurement {
  double median = 0, q1 = 0, q3 = 0;  // seconds a launch
  int launches = 0, rounds = 0;       // launches in a graph, graphs timed
};

inline double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double at = q * double(values.size() - 1);
  const auto low = std::size_t(at), high = std::min(low + 1, values.size() - 1);
  return values[low] + (values[high] - values[low]) * (at - double(low));
}

// `launches` launches, one after the other, as one graph.
class replay {
 public:
  replay(const launch& contender, int sets, int launches, cudaStream_t s) : launches_(launches) {
    require(contender.run(s, 0));  // outside the capture: the first launch may load modules
    require(cudaStreamSynchronize(s));
    require(cudaStreamBeginCapture(s, cudaStreamCaptureModeThreadLocal));
    cudaError_t launched = cudaSuccess;
    for (int i = 0; i < launches && launched == cudaSuccess; ++i) launched = contender.run(s, i % sets);
    owned<cudaGraph_t, cudaGraphDestroy> graph;
    const cudaError_t captured = cudaStreamEndCapture(s, graph.out());
    require(launched);
    require(captured);
    require(cudaGraphInstantiate(graph_.out(), graph.get(), 0));
    require(cudaGraphUpload(graph_.get(), s));
  }
  void enqueue(cudaStream_t s) const { require(cudaGraphLaunch(graph_.get(), s)); }
  int launches() const { return launches_; }

 private:
  owned<cudaGraphExec_t, cudaGraphExecDestroy> graph_;
  int launches_;
};

// The start and the end of one replay.
class span {
 public:
  void enqueue(const replay& r, cudaStream_t s) {
    require(cudaEventRecord(start_.get(), s));
    r.enqueue(s);
    require(cudaEventRecord(end_.get(), s));
    launches_ = r.launches();
  }
  double seconds_a_launch() const {
    float milliseconds = 0;
    require(cudaEventElapsedTime(&milliseconds, start_.get(), end_.get()));
    return 1e-3 * double(milliseconds) / launches_;
  }

 private:
  event start_ = make_event(), end_ = make_event();
  int launches_ = 1;
};

// One short timing, for estimates and for the first sieve of a search.
inline double time_once(const launch& contender, int sets, int launches, cudaStream_t s) {
  const replay graph(contender, sets, launches, s);
  span timed;
  graph.enqueue(s);
  timed.enqueue(graph, s);
  wait(s, hang_after, "a short timing");
  return timed.seconds_a_launch();
}

// Launches in a graph of a contender that takes `seconds` each. A replay starts a few microseconds after its first
// event, so it should last about a millisecond; all sets must come into it, or they would stay in L2.
inline int launches_for(double seconds, double share, int sets, int rounds) {
  const double wanted = std::clamp(1e-3 / seconds, 10.0, 100.0);
  return std::max(sets, int(std::ceil(std::min(wanted, share / rounds / seconds))));
}

inline void warm_up(const std::vector<replay>& graphs, double seconds, cudaStream_t s) {
  using clock = std::chrono::steady_clock;
  const auto end = clock::now() + std::chrono::duration<double>(seconds);
  do {
    for (const replay& g : graphs) g.enqueue(s);
    wait(s, hang_after, "the warm-up");
  } while (clock::now() < end);
}

// Enqueues `rounds` rounds, then waits for the last; returns the spans of graph g at [g].
inline std::vector<std::vector<span>> run_rounds(const std::vector<replay>& graphs, int rounds, clocks* log,
                                                 cudaStream_t s) {
  std::vector<std::vector<span>> spans;
  for (std::size_t g = 0; g < graphs.size(); ++g) spans.emplace_back(std::size_t(rounds));
  for (std::size_t r = 0; r < std::size_t(rounds); ++r)
    for (std::size_t i = 0; i < graphs.size(); ++i) {
      const std::size_t g = (i + r) % graphs.size();
      spans[g][r].enqueue(graphs[g], s);
    }
  while (log && log->available() && cudaStreamQuery(s) == cudaErrorNotReady) {
    log->sample();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  wait(s, hang_after, "the timed replays");
  return spans;
}

inline measurement summary(const std::vector<span>& spans, int launches) {
  std::vector<double> seconds;
  for (const span& one : spans) seconds.push_back(one.seconds_a_launch());
  return {quantile(seconds, 0.5), quantile(seconds, 0.25), quantile(seconds, 0.75), launches, int(spans.size())};
}

inline std::vector<measurement> time_interleaved(const std::vector<launch>& all, int sets, const protocol& how,
                                                 clocks* log, cudaStream_t s) {
  std::vector<replay> graphs;
  double round = 0;  // seconds
  for (const launch& one : all) {
    const double estimate = std::max(time_once(one, sets, 2, s), 5e-7);
    const int launches = launches_for(estimate, how.seconds / double(all.size()), sets, how.rounds);
    graphs.emplace_back(one, sets, launches, s);
    round += estimate * launches;
  }
  if (graphs.empty()) return {};
  warm_up(graphs, how.warm_up, s);
  const int rounds = std::clamp(int(how.seconds / round), std::min(5, how.rounds), 5 * how.rounds);
  const auto spans = run_rounds(graphs, rounds, log, s);
  std::vector<measurement> results;
  for (std::size_t g = 0; g < graphs.size(); ++g) results.push_back(summary(spans[g], graphs[g].launches()));
  return results;
}

}  // namespace bench
