// SPDX-License-Identifier: Apache-2.0
// bench/cuda/contender.hpp: what Ashlar's kernels and the peers are both asked for: a problem, its buffers, and a
// launch on a stream that can be captured into a CUDA graph.
//
// A contender's prepare() looks at the problem and either refuses (false) or fills `launch`; tensor maps, descriptors
// and searches belong there. launch.run(stream, s) then computes the problem on buffers.sets[s]; it may only enqueue.
//
// Used by: everything here; own_gemm.cu defines own_contenders().
#pragma once
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

using index = std::int64_t;

enum class element { f32, f64, f16, bf16, e4m3, e5m2, s8, s32 };

// Elements and how they are summed. tf32 reads and writes f32; e4m3 writes bf16 and e4m3_fast may sum in the tensor
// core's short accumulator; s8 writes s32; all the others write what they read, and f16 and bf16 sum in f32.
enum class arithmetic { f32, tf32, f64, f16, bf16, e4m3, e4m3_fast, s8 };

enum class layout {
  tn,  // B is N x K, K contiguous
  nn   // B is K x N, N contiguous
};

// After the sum, `bias` (an element of C's type for each column) is added, then the function; gelu by its tanh form.
enum class epilogue { none, bias, bias_relu, bias_gelu, bias_silu };

constexpr index bytes_of(element e) {
  constexpr index bytes[] = {4, 8, 2, 2, 1, 1, 1, 4};
  return bytes[int(e)];
}
constexpr element input_of(arithmetic t) {
  using enum element;
  constexpr element elements[] = {f32, f32, f64, f16, bf16, e4m3, e4m3, s8};
  return elements[int(t)];
}
constexpr element output_of(arithmetic t) {
  using enum element;
  constexpr element elements[] = {f32, f32, f64, f16, bf16, bf16, bf16, s32};
  return elements[int(t)];
}
constexpr const char* name_of(arithmetic t) {
  constexpr const char* names[] = {"f32", "tf32", "f64", "f16", "bf16", "e4m3", "e4m3_fast", "s8"};
  return names[int(t)];
}
constexpr const char* name_of(epilogue e) {
  constexpr const char* names[] = {"none", "bias", "bias_relu", "bias_gelu", "bias_silu"};
  return names[int(e)];
}

// How many elements the operands of one set have, and of which type.
struct operand_shape {
  element input, output;
  index a, b, bias, c;

  index bytes() const { return bytes_of(input) * (a + b) + bytes_of(output) * (bias + c); }
};

// C = epilogue(A * B), `batch` times: C is M x N, A is M x K, both row-major and dense; the matrices of a batch follow
// one another, the bias is common to them.
struct gemm_problem {
  arithmetic type = arithmetic::bf16;
  index m = 0, n = 0, k = 0;
  layout form = layout::tn;
  index batch = 1;
  bench::epilogue epilogue = bench::epilogue::none;

  double flops() const { return 2.0 * double(batch) * double(m) * double(n) * double(k); }
  operand_shape operands() const {
    const index bias = epilogue == epilogue::none ? 0 : n;
    return {input_of(type), output_of(type), batch * m * k, batch * n * k, bias, batch * m * n};
  }
  std::string name() const {
    std::string text = std::string(name_of(type)) + (form == layout::tn ? "/tn/" : "/nn/");
    if (batch > 1) text += std::to_string(batch) + "x";
    text += std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
    if (epilogue != epilogue::none) text += std::string("/") + name_of(epilogue);
    return text;
  }
};

// The operands of one set; every set has its own memory, aligned to 256 bytes. bias is null where the problem has none.
struct operand_set {
  const void* a = nullptr;
  const void* b = nullptr;
  const void* bias = nullptr;
  void* c = nullptr;
};

struct buffers {
  std::vector<operand_set> sets;
  void* workspace = nullptr;  // every contender writes there: it holds nothing from one launch to the next
  std::size_t workspace_bytes = 0;
};
using gemm_buffers = buffers;

struct launch {
  std::function<cudaError_t(cudaStream_t, int)> run;
  std::string note;  // which kernel it is, for the report
};

template <class Problem>
struct contender_for {
  std::string name;
  std::function<bool(const Problem&, const buffers&, launch&)> prepare;
};
using contender = contender_for<gemm_problem>;

std::vector<contender> own_contenders();
std::vector<contender> f64_contenders();  // tune_f64.cu; a part of them

}  // namespace bench
