// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/virtual_block.hpp: one block of a GPU on a CPU: its threads as fibers, its shared memory, its copies.
//
//   virtual_block gpu(shared_bytes, seed, copies::late);
//   gpu.run(threads, block, [&] { mma_block<Config, virtual_warp>(arguments); });
//
// Threads run one at a time, in an order drawn anew at every barrier. A background copy happens either when it is
// issued or when it is waited for: a kernel that overwrites too early or reads too early gives another result in one of
// the two. Shared memory starts with garbage, and addresses are checked.
//
// Depends on: core/config.hpp.   Used by: virtual_warp.hpp.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <ashlar/core/config.hpp>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace ashlar::test {

using word = std::uint32_t;

enum class copies { early, late };

class virtual_block {
 public:
  virtual_block(int shared_bytes, unsigned seed, copies when)
      : random_(seed), when_(when), shared_(std::size_t(shared_bytes)) {
    for (auto& byte : shared_) byte = std::uint8_t(random_());
    for (int l = 0; l < 32; ++l) lanes_[l] = l;
  }

  void run(int threads, int block, const std::function<void()>& body) {
    now_ = this;
    block_ = block, body_ = body;
    fibers_.clear();
    fibers_.resize(std::size_t(threads));
    for (auto& f : fibers_) start(f);
    while (step()) {
    }
    for (const auto& f : fibers_) misuses_ += f.state != done;
    now_ = nullptr;
  }

  static virtual_block& now() { return *now_; }

  int thread() const { return current_; }
  int block() const { return block_; }
  /// Accesses off their alignment or outside of shared memory; threads that wait for others in vain.
  int misuses() const { return misuses_; }
  void misuse() { ++misuses_; }

  void barrier() { pause(at_barrier); }
  void warp_barrier() {
    fibers_[std::size_t(current_)].joint = nullptr;
    pause(at_warp);
  }

  /// What a warp does together: from In words of every lane, Out words for every lane.
  using collective = void (*)(virtual_block&, const word* in, word* out);

  template <int Out, std::size_t In>
  std::array<word, Out> together(const std::array<word, In>& mine, collective f) {
    static_assert(In <= most_in && Out <= most_out);
    fiber& me = fibers_[std::size_t(current_)];
    std::copy(mine.begin(), mine.end(), me.in);
    me.joint = f;
    pause(at_warp);
    std::array<word, Out> result{};
    std::copy(me.out, me.out + Out, result.begin());
    return result;
  }

  std::uint8_t* shared(word address, int bytes) {
    if (address % unsigned(bytes) != 0 || address + unsigned(bytes) > shared_.size()) {
      ++misuses_;
      return scratch_;
    }
    return shared_.data() + address;
  }

  // `bytes` of `size`, then zeros.
  void copy(word to, const void* from, int bytes, int size = 16) {
    const auto address = reinterpret_cast<std::uintptr_t>(from);
    if (bytes < 0 || bytes > size || (bytes > 0 && address % unsigned(size) != 0)) ++misuses_;
    const auto now = [this, to, from, bytes, size] {
      std::uint8_t* p = shared(to, size);
      std::memset(p, 0, std::size_t(size));
      if (bytes > 0) std::memcpy(p, from, std::size_t(bytes));
    };
    when_ == copies::late ? fibers_[std::size_t(current_)].open.push_back(now) : now();
  }
  void commit() {
    fiber& me = fibers_[std::size_t(current_)];
    me.groups.push_back(std::move(me.open));
    me.open.clear();
  }
  void wait(int pending) {
    fiber& me = fibers_[std::size_t(current_)];
    for (; int(me.groups.size()) > pending; me.groups.pop_front()) {
      for (const auto& f : me.groups.front()) f();
    }
  }

 private:
  static constexpr int most_in = 10, most_out = 4;
  enum phase { ready, at_barrier, at_warp, done };
  struct fiber {
    ucontext_t context;
    std::unique_ptr<std::uint8_t[]> stack;
    phase state = ready;
    word in[most_in] = {}, out[most_out] = {};
    collective joint = nullptr;
    std::vector<std::function<void()>> open;
    std::deque<std::vector<std::function<void()>>> groups;
  };

  void start(fiber& f) {
    constexpr std::size_t stack = 256 * 1024;
    f.stack = std::make_unique<std::uint8_t[]>(stack);
    getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.get();
    f.context.uc_stack.ss_size = stack;
    f.context.uc_link = &main_;
    makecontext(&f.context, &virtual_block::enter, 0);
  }
  static void enter() {
    now_->body_();
    now_->fibers_[std::size_t(now_->current_)].state = done;
  }

  void pause(phase s) {
    fiber& me = fibers_[std::size_t(current_)];
    me.state = s;
    swapcontext(&me.context, &main_);
  }

  // Runs the warps in some order, each until it meets the block's barrier; then opens that. False: nothing is left.
  bool step() {
    const int warps = int(fibers_.size()) / 32;
    std::vector<int> order(static_cast<std::size_t>(warps));
    for (int w = 0; w < warps; ++w) order[std::size_t(w)] = w;
    std::shuffle(order.begin(), order.end(), random_);
    std::shuffle(lanes_, lanes_ + 32, random_);
    for (int w : order) {
      while (run_warp(w)) {
      }
    }
    int waiting = 0;
    for (auto& f : fibers_) waiting += f.state == at_barrier;
    if (waiting != 0 && waiting != int(fibers_.size())) return fail();
    for (auto& f : fibers_) {
      if (f.state == at_barrier) f.state = ready;
    }
    return waiting != 0;
  }

  // Every lane until it pauses; true when they all wait for each other and may go on.
  bool run_warp(int warp) {
    int together = 0;
    for (int l : lanes_) {
      const int t = 32 * warp + l;
      fiber& f = fibers_[std::size_t(t)];
      if (f.state == ready) {
        current_ = t;
        swapcontext(&main_, &f.context);
      }
      together += f.state == at_warp;
    }
    if (together == 0) return false;
    if (together != 32) return fail();
    do_together(32 * warp);
    for (int l = 0; l < 32; ++l) fibers_[std::size_t(32 * warp + l)].state = ready;
    return true;
  }

  // A thread waits for others that have gone elsewhere.
  bool fail() {
    ++misuses_;
    return false;
  }

  void do_together(int first) {
    word in[32 * most_in], out[32 * most_out];
    const collective f = fibers_[std::size_t(first)].joint;
    for (int l = 0; l < 32; ++l) {
      const fiber& lane = fibers_[std::size_t(first + l)];
      misuses_ += lane.joint != f;
      std::copy(lane.in, lane.in + most_in, in + l * most_in);
    }
    if (f == nullptr) return;
    f(*this, in, out);
    for (int l = 0; l < 32; ++l)
      std::copy(out + l * most_out, out + (l + 1) * most_out, fibers_[std::size_t(first + l)].out);
  }

  static inline virtual_block* now_ = nullptr;
  std::mt19937 random_;
  copies when_;
  std::vector<std::uint8_t> shared_;
  alignas(16) std::uint8_t scratch_[16] = {};
  std::vector<fiber> fibers_;
  std::function<void()> body_;
  ucontext_t main_;
  int lanes_[32];
  int block_ = 0;
  int current_ = 0, misuses_ = 0;
};

}  // namespace ashlar::test
