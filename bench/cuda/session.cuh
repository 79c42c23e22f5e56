// SPDX-License-Identifier: Apache-2.0
// bench/cuda/session.cuh: one run of a suite: problem by problem, every contender prepared, checked, timed beside the
// others, and reported.
//
// A check fills C with NaN, launches once, and compares with the first contender's C. A contender that fails is a row
// with the reason; after an error that the device does not recover from, or a kernel that hangs, the run ends there,
// and the JSON file has what came before.
//
// Depends on: options.hpp, operands.cuh, compare.cuh, report.hpp.   Used by: gemm.cu, conv.cu.
#pragma once
#include <cstdlib>

#include "compare.cuh"
#include "operands.cuh"
#include "options.hpp"
#include "report.hpp"

namespace bench {

inline constexpr int skipped = 77;  // CTest's and Automake's exit status for a test that could not run

struct session {
  explicit session(const options& o) : chosen(o) {}

  options chosen;
  cudaDeviceProp device = device_properties();
  stream queue = make_stream();
  clocks log{bus_id().c_str()};
  std::vector<result> results;
  bool wrong = false;  // one of Ashlar's kernels was

  std::string title() const {
    return std::string(device.name) + ", " + std::to_string(device.multiProcessorCount) + " SM, L2 " +
           std::to_string(device.l2CacheSize >> 20) + " MiB";
  }
  static std::string bus_id() {
    char text[32] = "";
    require(cudaDeviceGetPCIBusId(text, sizeof text, 0));
    return text;
  }
};

// Some errors (an illegal address) leave a device that runs nothing any more: the end of the session.
inline void require_device_alive(const std::string& problem, const outcome& last) {
  if (cudaDeviceSynchronize() != cudaSuccess)
    throw failure("the device is lost after " + problem + ", " + last.name + ": " + last.fault);
}

// The contenders of one problem that took it, with what is known of them.
struct roster {
  std::vector<outcome> outcomes;
  std::vector<launch> launches;
  device_memory reference;  // the first one's result

  void check(outcome& o, const launch& l, const operand_memory& memory, const operand_shape& shape, cudaStream_t s) {
    void* c = memory.get().sets[0].c;
    require(cudaMemsetAsync(c, 0xff, memory.result_bytes(), s));  // NaN, and -1 in integers
    require(l.run(s, 0));
    wait(s, hang_after, o.name);
    if (!reference.get()) {
      reference = allocate(memory.result_bytes());
      require(cudaMemcpyAsync(reference.get(), c, memory.result_bytes(), cudaMemcpyDeviceToDevice, s));
    }
    o.distance = distance(c, reference.get(), shape.output, shape.c, s);
  }

  template <class Problem>
  void admit(const contender_for<Problem>& c, bool peer, const Problem& p, const operand_memory& memory,
             cudaStream_t s) {
    outcome o;
    o.name = c.name, o.peer = peer;
    launch l;
    try {
      if (!c.prepare(p, memory.get(), l)) return;
      o.note = l.note;
      check(o, l, memory, p.operands(), s);
      launches.push_back(std::move(l));
    } catch (const std::exception& e) {
      o.fault = e.what();
      static_cast<void>(cudaGetLastError());
    }
    outcomes.push_back(std::move(o));
    require_device_alive(p.name(), outcomes.back());
  }
};

template <class Problem>
using contenders = std::vector<contender_for<Problem>>;

template <class Problem>
result measure(session& s, const std::string& name, const Problem& p, const contenders<Problem>& peers,
               const contenders<Problem>& own) {
  const operand_shape shape = p.operands();
  const int sets = s.chosen.warm ? 1 : sets_beyond_l2(shape, std::size_t(s.device.l2CacheSize));
  const operand_memory memory(shape, sets, s.queue.get());
  roster all;
  if (s.chosen.peers)
    for (const auto& c : peers) all.admit(c, true, p, memory, s.queue.get());
  for (const auto& c : own) all.admit(c, false, p, memory, s.queue.get());
  s.log.reset();
  const auto times = time_interleaved(all.launches, sets, s.chosen.timing, &s.log, s.queue.get());
  std::size_t next = 0;
  for (outcome& o : all.outcomes)
    if (o.fault.empty()) o.time = times[next++];
  return {name, p.flops(),        double(shape.bytes()), tolerance_of(p),
          sets, s.log.mean_mhz(), s.log.mean_watts(),    std::move(all.outcomes)};
}

template <class Problem>
void run_problem(session& s, const std::string& name, const Problem& p, const contenders<Problem>& peers,
                 const contenders<Problem>& own) {
  result r = measure(s, name, p, peers, own);
  for (const outcome& o : r.outcomes) s.wrong |= !o.peer && (!o.fault.empty() || !r.right(o));
  print_table(r);
  s.results.push_back(std::move(r));
  write_json(s.chosen.json, s.title(), s.results);
}

template <class Problem>
struct listed {
  std::string family;
  Problem problem;

  std::string name() const { return family + "/" + problem.name(); }
};

// The executable of one suite. `peers` and `own` are functions: without a device none of them is called.
template <class Problem>
int run_suite(int count, char** arguments, const std::vector<listed<Problem>>& problems, contenders<Problem> (*peers)(),
              contenders<Problem> (*own)()) try {
  options chosen;
  if (!take_options(chosen, count, arguments)) return EXIT_FAILURE;
  std::vector<listed<Problem>> wanted;
  for (const auto& l : problems)
    if (chosen.wants(l.name())) wanted.push_back(l);
  if (chosen.list) {
    for (const auto& l : wanted) std::puts(l.name().c_str());
    return EXIT_SUCCESS;
  }
  if (const std::string why = missing_device(); !why.empty()) {
    std::printf("skipped: no device for this benchmark: %s\n", why.c_str());
    return skipped;
  }
  session s(chosen);
  print_heading(s.title());
  const auto theirs = peers();
  const auto ours = own();
  for (const auto& l : wanted) run_problem(s, l.name(), l.problem, theirs, ours);
  return s.wrong ? EXIT_FAILURE : EXIT_SUCCESS;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s: %s\n", arguments[0], e.what());
  return EXIT_FAILURE;
}

}  // namespace bench
