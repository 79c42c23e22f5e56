// SPDX-License-Identifier: Apache-2.0
//
// isa/native.hpp: isa::native, the best instruction set that the flags of this translation unit allow.
//
// The only place, with isa.hpp, that reads the compiler's macros. `native` is an alias, so that two translation units
// with different flags instantiate kernels on different tags.
//
// SVE through Highway needs g++ (isa/highway.hpp), so with clang the native ISA of an SVE machine is neon.
//
// Depends on: isa/tags.hpp.   Used by: isa.hpp, as the default ISA of operations.
#pragma once

#include <ashlar/isa/tags.hpp>

namespace ashlar::isa {

#if defined(__AVX512F__) && defined(__AVX512CD__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__FMA__)
using native = avx512;
#elif defined(__AVX2__) && defined(__FMA__)
using native = avx2;
#elif defined(__ARM_FEATURE_SVE) && !defined(__clang__)
using native = sve;
#elif defined(__aarch64__)
using native = neon;
#else
using native = scalar;
#endif

}  // namespace ashlar::isa
