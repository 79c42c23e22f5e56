// SPDX-License-Identifier: Apache-2.0
//
// cuda/wgmma.cuh: Hopper's matrix instruction: four warps multiply a 64 x k and a k x N tile of shared memory.
//
//   wgmma<In, N, MnA, MnB>(acc, a, b, accumulate)      acc (+)= A B;   a, b: descriptors (sm90_layout.cuh)
//
// The element type gives the name and the end of the instruction, as text; N gives the number of accumulators, each an
// operand, which no template can count out: hence the lists below, and the macros, which end with this file.
//
// Depends on: sm90_elements.cuh.   Used by: sm90_gemm.cuh.
#pragma once

#include <ashlar/cuda/sm90_elements.cuh>
#include <cstdint>
#include <type_traits>

namespace ashlar::cuda::ptx {

__device__ __forceinline__ void wgmma_fence() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ __forceinline__ void wgmma_commit() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
template <int Pending>
__device__ __forceinline__ void wgmma_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(Pending) : "memory");
}
/// The compiler must not move what touches the accumulators across the asynchronous instructions.
template <class T, int Count>
__device__ __forceinline__ void hold(T (&acc)[Count]) {
#pragma unroll
  for (int i = 0; i < Count; ++i) {
    if constexpr (std::is_same_v<T, float>) {
      asm volatile("" : "+f"(acc[i])::"memory");
    } else {
      asm volatile("" : "+r"(acc[i])::"memory");
    }
  }
}

template <class In, int N, bool MnA, bool MnB>
struct wgmma;

// clang-format off
#define ASHLAR_NAMES_0 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define ASHLAR_NAMES_32 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define ASHLAR_NAMES_64 "%64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79, %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"
#define ASHLAR_NAMES_96 "%96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111, %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, %127"
#define ASHLAR_4(C, i) C(d[i]), C(d[i + 1]), C(d[i + 2]), C(d[i + 3])
#define ASHLAR_16(C, i) ASHLAR_4(C, i), ASHLAR_4(C, i + 4), ASHLAR_4(C, i + 8), ASHLAR_4(C, i + 12)
#define ASHLAR_32(C, i) ASHLAR_16(C, i), ASHLAR_16(C, i + 16)
#define ASHLAR_64(C, i) ASHLAR_32(C, i), ASHLAR_32(C, i + 32)
// One instruction: names of the accumulators, numbers of the operands after them, the accumulators.
#define ASHLAR_WGMMA(n, names, a, b, p, op, last, ...)                                                      \
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, %" p ", 0;\nwgmma.mma_async.sync.aligned.m64n" n "%" op " {" names "}, %" a ", %" b ", p%" last ";\n}" \
               : __VA_ARGS__                                                                             \
               : "l"(a_tile), "l"(b_tile), "r"(int(accumulate)), "C"(detail::element<In>::text), "C"(detail::wgmma_end<In, MnA, MnB>::text))
#define ASHLAR_F(x) "+f"(x)
#define ASHLAR_R(x) "+r"(x)
// clang-format on

template <class In, bool MnA, bool MnB>
struct wgmma<In, 16, MnA, MnB> {
  using acc = detail::accumulator_of<In>;
  __device__ __forceinline__ static void run(acc (&d)[8], std::uint64_t a_tile, std::uint64_t b_tile, bool accumulate) {
    if constexpr (std::is_same_v<acc, float>) {
      ASHLAR_WGMMA("16", "%0, %1, %2, %3, %4, %5, %6, %7", "8", "9", "10", "11", "12", ASHLAR_4(ASHLAR_F, 0),
                   ASHLAR_4(ASHLAR_F, 4));
    } else {
      ASHLAR_WGMMA("16", "%0, %1, %2, %3, %4, %5, %6, %7", "8", "9", "10", "11", "12", ASHLAR_4(ASHLAR_R, 0),
                   ASHLAR_4(ASHLAR_R, 4));
    }
  }
};
template <class In, bool MnA, bool MnB>
struct wgmma<In, 32, MnA, MnB> {
  using acc = detail::accumulator_of<In>;
  __device__ __forceinline__ static void run(acc (&d)[16], std::uint64_t a_tile, std::uint64_t b_tile,
                                             bool accumulate) {
    if constexpr (std::is_same_v<acc, float>) {
      ASHLAR_WGMMA("32", "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15", "16", "17", "18", "19",
                   "20", ASHLAR_16(ASHLAR_F, 0));
    } else {
      ASHLAR_WGMMA("32", "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15", "16", "17", "18", "19",
                   "20", ASHLAR_16(ASHLAR_R, 0));
    }
  }
};
template <class In, bool MnA, bool MnB>
struct wgmma<In, 64, MnA, MnB> {
  using acc = detail::accumulator_of<In>;
  __device__ __forceinline__ static void run(acc (&d)[32], std::uint64_t a_tile, std::uint64_t b_tile,
                                             bool accumulate) {
    if constexpr (std::is_same_v<acc, float>) {
      ASHLAR_WGMMA("64", ASHLAR_NAMES_0, "32", "33", "34", "35", "36", ASHLAR_32(ASHLAR_F, 0));
    } else {
      ASHLAR_WGMMA("64", ASHLAR_NAMES_0, "32", "33", "34", "35", "36", ASHLAR_32(ASHLAR_R, 0));
    }
  }
};
template <class In, bool MnA, bool MnB>
struct wgmma<In, 128, MnA, MnB> {
  using acc = detail::accumulator_of<In>;
  __device__ __forceinline__ static void run(acc (&d)[64], std::uint64_t a_tile, std::uint64_t b_tile,
                                             bool accumulate) {
    if constexpr (std::is_same_v<acc, float>) {
      ASHLAR_WGMMA("128", ASHLAR_NAMES_0 ", " ASHLAR_NAMES_32, "64", "65", "66", "67", "68", ASHLAR_64(ASHLAR_F, 0));
    } else {
      ASHLAR_WGMMA("128", ASHLAR_NAMES_0 ", " ASHLAR_NAMES_32, "64", "65", "66", "67", "68", ASHLAR_64(ASHLAR_R, 0));
    }
  }
};
template <class In, bool MnA, bool MnB>
struct wgmma<In, 192, MnA, MnB> {
  using acc = detail::accumulator_of<In>;
  __device__ __forceinline__ static void run(acc (&d)[96], std::uint64_t a_tile, std::uint64_t b_tile,
                                             bool accumulate) {
    if constexpr (std::is_same_v<acc, float>) {
      ASHLAR_WGMMA("192", ASHLAR_NAMES_0 ", " ASHLAR_NAMES_32 ", " ASHLAR_NAMES_64, "96", "97", "98", "99", "100",
                   ASHLAR_64(ASHLAR_F, 0), ASHLAR_32(ASHLAR_F, 64));
    } else {
      ASHLAR_WGMMA("192", ASHLAR_NAMES_0 ", " ASHLAR_NAMES_32 ", " ASHLAR_NAMES_64, "96", "97", "98", "99", "100",
                   ASHLAR_64(ASHLAR_R, 0), ASHLAR_32(ASHLAR_R, 64));
    }
  }
};
template <class In, bool MnA, bool MnB>
struct wgmma<In, 256, MnA, MnB> {
  using acc = detail::accumulator_of<In>;
  __device__ __forceinline__ static void run(acc (&d)[128], std::uint64_t a_tile, std::uint64_t b_tile,
                                             bool accumulate) {
    if constexpr (std::is_same_v<acc, float>) {
      ASHLAR_WGMMA("256", ASHLAR_NAMES_0 ", " ASHLAR_NAMES_32 ", " ASHLAR_NAMES_64 ", " ASHLAR_NAMES_96, "128", "129",
                   "130", "131", "132", ASHLAR_64(ASHLAR_F, 0), ASHLAR_64(ASHLAR_F, 64));
    } else {
      ASHLAR_WGMMA("256", ASHLAR_NAMES_0 ", " ASHLAR_NAMES_32 ", " ASHLAR_NAMES_64 ", " ASHLAR_NAMES_96, "128", "129",
                   "130", "131", "132", ASHLAR_64(ASHLAR_R, 0), ASHLAR_64(ASHLAR_R, 64));
    }
  }
};

#undef ASHLAR_WGMMA
#undef ASHLAR_F
#undef ASHLAR_R
#undef ASHLAR_4
#undef ASHLAR_16
#undef ASHLAR_32
#undef ASHLAR_64
#undef ASHLAR_NAMES_0
#undef ASHLAR_NAMES_32
#undef ASHLAR_NAMES_64
#undef ASHLAR_NAMES_96

}  // namespace ashlar::cuda::ptx
