// SPDX-License-Identifier: Apache-2.0
//
// cuda/simt_gemm.cuh: the exact product: one fused multiply-add for each k, in order, as reference::gemm has it.
//
//   launch_simt<float>(A, B, C, relu(acc + per_column(bias)), {}, stream)         float and double: bit-equal to it
//   launch_simt<std::int32_t>(A_s8, B_s8, C_s32, acc, {}, stream)                 elements are converted when read
//
// Any strides and alignment, any extents. Nothing is allocated and nothing waits; views are in device memory, and the
// caller has checked them.
//
// Depends on: simt_block.cuh, simt_choose.cuh, launch.cuh.   Used by: gemm.cuh.
#pragma once

#include <ashlar/core/status.hpp>
#include <ashlar/cuda/batch.cuh>
#include <ashlar/cuda/launch.cuh>
#include <ashlar/cuda/simt_block.cuh>
#include <ashlar/cuda/simt_choose.cuh>
#include <ashlar/cuda/simt_orders.cuh>
#include <cstdint>

namespace ashlar::cuda::detail {

/// The calling thread of a block.
template <class Thread>
struct device_team {
  Thread& thread;

#if defined(__CUDACC__)
  template <class F>
  __device__ __forceinline__ void each(const F& f) const {
    f(thread, int(threadIdx.x));
  }
  template <int Newest>
  __device__ __forceinline__ void arrive() const {
    async_wait<Newest>();
    __syncthreads();
  }
#endif
};

template <class Tile, class T, class OrderA, class OrderB, class A, class B, class C, class E>
__global__ void __launch_bounds__(Tile::threads, Tile::resident)
    simt_kernel(const __grid_constant__ simt_problem<A, B, C, E> p) {
  using block = simt_block<Tile, T, OrderA, OrderB, simt_window<A, B, C>>;
  __shared__ typename block::shared memory;
  static_assert(sizeof memory <= 48 * 1024);
  const simt_window<A, B, C> w = window_of_block<Tile>(p, int(blockIdx.x));
  typename block::thread th;
  const device_team<typename block::thread> team{th};
  block(memory, w).run(team, p.e, p.strips_of_c);
}

/// The grid takes whole problems of the batch, and is started again while there are more.
template <class Tile, class T, class OrderA, class OrderB, class A, class B, class C, class E>
status launch_simt_tile(simt_problem<A, B, C, E> p, cudaStream_t stream) {
  const index tiles_m = rounded_up_quotient(p.c.rows(), Tile::bm), tiles_n = rounded_up_quotient(p.c.cols(), Tile::bn);
  constexpr index grid = 0x7fffffff;
  if (tiles_m > grid / tiles_n || p.a.cols() / Tile::bk > grid - Tile::stages) {
    return status::error(errc::overflow, "gemm: %lld x %lld x %lld: more than 2^31 tiles", (long long)p.c.rows(),
                         (long long)p.c.cols(), (long long)p.a.cols());
  }
  const index most = grid / (tiles_m * tiles_n);  // problems of one launch
  for (p.first = 0; p.first < p.batch.count; p.first += most) {
    const index left = p.batch.count - p.first;
    p.order = simt_order(tiles_m, tiles_n, left < most ? left : most);
    simt_kernel<Tile, T, OrderA, OrderB><<<unsigned(p.order.count()), Tile::threads, 0, stream>>>(p);
    if (status s = checked(cudaGetLastError(), "gemm", "launch"); !s.ok()) return s;
  }
  return {};
}

/// Large tiles copy 16 bytes at once where the sides allow it; small ones wait for memory anyway.
template <int Shape, class T, class A, class B, class C, class E>
status launch_simt_shape(const simt_problem<A, B, C, E>& p, cudaStream_t stream) {
  using tile = simt_tile<simt_shapes<sizeof(T)>[Shape]>;
  return with_order <
         Shape<2, T>(
             side_a(p), p.batch.a, p.batch.count,
             [&](auto order_a) {
               return with_order <
                      Shape<2, T>(
                          side_b(p), p.batch.b, p.batch.count,
                          [&](auto order_b) {
                            return launch_simt_tile<tile, T, decltype(order_a), decltype(order_b)>(p, stream);
                          });
             });
}

/// C(m,n) = e( sum over k of A(m,k) * B(k,n) ) for every problem of the batch, T the type of the sum.
template <class T, class A, class B, class C, class E, class Unit = ashlar::detail::this_unit>
status launch_simt(const A& a, const B& b, const C& c, const E& e, const batch_strides& batch, cudaStream_t stream) {
  if (c.empty() || batch.count <= 0) return {};
  if constexpr (C::static_row_stride == 1 && C::static_col_stride != 1) {  // C of columns is the transpose of C of rows
    return launch_simt<T>(b.transposed(), a.transposed(), c.transposed(), transposed(e),
                          {batch.count, batch.b, batch.a, batch.c}, stream);
  } else {
    const auto device = current_device("gemm");
    if (!device.ok()) return device.error();
    const simt_problem<A, B, C, E> p{a, b, c, e, batch, 0, {}, strips_of_c<strip<T>>(c, batch)};
    simt_machine sm;
    sm.multiprocessors = device.value().multiprocessors;
    switch (best_simt_shape<sizeof(T)>(c.rows(), c.cols(), a.cols(), batch.count, sm)) {
      case 0:
        return launch_simt_shape<0, T>(p, stream);
      case 1:
        return launch_simt_shape<1, T>(p, stream);
      case 2:
        return launch_simt_shape<2, T>(p, stream);
      case 3:
        return launch_simt_shape<3, T>(p, stream);
      default:
        return launch_simt_shape<4, T>(p, stream);
    }
  }
}

}  // namespace ashlar::cuda::detail
