// SPDX-License-Identifier: Apache-2.0
//
// bench/arm/gemm_count.cpp: one steady-state call of gemm between two marks, for counting instructions under an
// emulator.
//
//   gemm_count [f32|f64|f16|bf16|bf16_exact] [packed|plain] M N K     packed: weights packed before the region;  plain:
//   B as it is
//
// Scratch memory is given and one call comes before the region, so what is counted is the checks, the blocking, what
// gemm packs itself, the micro-kernels and their epilogue. The result is compared with reference::gemm in every bit;
// bf16, with native_rounding, is of small integers, whose sums are exact; bf16_exact is without it.
//
// Depends on: <ashlar/gemm.hpp>, <ashlar/reference.hpp>, region.hpp.   Used by: count.sh.
#include <ashlar/gemm.hpp>
#include <ashlar/reference.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <type_traits>
#include <vector>

#include "region.hpp"

namespace {

template <class T>
std::vector<T> numbers(ashlar::index count, std::uint32_t seed) {
  std::vector<T> values(static_cast<std::size_t>(count));
  for (T& x : values) {
    seed = seed * 1664525u + 1013904223u;
    if constexpr (std::is_same_v<T, ashlar::bf16>) {
      x = T(static_cast<float>(seed >> 28));
    } else {
      using wide = std::conditional_t<std::is_same_v<T, double>, double, float>;
      x = T(static_cast<wide>(static_cast<std::int32_t>(seed)) / static_cast<wide>(1u << 31));
    }
  }
  return values;
}

// The call that is counted, after one that is not.
template <class A, class B, class C, class... Options>
ashlar::status counted(const A& a, const B& b, const C& c, const Options&... options) {
  const auto memory = ashlar::aligned_buffer::make(ashlar::gemm_workspace_bytes(a, b, c, options...));
  const ashlar::scratch given(memory.span());
  if (const ashlar::status first = ashlar::gemm(a, b, c, given, options...); !first.ok()) return first;
  bench::set_mark(bench::mark::begin, 0);
  const ashlar::status s = ashlar::gemm(a, b, c, given, options...);
  bench::set_mark(bench::mark::end, 0);
  return s;
}

template <class A, class B, class C, class... Options>
ashlar::status counted_packed(const A& a, const B& b, const C& c, const Options&... options) {
  using T = typename B::value_type;
  const auto storage = ashlar::aligned_buffer::make(ashlar::packed_weights_bytes<T>(b.rows(), b.cols()));
  const auto weights = ashlar::pack_weights(b, storage.span(), options...);
  return weights.ok() ? counted(a, weights.value(), c, options...) : weights.error();
}

template <class T, class C = T, class... Options>
int run(bool packed, ashlar::index m, ashlar::index n, ashlar::index k, const Options&... options) {
  const std::vector<T> a = numbers<T>(m * k, 1), b = numbers<T>(k * n, 2);
  std::vector<C> got(static_cast<std::size_t>(m * n)), expected(got);
  const auto va = ashlar::view(a.data(), m, k);
  const auto vb = ashlar::view(b.data(), k, n);
  const auto vc = ashlar::view(got.data(), m, n);
  const ashlar::status s = packed ? counted_packed(va, vb, vc, options...) : counted(va, vb, vc, options...);
  if (!s.ok()) return std::fprintf(stderr, "%s\n", s.message()), 1;
  ashlar::reference::gemm(va, vb, ashlar::view(expected.data(), m, n));
  const bool same = std::memcmp(got.data(), expected.data(), got.size() * sizeof(C)) == 0;
  std::printf("%lld MAC, %s\n", static_cast<long long>(m * n * k), same ? "equal to the reference" : "WRONG");
  return same ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  const auto is = [&](int i, const char* word) { return !std::strcmp(arguments[i], word); };
  const bool known = count == 6 &&
                     (is(1, "f32") || is(1, "f64") || is(1, "f16") || is(1, "bf16") || is(1, "bf16_exact")) &&
                     (is(2, "packed") || is(2, "plain"));
  if (!known) return std::fprintf(stderr, "usage: gemm_count f32|f64|f16|bf16|bf16_exact packed|plain M N K\n"), 2;
  const bool packed = is(2, "packed");
  const ashlar::index m = std::atoll(arguments[3]), n = std::atoll(arguments[4]), k = std::atoll(arguments[5]);
  if (is(1, "bf16")) return run<ashlar::bf16, float>(packed, m, n, k, ashlar::native_rounding);
  if (is(1, "bf16_exact")) return run<ashlar::bf16, float>(packed, m, n, k);
  if (is(1, "f16")) return run<ashlar::f16, float>(packed, m, n, k);
  return is(1, "f32") ? run<float>(packed, m, n, k) : run<double>(packed, m, n, k);
}
