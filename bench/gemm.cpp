// SPDX-License-Identifier: Apache-2.0
// bench/gemm.cpp: Ashlar's gemm beside the peers' matrix products.
//
// Depends on: session.hpp, gemm_problems.hpp, gemm_operands.hpp, own_gemm.hpp.
#include "gemm_operands.hpp"
#include "own_gemm.hpp"
#include "session.hpp"

namespace {
using namespace bench;

// Ashlar first, then every peer that takes the problem.
template <class T, class... More>
roster make_roster(const session& s, const problem& p, operands<T, More...>& data) {
  std::vector<contender> candidates;
  if (s.chosen.own) add_own<T>(candidates, p, data.description(), s.pool.get());
  for (const auto& peer : s.peers) {
    const auto* gemm = peer.api->gemm;
    if (!gemm->supports(&data.description())) continue;
    if (void* state = gemm->prepare(&data.description()))
      candidates.emplace_back(peer.name, gemm->run, state, gemm->release);
  }
  roster all;
  for (auto& c : candidates) {
    const std::string fault = data.check(c);
    all.admit(std::move(c), fault);
  }
  return all;
}

template <class... T>
void run_problem(benchmark::State& state, session& s, const problem& p) {
  operands<T...> data(p, s.chosen.threads);
  time_all(state, s, {p.name(), p.type, p.flops(), p.bytes(), {}}, make_roster(s, p, data));
}

void add_problems(session& s) {
  for (const problem& p : all_problems()) {
    if (!s.wants(p.family, name_of(p.form), p.quick)) continue;
    add_benchmark(s, p.name(), p.flops(), [&s, p](benchmark::State& state) {
      if (p.type == dtype::u8s8) return run_problem<std::uint8_t, std::int8_t, std::int32_t>(state, s, p);
      if (p.type == dtype::bf16) return run_problem<ashlar::bf16, ashlar::bf16, float>(state, s, p);
      p.type == dtype::f64 ? run_problem<double>(state, s, p) : run_problem<float>(state, s, p);
    });
  }
}

}  // namespace

int main(int count, char** arguments) {
  const auto offers = [](const ashlar_peer& peer) { return peer.gemm != nullptr; };
  return bench::run_session(count, arguments, {"gemm", own_isa_name, offers, add_problems});
}
