// SPDX-License-Identifier: Apache-2.0
// bench/machine.cpp: the loops behind machine.hpp, in the vector width of the ISA, in the compilers' vector extensions
// so that they owe nothing to the library under test. Compiled with -ffp-contract=fast: a * x + y is then one
// instruction where there is one.
#include "machine.hpp"

#include <time.h>

#include <algorithm>

namespace bench {
namespace {

#if defined(__AVX512F__)
constexpr std::size_t vector_bytes = 64, chains = 20;
#elif defined(__AVX__)
constexpr std::size_t vector_bytes = 32, chains = 12;
#elif defined(__aarch64__)
constexpr std::size_t vector_bytes = 16, chains = 20;
#else
constexpr std::size_t vector_bytes = 16, chains = 10;
#endif

// Four pipes of four cycles need 16 chains, two need 8; more registers than the ISA has would turn them into memory
// traffic.
template <class T>
double burst(double flops) {
  typedef T vec __attribute__((vector_size(vector_bytes)));
  vec acc[chains];
  const vec x = vec{} + T(0.999), y = vec{} + T(0.001);
#pragma GCC unroll 32
  for (std::size_t i = 0; i < chains; ++i) acc[i] = vec{} + T(i) * T(0.01);
  const double each = 2.0 * double(chains) * double(vector_bytes / sizeof(T));
  const auto rounds = static_cast<std::int64_t>(flops / each) + 1;
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 32
    for (std::size_t i = 0; i < chains; ++i) acc[i] = acc[i] * x + y;
  }
#pragma GCC unroll 32
  for (std::size_t i = 0; i < chains; ++i) asm volatile("" : : "m"(acc[i]));
  return each * double(rounds);
}

// The fastest exact sums of products of bytes that the ISA has, in assembler: no library's own code.
#if defined(__AVX512VNNI__)
#define ASHLAR_BENCH_DOT "vpdpbusd %2, %2, %0"
#define ASHLAR_BENCH_REGISTER "v"
constexpr double dot_products = 64;
#elif defined(__AVXVNNI__)
#define ASHLAR_BENCH_DOT "%{vex%} vpdpbusd %2, %2, %0"
#define ASHLAR_BENCH_REGISTER "x"
constexpr double dot_products = 32;
#elif defined(__AVX512BW__)
#define ASHLAR_BENCH_DOT "vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0"
#define ASHLAR_BENCH_REGISTER "v"
constexpr double dot_products = 32;
#elif defined(__AVX2__)
#define ASHLAR_BENCH_DOT "vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0"
#define ASHLAR_BENCH_REGISTER "x"
constexpr double dot_products = 16;
#elif defined(__ARM_FEATURE_DOTPROD)
#define ASHLAR_BENCH_DOT "sdot %0.4s, %2.16b, %2.16b"
#define ASHLAR_BENCH_REGISTER "w"
constexpr double dot_products = 16;
#else
constexpr double dot_products = 0;
#endif

// The same of bf16.
#if defined(__AVX512BF16__)
#define ASHLAR_BENCH_BF16 "vdpbf16ps %2, %2, %0"
constexpr double bf16_products = 32;
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#define ASHLAR_BENCH_BF16 "bfmmla %0.4s, %2.8h, %2.8h"
constexpr double bf16_products = 16;
#else
constexpr double bf16_products = 0;
#endif

typedef std::int32_t dot_vec __attribute__((vector_size(vector_bytes)));

struct byte_dot {
  static constexpr double products = dot_products;
  [[gnu::always_inline]] static void step([[maybe_unused]] dot_vec& acc, [[maybe_unused]] dot_vec& product,
                                          [[maybe_unused]] const dot_vec& x) {
#if defined(ASHLAR_BENCH_DOT)
    asm volatile(ASHLAR_BENCH_DOT
                 : "+" ASHLAR_BENCH_REGISTER(acc), "=&" ASHLAR_BENCH_REGISTER(product)
                 : ASHLAR_BENCH_REGISTER(x));
#endif
  }
};
struct bf16_dot {
  static constexpr double products = bf16_products;
  [[gnu::always_inline]] static void step([[maybe_unused]] dot_vec& acc, [[maybe_unused]] dot_vec& product,
                                          [[maybe_unused]] const dot_vec& x) {
#if defined(ASHLAR_BENCH_BF16)
    asm volatile(ASHLAR_BENCH_BF16
                 : "+" ASHLAR_BENCH_REGISTER(acc), "=&" ASHLAR_BENCH_REGISTER(product)
                 : ASHLAR_BENCH_REGISTER(x));
#endif
  }
};

template <class Dot>
double dot_burst(double flops) {
  const double each = 2.0 * double(chains) * Dot::products;
  if (each == 0) return 0;
  const auto rounds = static_cast<std::int64_t>(flops / each) + 1;
  dot_vec acc[chains] = {}, product{};
  const dot_vec x = dot_vec{} + 0x1010101;
  for (std::int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 32
    for (std::size_t i = 0; i < chains; ++i) Dot::step(acc[i], product, x);
  }
  return each * double(rounds);
}

template <bool Prefetch>
std::uint64_t read_lines(const std::byte* data, std::size_t bytes, read_pattern pattern) {
  typedef std::uint64_t vec __attribute__((vector_size(vector_bytes)));
  constexpr std::size_t block = 512, vectors = block / vector_bytes, sums = 8;
  const std::size_t each = bytes / pattern.streams;
  vec sum[sums] = {};
  for (std::size_t at = 0; at < each; at += block) {
    for (std::size_t stream = 0; stream < pattern.streams; ++stream) {
      const std::byte* const p = data + stream * each + at;
      if constexpr (Prefetch) {
#pragma GCC unroll 8
        for (std::size_t line = 0; line < block; line += 64) __builtin_prefetch(p + pattern.ahead + line, 0, 2);
      }
#pragma GCC unroll 32
      for (std::size_t v = 0; v < vectors; ++v) sum[v % sums] += *reinterpret_cast<const vec*>(p + v * vector_bytes);
    }
  }
  for (std::size_t s = 1; s < sums; ++s) sum[0] += sum[s];
  std::uint64_t total = 0;
  for (std::size_t lane = 0; lane < vector_bytes / 8; ++lane) total += sum[0][lane];
  return total;
}

// Processor time, and the best of several short runs: this is a bound, so other programs must not lower it.
double now() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

template <class F>
double best_rate(double work, int runs, F f) {
  double best = 0;
  for (int r = 0; r < runs; ++r) {
    const double start = now();
    f();
    best = std::max(best, work / (now() - start));
  }
  return best;
}

// Bytes a second, over at least 32 MiB at a time.
double read_rate(const std::byte* data, std::size_t bytes, read_pattern pattern, int runs) {
  const std::size_t repeats = std::max<std::size_t>(1, (32u << 20) / bytes);
  return best_rate(double(bytes) * double(repeats), runs, [&] {
    for (std::size_t r = 0; r < repeats; ++r) {
      volatile std::uint64_t sink = read_stream(data, bytes, pattern);
      (void)sink;
    }
  });
}

}  // namespace

double fma_burst(dtype type, double flops) {
  if (type == dtype::u8s8) return dot_burst<byte_dot>(flops);
  if (type == dtype::bf16 && bf16_products > 0) return dot_burst<bf16_dot>(flops);
  return type == dtype::f64 ? burst<double>(flops) : burst<float>(flops);
}

std::uint64_t read_stream(const std::byte* data, std::size_t bytes, read_pattern pattern) {
  return pattern.ahead ? read_lines<true>(data, bytes, pattern) : read_lines<false>(data, bytes, pattern);
}

read_pattern best_pattern(const std::byte* data, std::size_t bytes) {
  read_pattern best{1, 0};
  double best_rate = 0;
  for (std::size_t streams : {1, 4}) {
    for (std::size_t ahead : {0, 2048, 8192, 16384, 32768}) {
      if (ahead * streams >= bytes) continue;
      const double rate = read_rate(data, bytes, {streams, ahead}, 3);
      if (rate > best_rate) best_rate = rate, best = {streams, ahead};
    }
  }
  return best;
}

machine measure_machine(const std::byte* data) {
  machine m;
  const double flops = 2e9;
  fma_burst(dtype::f32, flops);  // wakes the wide units
  m.fma_f32 = best_rate(fma_burst(dtype::f32, flops), 8, [&] { fma_burst(dtype::f32, flops); });
  m.fma_f64 = best_rate(fma_burst(dtype::f64, flops / 2), 8, [&] { fma_burst(dtype::f64, flops / 2); });
  if (dot_products > 0) m.dot_u8s8 = best_rate(dot_burst<byte_dot>(flops), 8, [&] { dot_burst<byte_dot>(flops); });
  if (bf16_products > 0) m.dot_bf16 = best_rate(dot_burst<bf16_dot>(flops), 8, [&] { dot_burst<bf16_dot>(flops); });
  for (auto& level : m.levels) level.rate = read_rate(data, level.bytes, best_pattern(data, level.bytes), 5);
  return m;
}

}  // namespace bench
