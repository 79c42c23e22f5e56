// SPDX-License-Identifier: Apache-2.0
//
// cuda/mma_element.cuh: the numbers that mma.sync multiplies: their names in PTX, what they add up in, where they run.
//
//   f16 bf16 tf32 e4m3 e5m2  ->  float        int8 uint8  ->  int32        double  ->  double, exactly (dmma_block.cuh)
//
// tf32 is rounded to nearest, ties away from zero.
//
// Depends on: core/narrow_float.hpp, tf32.cuh.   Used by: mma_block.cuh, mma_gemm.cuh.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/cuda/tf32.cuh>
#include <concepts>
#include <cstdint>

namespace ashlar::cuda {

namespace detail {

/// What of a multiplicand is known at compile time; stored is how it lies in memory.
template <class T>
struct mma_element;

template <class Stored, class Sum, int Capability>
struct mma_facts {
  using stored = Stored;
  using sum = Sum;
  static constexpr int size = sizeof(Stored);
  static constexpr int capability = Capability;  // least compute capability, times 10
};

template <>
struct mma_element<f16> : mma_facts<f16, float, 80> {
  static constexpr char name[] = "f16";
};
template <>
struct mma_element<bf16> : mma_facts<bf16, float, 80> {
  static constexpr char name[] = "bf16";
};
template <>
struct mma_element<tf32> : mma_facts<float, float, 80> {
  static constexpr char name[] = "tf32";
};
template <>
struct mma_element<e4m3> : mma_facts<e4m3, float, 89> {
  static constexpr char name[] = "e4m3";
};
template <>
struct mma_element<e5m2> : mma_facts<e5m2, float, 89> {
  static constexpr char name[] = "e5m2";
};
template <>
struct mma_element<std::int8_t> : mma_facts<std::int8_t, std::int32_t, 80> {
  static constexpr char name[] = "s8";
};
template <>
struct mma_element<std::uint8_t> : mma_facts<std::uint8_t, std::int32_t, 80> {
  static constexpr char name[] = "u8";
};

template <>
struct mma_element<double> : mma_facts<double, double, 80> {
  static constexpr char name[] = "f64";
};

/// The shape and the type of sums in the name of the instruction.
template <int Size, class Sum>
struct mma_instruction;
template <>
struct mma_instruction<2, float> {
  static constexpr char shape[] = "m16n8k16", sum[] = "f32";
};
template <>
struct mma_instruction<4, float> {
  static constexpr char shape[] = "m16n8k8", sum[] = "f32";
};
template <>
struct mma_instruction<1, float> {
  static constexpr char shape[] = "m16n8k32", sum[] = "f32";
};
template <>
struct mma_instruction<1, std::int32_t> {
  static constexpr char shape[] = "m16n8k32", sum[] = "s32";
};

/// Do A's and B's elements go into one instruction? 8-bit floating-point types mix, and so do 8-bit integers.
template <class X, class Y>
concept mma_pair = std::same_as<X, Y> || (mma_element<X>::size == 1 && mma_element<Y>::size == 1 &&
                                          std::same_as<typename mma_element<X>::sum, typename mma_element<Y>::sum>);

}  // namespace detail
}  // namespace ashlar::cuda
