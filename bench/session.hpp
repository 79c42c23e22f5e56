// SPDX-License-Identifier: Apache-2.0
// bench/session.hpp: what every suite shares: options, peers, the machine's speed, and one Google Benchmark per problem
// with one iteration per interleaved round.
//
// The counters of a benchmark are medians over the rounds: ns:NAME (with q1: and q3:, the quartiles) for every
// contender, peak_gflops and stream_gbps for what the core itself could do in these rounds. run.py makes tables of
// them.
//
// Depends on: contender.hpp, machine.hpp, options.hpp, peer_modules.hpp, values.hpp.   Used by: gemm.cpp, conv.cpp.
#pragma once
#include <benchmark/benchmark.h>

#include <ashlar/core/executors/thread_pool.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "contender.hpp"
#include "machine.hpp"
#include "options.hpp"
#include "peer_modules.hpp"
#include "values.hpp"

namespace bench {

struct session {
  options chosen;
  std::vector<peer_module> peers;
  machine speed;
  buffer<std::byte> stream;  // what the read bandwidth is measured on
  std::unique_ptr<ashlar::thread_pool> pool;
  std::size_t total = 0, done = 0;

  // Is it among the problems that the options ask for? Without --variant, `usual` is.
  bool wants(const std::string& family, const char* variant, bool quick, const char* usual = "all") const;
};

// A problem, as far as timing it goes.
struct workload {
  std::string name;
  dtype type;
  double flops, bytes;                    // bytes: every operand once
  std::map<std::string, double> remarks;  // become counters
};

// Those that compute the problem rightly are timed; of the others, the reason.
struct roster {
  std::vector<contender> right;
  std::string rejected;

  void admit(contender c, const std::string& fault);
};

// Times everything in the roster, round by round, beside what bounds the problem on this core.
void time_all(benchmark::State& state, session& s, const workload& work, roster all);

// Registers the benchmark of one problem; run(state) prepares its contenders and calls time_all.
template <class Run>
void add_benchmark(session& s, const std::string& name, double flops, Run run) {
  ++s.total;
  // Where a single call is long, five rounds are enough for a median, and 0.2 s a side is reached anyway.
  const int rounds = flops > 4e9 ? std::min(s.chosen.rounds, 5) : s.chosen.rounds;
  benchmark::RegisterBenchmark(name.c_str(), run)->Iterations(rounds)->UseManualTime();
}

// The executable: options, pinning, peers, the machine before and after, and between them what the suite registers.
// With --list, for --benchmark_list_tests, none of that but the names.
struct suite {
  const char* name;
  const char* isa;
  peer_filter offers;
  void (*add_problems)(session&);
};
int run_session(int count, char** arguments, const suite& suite);

}  // namespace bench
