// SPDX-License-Identifier: Apache-2.0
//
// isa/highway.hpp: ops<T, isa::sve>, and ops<T, isa::through_highway<Base>> for the cross-check on fixed-width ISAs.
//
// Length-agnostic: vectors are sizeless, lanes() is asked of the machine. Highway is used in its static mode: one
// target, chosen by Highway from the flags of the translation unit, through hwy::HWY_NAMESPACE alone. It falls back to
// a weaker target without a word, so the choice is asserted. The flags that it wants:
//
//   AVX2      -mavx2 -mfma -mbmi -mbmi2 -mf16c              (or -march=haswell, x86-64-v3)
//   AVX-512   those and -mavx512{f,cd,bw,dq,vl}             (or -march=x86-64-v4)
//   NEON      none
//   SVE       -march=armv8.2-a+sve, g++ only: Highway calls SVE broken in clang before 22
//
// Works with Highway 1.0.3 and later.
//
// Depends on: isa/ops.hpp, isa/rounded.hpp, isa/sve_instructions.hpp, isa/native.hpp, hwy.   Used by: isa.hpp where SVE
// is enabled.
#pragma once

// AES and carry-less multiplication are no part of what is used here; x86-64-v3 and v4 do not imply them.
#if defined(__x86_64__) && !(defined(__AES__) && defined(__PCLMUL__)) && !defined(HWY_DISABLE_PCLMUL_AES)
#define HWY_DISABLE_PCLMUL_AES 1
#endif
// With g++ on AArch64 Highway would wrap its NEON functions in target("+crypto") for dispatch at run time, and they
// could not be inlined into functions without: this says that there is no such dispatch.
#if defined(__aarch64__) && !defined(TOOLCHAIN_MISS_SYS_AUXV_H)
#define TOOLCHAIN_MISS_SYS_AUXV_H 1
#endif
#if !defined(HWY_COMPILE_ONLY_STATIC)
#define HWY_COMPILE_ONLY_STATIC 1
#endif

#include <hwy/highway.h>
#include <ashlar/isa/native.hpp>
#include <ashlar/isa/ops.hpp>
#include <ashlar/isa/rounded.hpp>
#include <ashlar/isa/sve_instructions.hpp>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace ashlar::isa {

// The tag of the target that Highway chose; `any` for those without an adapter (a scalar translation unit).
#if HWY_ARCH_X86 && HWY_TARGET == HWY_AVX2
using highway_target = through_highway<avx2>;
#elif HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
using highway_target = through_highway<avx512>;
#elif HWY_HAVE_SCALABLE && defined(__ARM_FEATURE_SVE)
using highway_target = sve;
#elif HWY_TARGET == HWY_SVE_256 || HWY_TARGET == HWY_SVE2_128
using highway_target = sve;
#elif HWY_ARCH_ARM && defined(__aarch64__)
using highway_target = through_highway<neon>;
#else
using highway_target = any;
#endif

}  // namespace ashlar::isa

namespace ashlar::detail {

static_assert(HWY_TARGET == HWY_STATIC_TARGET, "Highway must be in static mode: one target in a translation unit");
static_assert(std::same_as<isa::native_vectors, isa::scalar> ||
                  std::derived_from<isa::highway_target, isa::native_vectors>,
              "Highway chose a weaker target than the compiler's flags allow: see the flags it wants above");

namespace hn = hwy::HWY_NAMESPACE;

template <class T, class Isa>
struct highway_ops {
  using value_type = T;
  using isa_type = Isa;
  using tag = hn::ScalableTag<T>;
  using vec = hn::Vec<tag>;
  static constexpr bool scalable = std::same_as<isa_type, isa::sve>;

  static constexpr index max_lanes = (scalable ? 256 : isa::facts<isa_type>::vector_bytes) / index(sizeof(T));
  static constexpr bool masked_memory = scalable || std::derived_from<isa_type, isa::avx512>;
  static ASHLAR_INLINE constexpr index lanes() { return static_cast<index>(hn::Lanes(tag())); }

  static ASHLAR_INLINE vec zero() {
    if constexpr (scalable) {
      return sve_instructions<T>::template zero<vec>();
    } else {
      return hn::Zero(tag());
    }
  }
  static ASHLAR_INLINE vec broadcast(T x) { return hn::Set(tag(), x); }
  static ASHLAR_INLINE vec broadcast_load(const T* p) { return hn::Set(tag(), *p); }
  static ASHLAR_INLINE vec load(const T* p) { return hn::LoadU(tag(), p); }
  static ASHLAR_INLINE void store(T* p, vec x) { hn::StoreU(x, tag(), p); }

  // Highway masks in registers, after a full access, where the machine has no masked memory.
  static ASHLAR_INLINE vec load_n(const T* p, index n) {
    if constexpr (masked_memory) {
      return hn::MaskedLoad(first(n), tag(), p);
    } else {
      T lanes_of[max_lanes] = {};
      std::memcpy(lanes_of, p, static_cast<std::size_t>(n) * sizeof(T));
      return load(lanes_of);
    }
  }
  static ASHLAR_INLINE void store_n(T* p, vec x, index n) {
    if constexpr (masked_memory) {
      hn::BlendedStore(x, first(n), tag(), p);
    } else {
      T lanes_of[max_lanes];
      store(lanes_of, x);
      std::memcpy(p, lanes_of, static_cast<std::size_t>(n) * sizeof(T));
    }
  }

  static ASHLAR_INLINE vec add(vec a, vec b) { return hn::Add(a, b); }
  static ASHLAR_INLINE vec sub(vec a, vec b) { return hn::Sub(a, b); }
  static ASHLAR_INLINE vec mul(vec a, vec b) { return product(hn::Mul(a, b)); }
  static ASHLAR_INLINE vec min(vec a, vec b) { return hn::IfThenElse(hn::Lt(a, b), a, b); }
  static ASHLAR_INLINE vec max(vec a, vec b) { return hn::IfThenElse(hn::Gt(a, b), a, b); }
  static ASHLAR_INLINE vec select_gt(vec a, vec b, vec x, vec y) { return hn::IfThenElse(hn::Gt(a, b), x, y); }

 protected:
  static ASHLAR_INLINE auto first(index n) { return hn::FirstN(tag(), static_cast<std::size_t>(n)); }
  // An SVE vector is a register, the others hold one.
  template <class V>
  static ASHLAR_INLINE V product(V x) {
    if constexpr (requires { x.raw; }) {
      return V{detail::rounded(x.raw)};
    } else {
      return detail::rounded(x);
    }
  }
};

template <class T, class Isa>
struct highway_arithmetic : highway_ops<T, Isa> {
  using typename highway_ops<T, Isa>::tag;
  using typename highway_ops<T, Isa>::vec;
  using bits = hn::RebindToUnsigned<tag>;
  static constexpr int fraction = std::numeric_limits<T>::digits - 1;
  static constexpr T pow2_offset = T(std::uint64_t(1) << fraction) + T(std::numeric_limits<T>::max_exponent - 1);

  static ASHLAR_INLINE vec fma(vec a, vec b, vec c) { return hn::MulAdd(a, b, c); }
  static ASHLAR_INLINE vec fma_into(vec acc, vec a, vec b)
    requires(highway_ops<T, Isa>::scalable)
  {
    return sve_instructions<T>::fma_into(highway_ops<T, Isa>::first(highway_ops<T, Isa>::lanes()), acc, a, b);
  }
  static ASHLAR_INLINE vec div(vec a, vec b) { return hn::Div(a, b); }
  static ASHLAR_INLINE vec abs(vec x) { return hn::Abs(x); }
  static ASHLAR_INLINE vec neg(vec x) { return hn::Neg(x); }
  static ASHLAR_INLINE vec copysign(vec magnitude, vec sign) { return hn::CopySign(magnitude, sign); }
  static ASHLAR_INLINE vec round_even(vec x) { return hn::Round(x); }
  static ASHLAR_INLINE vec from_int(hn::Vec<hn::RebindToSigned<tag>> x)
    requires(sizeof(T) == 4)
  {
    return hn::ConvertTo(tag(), x);
  }
  static ASHLAR_INLINE vec pow2(vec k) {  // isa/scalar.hpp says why
    const vec sum = hn::Add(k, hn::Set(tag(), pow2_offset));
    return hn::BitCast(tag(), hn::ShiftLeft<fraction>(hn::BitCast(bits(), sum)));
  }
};

template <std::integral T, class Isa>
struct highway_arithmetic<T, Isa> : highway_ops<T, Isa> {
  using typename highway_ops<T, Isa>::vec;

  static ASHLAR_INLINE vec fma(vec a, vec b, vec c) { return hn::Add(hn::Mul(a, b), c); }
  static ASHLAR_INLINE vec bit_and(vec a, vec b) { return hn::And(a, b); }
  static ASHLAR_INLINE vec bit_or(vec a, vec b) { return hn::Or(a, b); }
};

template <class T>
concept highway_element =
    !std::same_as<isa::highway_target, isa::any> && (std::same_as<T, float> || std::same_as<T, double> ||
                                                     std::same_as<T, std::int32_t> || std::same_as<T, std::uint32_t>);

}  // namespace ashlar::detail

namespace ashlar {

template <detail::highway_element T>
struct ops<T, isa::highway_target> : detail::highway_arithmetic<T, isa::highway_target> {};

static_assert(std::same_as<isa::highway_target, isa::any> ||
              (float_ops<ops<float, isa::highway_target>> && float_ops<ops<double, isa::highway_target>> &&
               integer_ops<ops<std::int32_t, isa::highway_target>> &&
               integer_ops<ops<std::uint32_t, isa::highway_target>>));

}  // namespace ashlar
