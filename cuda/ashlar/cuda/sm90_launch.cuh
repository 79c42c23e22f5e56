// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_launch.cuh: one product with one tile on Hopper: the maps of its operands, the grid, the launch.
//
// Depends on: sm90_gemm.cuh, batch.cuh, tensor_map.cuh.   Used by: gemm.cuh, the bench.
#pragma once

#include <ashlar/cuda/batch.cuh>
#include <ashlar/cuda/sm90_gemm.cuh>
#include <ashlar/cuda/strides.cuh>
#include <ashlar/cuda/tensor_map.cuh>
#include <atomic>

namespace ashlar::cuda::detail {

/// The same matrix of another element type of the same size.
template <class T, any_matrix V>
auto reinterpreted(const V& v) {
  static_assert(sizeof(T) == sizeof(typename V::value_type));
  return matrix_view<const T, dynamic, dynamic, V::static_row_stride, V::static_col_stride>(
      reinterpret_cast<const T*>(v.data()), v.rows(), v.cols(), v.row_stride(), v.col_stride());
}

// A and B as lines along k, or along their other index where k is not contiguous; v has its lines as rows.
template <class In>
struct sm90_operand {
  matrix_view<const In> lines;
  bool k_major;
  boxed_matrix boxes;
};
template <class In>
sm90_operand<In> k_lines(const matrix_view<const In>& v, index step, index count, int lines_along_k, int lines_across) {
  const bool k_major = v.col_stride() == 1 || v.cols() == 1;
  const auto lines = k_major ? v : matrix_view<const In>(v.transposed());
  return {lines, k_major, boxed_rows(lines, step, count, k_major ? lines_along_k : lines_across)};
}

/// Clusters of a kernel that run at once on a device: fewer than its multiprocessors would make, where they do not
/// divide into clusters. Asked once for each kernel and device.
template <class Kernel, class Unit = ashlar::detail::this_unit>
result<int> clusters_at_once(Kernel kernel, const cudaLaunchConfig_t& config, int device, const char* who) {
  constexpr int remembered = 64;
  static std::atomic<int> counts[remembered] = {};
  std::atomic<int>& count = counts[device % remembered];
  if (const int n = count.load(std::memory_order_relaxed); n > 0 && device < remembered) return n;
  int n = 0;
  if (status s = checked(cudaOccupancyMaxActiveClusters(&n, kernel, &config), who, "cudaOccupancyMaxActiveClusters");
      !s.ok()) {
    return s;
  }
  if (n == 0) return status::error(errc::unsupported, "%s: the device runs no cluster of this kernel", who);
  count.store(n, std::memory_order_relaxed);
  return n;
}

template <class Kernel, class... Arguments>
status launch_clusters(Kernel kernel, int cluster, int bytes, int tiles, const device_facts& device,
                       cudaStream_t stream, const char* who, const Arguments&... arguments) {
  if (!has_body(reinterpret_cast<const void*>(kernel))) {
    return status::error(errc::unsupported, "%s: this program has no code for compute capability 9.0a", who);
  }
  const cudaError_t allowed = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
  if (status s = checked(allowed, who, "cudaFuncSetAttribute"); !s.ok()) return s;
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {unsigned(cluster), 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = unsigned(device.multiprocessors / cluster * cluster);
  config.blockDim = sm90_threads;
  config.dynamicSmemBytes = std::size_t(bytes);
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  const auto clusters =
      cluster == 1 ? result<int>(device.multiprocessors) : clusters_at_once(kernel, config, device.device, who);
  if (!clusters.ok()) return clusters.error();
  config.gridDim = unsigned((tiles < clusters.value() ? tiles : clusters.value()) * cluster);
  return checked(cudaLaunchKernelEx(&config, kernel, arguments...), who, "cudaLaunchKernelEx");
}

/// The tiles of C, taken `group` rows at a time.
template <sm90_tile S, any_matrix C>
constexpr tile_order order_of(const C& c, int group, index batch) {
  const auto blocks = [](index extent, index block) { return int((extent + block - 1) / block); };
  return {blocks(c.rows(), S.bm * S.cluster_m), blocks(c.cols(), S.bn * S.cluster_n), group, int(batch)};
}

/// The map of C, and whether the accelerator may store it.
template <class C, class Unit = ashlar::detail::this_unit>
status map_of_dst(CUtensorMap& map, bool& boxed, const C& c, index step, index count, map_encoder* encoder,
                  const char* who) {
  using D = typename C::value_type;
  const boxed_matrix boxes = boxed_rows(c, step, count, 64);
  boxed = c.col_stride() == 1 && c.row_stride() >= c.cols() && step >= 0 && storable(boxes, sizeof(D));
  return boxed ? encode<D>(map, boxes, encoder, who) : status();
}

/// C = e(A B) with tile S, on operands that suit the accelerator; `group` rows of clusters of tiles share L2.
template <class In, sm90_tile S, class Operands, class C, class E>
status launch_sm90_matrices(const boxed_matrix& a, const boxed_matrix& b, int k_blocks, const C& c, const E& e,
                            const batch_strides& batch, const device_facts& device, int group, cudaStream_t stream) {
  using Kind = sm90_kind<In, typename C::value_type, S, Operands>;
  constexpr const char* who = "gemm";
  const auto encoder = find_map_encoder(who);
  if (!encoder.ok()) return encoder.error();
  CUtensorMap a_map{}, b_map{}, c_map{};
  if (status s = encode<In>(a_map, a, encoder.value(), who); !s.ok()) return s;
  if (status s = encode<In>(b_map, b, encoder.value(), who); !s.ok()) return s;
  sm90_work<Operands> work{order_of<S>(c, group, batch.count), k_blocks, batch.c, false, {batch.a != 0, batch.b != 0}};
  if (status s = map_of_dst(c_map, work.boxed_c, c, batch.c, batch.count, encoder.value(), who); !s.ok()) return s;
  return launch_clusters(sm90_kernel<Kind, C, E>, S.cluster(), Kind::geometry::shared_bytes, work.order.count(), device,
                         stream, who, a_map, b_map, c_map, work, c, e);
}

/// The same of matrices, B as rows that are its columns, for the layouts that their types allow.
template <class In, sm90_tile S, any_matrix A, any_matrix B, class C, class E>
status launch_sm90(const A& a, const B& b_columns, const C& c, const E& e, const batch_strides& batch,
                   const device_facts& device, int group, cudaStream_t stream) {
  constexpr int bk = 128 / int(sizeof(In));
  constexpr bool a_k = may_have_lines_of_rows<A>, a_mn = any_major<In> && may_have_lines_of_columns<A>;
  constexpr bool b_k = may_have_lines_of_rows<B>, b_mn = any_major<In> && may_have_lines_of_columns<B>;
  const int k_blocks = int((a.cols() + bk - 1) / bk);
  const auto pa = k_lines<In>(a, batch.a, batch.count, S.bm / S.cluster_n, bk);
  const auto pb = k_lines<In>(b_columns, batch.b, batch.count, S.bn / S.cluster_m, bk);
  const auto go = [&]<bool MnA, bool MnB>() {
    return launch_sm90_matrices<In, S, matrices<MnA, MnB>>(pa.boxes, pb.boxes, k_blocks, c, e, batch, device, group,
                                                           stream);
  };
  if constexpr (a_mn && b_mn) {
    if (!pa.k_major && !pb.k_major) return go.template operator()<true, true>();
  }
  if constexpr (a_mn && b_k) {
    if (!pa.k_major && pb.k_major) return go.template operator()<true, false>();
  }
  if constexpr (a_k && b_mn) {
    if (pa.k_major && !pb.k_major) return go.template operator()<false, true>();
  }
  if constexpr (a_k && b_k) {
    if (pa.k_major && pb.k_major) return go.template operator()<false, false>();
  }
  return status::error(errc::unsupported,
                       "gemm: no kernel for compute capability 9.0 takes A and B with these strides");
}

}  // namespace ashlar::cuda::detail
