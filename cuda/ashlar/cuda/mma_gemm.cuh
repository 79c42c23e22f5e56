// SPDX-License-Identifier: Apache-2.0
//
// cuda/mma_gemm.cuh: products on the tensor cores of every GPU from compute capability 8.0 on: mma.sync, fed by
// cp.async.
//
//   A, B    K-major or MN-major, their lines on 16 bytes: direct      anything else: staged, element by element
//   C       row-major; column-major C is the transposed problem; other strides are stored element by element
//
// Depends on: mma_block.cuh, device_warp.cuh, launch.cuh.   Used by: gemm.
#pragma once

#include <ashlar/cuda/arch.cuh>
#include <ashlar/cuda/device_warp.cuh>
#include <ashlar/cuda/launch.cuh>
#include <ashlar/cuda/mma_block.cuh>
#include <ashlar/cuda/strides.cuh>
#include <concepts>
#include <limits>
#include <type_traits>

namespace ashlar::cuda::detail {

/// The block of one tile. The body is empty where the instructions do not exist; `launch_mma` refuses such devices.
template <class Config, class Arguments>
__global__ void __launch_bounds__(Config::threads, Config::resident) mma_kernel(const __grid_constant__ Arguments p) {
  if constexpr (compiling_arch >= 10 * Config::capability) mma_block<Config, device_warp>(p);
}

/// Multiply tf32 takes matrices of float as of tf32; by default the elements are multiplied as what they are.
struct as_stored {};

// float has no tensor cores of its own.
template <class Multiply, class T>
using multiplicand = std::conditional_t<std::same_as<Multiply, tf32> && std::same_as<T, float>, tf32, T>;

/// Do lines of 16 bytes apart start at x.data, and at each problem's?
template <class T>
bool direct_lines(const operand<T>& x, index line_stride, index lines, index element_stride, index batch,
                  index problems) {
  const auto on_16 = [](index elements) { return elements * index(sizeof(T)) % 16 == 0; };
  return element_stride == 1 && reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0 &&
         (lines == 1 || on_16(line_stride)) && (problems == 1 || on_16(batch));
}

/// How A (B transposed) comes into shared memory.
template <class T>
route route_of(const operand<T>& x, index batch, index problems) {
  if (direct_lines(x, x.mn_stride, x.mn, x.k_stride, batch, problems)) return route::direct_k;
  if (direct_lines(x, x.k_stride, x.k, x.mn_stride, batch, problems)) return route::direct_mn;
  return route::staged;
}

template <class Config, class Unit = ashlar::detail::this_unit, class Arguments>
status launch_config(Arguments p, const device_facts& device, cudaStream_t stream) {
  const index rows = ceil_div(p.a.mn, Config::m), cols = ceil_div(p.b.mn, Config::n);
  const double blocks = double(rows) * double(cols) * double(p.batch.count);
  if (blocks > double(std::numeric_limits<int>::max())) {
    return status::error(errc::unsupported,
                         "gemm: C has %.0f tiles of %d x %d in all; at most 2^31 - 1 can be launched", blocks,
                         Config::m, Config::n);
  }
  const int group = tile_group(Config::m, Config::n, index(device.multiprocessors) * Config::resident);
  p.tiles = {int(rows), int(cols), group, int(p.batch.count)};
  const auto kernel = mma_kernel<Config, Arguments>;
  if (!has_body(reinterpret_cast<const void*>(kernel))) {
    return status::error(errc::unsupported, "gemm: this program has no tensor-core code for compute capability %d.%d",
                         device.capability / 10, device.capability % 10);
  }
  constexpr auto shared = cudaFuncAttributeMaxDynamicSharedMemorySize;
  if (status s = checked(cudaFuncSetAttribute(kernel, shared, Config::shared_bytes), "gemm", "cudaFuncSetAttribute");
      !s.ok()) {
    return s;
  }
  kernel<<<unsigned(p.tiles.count()), Config::threads, Config::shared_bytes, stream>>>(p);
  return checked(cudaGetLastError(), "gemm", "launch");
}

template <class X, class Y, route A, route B, class Unit, class Arguments>
status launch_routes(const Arguments& p, const device_facts& device, cudaStream_t stream) {
  using tiles = tiles_of<X>;
  if constexpr (A == route::staged) {
    return launch_config<mma_config<X, Y, A, B, typename tiles::staged>, Unit>(p, device, stream);
  } else {
    switch (select_tile<tiles>(p.a.mn, p.b.mn, p.batch.count, device.multiprocessors)) {
      case tile_choice::large:
        return launch_config<mma_config<X, Y, A, B, typename tiles::large>, Unit>(p, device, stream);
      case tile_choice::middle:
        return launch_config<mma_config<X, Y, A, B, typename tiles::middle>, Unit>(p, device, stream);
      default:
        return launch_config<mma_config<X, Y, A, B, typename tiles::small>, Unit>(p, device, stream);
    }
  }
}

/// Of the routes that the types of A and B leave open, the one to take now; both matrices are staged or none is.
template <class X, class Y, any_matrix A, any_matrix B, class Unit, class Arguments>
status launch_routed(const Arguments& p, const device_facts& device, cudaStream_t stream) {
  constexpr route k = route::direct_k, mn = route::direct_mn, staged = route::staged;
  constexpr index ar = A::static_row_stride, ac = A::static_col_stride, br = B::static_row_stride,
                  bc = B::static_col_stride;
  constexpr bool ak = may_be_one<ac, ar>, am = may_be_one<ar, ac>, bk = may_be_one<br, bc>, bn = may_be_one<bc, br>;
  const route a = route_of(p.a, p.batch.a, p.batch.count), b = route_of(p.b, p.batch.b, p.batch.count);
  if constexpr (ak && bk) {
    if (a == k && b == k) return launch_routes<X, Y, k, k, Unit>(p, device, stream);
  }
  if constexpr (ak && bn) {
    if (a == k && b == mn) return launch_routes<X, Y, k, mn, Unit>(p, device, stream);
  }
  if constexpr (am && bk) {
    if (a == mn && b == k) return launch_routes<X, Y, mn, k, Unit>(p, device, stream);
  }
  if constexpr (am && bn) {
    if (a == mn && b == mn) return launch_routes<X, Y, mn, mn, Unit>(p, device, stream);
  }
  return launch_routes<X, Y, staged, staged, Unit>(p, device, stream);
}

/// The matrices as a kernel takes them: what their types say of extents, and of strides other than C's, is forgotten.
template <class X, class Y, class A, class B, class C, class E>
auto mma_arguments_of(const A& a, const B& b, const C& c, const E& e, const batch_strides& batch) {
  using S = typename mma_element<X>::stored;
  using T = typename mma_element<Y>::stored;
  constexpr index step = C::static_col_stride == 1 ? 1 : dynamic;
  using plain = matrix_view<typename C::element_type, dynamic, dynamic, dynamic, step>;
  const int m = int(c.rows()), n = int(c.cols()), k = int(a.cols());
  return mma_arguments<X, Y, plain, E>{{reinterpret_cast<const S*>(a.data()), a.row_stride(), a.col_stride(), m, k},
                                       {reinterpret_cast<const T*>(b.data()), b.col_stride(), b.row_stride(), n, k},
                                       c,
                                       e,
                                       batch,
                                       {}};
}

template <class X, class Y, class A, class B, class C, class E, class Unit>
status launch_rows(const A& a, const B& b, const C& c, const E& e, const batch_strides& batch, cudaStream_t stream) {
  constexpr index most = std::numeric_limits<int>::max() - 1024;  // tiles round up
  if (c.empty() || batch.count <= 0) return {};
  if (c.rows() > most || c.cols() > most || a.cols() > most) {
    return status::error(errc::unsupported, "gemm: %lld x %lld x %lld: extents up to %lld fit a kernel",
                         (long long)c.rows(), (long long)c.cols(), (long long)a.cols(), (long long)most);
  }
  const auto device = current_device("gemm");
  if (!device.ok()) return device.error();
  constexpr int needed = mma_element<X>::capability;
  if (device.value().capability < needed) {
    return status::error(errc::unsupported,
                         "gemm: %s on tensor cores needs compute capability %d.%d, device %d has %d.%d",
                         mma_element<X>::name, needed / 10, needed % 10, device.value().device,
                         device.value().capability / 10, device.value().capability % 10);
  }
  return launch_routed<X, Y, A, B, Unit>(mma_arguments_of<X, Y>(a, b, c, e, batch), device.value(), stream);
}

/// C(m,n) = e( sum_k A(m,k) * B(k,n) ) for each problem of the batch, on `stream`. Shapes and aliasing are the
/// caller's.
///
/// A and B: f16, bf16, tf32 (or float with Multiply = tf32), e4m3, e5m2 (these two mix), int8, uint8 (these mix); any
/// strides. Sums and the epilogue are float, of integers int32. C: float, int32, f16, bf16, e4m3, e5m2, int8, uint8;
/// any strides.
///
///     launch_mma(A, B, C, relu(acc + per_column(bias)), {}, stream);      launch_mma<tf32>(A, B, C, acc, {}, stream);
///
/// Returns unsupported (device, extents) or device_error; C is untouched then.
template <class Multiply = as_stored, class A, class B, class C, class E, class Unit = ashlar::detail::this_unit>
status launch_mma(const A& a, const B& b, const C& c, const E& e, const batch_strides& batch, cudaStream_t stream) {
  using X = multiplicand<Multiply, typename A::value_type>;
  using Y = multiplicand<Multiply, typename B::value_type>;
  static_assert(mma_pair<X, Y>, "A and B: of one element type, or both of 8-bit floating-point or integer types");
  if constexpr (C::static_row_stride == 1 && C::static_col_stride != 1) {
    const batch_strides exchanged{batch.count, batch.b, batch.a, batch.c};
    return launch_rows<Y, X, decltype(b.transposed()), decltype(a.transposed()), decltype(c.transposed()),
                       decltype(transposed(e)), Unit>(b.transposed(), a.transposed(), c.transposed(), transposed(e),
                                                      exchanged, stream);
  } else {
    return launch_rows<X, Y, A, B, C, E, Unit>(a, b, c, e, batch, stream);
  }
}

}  // namespace ashlar::cuda::detail
