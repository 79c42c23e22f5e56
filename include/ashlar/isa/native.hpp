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

/// The vectors of isa::native, without the dot products that refine them.
#if defined(__AVX512F__) && defined(__AVX512CD__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__FMA__)
using native_vectors = avx512;
#elif defined(__AVX2__) && defined(__FMA__)
using native_vectors = avx2;
#elif defined(__ARM_FEATURE_SVE) && !defined(__clang__)
using native_vectors = sve;
#elif defined(__aarch64__)
using native_vectors = neon;
#else
using native_vectors = scalar;
#endif

namespace detail {
template <class Vectors>
struct best_of {
  using type = Vectors;
};
#if defined(__AVX512VNNI__) && defined(__AVX512BF16__)
template <>
struct best_of<avx512> {
  using type = avx512_bf16;
};
#elif defined(__AVX512VNNI__)
template <>
struct best_of<avx512> {
  using type = avx512_vnni;
};
#endif
#if defined(__AVXVNNI__)
template <>
struct best_of<avx2> {
  using type = avx_vnni;
};
#endif
#if defined(__ARM_FEATURE_MATMUL_INT8) && defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) && \
    defined(__ARM_FEATURE_FP16_FML)
template <>
struct best_of<neon> {
  using type = neon_fhm;
};
#elif defined(__ARM_FEATURE_MATMUL_INT8) && defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
template <>
struct best_of<neon> {
  using type = neon_bf16;
};
#elif defined(__ARM_FEATURE_MATMUL_INT8)
template <>
struct best_of<neon> {
  using type = neon_i8mm;
};
#elif defined(__ARM_FEATURE_DOTPROD)
template <>
struct best_of<neon> {
  using type = neon_dot;
};
#endif
#if defined(__ARM_FEATURE_SVE_MATMUL_INT8) && defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
template <>
struct best_of<sve> {
  using type = sve_bf16;
};
#elif defined(__ARM_FEATURE_SVE_MATMUL_INT8)
template <>
struct best_of<sve> {
  using type = sve_i8mm;
};
#endif
}  // namespace detail

using native = detail::best_of<native_vectors>::type;

}  // namespace ashlar::isa
