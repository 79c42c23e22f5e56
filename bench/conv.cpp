// SPDX-License-Identifier: Apache-2.0
// bench/conv.cpp: Ashlar's convolution beside the peers', bias and relu (of bytes: and requantizing) fused, weights in
// each one's own form; and its gradients (conv_gradients.cpp).
//
// Counters, beside session.hpp's: net:NAME, how many layers of a network are this problem; algorithm:NAME, the value of
// Ashlar's conv_algorithm. The context holds layers:NAME/N, how many layers the whole network has at batch N, and
// algorithm:VALUE, its name.
//
// Depends on: conv_session.hpp, conv_problems.hpp, conv_operands.hpp, own_conv.hpp.
#include "conv_operands.hpp"
#include "conv_problems.hpp"
#include "conv_session.hpp"
#include "own_conv.hpp"

namespace {
using namespace bench;

void run(benchmark::State& state, session& s, const conv_problem& p) {
  if (p.pass != conv_pass::forward) return run_gradient(state, s, p);
  using floats = conv_operands<float, float, float>;
  using bytes = conv_operands<std::uint8_t, std::int8_t, std::int32_t>;
  p.type == dtype::u8s8 ? run_problem<own_bytes, bytes>(state, s, p) : run_problem<own_floats, floats>(state, s, p);
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
    add_benchmark(s, p.name(), p.flops(), [&s, p](benchmark::State& state) { run(state, s, p); });
  }
}

}  // namespace

int main(int count, char** arguments) {
  const auto offers = [](const ashlar_peer& peer) { return peer.conv != nullptr; };
  return bench::run_session(count, arguments, {"conv", own_isa_name, offers, add_problems});
}
