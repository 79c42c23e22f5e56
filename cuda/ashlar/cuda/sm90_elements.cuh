// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_elements.cuh: what Hopper's matrix unit makes of an element type: accumulator, k of one instruction, names.
//
//   type        accumulator   k   memory may be contiguous along
//   bf16, f16   float        16   k, or rows / columns
//   tf32        float         8   k                            float in memory, its last 13 bits are not used
//   e4m3, e5m2  float        32   k
//   int8        int32        32   k
//
// Depends on: core/narrow_float.hpp, tf32.cuh.   Used by: wgmma.cuh, sm90_gemm.cuh, tensor_map.cuh.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/cuda/tf32.cuh>
#include <cstdint>
#include <type_traits>

namespace ashlar::cuda {

namespace detail {

// `text` is the part of the instruction's name behind m64nN.
template <class In>
struct element;
template <>
struct element<bf16> {
  using accumulator = float;
  static constexpr char text[] = "k16.f32.bf16.bf16";
};
template <>
struct element<f16> {
  using accumulator = float;
  static constexpr char text[] = "k16.f32.f16.f16";
};
template <>
struct element<tf32> {
  using accumulator = float;
  static constexpr char text[] = "k8.f32.tf32.tf32";
};
template <>
struct element<e4m3> {
  using accumulator = float;
  static constexpr char text[] = "k32.f32.e4m3.e4m3";
};
template <>
struct element<e5m2> {
  using accumulator = float;
  static constexpr char text[] = "k32.f32.e5m2.e5m2";
};
template <>
struct element<std::int8_t> {
  using accumulator = std::int32_t;
  static constexpr char text[] = "k32.s32.s8.s8";
};

template <class In>
using accumulator_of = typename element<In>::accumulator;

template <class In>
inline constexpr int k_of_instruction = 32 / int(sizeof(In));
/// May a tile be contiguous along its rows or columns instead of k?
template <class In>
inline constexpr bool any_major = sizeof(In) == 2;

// The end of the instruction's text: signs of A and B where the type has them; which of them is not K-major where it
// may.
template <class In, bool MnA, bool MnB>
struct wgmma_end {
  static constexpr char text[] = ", 1, 1";
};
template <class In, bool MnA, bool MnB>
  requires(any_major<In>)
struct wgmma_end<In, MnA, MnB> {
  static constexpr char text[] = {',', ' ', '1', ',', ' ', '1', ',', ' ', '0' + MnA, ',', ' ', '0' + MnB, '\0'};
};
template <bool MnA, bool MnB>
struct wgmma_end<std::int8_t, MnA, MnB> {
  static constexpr char text[] = "";
};

}  // namespace detail
}  // namespace ashlar::cuda
