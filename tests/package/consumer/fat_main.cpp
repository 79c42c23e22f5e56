// SPDX-License-Identifier: Apache-2.0
//
// Runs the kernel of every ISA that this machine executes, compares the bits, and lets detect() choose one.
#include <ashlar/dispatch.hpp>
#include <cstdio>
#include <cstring>
#include <vector>

#include "fat_kernels.hpp"

#define DECLARE(isa) extern "C" product product_##isa;
ASHLAR_FAT_ISAS(DECLARE)
#define ROW(isa) {ashlar::dispatch::target::isa, product_##isa},
constexpr ashlar::dispatch::entry<product> table[] = {ASHLAR_FAT_ISAS(ROW)};

int main() {
  constexpr int m = 37, n = 61, k = 43;
  std::vector<float> a(m * k), b(k * n), first(m * n), c(m * n);
  for (int i = 0; i < m * k; ++i) a[i] = float(i * 37 % 101) / 7;
  for (int i = 0; i < k * n; ++i) b[i] = float(i * 53 % 97) / 11;
  if (!product_scalar(m, n, k, a.data(), b.data(), first.data())) return 1;

  int faults = 0;
  for (const auto& e : table) {
    if (!executes(ashlar::dispatch::hardware(), e.compiled_for)) continue;
    const bool ok = e.function(m, n, k, a.data(), b.data(), c.data());
    const bool same = ok && std::memcmp(c.data(), first.data(), c.size() * sizeof(float)) == 0;
    std::printf("%-7s %s\n", name(e.compiled_for), same ? "same bits as scalar" : "DIFFERS from scalar");
    faults += !same;
  }
  std::printf("chosen: %s\n", name(ashlar::dispatch::detect()));
  return faults + !choose(ashlar::dispatch::detect(), table)(m, n, k, a.data(), b.data(), c.data());
}
