// SPDX-License-Identifier: Apache-2.0
//
// isa/tags.hpp: an instruction set is a type, and its facts are constants beside it.
//
//   any <- scalar <- avx2 <- avx_vnni        a kernel that is not specialised for a tag falls back to the tag's parent
//                      <- avx512 <- avx512_vnni <- avx512_bf16
//                 <- neon <- neon_dot <- neon_i8mm <- neon_bf16 <- neon_fhm
//                      <- sve <- sve_i8mm <- sve_bf16
//
// A tag only names an instruction set: what works on it is ops<T, Isa> (isa/ops.hpp), which exists where the flags of
// the translation unit allow it.
//
// Depends on: core/config.hpp.   Used by: every other file of isa/ and every kernel.
#pragma once

#include <ashlar/core/config.hpp>
#include <concepts>

namespace ashlar::isa {

struct any {};
struct scalar : any {};               // plain C++, one lane: the specification, constexpr
struct avx2 : scalar {};              // AVX2 and FMA (Haswell, Zen and later)
struct avx512 : avx2 {};              // AVX-512 F, CD, BW, DQ, VL (Skylake-X, Zen 4 and later)
struct avx_vnni : avx2 {};            // sums of four products of bytes, on 256 bits (Alder Lake, Zen 5 and later)
struct avx512_vnni : avx512 {};       // the same on 512 bits (Cascade Lake, Zen 4 and later)
struct avx512_bf16 : avx512_vnni {};  // and of two of bf16 (Cooper Lake, Zen 4 and later)
struct neon : scalar {};              // AArch64 Advanced SIMD
struct neon_dot : neon {};  // sums of four products of bytes: FEAT_DotProd (Cortex-A55 and A76, Neoverse N1 and later)
struct neon_i8mm : neon_dot {};  // 2 x 2 sums of eight: FEAT_I8MM (Cortex-A510 and A710, Neoverse V1 and N2 and later)
struct neon_bf16 : neon_i8mm {
};  // and 2 x 2 sums of four of bf16: FEAT_BF16 (Cortex-A510, Neoverse V1 and N2 and later)
struct neon_fhm : neon_bf16 {};  // and f16 into floats: FEAT_FHM (Cortex-A510, Neoverse V1 and N2 and later)
struct sve : neon {};            // SVE or SVE2, vector length known at run time only (through Highway)
struct sve_i8mm : sve {};        // the same 2 x 2 sums in every 128 bits
struct sve_bf16 : sve_i8mm {};   // of bf16, too

/// The Highway adapter on Base, for Base = avx2, avx512 or neon: the same kernels through another SIMD library.
template <class Base>
struct through_highway : Base {};

template <class Isa>
concept tag = std::derived_from<Isa, any>;

/// What blocking needs to know of a machine:  facts<isa::avx2>::vector_registers.
///
/// vector_bytes is 0 where the vector length is not known at compile time. The cache sizes are those of the smallest
/// common core, per core and in bytes: defaults for blocking, not a query of this machine.
template <class Isa>
struct facts;

template <>
struct facts<scalar> {
  static constexpr const char* name = "scalar";
  static constexpr int vector_registers = 16;  // x86-64 has 16 floating-point registers, AArch64 32
  static constexpr index vector_bytes = 0;
  static constexpr index l1d_bytes = 32 * 1024;
  static constexpr index l2_bytes = 256 * 1024;
};

template <>
struct facts<avx2> {
  static constexpr const char* name = "avx2";
  static constexpr int vector_registers = 16;  // ymm0..ymm15
  static constexpr index vector_bytes = 32;
  // Intel Optimization Reference Manual: 32 KiB L1d from Haswell to Skylake, L2 256 KiB; AMD Zen to Zen 3: 32 and 512
  // KiB.
  static constexpr index l1d_bytes = 32 * 1024;
  static constexpr index l2_bytes = 256 * 1024;
};

template <>
struct facts<avx512> {
  static constexpr const char* name = "avx512";
  static constexpr int vector_registers = 32;  // zmm0..zmm31
  static constexpr index vector_bytes = 64;
  // Skylake-X and Zen 4: 32 KiB L1d, 1 MiB L2; Ice Lake and Zen 5: 48 KiB L1d, 1 to 2 MiB L2 (the vendors' manuals).
  static constexpr index l1d_bytes = 32 * 1024;
  static constexpr index l2_bytes = 1024 * 1024;
};

template <>
struct facts<neon> {
  static constexpr const char* name = "neon";
  static constexpr int vector_registers = 32;  // v0..v31
  static constexpr index vector_bytes = 16;
  // Arm technical reference manuals: Cortex-A55 32 KiB L1d, Cortex-A72 32, Neoverse N1 64; L2 per core 256 KiB to 1
  // MiB.
  static constexpr index l1d_bytes = 32 * 1024;
  static constexpr index l2_bytes = 512 * 1024;
};

template <>
struct facts<avx_vnni> : facts<avx2> {
  static constexpr const char* name = "avx_vnni";
};
template <>
struct facts<avx512_vnni> : facts<avx512> {
  static constexpr const char* name = "avx512_vnni";
};
template <>
struct facts<avx512_bf16> : facts<avx512> {
  static constexpr const char* name = "avx512_bf16";
};
template <>
struct facts<neon_dot> : facts<neon> {
  static constexpr const char* name = "neon_dot";
};
template <>
struct facts<neon_i8mm> : facts<neon> {
  static constexpr const char* name = "neon_i8mm";
};

template <>
struct facts<neon_bf16> : facts<neon> {
  static constexpr const char* name = "neon_bf16";
};
template <>
struct facts<neon_fhm> : facts<neon> {
  static constexpr const char* name = "neon_fhm";
};

template <>
struct facts<sve> {
  static constexpr const char* name = "sve";
  static constexpr int vector_registers = 32;  // z0..z31
  static constexpr index vector_bytes = 0;     // 16 to 256, in steps of 16
  // Arm technical reference manuals: Neoverse V1, V2 and N2 have 64 KiB L1d and at least 512 KiB of private L2.
  static constexpr index l1d_bytes = 64 * 1024;
  static constexpr index l2_bytes = 512 * 1024;
};
template <>
struct facts<sve_i8mm> : facts<sve> {
  static constexpr const char* name = "sve_i8mm";
};
template <>
struct facts<sve_bf16> : facts<sve> {
  static constexpr const char* name = "sve_bf16";
};

template <>
struct facts<through_highway<avx2>> : facts<avx2> {
  static constexpr const char* name = "highway_avx2";
};
template <>
struct facts<through_highway<avx512>> : facts<avx512> {
  static constexpr const char* name = "highway_avx512";
};
template <>
struct facts<through_highway<neon>> : facts<neon> {
  static constexpr const char* name = "highway_neon";
};

}  // namespace ashlar::isa
