// SPDX-License-Identifier: Apache-2.0
// bench/gemm.cpp: Ashlar's gemm beside the peers, one Google Benchmark per problem, one iteration per interleaved
// round.
//
// The counters of a benchmark are medians over the rounds: ns:NAME (with q1: and q3:, the quartiles) for every
// contender, peak_gflops and stream_gbps for what the core itself could do in these rounds. run.py makes tables of
// them.
//
// Depends on: the other headers of this folder.
#include <benchmark/benchmark.h>

#include <cstdio>

#include "machine.hpp"
#include "operands.hpp"
#include "options.hpp"
#include "own.hpp"
#include "peer_modules.hpp"
#include "timing.hpp"

#define ASHLAR_BENCH_TEXT(x) #x
#define ASHLAR_BENCH_NAME(x) ASHLAR_BENCH_TEXT(x)

namespace {
using namespace bench;

constexpr const char* isa_name = ASHLAR_BENCH_NAME(ASHLAR_BENCH_ISA_NAME);
constexpr std::size_t stream_bytes = 288u << 20;

struct session {
  options chosen;
  std::vector<peer_module> peers;
  machine speed;
  buffer<std::byte> stream = allocate<std::byte>(stream_bytes);
  std::unique_ptr<ashlar::thread_pool> pool;
  std::size_t total = 0, done = 0;
};

// What bounds this problem here: time for its multiply-adds, or for reading its operands once.
contender fma_bound(dtype type, double flops) {
  return make_contender("peak", [=] { fma_burst(type, flops); });
}
contender stream_bound(const session& s, double bytes) {
  const auto size = std::min(stream_bytes - (1u << 20), (static_cast<std::size_t>(bytes) + 2047) / 2048 * 2048);
  const read_pattern pattern = best_pattern(s.stream.get(), size);
  const std::byte* data = s.stream.get();
  auto c = make_contender("stream", [=] { benchmark::DoNotOptimize(read_stream(data, size, pattern)); });
  calibrate(c, s.chosen.sample / 2);
  c.batch = std::max(2L, c.batch);  // so that, like the others, it finds in the caches what its last pass left there
  return c;
}
bool may_be_memory_bound(const session& s, const problem& p) {
  const double memory = p.bytes() / s.speed.level(p.bytes()).rate, arithmetic = p.flops() / s.speed.fma(p.type);
  return p.bytes() >= 16384 && memory > 0.4 * arithmetic;
}

contender peer_contender(const peer_module& peer, void* state) {
  return {peer.name, peer.api->run, state, peer.api->release};
}

// Ashlar first, then every peer that takes the problem. Those that fail the check are dropped, with the reason.
template <class T>
std::vector<contender> make_contenders(const session& s, const problem& p, operands<T>& data, std::string& rejected) {
  std::vector<contender> candidates, right;
  if (s.chosen.own) add_own<T>(candidates, p, data.description(), s.pool.get());
  for (const auto& peer : s.peers) {
    if (!peer.api->supports(&data.description())) continue;
    if (void* state = peer.api->prepare(&data.description())) candidates.push_back(peer_contender(peer, state));
  }
  for (auto& c : candidates) {
    c.one_thread = s.chosen.threads == 1 || c.name() == own_serial_name;
    const std::string fault = data.check(c);
    if (fault.empty()) {
      right.push_back(std::move(c));
    } else {
      rejected += (rejected.empty() ? "" : "; ") + c.name() + ": " + fault;
    }
  }
  return right;
}

void report_counters(benchmark::State& state, const problem& p, const std::vector<contender>& all, double burst,
                     double read) {
  state.counters["flops"] = p.flops();
  state.counters["bytes"] = p.bytes();
  double disturbed = 0;
  for (const auto& c : all) {
    disturbed += c.disturbed;
    const double median = quantile(c.samples, 0.5);
    if (c.name() == "peak") {
      state.counters["peak_gflops"] = burst / median * 1e-9;
    } else if (c.name() == "stream") {
      state.counters["stream_gbps"] = read / median * 1e-9;
    } else {
      state.counters["ns:" + c.name()] = median * 1e9;
      state.counters["q1:" + c.name()] = quantile(c.samples, 0.25) * 1e9;
      state.counters["q3:" + c.name()] = quantile(c.samples, 0.75) * 1e9;
    }
  }
  state.counters["disturbed"] = disturbed;
}

void print_progress(session& s, const problem& p, const std::vector<contender>& all, double peak,
                    const std::string& rejected) {
  std::printf("[%3zu/%zu] %-44s", ++s.done, s.total, p.name().c_str());
  for (const auto& c : all) {
    if (c.name() == "peak" || c.name() == "stream") continue;
    const double rate = p.flops() / quantile(c.samples, 0.5) * 1e-9;
    std::printf("  %s %.1f (%.0f%%)", c.name().c_str(), rate, 100 * rate / peak);
  }
  std::printf("%s%s\n", rejected.empty() ? "" : "  REJECTED ", rejected.c_str());
  std::fflush(stdout);
}

template <class T>
void run_problem(benchmark::State& state, session& s, const problem& p) {
  operands<T> data(p, s.chosen.threads);
  std::string rejected;
  auto all = make_contenders(s, p, data, rejected);
  const double burst = fma_burst(p.type, 2e-4 * s.speed.fma(p.type)), read = p.bytes();
  for (auto& c : all) calibrate(c, s.chosen.sample);
  all.push_back(fma_bound(p.type, burst));
  calibrate(all.back(), s.chosen.sample / 4);
  if (may_be_memory_bound(s, p)) all.push_back(stream_bound(s, read));
  std::size_t round = 0;
  for (auto _ : state) {
    take_round(all, round++);
    state.SetIterationTime(all.front().samples.back());
  }
  report_counters(state, p, all, burst, read);
  state.SetLabel(rejected);
  print_progress(s, p, all,
                 burst / quantile(all[all.size() - (all.back().name() == "stream" ? 2 : 1)].samples, 0.5) * 1e-9,
                 rejected);
}

void report_machine(benchmark::State& state, session& s) {
  for (auto _ : state) {
    s.speed = measure_machine(s.stream.get());
    state.SetIterationTime(1);
  }
  state.counters["fma_f32_gflops"] = s.speed.fma_f32 * 1e-9;
  state.counters["fma_f64_gflops"] = s.speed.fma_f64 * 1e-9;
  for (const auto& level : s.speed.levels) state.counters[std::string("read_gbps:") + level.name] = level.rate * 1e-9;
  std::printf("machine: %.0f GFLOP/s f32, %.0f f64; reads", s.speed.fma_f32 * 1e-9, s.speed.fma_f64 * 1e-9);
  for (const auto& level : s.speed.levels) std::printf(" %s %.0f", level.name, level.rate * 1e-9);
  std::printf(" GB/s\n");
  std::fflush(stdout);
}

// Rounds of a problem whose single call is long: five are enough for a median, and 0.2 s a side is reached anyway.
int rounds_for(const session& s, const problem& p) {
  return p.flops() > 4e9 ? std::min(s.chosen.rounds, 5) : s.chosen.rounds;
}

bool is_chosen(const options& o, const problem& p) {
  return (!o.quick || p.quick) && (o.family.empty() || is_wanted(p.family, o.family)) &&
         (o.variants.empty() || is_wanted(name_of(p.form), o.variants));
}

void register_all(session& s) {
  auto machine_run = [&s](benchmark::State& state) { report_machine(state, s); };
  benchmark::RegisterBenchmark("machine/before", machine_run)->Iterations(1)->UseManualTime();
  for (const problem& p : all_problems()) {
    if (!is_chosen(s.chosen, p)) continue;
    ++s.total;
    auto run = [&s, p](benchmark::State& state) {
      p.type == dtype::f64 ? run_problem<double>(state, s, p) : run_problem<float>(state, s, p);
    };
    benchmark::RegisterBenchmark(p.name().c_str(), run)->Iterations(rounds_for(s, p))->UseManualTime();
  }
  benchmark::RegisterBenchmark("machine/after", machine_run)->Iterations(1)->UseManualTime();
}

// The tables are run.py's; on the console there is one line a problem, printed above.
struct quiet : benchmark::BenchmarkReporter {
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

}  // namespace

int main(int count, char** arguments) {
  session s;
  s.chosen = take_options(count, arguments);
  pin(s.chosen);
  clear_peer_environment(s.chosen.threads);
  fill(reinterpret_cast<float*>(s.stream.get()), stream_bytes / sizeof(float), 3);
  if (!s.chosen.list) s.peers = open_peers(s.chosen.peer_folder, isa_name, s.chosen.threads, s.chosen.peers);
  if (s.chosen.threads > 1) s.pool = std::make_unique<ashlar::thread_pool>(s.chosen.threads);
  register_all(s);
  benchmark::AddCustomContext("isa", isa_name);
  benchmark::AddCustomContext("threads", std::to_string(s.chosen.threads));
  for (const auto& peer : s.peers) benchmark::AddCustomContext("peer:" + peer.name, peer.version);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  quiet console;
  benchmark::RunSpecifiedBenchmarks(&console);
  return 0;
}
