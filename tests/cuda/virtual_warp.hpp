// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/virtual_warp.hpp: the policy of device_warp.cuh in plain C++, for a thread of virtual_block.hpp, so that
// the code of a kernel runs as it is.
//
// ldmatrix and mma collect the lanes of a warp and are computed from the tables of the PTX ISA, which are written here
// apart from fragment.cuh.
//
// Depends on: virtual_block.hpp, cuda/mma_element.cuh.   Used by: the CPU tests of the kernels.
#pragma once

#include <array>
#include <ashlar/cuda/mma_element.cuh>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "virtual_block.hpp"

namespace ashlar::test {

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
  static void copy_double(word to, const double* from, bool present) {
    virtual_block::now().copy(to, from, present ? 8 : 0, 8);
  }
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
  static double load_double(word from) {
    double x;
    std::memcpy(&x, virtual_block::now().shared(from, 8), 8);
    return x;
  }
  static void store_double(word to, double x) { std::memcpy(virtual_block::now().shared(to, 8), &x, 8); }
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

  // m16n8k16 of f64, in the parts that m8n8k4 multiplies.
  static void multiply(double (&upper)[2], double (&lower)[2], const double (&a)[8], const double (&b)[4]) {
    for (int i = 0; i < 4; ++i) multiply(upper, a[2 * i], b[i]), multiply(lower, a[2 * i + 1], b[i]);
  }

 private:
  static void multiply(double (&c)[2], double a, double b) {
    std::array<word, 8> in;
    const double all[4] = {a, b, c[0], c[1]};
    std::memcpy(in.data(), all, sizeof all);
    const auto out = virtual_block::now().together<4>(in, &mma_f64);
    std::memcpy(c, out.data(), sizeof c);
  }
  // Lane l has a(l / 4, l % 4), b(l % 4, l / 4), and c(l / 4, 2 (l % 4) + i): m8n8k4.
  static void mma_f64(virtual_block&, const word* in, word* out) {
    double x[32][4];
    for (int l = 0; l < 32; ++l) std::memcpy(x[l], in + 10 * l, sizeof x[l]);
    for (int l = 0; l < 32; ++l) {
      for (int i = 0; i < 2; ++i) {
        double sum = x[l][2 + i];
        for (int k = 0; k < 4; ++k) sum = std::fma(x[l / 4 * 4 + k][0], x[(l % 4 * 2 + i) * 4 + k][1], sum);
        std::memcpy(out + 4 * l + 2 * i, &sum, sizeof sum);
      }
    }
  }
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
