// SPDX-License-Identifier: Apache-2.0
// bench/cuda/peer_cublaslt.cu: a row-major product as cuBLASLt's column-major one, C^T = B^T A^T, and the choice among
// its kernels. B (N x K, K contiguous) is its transposed A operand, so layout::tn is the case it calls TN.
//
// Depends on: peer_cublaslt.cuh, peer_elementwise.cuh, search.cuh.
#include "peer_cublaslt.cuh"

#include <cublasLt.h>

#include "peer_elementwise.cuh"
#include "search.cuh"

namespace bench {
namespace {

void require(cublasStatus_t e, const std::source_location& at = std::source_location::current()) {
  if (e != CUBLAS_STATUS_SUCCESS) throw failure(place(at) + ": " + cublasLtGetStatusString(e));
}
using bench::require;

using operation = owned<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using matrix = owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using preference = owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

struct types {
  cudaDataType_t in, out, scale;
  cublasComputeType_t compute;
};

// f32 by COMPUTE_32F: fused multiply-adds in f32, no tf32, but any order of the sum.
types types_of(arithmetic t) {
  switch (t) {
    case arithmetic::f32:
      return {CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case arithmetic::tf32:
      return {CUDA_R_32F, CUDA_R_32F, CUDA_R_32F, CUBLAS_COMPUTE_32F_FAST_TF32};
    case arithmetic::f64:
      return {CUDA_R_64F, CUDA_R_64F, CUDA_R_64F, CUBLAS_COMPUTE_64F};
    case arithmetic::f16:
      return {CUDA_R_16F, CUDA_R_16F, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case arithmetic::bf16:
      return {CUDA_R_16BF, CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case arithmetic::e4m3:
    case arithmetic::e4m3_fast:
      return {CUDA_R_8F_E4M3, CUDA_R_16BF, CUDA_R_32F, CUBLAS_COMPUTE_32F};
    case arithmetic::s8:
      return {CUDA_R_8I, CUDA_R_32I, CUDA_R_32I, CUBLAS_COMPUTE_32I};
  }
  throw failure("cuBLASLt: unknown arithmetic");
}

std::optional<cublasLtEpilogue_t> fused(epilogue e) {
  switch (e) {
    case epilogue::none:
      return CUBLASLT_EPILOGUE_DEFAULT;
    case epilogue::bias:
      return CUBLASLT_EPILOGUE_BIAS;
    case epilogue::bias_relu:
      return CUBLASLT_EPILOGUE_RELU_BIAS;
    case epilogue::bias_gelu:
      return CUBLASLT_EPILOGUE_GELU_BIAS;
    case epilogue::bias_silu:
      return std::nullopt;
  }
  return std::nullopt;
}

template <class Value>
void set(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t name, const Value& value) {
  require(cublasLtMatmulDescSetAttribute(d, name, &value, sizeof value));
}

// Row-major rows x columns, as its column-major transpose.
matrix dense(cudaDataType_t type, index rows, index columns, index batch) {
  matrix m;
  require(cublasLtMatrixLayoutCreate(m.out(), type, std::uint64_t(columns), std::uint64_t(rows), columns));
  const auto count = std::int32_t(batch);
  const std::int64_t stride = rows * columns;
  require(cublasLtMatrixLayoutSetAttribute(m.get(), CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &count, sizeof count));
  require(
      cublasLtMatrixLayoutSetAttribute(m.get(), CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &stride, sizeof stride));
  return m;
}

cublasLtHandle_t handle() {
  static const owned<cublasLtHandle_t, cublasLtDestroy> one = [] {
    owned<cublasLtHandle_t, cublasLtDestroy> h;
    require(cublasLtCreate(h.out()));
    return h;
  }();
  return one.get();
}

// alpha and beta, in the type that the arithmetic scales by.
union scalar {
  float f32;
  double f64;
  std::int32_t s32;
};

scalar scalar_of(cudaDataType_t type, int value) {
  if (type == CUDA_R_64F) return {.f64 = double(value)};
  if (type == CUDA_R_32I) return {.s32 = value};
  return {.f32 = float(value)};
}

// Everything about a problem that its kernels have in common.
struct product {
  operation op;
  matrix a, b, c;
  scalar one, zero;
  buffers data;

  product(const gemm_problem& p, cublasLtEpilogue_t finish, const buffers& memory) : data(memory) {
    const types t = types_of(p.type);
    require(cublasLtMatmulDescCreate(op.out(), t.compute, t.scale));
    const bool tn = p.form == layout::tn;
    set(op.get(), CUBLASLT_MATMUL_DESC_TRANSA, tn ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(op.get(), CUBLASLT_MATMUL_DESC_EPILOGUE, finish);
    if (finish != CUBLASLT_EPILOGUE_DEFAULT) point_bias(data.sets[0]);
    if (p.type == arithmetic::e4m3_fast) set(op.get(), CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t(1));
    a = dense(t.in, p.m, p.k, p.batch);
    b = tn ? dense(t.in, p.n, p.k, p.batch) : dense(t.in, p.k, p.n, p.batch);
    c = dense(t.out, p.m, p.n, p.batch);
    one = scalar_of(t.scale, 1), zero = scalar_of(t.scale, 0);
  }
  void point_bias(const operand_set& s) { set(op.get(), CUBLASLT_MATMUL_DESC_BIAS_POINTER, s.bias); }

  cudaError_t run(const cublasLtMatmulAlgo_t& algorithm, cudaStream_t stream, int which) {
    const operand_set& s = data.sets[std::size_t(which)];
    if (s.bias) point_bias(s);
    const cublasStatus_t status =
        cublasLtMatmul(handle(), op.get(), &one, s.b, b.get(), s.a, a.get(), &zero, s.c, c.get(), s.c, c.get(),
                       &algorithm, data.workspace, data.workspace_bytes, stream);
    return status == CUBLAS_STATUS_SUCCESS ? cudaSuccess : cudaErrorNotSupported;
  }
};

// The library wants an attribute's own size: 4 bytes for some, 2 for others.
int configuration(const cublasLtMatmulAlgo_t& algorithm, cublasLtMatmulAlgoConfigAttributes_t name) {
  const auto read = [&](auto& value) {
    std::size_t written = 0;
    return cublasLtMatmulAlgoConfigGetAttribute(&algorithm, name, &value, sizeof value, &written) ==
           CUBLAS_STATUS_SUCCESS;
  };
  std::uint32_t wide = 0;
  std::uint16_t narrow = 0;
  return read(wide) ? int(wide) : read(narrow) ? int(narrow) : -1;
}

std::string description(const cublasLtMatmulAlgo_t& algorithm, std::size_t rank, std::size_t of) {
  const auto item = [&](const char* name, cublasLtMatmulAlgoConfigAttributes_t attribute) {
    return name + std::to_string(configuration(algorithm, attribute));
  };
  return item("algorithm ", CUBLASLT_ALGO_CONFIG_ID) + item(" tile ", CUBLASLT_ALGO_CONFIG_TILE_ID) +
         item(" stages ", CUBLASLT_ALGO_CONFIG_STAGES_ID) + item(" split_k ", CUBLASLT_ALGO_CONFIG_SPLITK_NUM) +
         item(" cluster ", CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID) + ", " + std::to_string(rank + 1) + ". of " +
         std::to_string(of);
}

std::vector<launch> heuristics(const std::shared_ptr<product>& p, int wanted) {
  preference limits;
  require(cublasLtMatmulPreferenceCreate(limits.out()));
  const std::size_t bytes = p->data.workspace_bytes;
  require(cublasLtMatmulPreferenceSetAttribute(limits.get(), CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                               sizeof bytes));
  // Not a std::vector: nvcc 13.0 crashes on its destruction of a struct that has no name of its own.
  const auto found = std::make_unique<cublasLtMatmulHeuristicResult_t[]>(std::size_t(wanted));
  int count = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      handle(), p->op.get(), p->b.get(), p->a.get(), p->c.get(), p->c.get(), limits.get(), wanted, found.get(), &count);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE) return {};
  require(status);
  std::vector<launch> all;
  for (std::size_t i = 0; i < std::size_t(count); ++i) {
    if (found[i].state != CUBLAS_STATUS_SUCCESS) continue;
    const cublasLtMatmulAlgo_t algorithm = found[i].algo;
    all.push_back({[p, algorithm](cudaStream_t s, int which) { return p->run(algorithm, s, which); },
                   description(algorithm, i, std::size_t(count))});
  }
  return all;
}

std::shared_ptr<product> make_product(const gemm_problem& p, epilogue e, const buffers& data) {
  const auto finish = fused(e);
  if (!finish) return nullptr;
  return std::make_shared<product>(p, *finish, data);
}

bool prepare_first(const gemm_problem& p, const buffers& data, launch& l) {
  const auto shared = make_product(p, p.epilogue, data);
  const auto all = shared ? heuristics(shared, 1) : std::vector<launch>{};
  if (all.empty()) return false;
  l = all.front();
  return true;
}

bool prepare_best(const gemm_problem& p, epilogue e, const buffers& data, launch& l) {
  const auto shared = make_product(p, e, data);
  const auto all = shared ? heuristics(shared, 64) : std::vector<launch>{};
  const stream s = make_stream();
  const auto best = fastest(all, int(data.sets.size()), s.get());
  if (!best) return false;
  l = all[*best];
  return true;
}

bool prepare_unfused(const gemm_problem& p, const buffers& data, launch& l) {
  launch plain;
  if (p.epilogue == epilogue::none || !prepare_best(p, epilogue::none, data, plain)) return false;
  l.note = plain.note;
  l.run = [p, data, plain](cudaStream_t s, int which) {
    if (const cudaError_t e = plain.run(s, which); e != cudaSuccess) return e;
    const operand_set& set = data.sets[std::size_t(which)];
    return elementwise(p.epilogue, output_of(p.type), set.c, set.bias, p.batch * p.m, p.n, s);
  };
  return true;
}

}  // namespace

std::vector<contender> cublaslt_contenders() {
  const auto best = [](const gemm_problem& p, const buffers& data, launch& l) {
    return prepare_best(p, p.epilogue, data, l);
  };
  return {{"cublaslt_first", prepare_first}, {"cublaslt", best}, {"cublaslt+elementwise", prepare_unfused}};
}

}  // namespace bench
