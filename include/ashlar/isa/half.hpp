// SPDX-License-Identifier: Apache-2.0
//
// isa/half.hpp: rows of 8- and 16-bit floating-point numbers to floats and back, and tiles that read such a B.
//
//   widened(in, n, out)     exact, as float(x)
//   narrowed(in, n, out)    to nearest even, as N(x)
//   half_ops<N, Isa>        ops<float, Isa> whose load() also takes a pointer to N
//
// The bits are those of core/narrow_float.hpp on every ISA. 16-bit types are converted eight at a time on the
// compiler's generic vectors.
//
// Depends on: core/narrow_float.hpp, isa/ops.hpp.   Used by: pack/half_block.hpp, epilogue/output.hpp,
// loop/half_format.hpp.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/isa/ops.hpp>
#include <concepts>
#include <cstdint>
#include <cstring>

namespace ashlar {

namespace detail {

typedef std::uint16_t half_words __attribute__((vector_size(16)));
typedef std::uint32_t float_words __attribute__((vector_size(32)));
typedef float eight_floats __attribute__((vector_size(32)));

// Vectors by reference: passing them by value has another ABI where the ISA lacks their registers.
ASHLAR_HOST_INLINE void choose(const float_words& mask, const float_words& yes, float_words& x) {
  x = (mask & yes) | (~mask & x);
}

// Magnitude and sign apart; f16's exponent is moved by a product with 2^112, exact for subnormal numbers too.
template <class N>
ASHLAR_HOST_INLINE void widen_words(const half_words& in, float_words& out) {
  const float_words x = __builtin_convertvector(in, float_words);
  if constexpr (N::exponent_bits == 8) {
    out = x << 16;
  } else {
    const float_words m = x & 0x7fffu, moved = m << 13;
    out = reinterpret_cast<float_words>(reinterpret_cast<eight_floats>(moved) * 0x1p112f);
    choose(reinterpret_cast<float_words>(m >= 0x7c00u), moved | 0x7f800000u, out);
    out |= (x & 0x8000u) << 16;
  }
}

// Rounded by adding half a unit, or the other half of it to odd numbers; subnormal f16 by the sum with 1/2, whose last
// place is theirs.
template <class N>
ASHLAR_HOST_INLINE void narrow_words(const float_words& x, half_words& out) {
  constexpr int shift = 23 - N::fraction_bits;
  constexpr std::uint32_t rebias = std::uint32_t(127 - N::bias) << 23;
  constexpr std::uint32_t infinity = 0x7fffu >> N::fraction_bits << N::fraction_bits;
  const float_words m = x & 0x7fffffffu;
  float_words r = (m - rebias + ((1u << (shift - 1)) - 1) + (m >> shift & 1u)) >> shift;
  if constexpr (rebias != 0) {
    const eight_floats sum = reinterpret_cast<eight_floats>(m) + 0.5f;
    choose(reinterpret_cast<float_words>(m < rebias + (1u << 23)), reinterpret_cast<float_words>(sum) - 0x3f000000u, r);
    choose(reinterpret_cast<float_words>(r > infinity), float_words{} + infinity, r);
  }
  r |= x >> 16 & 0x8000u;
  choose(reinterpret_cast<float_words>(m > 0x7f800000u), float_words{} + 0x7fffu, r);
  out = __builtin_convertvector(r, half_words);
}

}  // namespace detail

/// out[i] = float(in[i]).
template <narrow_floating_point N, class Isa>
ASHLAR_HOST_INLINE void widened(const N* in, index count, float* out) {
  const index whole = sizeof(N) == 2 ? count / 8 * 8 : 0;
  if constexpr (sizeof(N) == 2) {
    for (index i = 0; i < whole; i += 8) {
      detail::half_words x;
      std::memcpy(&x, in + i, sizeof x);
      detail::float_words y;
      detail::widen_words<N>(x, y);
      std::memcpy(out + i, &y, sizeof y);
    }
  }
  for (index i = whole; i < count; ++i) out[i] = float(in[i]);
}

/// out[i] = float(in[i]) of small integers. Sixteen at a time, by way of 16 and 32 bits: g++ would take eight bytes
/// apart.
template <std::integral N, class Isa>
ASHLAR_HOST_INLINE void widened(const N* in, index count, float* out) {
  typedef N integers __attribute__((vector_size(16 * sizeof(N))));
  typedef std::int16_t words __attribute__((vector_size(32)));
  typedef std::int16_t half __attribute__((vector_size(16)));
  typedef std::int32_t numbers __attribute__((vector_size(32)));
  const index whole = sizeof(N) == 1 ? count / 16 * 16 : 0;
  if constexpr (sizeof(N) == 1) {
    for (index i = 0; i < whole; i += 16) {
      integers x;
      std::memcpy(&x, in + i, sizeof x);
      const words w = __builtin_convertvector(x, words);
      const half low = __builtin_shufflevector(w, w, 0, 1, 2, 3, 4, 5, 6, 7);
      const half high = __builtin_shufflevector(w, w, 8, 9, 10, 11, 12, 13, 14, 15);
      const auto a = __builtin_convertvector(__builtin_convertvector(low, numbers), detail::eight_floats);
      const auto b = __builtin_convertvector(__builtin_convertvector(high, numbers), detail::eight_floats);
      std::memcpy(out + i, &a, sizeof a), std::memcpy(out + i + 8, &b, sizeof b);
    }
  }
  for (index i = whole; i < count; ++i) out[i] = float(in[i]);
}

/// out[i] = double(in[i]) of integers.
template <std::integral N, class Isa>
ASHLAR_HOST_INLINE void widened(const N* in, index count, double* out) {
  typedef N integers __attribute__((vector_size(4 * sizeof(N))));
  typedef std::int32_t numbers __attribute__((vector_size(16)));
  typedef double doubles __attribute__((vector_size(32)));
  const index whole = count / 4 * 4;
  for (index i = 0; i < whole; i += 4) {
    integers x;
    std::memcpy(&x, in + i, sizeof x);
    const doubles y = __builtin_convertvector(__builtin_convertvector(x, numbers), doubles);
    std::memcpy(out + i, &y, sizeof y);
  }
  for (index i = whole; i < count; ++i) out[i] = double(in[i]);
}

/// out[i] = N(in[i]).
template <narrow_floating_point N, class Isa>
ASHLAR_HOST_INLINE void narrowed(const float* in, index count, N* out) {
  const index whole = sizeof(N) == 2 ? count / 8 * 8 : 0;
  if constexpr (sizeof(N) == 2) {
    for (index i = 0; i < whole; i += 8) {
      detail::float_words x;
      std::memcpy(&x, in + i, sizeof x);
      detail::half_words y;
      detail::narrow_words<N>(x, y);
      std::memcpy(static_cast<void*>(out + i), &y, sizeof y);
    }
  }
  for (index i = whole; i < count; ++i) out[i] = N(in[i]);
}

/// Loads a vector of N as floats: specialised by the adapters that have instructions for it.
template <class N, class Isa>
struct half_load {
  using O = ops<float, Isa>;
  static ASHLAR_INLINE typename O::vec of(const N* p) {
    float lanes[O::max_lanes];
    for (index l = 0; l < O::lanes(); ++l) lanes[l] = float(p[l]);
    return O::load(lanes);
  }
};

/// ops<float, Isa> with a B of N. N may be float.
template <class N, class Isa>
struct half_ops : ops<float, Isa> {
  using ops<float, Isa>::load;
  static ASHLAR_INLINE typename ops<float, Isa>::vec load(const N* p) { return half_load<N, Isa>::of(p); }
};
template <class Isa>
struct half_ops<float, Isa> : ops<float, Isa> {};

}  // namespace ashlar
