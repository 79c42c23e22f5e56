// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/virtual_block.hpp: one block of a GPU on a CPU: the policy of device_warp.cuh in plain C++, so that the
// code of a kernel runs as it is, every thread a fiber.
//
//   virtual_block gpu(shared_bytes, seed, copies::late);
//   gpu.run(threads, block, [&] { mma_block<Config, virtual_warp>(arguments); });
//
// Threads run one at a time, in an order drawn anew at every barrier. ldmatrix and mma collect the lanes of a warp and
// are computed from the fragment tables of the PTX ISA, which are written here apart from fragment.cuh. A background
// copy happens either when it is issued or when it is waited for: a kernel that overwrites too early or reads too early
// gives another result in one of the two. Shared memory starts with garbage, and addresses are checked.
//
// Depends on: core/narrow_float.hpp, doctest.   Used by: the CPU tests of the kernels.
#pragma once

#include <doctest/doctest.h>
#include <ucontext.h>

#include <algorithm>
#include <array>
#include <ashlar/cuda/mma_element.cuh>
#include <cmath>
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
    std::array<word, Out> result;
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

  void copy(word to, const void* from, int bytes) {
    if (bytes < 0 || bytes > 16 || (bytes > 0 && reinterpret_cast<std::uintptr_t>(from) % 16 != 0)) ++misuses_;
    const auto now = [this, to, from, bytes] {
      std::uint8_t* p = shared(to, 16);
      std::memset(p, 0, 16);
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

/// The element of X in the low bits of a word, as a number.
template <class X>
double number_of(word bits) {
  if constexpr (std::same_as<X, cuda::tf32>) {
    return double(__builtin_bit_cast(float, bits & ~0x1FFFu));  // the instruction ignores the rest
  } else if constexpr (narrow_floating_point<X>) {
    return double(float(X::from_bits(typename X::storage(bits))));
  } else {
    return double(static_cast<X>(bits));
  }
}

struct virtual_warp {
  using word = std::uint32_t;

  static int thread() { return virtual_block::now().thread(); }
  static int block() { return virtual_block::now().block(); }
  static word shared() { return 0; }
  static void barrier() { virtual_block::now().barrier(); }
  static void warp_barrier() { virtual_block::now().warp_barrier(); }
  static void copy(word to, const void* from, int bytes) { virtual_block::now().copy(to, from, bytes); }
  static void copy_or_clear(word to, const void* from, bool present) { copy(to, from, present ? 16 : 0); }
  static void commit() { virtual_block::now().commit(); }
  template <int Pending>
  static void wait() {
    virtual_block::now().wait(Pending);
  }

  static word load_word(word from) {
    word x;
    std::memcpy(&x, virtual_block::now().shared(from, 4), 4);
    return x;
  }
  static void load_words(word (&x)[4], word from) { std::memcpy(x, virtual_block::now().shared(from, 16), 16); }
  template <int N>
  static void store_words(word to, const word (&x)[N]) {
    std::memcpy(virtual_block::now().shared(to, 4 * N), x, 4 * N);
  }
  template <std::size_t N>
  static void store_global(void* to, const word (&x)[N]) {
    if (reinterpret_cast<std::uintptr_t>(to) % (4 * N) != 0) virtual_block::now().misuse();
    std::memcpy(to, x, 4 * N);
  }

  static void load_matrices(word (&x)[4], word row) { matrices<false>(x, row); }
  static void load_transposed(word (&x)[4], word row) { matrices<true>(x, row); }

  template <bool Odd>
  static word alternate_bytes(word x, word y) {
    const int s = Odd ? 8 : 0;
    return (x >> s & 255) | (x >> (s + 16) & 255) << 8 | (y >> s & 255) << 16 | (y >> (s + 16) & 255) << 24;
  }
  static word rounded_tf32(word x) { return (x & 0x7F800000u) == 0x7F800000u ? x : (x + 0x1000u) & ~0x1FFFu; }

  template <class X, class Y, class Sum>
  static void multiply(Sum (&sum)[4], const word (&a)[4], word b0, word b1) {
    std::array<word, 10> in = {a[0], a[1], a[2], a[3], b0, b1};
    for (int i = 0; i < 4; ++i) in[std::size_t(6 + i)] = __builtin_bit_cast(word, sum[i]);
    const auto out = virtual_block::now().together<4>(in, &mma<X, Y, Sum>);
    for (int i = 0; i < 4; ++i) sum[i] = __builtin_bit_cast(Sum, out[std::size_t(i)]);
  }

 private:
  // ldmatrix .x4: lane 8j + r has the address of row r of matrix j. Lane l gets of each matrix elements 2 (l % 4) and
  // 2 (l % 4) + 1 of row l / 4; .trans: of column l / 4, rows 2 (l % 4) and one more.
  template <bool Transposed>
  static void matrices(word (&x)[4], word row) {
    const auto out =
        virtual_block::now().together<4>(std::array<word, 1>{row}, [](virtual_block& b, const word* in, word* out) {
          for (int j = 0; j < 4; ++j) {
            std::uint16_t m[8][8];
            for (int r = 0; r < 8; ++r) std::memcpy(m[r], b.shared(in[10 * (8 * j + r)], 16), 16);
            for (int l = 0; l < 32; ++l) {
              const int i = l / 4, k = 2 * (l % 4);
              const word low = Transposed ? m[k][i] : m[i][k], high = Transposed ? m[k + 1][i] : m[i][k + 1];
              out[4 * l + j] = low | high << 16;
            }
          }
        });
    for (int i = 0; i < 4; ++i) x[i] = out[std::size_t(i)];
  }

  // Element e of a lane's fragments, by the tables of the PTX ISA for m16n8k8 (tf32), m16n8k16 and m16n8k32.
  template <class X, class Y, class Sum>
  static void mma(virtual_block&, const word* in, word* out) {
    constexpr int size = cuda::detail::mma_element<X>::size, k = 32 / size, per = 4 / size, bits = 8 * size;
    double a[16][32] = {}, b[32][8] = {};
    for (int l = 0; l < 32; ++l) {
      const int group = l / 4, in_group = l % 4;
      for (int e = 0; e < 4 * per; ++e) {
        const int half = e / per;  // which register
        const int row = half % 2 == 0 ? group : group + 8;
        const int col = in_group * per + e % per + (half >= 2 ? k / 2 : 0);
        a[row][col] = number_of<X>(in[10 * l + half] >> (bits * (e % per)));
      }
      for (int e = 0; e < 2 * per; ++e) {
        const int row = in_group * per + e % per + (e >= per ? k / 2 : 0);
        b[row][group] = number_of<Y>(in[10 * l + 4 + e / per] >> (bits * (e % per)));
      }
    }
    for (int l = 0; l < 32; ++l) {
      for (int i = 0; i < 4; ++i) {
        const int row = l / 4 + (i >= 2 ? 8 : 0), col = 2 * (l % 4) + i % 2;
        double sum = double(__builtin_bit_cast(Sum, in[10 * l + 6 + i]));
        for (int p = 0; p < k; ++p) sum += a[row][p] * b[p][col];
        out[4 * l + i] = __builtin_bit_cast(word, Sum(sum));
      }
    }
  }
};

}  // namespace ashlar::test
