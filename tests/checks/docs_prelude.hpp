// SPDX-License-Identifier: Apache-2.0
//
// docs_prelude.hpp: the names that fragments of the documentation use without declaring them. What they hold does not
// matter: fragments are compiled, not run.
//
// Used by: docs.py.
#pragma once

#include <ashlar/core/executors/thread_pool.hpp>
#include <ashlar/dispatch.hpp>
#include <ashlar/gemm.hpp>
#include <ashlar/quant.hpp>
#include <ashlar/reference.hpp>
#include <cstdio>
#include <vector>

using namespace ashlar;

// m x n x k, the operands as pointers and as views, and what an epilogue may refer to.
#define ASHLAR_DOCS_NAMES                                      \
  using ashlar::index;                                         \
  [[maybe_unused]] index m = 8, n = 8, k = 8;                  \
  static float memory_of_names[64];                            \
  [[maybe_unused]] float* const a = memory_of_names;           \
  [[maybe_unused]] float* const b = memory_of_names;           \
  [[maybe_unused]] float* const c = memory_of_names;           \
  [[maybe_unused]] const auto A = view(a, m, k);               \
  [[maybe_unused]] const auto B = view(b, k, n);               \
  [[maybe_unused]] const auto C = view(c, m, n);               \
  [[maybe_unused]] const auto gate = C;                        \
  [[maybe_unused]] const auto residual = C;                    \
  [[maybe_unused]] const float* const bias = memory_of_names;  \
  [[maybe_unused]] const float* const scale = memory_of_names; \
  [[maybe_unused]] const float* const mean = memory_of_names;  \
  static std::int32_t integers[64];                            \
  static double doubles[64];                                   \
  [[maybe_unused]] const auto counts = view(integers, m, n);   \
  [[maybe_unused]] const double* const scales = doubles;       \
  [[maybe_unused]] const float alpha = 1, beta = 0;            \
  static thread_pool pool(2);                                  \
  [[maybe_unused]] const std::span<std::byte> storage;         \
  [[maybe_unused]] const std::span<const std::byte> mapped;
