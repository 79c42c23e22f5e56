// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/ring_test.cpp: the protocol of the Hopper kernel's ring, as a simulation: the producers and consumers of a
// cluster as lists of steps, mbarriers, loads that arrive late; whose turn it is and how late is random.
//
//   no slot is written before all who read it have said so, none is read before it is full, nobody waits for ever
//
// Depends on: cuda/ring.cuh, cuda/sm90_cursor.cuh, support/.
#include <doctest/doctest.h>

#include <ashlar/cuda/ring.cuh>
#include <ashlar/cuda/sm90_cursor.cuh>
#include <vector>

#include "support/cases.hpp"

namespace ashlar::test {
namespace {

using namespace cuda::detail;
using cuda::sm90_tile;

// An mbarrier: a phase ends when all arrivals and all bytes that were announced have come.
struct barrier {
  int arrivals, pending, bytes = 0;
  std::uint32_t phase = 0;

  explicit barrier(int n) : arrivals(n), pending(n) {}
  void settle() {
    REQUIRE(pending >= 0);
    if (pending == 0 && bytes == 0) phase ^= 1, pending = arrivals;
  }
  void arrive(int expected = 0) {
    --pending, bytes += expected;
    settle();
  }
  void complete(int n) {
    bytes -= n;  // may be below zero until this block's own producer announces them
    settle();
  }
  /// The phase of this parity has ended.
  bool passed(std::uint32_t parity) const { return phase != parity; }
};

// What a thread does, in order. `stamp` says which fill of the slot it means; `barrier` counts full, empty, turns.
struct step {
  enum class kind { wait, expect, load, read, arrive } what;
  int block, barrier;
  std::uint32_t phase = 0, mask = 0;
  int slot = 0, stamp = 0, bytes = 0;
};

// The shared memory of a cluster, and who works there.
struct machine {
  struct slot_state {
    int loaded = 0, stamp = -1, readers = 0;
  };
  struct late_load {
    int block, slot, stamp, bytes;
  };
  struct agent {
    std::vector<step> steps;
    std::size_t next = 0;
    bool done() const { return next == steps.size(); }
  };

  int cluster, parts, readers;  // blocks; loads that make a slot full; warps that read it
  std::vector<std::vector<barrier>> barriers;
  std::vector<std::vector<slot_state>> slots;
  std::vector<agent> agents;
  std::vector<late_load> in_flight;

  bool can_go(const agent& a) const {
    if (a.done()) return false;
    const step& s = a.steps[a.next];
    return s.what != step::kind::wait || barriers[std::size_t(s.block)][std::size_t(s.barrier)].passed(s.phase);
  }

  void go(agent& a) {
    const step& s = a.steps[a.next++];
    barrier& here = barriers[std::size_t(s.block)][std::size_t(s.barrier)];
    switch (s.what) {
      case step::kind::wait:
        break;
      case step::kind::expect:
        here.arrive(s.bytes);
        break;
      case step::kind::arrive:
        here.arrive();
        break;
      case step::kind::load:
        for (int b = 0; b < cluster; ++b) {
          if (s.mask >> b & 1) in_flight.push_back({b, s.slot, s.stamp, s.bytes});
        }
        break;
      case step::kind::read: {
        slot_state& slot = slots[std::size_t(s.block)][std::size_t(s.slot)];
        REQUIRE(slot.stamp == s.stamp);  // of this k block, and not of another
        REQUIRE(slot.loaded == parts);   // whole
        REQUIRE(++slot.readers <= readers);
        break;
      }
    }
  }

  void deliver(std::size_t i) {
    const late_load l = in_flight[i];
    in_flight[i] = in_flight.back(), in_flight.pop_back();
    slot_state& slot = slots[std::size_t(l.block)][std::size_t(l.slot)];
    if (slot.stamp != l.stamp) {
      const bool first = slot.stamp == -1;
      REQUIRE((first || slot.readers == readers));  // all have read what is overwritten
      slot = {0, l.stamp, 0};
    }
    REQUIRE(++slot.loaded <= parts);
    barriers[std::size_t(l.block)][std::size_t(l.slot)].complete(l.bytes);
  }

  // One of those who can go, or a load that arrives; `loads` percent of the turns are the loads'.
  void run(random& r, int loads) {
    for (;;) {
      std::vector<std::size_t> ready;
      for (std::size_t i = 0; i < agents.size(); ++i) {
        if (can_go(agents[i])) ready.push_back(i);
      }
      if (ready.empty() && in_flight.empty()) break;
      const bool load = !in_flight.empty() && (ready.empty() || r.between(0, 99) < loads);
      if (load) {
        deliver(std::size_t(r.between(0, index(in_flight.size()) - 1)));
      } else {
        go(agents[ready[std::size_t(r.between(0, index(ready.size()) - 1))]]);
      }
    }
    for (const agent& a : agents) REQUIRE(a.done());  // or they wait for ever
  }
};

// What the kernel's threads do (sm90_gemm.cuh), as lists of steps.
template <sm90_tile S>
struct programs {
  using geometry = sm90_geometry<S>;
  using enum step::kind;

  static int empty(std::uint32_t slot) { return S.stages + int(slot); }
  static int turn(int consumer) { return 2 * S.stages + consumer; }
  static int meeting(int consumer) {
    return 2 * S.stages + sm90_consumers + consumer;
  }  // the named barrier of its stores

  static machine all(int tiles, int k_blocks) {
    machine m{S.cluster(), S.cluster_n + S.cluster_m, 4 * geometry::readers, {}, {}, {}, {}};
    for (int b = 0; b < S.cluster(); ++b) {
      std::vector<barrier> here(std::size_t(S.stages), barrier(1));
      here.insert(here.end(), std::size_t(S.stages), barrier(4 * geometry::readers * geometry::sharers));
      here.insert(here.end(), sm90_consumers, barrier(geometry::turn_arrivals));
      here.insert(here.end(), sm90_consumers, barrier(4));
      m.barriers.push_back(here);
      m.slots.emplace_back(std::size_t(S.stages));
      m.agents.push_back({producer(b, tiles, k_blocks)});
      for (int c = 0; c < sm90_consumers; ++c) {
        for (int warp = 0; warp < 4; ++warp) m.agents.push_back({consumer(b, c, tiles, k_blocks)});
      }
    }
    return m;
  }

  // sm90_block::produce; lines stand for bytes.
  static std::vector<step> producer(int block, int tiles, int k_blocks) {
    const cluster_place<S> place{block};
    std::vector<step> steps;
    ring<S.stages> at;
    for (int i = 0; i < tiles * k_blocks; ++i, at.advance()) {
      const int slot = int(at.slot);
      steps.push_back({.what = wait, .block = block, .barrier = empty(at.slot), .phase = at.phase ^ 1});
      steps.push_back({.what = expect, .block = block, .barrier = slot, .bytes = S.bm + S.bn});
      steps.push_back({load, block, slot, 0, place.row_of_blocks(), slot, i, S.bm / S.cluster_n});
      steps.push_back({load, block, slot, 0, place.column_of_blocks(), slot, i, S.bn / S.cluster_m});
    }
    for (int s = 0; s < S.stages; ++s, at.advance()) {
      steps.push_back({.what = wait, .block = block, .barrier = empty(at.slot), .phase = at.phase ^ 1});
    }
    return steps;
  }

  // sm90_block::consume and multiply, by one warp: those of a warpgroup are sure to meet in the stores alone.
  static std::vector<step> consumer(int block, int number, int tiles, int k_blocks) {
    std::vector<step> steps;
    const auto add_wait = [&](int barrier, std::uint32_t phase) {
      steps.push_back({.what = wait, .block = block, .barrier = barrier, .phase = phase});
    };
    const auto add_arrive = [&](int at, int barrier) {
      steps.push_back({.what = arrive, .block = at, .barrier = barrier});
    };
    const auto release = [&](std::uint32_t slot) {
      for (int other = 0; other < S.cluster(); ++other) {
        if (cluster_place<S>{block}.shares_with(other)) add_arrive(other, empty(slot));
      }
    };
    ring<S.stages> at;
    if (S.ping_pong && number == 1) at.advance(std::uint32_t(k_blocks));
    std::uint32_t mine = 0;
    for (int t = S.ping_pong ? number : 0; t < tiles; t += S.ping_pong ? sm90_consumers : 1, ++mine) {
      if (S.ping_pong && number == 1) add_wait(turn(1), mine & 1);
      if (S.ping_pong && number == 0 && mine > 0) add_wait(turn(0), (mine - 1) & 1);
      std::uint32_t previous = 0;
      for (int kb = 0; kb < k_blocks; ++kb, at.advance()) {
        const int slot = int(at.slot);
        add_wait(slot, at.phase);
        steps.push_back({.what = read, .block = block, .barrier = slot, .slot = slot, .stamp = t * k_blocks + kb});
        if (kb > 0) release(previous);
        previous = at.slot;
      }
      if (S.ping_pong) add_arrive(block, turn(1 - number));
      release(previous);
      if (S.ping_pong) at.advance(std::uint32_t(k_blocks));
      add_arrive(block, meeting(number)), add_wait(meeting(number), mine & 1);
    }
    return steps;
  }
};

template <sm90_tile S>
void simulate() {
  for_each_case(scaled(250), [](random& r) {
    const int tiles = int(r.between(0, 5)), k_blocks = int(r.between(1, 2 * S.stages + 3));
    CAPTURE(tiles);
    CAPTURE(k_blocks);
    programs<S>::all(tiles, k_blocks).run(r, int(r.between(2, 98)));
  });
}

}  // namespace

TEST_CASE("a block: two consumers share the stages") { simulate<sm90_tile{.bm = 128, .bn = 64, .stages = 3}>(); }
TEST_CASE("a block: two consumers take turns") {
  simulate<sm90_tile{.bm = 64, .bn = 64, .stages = 4, .ping_pong = true}>();
}
TEST_CASE("a block: one stage more than in flight") {
  simulate<sm90_tile{.bm = 64, .bn = 64, .stages = 2, .ping_pong = true}>();
}
TEST_CASE("two blocks share B") { simulate<sm90_tile{.bm = 128, .bn = 64, .stages = 3, .cluster_m = 2}>(); }
TEST_CASE("two blocks share A, and take turns") {
  simulate<sm90_tile{.bm = 64, .bn = 64, .stages = 3, .cluster_n = 2, .ping_pong = true}>();
}
TEST_CASE("two blocks share B, and take turns") {
  simulate<sm90_tile{.bm = 64, .bn = 64, .stages = 4, .cluster_m = 2, .ping_pong = true}>();
}
TEST_CASE("four blocks share A and B") {
  simulate<sm90_tile{.bm = 128, .bn = 64, .stages = 2, .cluster_m = 2, .cluster_n = 2}>();
}

}  // namespace ashlar::test
