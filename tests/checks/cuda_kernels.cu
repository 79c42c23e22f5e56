// SPDX-License-Identifier: Apache-2.0
//
// tests/checks/cuda_kernels.cu: kernels whose machine code cuda_code.py looks at, as a user's calls instantiate them.
#include <ashlar/cuda/gemm.cuh>
#include <ashlar/cuda/sm90_conv.cuh>

using namespace ashlar;
namespace kernels = ashlar::cuda::detail;

status bf16_product(const bf16* a, const bf16* b, bf16* c, const float* bias, ashlar::index n) {
  return cuda::gemm(view(a, n, n), view(b, n, n), view(c, n, n), relu(acc + per_column(bias)));
}
status tf32_product(const float* a, const float* b, float* c, ashlar::index n) {
  return cuda::gemm(view(a, n, n), column_major(b, n, n), view(c, n, n), cuda::allow_tf32);
}
status int8_product(const std::int8_t* a, const std::int8_t* b, std::int32_t* c, ashlar::index n) {
  return cuda::gemm(view(a, n, n), column_major(b, n, n), view(c, n, n));
}
status e4m3_product(const e4m3* a, const e4m3* b, bf16* c, ashlar::index n) {
  return cuda::gemm(view(a, n, n), column_major(b, n, n), view(c, n, n));
}
status f32_product(const float* a, const float* b, float* c, ashlar::index n) {
  return cuda::gemm(view(a, n, n), view(b, n, n), view(c, n, n));
}
status convolution(const image_view<const bf16>& src, const filter_view<const bf16>& w, const image_view<bf16>& dst,
                   const conv_geometry& g, const cuda::device_facts& device) {
  return kernels::launch_sm90_conv<bf16, kernels::sm90_tiles[0], false>(src, w, kernels::pixel_rows(dst), acc,
                                                                        kernels::forward_walk(g), device, nullptr);
}
