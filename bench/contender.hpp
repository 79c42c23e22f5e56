// SPDX-License-Identifier: Apache-2.0
// bench/contender.hpp: something that is timed: a name, and a call behind one function pointer, for Ashlar and the
// peers alike.
//
// Used by: own_gemm.hpp, own_conv.hpp, timing.hpp, session.hpp, gemm_operands.hpp, conv_tensors.hpp.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bench {

inline const char* own_name = "ashlar";
inline const char* own_serial_name = "ashlar_1";  // the same on one thread, timed beside it when there are several

class contender {
 public:
  using function = void (*)(void*);

  // `result` brings what the call left elsewhere to where it is checked; never timed.
  contender(std::string name, function run, void* state, function release, function result = nullptr)
      : name_(std::move(name)), run_(run), state_(state), release_(release), result_(result) {}
  contender(contender&& other) noexcept
      : one_thread(other.one_thread),
        batch(other.batch),
        samples(std::move(other.samples)),
        disturbed(other.disturbed),
        name_(std::move(other.name_)),
        run_(other.run_),
        state_(std::exchange(other.state_, nullptr)),
        release_(other.release_),
        result_(other.result_) {}
  contender& operator=(contender&&) = delete;
  ~contender() {
    if (state_) release_(state_);
  }

  const std::string& name() const { return name_; }
  void operator()() const { run_(state_); }
  void bring_result() const {
    if (result_) result_(state_);
  }

  bool one_thread = true;       // does its work on the calling thread
  long batch = 1;               // calls in one timed sample
  std::vector<double> samples;  // seconds a call, one for each round
  int disturbed = 0;            // samples thrown away because another program had the core

 private:
  std::string name_;
  function run_;
  void* state_;
  function release_, result_;
};

// A closure as a contender: the indirect call is the one that the peers pay too.
template <class Call>
contender make_contender(std::string name, Call call) {
  return {std::move(name), [](void* state) { (*static_cast<Call*>(state))(); }, new Call(std::move(call)),
          [](void* state) { delete static_cast<Call*>(state); }};
}

// One after the other, a call each: the same work on other memory.
inline contender in_turn(std::vector<contender> all) {
  if (all.size() == 1) return std::move(all.front());
  const std::string name = all.front().name();
  auto turns = std::make_shared<std::vector<contender>>(std::move(all));
  return make_contender(name, [turns, next = std::size_t{0}]() mutable {
    (*turns)[next]();
    if (++next == turns->size()) next = 0;
  });
}

}  // namespace bench
