// SPDX-License-Identifier: Apache-2.0
//
// isa.hpp: the instruction sets that the flags of this translation unit allow: tags, facts, ops<T, Isa> and
// isa::native.
//
// Include isa/highway.hpp as well for isa::through_highway<...>; isa::sve needs it and has it from here.
//
// Depends on: isa/.   Used by: every operation.
#pragma once

#include <ashlar/isa/native.hpp>
#include <ashlar/isa/ops.hpp>
#include <ashlar/isa/scalar.hpp>
#include <ashlar/isa/tags.hpp>

#if defined(__AVX2__) && defined(__FMA__)
#include <ashlar/isa/avx2.hpp>
#endif

#if defined(__AVX512F__) && defined(__AVX512CD__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__FMA__)
#include <ashlar/isa/avx512.hpp>
#endif

#if defined(__aarch64__)
#include <ashlar/isa/neon.hpp>
#endif

#if defined(__ARM_FEATURE_SVE) && !defined(__clang__)
#include <ashlar/isa/highway.hpp>
#endif

#include <ashlar/isa/dot.hpp>
#include <ashlar/isa/half_loads.hpp>
#if defined(__AVX2__) && defined(__FMA__)
#include <ashlar/isa/dot_madd.hpp>
#include <ashlar/isa/dot_vnni.hpp>
#endif
#if defined(__aarch64__)
#include <ashlar/isa/dot_arm.hpp>
#endif
#include <ashlar/isa/dot_bf16.hpp>
#include <ashlar/isa/dot_half.hpp>
