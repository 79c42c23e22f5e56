// SPDX-License-Identifier: Apache-2.0
//
// cuda/device_warp.cuh: what a kernel asks of the machine, each an instruction: the policy that the kernels of
// mma_block.cuh take, so that tests/cuda/virtual_warp.hpp can stand in for a GPU.
//
// Shared memory is addressed by 32-bit numbers of bytes. All accesses to it are volatile, and so stay in their order;
// mma is not, and may move between them.
//
// Source: PTX ISA 8.4: mma.sync, ldmatrix, cp.async, cvt.
//
// Depends on: mma_element.cuh, CUDA.   Used by: mma_gemm.cuh.
#pragma once

#include <ashlar/cuda/arch.cuh>
#include <ashlar/cuda/mma_element.cuh>
#include <cstdint>

namespace ashlar::cuda::detail {

struct device_warp {
  using word = std::uint32_t;

  static __device__ __forceinline__ int thread() { return int(threadIdx.x); }
  static __device__ __forceinline__ int block() { return int(blockIdx.x); }

  /// Where the block's dynamic shared memory begins, on a multiple of 128.
  static __device__ __forceinline__ word shared() {
    extern __shared__ __align__(128) unsigned char ashlar_dynamic_shared[];
    return word(__cvta_generic_to_shared(ashlar_dynamic_shared));
  }

  static __device__ __forceinline__ void barrier() { asm volatile("bar.sync 0;" ::: "memory"); }
  static __device__ __forceinline__ void warp_barrier() { __syncwarp(); }

  /// 16 bytes from global to shared memory in the background: the first `bytes` of source, then zeros.
  static __device__ __forceinline__ void copy(word to, const void* from, int bytes) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
  }
  /// The same for 16 bytes or none, without the arithmetic that a variable number of bytes costs.
  static __device__ __forceinline__ void copy_or_clear(word to, const void* from, bool present) {
    asm volatile(
        "{\n"
        ".reg .pred absent;\n"
        "setp.eq.b32 absent, %2, 0;\n"
        "cp.async.cg.shared.global.L2::128B [%0], [%1], 16, absent;\n"
        "}" ::"r"(to),
        "l"(from), "r"(int(present))
        : "memory");
  }
  /// The same for 8 bytes.
  static __device__ __forceinline__ void copy_double(word to, const double* from, bool present) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(to), "l"(from), "r"(present ? 8 : 0) : "memory");
  }
  /// Ends a group of copies.
  static __device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
  /// Until at most Pending groups of this thread are still under way.
  template <int Pending>
  static __device__ __forceinline__ void wait() {
    asm volatile("cp.async.wait_group %0;" ::"n"(Pending) : "memory");
  }

  static __device__ __forceinline__ word load_word(word from) {
    word x;
    asm volatile("ld.shared.b32 %0, [%1];" : "=r"(x) : "r"(from));
    return x;
  }
  static __device__ __forceinline__ void load_words(word (&x)[4], word from) {
    asm volatile("ld.shared.v4.b32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(from));
  }
  static __device__ __forceinline__ double load_double(word from) {
    double x;
    asm volatile("ld.shared.f64 %0, [%1];" : "=d"(x) : "r"(from));
    return x;
  }
  static __device__ __forceinline__ void store_double(word to, double x) {
    asm volatile("st.shared.f64 [%0], %1;" ::"r"(to), "d"(x) : "memory");
  }
  static __device__ __forceinline__ void store_words(word to, const word (&x)[2]) {
    asm volatile("st.shared.v2.b32 [%0], {%1, %2};" ::"r"(to), "r"(x[0]), "r"(x[1]) : "memory");
  }
  static __device__ __forceinline__ void store_words(word to, const word (&x)[4]) {
    asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3])
                 : "memory");
  }

  /// 4, 8 or 16 bytes to global memory, at a multiple of as many.
  template <int Words>
  static __device__ __forceinline__ void store_global(void* to, const word (&x)[Words]) {
    if constexpr (Words == 4) {
      *static_cast<uint4*>(to) = {x[0], x[1], x[2], x[3]};
    } else if constexpr (Words == 2) {
      *static_cast<uint2*>(to) = {x[0], x[1]};
    } else {
      *static_cast<word*>(to) = x[0];
    }
  }

  /// Four 8 x 8 matrices of 16 bits; lanes 8i..8i+7 give the rows of matrix i.
  static __device__ __forceinline__ void load_matrices(word (&x)[4], word row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(row));
  }
  static __device__ __forceinline__ void load_transposed(word (&x)[4], word row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(x[0]), "=r"(x[1]), "=r"(x[2]), "=r"(x[3])
                 : "r"(row));
  }

  /// Bytes 0 and 2 (Odd: 1 and 3) of x, then those of y.
  template <bool Odd>
  static __device__ __forceinline__ word alternate_bytes(word x, word y) {
    return __byte_perm(x, y, Odd ? 0x7531 : 0x6420);
  }
  /// A float as tf32, to nearest, ties away from zero. The instruction would cut the low bits off.
  static __device__ __forceinline__ word rounded_tf32(word x) {
    word y;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(__uint_as_float(x)));
    return y;
  }

  /// sum += a * b of 16 x 8 elements: X and Y name the elements of a and b.
  template <class X, class Y>
  static __device__ __forceinline__ void multiply(float (&sum)[4], const word (&a)[4], word b0, word b1) {
    using name = mma_instruction<mma_element<X>::size, float>;
    asm("mma.sync.aligned.%10.row.col.f32.%11.%12.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "C"(name::shape), "C"(mma_element<X>::name),
          "C"(mma_element<Y>::name));
  }
  template <class X, class Y>
  static __device__ __forceinline__ void multiply(std::int32_t (&sum)[4], const word (&a)[4], word b0, word b1) {
    using name = mma_instruction<mma_element<X>::size, std::int32_t>;
    asm("mma.sync.aligned.%10.row.col.s32.%11.%12.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "C"(name::shape), "C"(mma_element<X>::name),
          "C"(mma_element<Y>::name));
  }

  /// c += a * b of 16 x 8 doubles, 16 of k in order; upper and lower: c's rows from 0 and from 8 on.
  static __device__ __forceinline__ void multiply(double (&upper)[2], double (&lower)[2], const double (&a)[8],
                                                  const double (&b)[4]) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    asm("mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7, %8, %9, %10, %11}, "
        "{%12, %13, %14, %15}, {%0, %1, %2, %3};"
        : "+d"(upper[0]), "+d"(upper[1]), "+d"(lower[0]), "+d"(lower[1])
        : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(a[4]), "d"(a[5]), "d"(a[6]), "d"(a[7]), "d"(b[0]), "d"(b[1]),
          "d"(b[2]), "d"(b[3]));
#else
#pragma unroll
    for (int i = 0; i < 4; ++i) multiply(upper, a[2 * i], b[i]), multiply(lower, a[2 * i + 1], b[i]);
#endif
  }
  static __device__ __forceinline__ void multiply(double (&c)[2], double a, double b) {  // 8 x 8, 4 of k
    asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
        : "+d"(c[0]), "+d"(c[1])
        : "d"(a), "d"(b));
  }
};

}  // namespace ashlar::cuda::detail
