// SPDX-License-Identifier: Apache-2.0
// bench/own.hpp: what the files that call Ashlar share: the ISA of this executable, and what becomes of an error.
//
// Depends on: <ashlar/core.hpp>.   Used by: own_gemm.hpp, own_conv.hpp.
#pragma once
#include <ashlar/core.hpp>
#include <ashlar/isa.hpp>
#include <cstdio>

#define ASHLAR_BENCH_TEXT(x) #x
#define ASHLAR_BENCH_NAME(x) ASHLAR_BENCH_TEXT(x)

namespace bench {

using own_isa = ASHLAR_BENCH_ISA;
inline constexpr const char* own_isa_name = ASHLAR_BENCH_NAME(ASHLAR_BENCH_ISA_NAME);

inline void expect_ok(const ashlar::status& s) {
  if (!s.ok()) [[unlikely]]
    std::fprintf(stderr, "ashlar: %s\n", s.message());
}

}  // namespace bench
