// SPDX-License-Identifier: Apache-2.0
// bench/conv.cpp: Ashlar's convolution beside the peers', bias and relu (of bytes: and requantizing) fused, weights in
// each one's own form.
//
// Counters, beside session.hpp's: net:NAME, how many layers of a network are this problem; algorithm:NAME, the value of
// Ashlar's conv_algorithm. The context holds layers:NAME/N, how many layers the whole network has at batch N, and
// algorithm:VALUE, its name.
//
// Depends on: session.hpp, conv_problems.hpp, conv_operands.hpp, own_conv.hpp.
#include "conv_operands.hpp"
#include "conv_problems.hpp"
#include "own_conv.hpp"
#include "session.hpp"

namespace {
using namespace bench;

std::optional<contender> make_peer(const std::string& name, const ashlar_peer_conv& conv,
                                   const ashlar_peer_conv_problem& p) {
  if (!conv.supports(&p)) return std::nullopt;
  void* state = conv.prepare(&p);
  if (!state) return std::nullopt;
  return contender(name, conv.run, state, conv.release, conv.result);
}

template <class Operands>
void add_peers(std::vector<conv_candidate>& all, const session& s, const Operands& data) {
  for (const auto& peer : s.peers) {
    const ashlar_peer_conv* conv = peer.api->conv;
    for (int layout : {ashlar_peer_nhwc, ashlar_peer_nchw, ashlar_peer_own_layout}) {
      if (layout == ashlar_peer_nchw && Operands::bytes) continue;                     // nobody keeps bytes so
      if (layout == ashlar_peer_own_layout && data.turns() > data.copies()) continue;  // its src is never its dst
      const std::string name = peer.name + layout_suffix(layout) + (conv->tolerant ? "~" : "");
      all.push_back({name, layout, conv->tolerant != 0,
                     [=, &data](extent turn) { return make_peer(name, *conv, data.description(layout, turn)); }, 0});
    }
  }
}

// The first of the turns is checked; the others do the same on other memory.
template <class Operands>
void admit(roster& all, const conv_candidate& candidate, Operands& data) {
  std::vector<contender> turns;
  std::string fault;
  for (extent turn = 0; turn < data.turns() && fault.empty(); ++turn) {
    auto c = candidate.make(turn);
    if (!c) return;
    if (turn == 0) fault = data.check(*c, candidate.layout, candidate.tolerant);
    turns.push_back(std::move(*c));
  }
  all.admit(in_turn(std::move(turns)), fault);
}

template <class... Elements>
void run_problem(benchmark::State& state, session& s, const conv_problem& p) {
  conv_operands<Elements...> data(p, s.chosen.threads);
  std::vector<conv_candidate> candidates;
  if (s.chosen.own) add_own_conv(candidates, data, s.pool.get());
  add_peers(candidates, s, data);
  roster all;
  for (const auto& c : candidates) admit(all, c, data);
  workload work{p.name(), p.type, p.flops(), p.bytes(), {}};
  for (const auto& c : candidates)
    if (c.algorithm) work.remarks["algorithm:" + c.name] = c.algorithm;
  for (const auto& [network, count] : p.uses) work.remarks["net:" + network] = count;
  time_all(state, s, work, std::move(all));
}

void add_problems(session& s) {
  for (extent batch : {1, 8})
    for (const network& net : networks::all(batch)) {
      const std::string size = std::to_string(net.layers().size()), of = "/" + std::to_string(batch);
      benchmark::AddCustomContext("layers:" + net.name() + of, size);
      for (const char* name : byte_networks)
        if (batch == 1 && net.name() == name) benchmark::AddCustomContext("layers:" + name_in_bytes(name) + of, size);
    }
  for_each_algorithm(
      [](int value, const char* name) { benchmark::AddCustomContext("algorithm:" + std::to_string(value), name); });
  for (const conv_problem& p : all_conv_problems()) {
    if (!s.wants(p.family(), name_of(p.form), p.quick, "warm")) continue;
    add_benchmark(s, p.name(), p.flops(), [&s, p](benchmark::State& state) {
      if (p.type == dtype::u8s8) return run_problem<std::uint8_t, std::int8_t, std::int32_t>(state, s, p);
      run_problem<float, float, float>(state, s, p);
    });
  }
}

}  // namespace

int main(int count, char** arguments) {
  const auto offers = [](const ashlar_peer& peer) { return peer.conv != nullptr; };
  return bench::run_session(count, arguments, {"conv", own_isa_name, offers, add_problems});
}
