// SPDX-License-Identifier: Apache-2.0
//
// tests/odr/kernels.hpp: the entry points that kernels.cpp gives each ISA: product_f32_scalar, product_f32_avx2, ...
#pragma once

struct problem {
  int m, n, k;
};

template <class T>
using product_entry = bool(const problem& x, const T* a, const T* b, const T* bias, T* c);
