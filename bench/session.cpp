// SPDX-License-Identifier: Apache-2.0
// bench/session.cpp: one run of the benchmark, whatever its suite.
#include "session.hpp"

#include <cstdio>

#include "timing.hpp"

namespace bench {
namespace {

constexpr std::size_t stream_bytes = 288u << 20;

// What bounds a problem here: time for its multiply-adds, or for reading its operands once.
struct bounds {
  double burst, read;  // flops and bytes of one call
  contender peak;
  std::vector<contender> stream;  // none where arithmetic binds for certain
};

contender stream_bound(const session& s, std::size_t size) {
  const read_pattern pattern = best_pattern(s.stream.get(), size);
  const std::byte* data = s.stream.get();
  auto c = make_contender("stream", [=] { benchmark::DoNotOptimize(read_stream(data, size, pattern)); });
  calibrate(c, s.chosen.sample / 2);
  c.batch = std::max(2L, c.batch);  // so that, like the others, it finds in the caches what its last pass left there
  return c;
}

bool may_be_memory_bound(const session& s, const workload& w) {
  const double memory = w.bytes / s.speed.level(w.bytes).rate, arithmetic = w.flops / s.speed.fma(w.type);
  return w.bytes >= 16384 && memory > 0.4 * arithmetic;
}

bounds make_bounds(const session& s, const workload& w) {
  const double burst = fma_burst(w.type, 2e-4 * s.speed.fma(w.type));
  const std::size_t size =
      std::min(stream_bytes - (1u << 20), (static_cast<std::size_t>(w.bytes) + 2047) / 2048 * 2048);
  bounds b{burst, double(size), make_contender("peak", [=, type = w.type] { fma_burst(type, burst); }), {}};
  calibrate(b.peak, s.chosen.sample / 4);
  if (may_be_memory_bound(s, w)) b.stream.push_back(stream_bound(s, size));
  return b;
}

double median(const contender& c) { return quantile(c.samples, 0.5); }

void report_counters(benchmark::State& state, const workload& w, const std::vector<contender>& all, const bounds& b) {
  state.counters["flops"] = w.flops;
  state.counters["bytes"] = w.bytes;
  for (const auto& [name, value] : w.remarks) state.counters[name] = value;
  double disturbed = 0;
  for (const auto& c : all) {
    disturbed += c.disturbed;
    state.counters["ns:" + c.name()] = median(c) * 1e9;
    state.counters["q1:" + c.name()] = quantile(c.samples, 0.25) * 1e9;
    state.counters["q3:" + c.name()] = quantile(c.samples, 0.75) * 1e9;
  }
  state.counters["peak_gflops"] = b.burst / median(b.peak) * 1e-9;
  if (!b.stream.empty()) state.counters["stream_gbps"] = b.read / median(b.stream.front()) * 1e-9;
  state.counters["disturbed"] = disturbed;
}

void print_progress(session& s, const workload& w, const roster& all, double peak) {
  std::printf("[%3zu/%zu] %-44s", ++s.done, s.total, w.name.c_str());
  for (const auto& c : all.right) {
    const double rate = w.flops / median(c) * 1e-9;
    std::printf("  %s %.1f (%.0f%%)", c.name().c_str(), rate, 100 * rate / peak);
  }
  std::printf("%s%s\n", all.rejected.empty() ? "" : "  REJECTED ", all.rejected.c_str());
  std::fflush(stdout);
}

void report_machine(benchmark::State& state, session& s) {
  for (auto _ : state) {
    s.speed = measure_machine(s.stream.get());
    state.SetIterationTime(1);
  }
  state.counters["fma_f32_gflops"] = s.speed.fma_f32 * 1e-9;
  state.counters["fma_f64_gflops"] = s.speed.fma_f64 * 1e-9;
  state.counters["dot_u8s8_gops"] = s.speed.dot_u8s8 * 1e-9;
  state.counters["dot_bf16_gflops"] = s.speed.dot_bf16 * 1e-9;
  for (const auto& level : s.speed.levels) state.counters[std::string("read_gbps:") + level.name] = level.rate * 1e-9;
  std::printf("machine: %.0f GFLOP/s f32, %.0f f64, %.0f u8s8; reads", s.speed.fma_f32 * 1e-9, s.speed.fma_f64 * 1e-9,
              s.speed.dot_u8s8 * 1e-9);
  for (const auto& level : s.speed.levels) std::printf(" %s %.0f", level.name, level.rate * 1e-9);
  std::printf(" GB/s\n");
  std::fflush(stdout);
}

// The tables are run.py's; on the console there is one line a problem, printed above.
struct quiet : benchmark::BenchmarkReporter {
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

}  // namespace

bool session::wants(const std::string& family, const char* variant, bool quick, const char* usual) const {
  const std::string variants = chosen.variants.empty() ? usual : chosen.variants;
  return (!chosen.quick || quick) && (chosen.family.empty() || is_wanted(family, chosen.family)) &&
         is_wanted(variant, variants);
}

void roster::admit(contender c, const std::string& fault) {
  if (fault.empty()) {
    right.push_back(std::move(c));
  } else {
    rejected += (rejected.empty() ? "" : "; ") + c.name() + ": " + fault;
  }
}

void time_all(benchmark::State& state, session& s, const workload& work, roster all) {
  for (auto& c : all.right) {
    c.one_thread = s.chosen.threads == 1 || c.name() == own_serial_name;
    calibrate(c, s.chosen.sample);
  }
  bounds b = make_bounds(s, work);
  std::vector<contender*> timed;
  for (auto& c : all.right) timed.push_back(&c);
  timed.push_back(&b.peak);
  for (auto& c : b.stream) timed.push_back(&c);
  std::size_t round = 0;
  for (auto _ : state) {
    take_round(timed, round++);
    state.SetIterationTime(timed.front()->samples.back());
  }
  report_counters(state, work, all.right, b);
  state.SetLabel(all.rejected);
  print_progress(s, work, all, b.burst / median(b.peak) * 1e-9);
}

int run_session(int count, char** arguments, const suite& suite) {
  session s;
  s.chosen = take_options(count, arguments);
  pin(s.chosen);
  clear_peer_environment(s.chosen.threads);
  if (!s.chosen.list) {
    s.stream = allocate<std::byte>(stream_bytes);
    fill(reinterpret_cast<float*>(s.stream.get()), stream_bytes / sizeof(float), 3);
    s.peers = open_peers(s.chosen.peer_folder, suite.isa, s.chosen.threads, s.chosen.peers, suite.offers);
  }
  if (s.chosen.threads > 1) s.pool = std::make_unique<ashlar::thread_pool>(s.chosen.threads);
  auto machine_run = [&s](benchmark::State& state) { report_machine(state, s); };
  benchmark::RegisterBenchmark("machine/before", machine_run)->Iterations(1)->UseManualTime();
  suite.add_problems(s);
  benchmark::RegisterBenchmark("machine/after", machine_run)->Iterations(1)->UseManualTime();
  benchmark::AddCustomContext("suite", suite.name);
  benchmark::AddCustomContext("isa", suite.isa);
  benchmark::AddCustomContext("threads", std::to_string(s.chosen.threads));
  for (const auto& peer : s.peers) benchmark::AddCustomContext("peer:" + peer.name, peer.version);
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  quiet console;
  benchmark::RunSpecifiedBenchmarks(&console);
  return 0;
}

}  // namespace bench
