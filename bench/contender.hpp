// SPDX-License-Identifier: Apache-2.0
// bench/contender.hpp: something that is timed: a name, and a call behind one function pointer, for Ashlar and the
// peers alike.
//
// Depends on: peers/peer.h.   Used by: own.hpp, timing.hpp, gemm.cpp.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace bench {

class contender {
 public:
  using function = void (*)(void*);

  contender(std::string name, function run, void* state, function release)
      : name_(std::move(name)), run_(run), state_(state), release_(release) {}
  contender(contender&& other) noexcept
      : one_thread(other.one_thread),
        batch(other.batch),
        samples(std::move(other.samples)),
        disturbed(other.disturbed),
        name_(std::move(other.name_)),
        run_(other.run_),
        state_(std::exchange(other.state_, nullptr)),
        release_(other.release_) {}
  contender& operator=(contender&&) = delete;
  ~contender() {
    if (state_) release_(state_);
  }

  const std::string& name() const { return name_; }
  void operator()() const { run_(state_); }

  bool one_thread = true;       // does its work on the calling thread
  long batch = 1;               // calls in one timed sample
  std::vector<double> samples;  // seconds a call, one for each round
  int disturbed = 0;            // samples thrown away because another program had the core

 private:
  std::string name_;
  function run_;
  void* state_;
  function release_;
};

// A closure as a contender: the indirect call is the one that the peers pay too.
template <class Call>
contender make_contender(std::string name, Call call) {
  return {std::move(name), [](void* state) { (*static_cast<Call*>(state))(); }, new Call(std::move(call)),
          [](void* state) { delete static_cast<Call*>(state); }};
}

}  // namespace bench
