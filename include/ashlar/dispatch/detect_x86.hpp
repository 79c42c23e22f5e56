// SPDX-License-Identifier: Apache-2.0
//
// dispatch/detect_x86.hpp: CPUID and XCR0. Every feature whose -m flag cmake/ashlar_isa.cmake gives is asked for.
//
// Depends on: dispatch/target.hpp.   Used by: dispatch/detect.hpp.
#pragma once

#include <cpuid.h>
#include <ashlar/dispatch/target.hpp>

namespace ashlar::dispatch {

struct cpuid_words {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// Zeros when the CPU does not have the leaf.
ASHLAR_INLINE cpuid_words cpuid(unsigned leaf, unsigned part = 0) {
  cpuid_words w;
  if (__get_cpuid_count(leaf, part, &w.eax, &w.ebx, &w.ecx, &w.edx) == 0) return {};
  return w;
}

/// XCR0 in its low 32 bits: which register states the operating system saves. Only where CPUID.1:ECX.OSXSAVE is set.
ASHLAR_INLINE unsigned saved_register_state() {
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

ASHLAR_INLINE constexpr bool has_all(unsigned word, unsigned bits) { return (word & bits) == bits; }

ASHLAR_INLINE target hardware() {
  constexpr unsigned avx2_1 = bit_FMA | bit_F16C | bit_POPCNT | bit_AES | bit_PCLMUL | bit_AVX | bit_OSXSAVE;
  constexpr unsigned avx2_7 = bit_AVX2 | bit_BMI | bit_BMI2;
  constexpr unsigned avx512_7 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
  constexpr unsigned avx512_vnni_7 = 1U << 11;                           // of ECX
  constexpr unsigned avx_vnni_7_1 = 1U << 4, avx512_bf16_7_1 = 1U << 5;  // of EAX of part 1
  constexpr unsigned xmm_ymm = 0x06, opmask_zmm = 0xe0;

  if (!has_all(cpuid(1).ecx, avx2_1)) return target::scalar;
  const unsigned saved = saved_register_state();
  const cpuid_words features = cpuid(7);
  const bool avx2 =
      has_all(features.ebx, avx2_7) && has_all(cpuid(0x80000001U).ecx, bit_LZCNT) && has_all(saved, xmm_ymm);
  if (!avx2) return target::scalar;
  if (has_all(features.ebx, avx512_7) && has_all(saved, opmask_zmm)) {
    if (!has_all(features.ecx, avx512_vnni_7)) return target::avx512;
    return features.eax >= 1 && has_all(cpuid(7, 1).eax, avx512_bf16_7_1) ? target::avx512_bf16 : target::avx512_vnni;
  }
  return features.eax >= 1 && has_all(cpuid(7, 1).eax, avx_vnni_7_1) ? target::avx_vnni : target::avx2;
}

}  // namespace ashlar::dispatch
