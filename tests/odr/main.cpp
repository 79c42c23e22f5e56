// SPDX-License-Identifier: Apache-2.0
//
// tests/odr/main.cpp: runs the kernels of every ISA that this machine executes, all linked into this one program, and
// compares bits. Under an emulator without AVX only the scalar kernels run: were one of their symbols replaced by
// another ISA's copy, the program would end with an illegal instruction.
#include <ashlar/dispatch.hpp>
#include <cstdio>
#include <cstring>
#include <vector>

#include "kernels.hpp"

#define DECLARE(isa) extern "C" product_entry<float> product_f32_##isa;
ASHLAR_FAT_ISAS(DECLARE)
#undef DECLARE
#define DECLARE(isa) extern "C" product_entry<double> product_f64_##isa;
ASHLAR_FAT_ISAS(DECLARE)

namespace {

template <class T>
using row = ashlar::dispatch::entry<product_entry<T>>;
#define ROW(isa) {ashlar::dispatch::target::isa, product_f32_##isa},
constexpr row<float> f32[] = {ASHLAR_FAT_ISAS(ROW)};
#undef ROW
#define ROW(isa) {ashlar::dispatch::target::isa, product_f64_##isa},
constexpr row<double> f64[] = {ASHLAR_FAT_ISAS(ROW)};

template <class T>
std::vector<T> filled(int count, int factor) {
  std::vector<T> v(count);
  for (int i = 0; i < count; ++i) v[i] = T(i * factor % 101 - 50) / T(7 * 64);
  return v;
}

// The number of kernels that fail or differ from the scalar ones.
template <class T, std::size_t Rows>
int faults(const row<T> (&table)[Rows], const problem& x, const char* type) {
  const auto a = filled<T>(x.m * x.k, 37), b = filled<T>((x.k + 1) * x.n, 53), bias = filled<T>(x.n, 29);
  std::vector<T> first(x.m * x.n), c(x.m * x.n);
  int wrong = 0;
  for (const auto& e : table) {
    if (!executes(ashlar::dispatch::hardware(), e.compiled_for)) continue;
    auto& out = &e == &table[0] ? first : c;
    const bool ok = e.function(x, a.data(), b.data(), bias.data(), out.data());
    const bool same = ok && std::memcmp(out.data(), first.data(), out.size() * sizeof(T)) == 0;
    std::printf("%-7s %s %d x %d x %d: %s\n", name(e.compiled_for), type, x.m, x.n, x.k, same ? "same bits" : "WRONG");
    wrong += !same;
  }
  return wrong;
}

}  // namespace

int main() {
  int wrong = 0;
  for (const problem& x : {problem{37, 61, 43}, problem{50, 200, 300}, problem{1, 70, 90}}) {
    wrong += faults(f32, x, "f32") + faults(f64, x, "f64");
  }
  return wrong;
}
