// SPDX-License-Identifier: Apache-2.0
// bench/conv_session.hpp: one problem of the conv suite: its contenders, those that are right, and their times.
//
// The convolution and its gradients are two translation units, which compile side by side: each has kernels enough.
//
// Depends on: session.hpp, conv_tensors.hpp, own_conv.hpp.   Used by: conv.cpp, conv_gradients.cpp.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "conv_tensors.hpp"
#include "own_conv.hpp"
#include "session.hpp"

namespace bench {

// A gradient (conv_gradients.cpp).
void run_gradient(benchmark::State& state, session& s, const conv_problem& p);

inline std::optional<contender> make_peer(const std::string& name, const ashlar_peer_conv& conv,
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

// Own: what Ashlar computes of the operands.
template <class Own, class Operands>
void run_problem(benchmark::State& state, session& s, const conv_problem& p) {
  Operands data(p, s.chosen.threads);
  std::vector<conv_candidate> candidates;
  if (s.chosen.own) add_own_conv<Own>(candidates, data, s.pool.get());
  add_peers(candidates, s, data);
  roster all;
  for (const auto& c : candidates) admit(all, c, data);
  workload work{p.name(), p.type, p.flops(), p.bytes(), {}};
  for (const auto& c : candidates)
    if (c.algorithm) work.remarks["algorithm:" + c.name] = c.algorithm;
  for (const auto& [network, count] : p.uses) work.remarks["net:" + network] = count;
  time_all(state, s, work, std::move(all));
}

}  // namespace bench
