// SPDX-License-Identifier: Apache-2.0
//
// any_element_type.cpp: a product of integers modulo a prime, blocked and packed like one of floats.
//
// ops<T, Isa> is all that Ashlar wants to know of an element type: memory, zero and arithmetic.
#include <ashlar/gemm.hpp>
#include <ashlar/reference.hpp>
#include <cstdio>
#include <vector>

struct modular {  // in the field of 2^31 - 1 elements
  static constexpr std::uint64_t prime = 2147483647;
  std::uint32_t value = 0;
  constexpr modular() = default;
  constexpr modular(std::uint64_t x) : value(std::uint32_t(x % prime)) {}
  friend constexpr bool operator==(modular, modular) = default;
  friend constexpr bool operator<(modular a, modular b) { return a.value < b.value; }
  friend constexpr bool operator>(modular a, modular b) { return b < a; }
};

template <>
struct ashlar::ops<modular, ashlar::isa::scalar> : ashlar::detail::scalar_ops<modular> {
  static constexpr modular add(modular a, modular b) { return std::uint64_t(a.value) + b.value; }
  static constexpr modular sub(modular a, modular b) { return a.value + modular::prime - b.value; }
  static constexpr modular mul(modular a, modular b) { return std::uint64_t(a.value) * b.value; }
  static constexpr modular fma(modular a, modular b, modular c) { return std::uint64_t(a.value) * b.value + c.value; }
};

int main() {
  using namespace ashlar;
  using ashlar::index;
  const index n = 90;
  std::vector<modular> a(n * n), b(n * n), c(n * n), expected(n * n);
  for (index i = 0; i < n * n; ++i) a[i] = 1234567890ull * i, b[i] = 987654321ull * i + 5;
  const auto A = view(a.data(), n, n), B = view(b.data(), n, n);
  if (!gemm<isa::scalar>(A, transposed(B), view(c.data(), n, n), acc + dst).ok()) return 1;
  ashlar::reference::gemm(A, transposed(B), view(expected.data(), n, n));
  std::printf("c(0, 1) = %u mod 2^31 - 1, %s\n", c[1].value, c == expected ? "as by the definition" : "WRONG");
  return c == expected ? 0 : 1;
}
