// SPDX-License-Identifier: Apache-2.0
//
// cuda/sm90_launch.cuh: one product with one tile on Hopper: the maps of its operands, the grid, the launch.
//
// Depends on: sm90_gemm.cuh, tensor_map.cuh.   Used by: gemm.cuh, the bench.
#pragma once

#include <ashlar/cuda/sm90_gemm.cuh>
#include <ashlar/cuda/tensor_map.cuh>

namespace ashlar::cuda::detail {

/// The same matrix of another element type of the same size.
template <class T, any_matrix V>
matrix_view<const T> reinterpreted(const V& v) {
  static_assert(sizeof(T) == sizeof(typename V::value_type));
  return {reinterpret_cast<const T*>(v.data()), v.rows(), v.cols(), v.row_stride(), v.col_stride()};
}

// A and B as lines along k, or along their other index where k is not contiguous; v has its lines as rows.
template <class In>
struct sm90_operand {
  matrix_view<const In> lines;
  bool k_major;
  boxed_matrix boxes;
};
template <class In>
sm90_operand<In> k_lines(const matrix_view<const In>& v, index step, index count, int k_lines, int mn_lines) {
  const bool k_major = v.col_stride() == 1 || v.cols() == 1;
  const auto lines = k_major ? v : matrix_view<const In>(v.transposed());
  return {lines, k_major, boxed_rows(lines, step, count, k_major ? k_lines : mn_lines)};
}

/// Is the kernel for Hopper in this program, or was it compiled for others only? An empty body needs few registers,
/// the kernel as many as its warpgroups exchange.
template <class Unit = ashlar::detail::this_unit>
bool has_body(const void* kernel) {
  cudaFuncAttributes attributes{};
  const bool known = cudaFuncGetAttributes(&attributes, kernel) == cudaSuccess;
  if (!known) (void)cudaGetLastError();
  return known && attributes.numRegs > 64;
}

template <class Kind, class C, class E>
status launch_sm90_kind(const boxed_matrix& a, const boxed_matrix& b, const C& c, const E& e, const sm90_work& given,
                        index count, int blocks, cudaStream_t stream) {
  constexpr const char* who = "gemm";
  const auto encoder = find_map_encoder(who);
  if (!encoder.ok()) return encoder.error();
  CUtensorMap a_map{}, b_map{}, c_map{};
  if (status s = encode<typename Kind::In>(a_map, a, encoder.value(), who); !s.ok()) return s;
  if (status s = encode<typename Kind::In>(b_map, b, encoder.value(), who); !s.ok()) return s;
  sm90_work work = given;
  const boxed_matrix c_boxes = boxed_rows(c, given.c_step, count, 64);
  work.boxed_c = c.col_stride() == 1 && c.row_stride() >= c.cols() && given.c_step >= 0 &&
                 storable(c_boxes, sizeof(typename Kind::D));
  if (work.boxed_c) {
    if (status s = encode<typename Kind::D>(c_map, c_boxes, encoder.value(), who); !s.ok()) return s;
  }
  const auto kernel = sm90_kernel<Kind, C, E>;
  const int bytes = Kind::geometry::shared_bytes;
  if (!has_body(reinterpret_cast<const void*>(kernel))) {
    return status::error(errc::unsupported, "%s: this program has no code for compute capability 9.0a", who);
  }
  if (status s = checked(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), who,
                         "cudaFuncSetAttribute");
      !s.ok()) {
    return s;
  }
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {unsigned(Kind::S.cluster), 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = unsigned(blocks);
  config.blockDim = sm90_threads;
  config.dynamicSmemBytes = std::size_t(bytes);
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = 1;
  return checked(cudaLaunchKernelEx(&config, kernel, a_map, b_map, c_map, work, c, e), who, "launch");
}

/// C = e(A B) with tile S, on operands that suit the accelerator (see sm90_fits); `group` rows of tiles share L2.
template <class In, sm90_tile S, class C, class E>
status launch_sm90(const sm90_operand<In>& a, const sm90_operand<In>& b, const C& c, const E& e, const batch_strides& batch,
                   index k, int multiprocessors, int group, cudaStream_t stream) {
  using D = typename C::value_type;
  const int rows = int((c.rows() + S.bm * S.cluster - 1) / (S.bm * S.cluster)), cols = int((c.cols() + S.bn - 1) / S.bn);
  constexpr int bk = 128 / int(sizeof(In));
  const sm90_work work{{rows, cols, group, int(batch.count)}, int((k + bk - 1) / bk), batch.a != 0, batch.b != 0, batch.c, false};
  const int clusters = multiprocessors / S.cluster, tiles = work.order.count();
  const int blocks = (tiles < clusters ? tiles : clusters) * S.cluster;
  const auto go = [&]<bool MnA, bool MnB>() {
    return launch_sm90_kind<sm90_kind<In, D, S, MnA, MnB>>(a.boxes, b.boxes, c, e, work, batch.count, blocks, stream);
  };
  if constexpr (any_major<In>) {
    if (!a.k_major && !b.k_major) return go.template operator()<true, true>();
    if (!a.k_major) return go.template operator()<true, false>();
    if (!b.k_major) return go.template operator()<false, true>();
  }
  return go.template operator()<false, false>();
}

}  // namespace ashlar::cuda::detail
