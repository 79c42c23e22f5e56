// SPDX-License-Identifier: Apache-2.0
// bench/peers/mkl.cpp: Intel MKL through libmkl_rt: cblas gemm, and for constant weights cblas_?gemm_pack and
// cblas_?gemm_compute.
//
// ASHLAR_PEER_MKL names the library when it is not on the loader's path (pip's wheel installs
// <venv>/lib/libmkl_rt.so.3).
#include <cstdio>
#include <string_view>

#include "cblas.hpp"

namespace {
using namespace ashlar_peers;

enum { b_matrix = 162, packed_operand = 151 };
enum { layer_intel = 0, layer_sequential = 1 };
enum { enable_avx2 = 1, enable_avx512 = 4 };

template <class T>
struct pack_functions {
  std::size_t (*bytes)(int identifier, int m, int n, int k) = nullptr;
  void (*pack)(int layout, int identifier, int trans, int m, int n, int k, T alpha, const T* src, int ld,
               T* dst) = nullptr;
  void (*compute)(int layout, int transa, int transb, int m, int n, int k, const T* a, int lda, const T* b, int ldb,
                  T beta, T* c, int ldc) = nullptr;

  void bind(const char* bytes_name, const char* pack_name, const char* compute_name) {
    bytes = symbol<decltype(bytes)>(bytes_name);
    pack = symbol<decltype(pack)>(pack_name);
    compute = symbol<decltype(compute)>(compute_name);
  }
};
pack_functions<float> pack_f32;
pack_functions<double> pack_f64;

struct mkl_call : cblas_call {
  void* packed = nullptr;
  using cblas_call::cblas_call;
  ~mkl_call() { std::free(packed); }

  template <class T>
  void pack(const pack_functions<T>& f) {
    const int m = static_cast<int>(p.m), n = static_cast<int>(p.n), k = static_cast<int>(p.k);
    packed = std::aligned_alloc(64, (f.bytes(b_matrix, m, n, k) + 127) / 64 * 64);
    f.pack(cblas_row_major, b_matrix, trans_b, m, n, k, T(1), static_cast<const T*>(p.b), ldb, static_cast<T*>(packed));
  }
  template <class T>
  void compute(const pack_functions<T>& f) const {
    f.compute(cblas_row_major, trans_a, packed_operand, static_cast<int>(p.m), static_cast<int>(p.n),
              static_cast<int>(p.k), static_cast<const T*>(p.a), lda, static_cast<const T*>(packed), ldb, T(0),
              static_cast<T*>(p.c), ldc);
  }
};

// C = A * B of bytes: A unsigned, B signed where rows are consecutive. Offsets of both and of C are zero.
struct byte_functions {
  using pack_type = void (*)(int, int, int, int, int, int, const void*, int, void*);
  using compute_type = void (*)(int, int, int, int, int, int, int, float, const void*, int, std::int8_t, const void*,
                                int, std::int8_t, float, std::int32_t*, int, const std::int32_t*);
  std::size_t (*bytes)(int, int, int, int) = nullptr;
  pack_type pack = nullptr;
  compute_type gemm = nullptr, compute = nullptr;
  void bind() {
    bytes = symbol<decltype(bytes)>("cblas_gemm_s8u8s32_pack_get_size");
    pack = symbol<pack_type>("cblas_gemm_s8u8s32_pack");
    gemm = symbol<compute_type>("cblas_gemm_s8u8s32");
    compute = symbol<compute_type>("cblas_gemm_s8u8s32_compute");
  }
  bool all() const { return bytes && pack && gemm && compute; }
};
byte_functions byte_gemm;
constexpr int fixed_offset = 173;  // CblasFixOffset

void pack_bytes(mkl_call& c) {
  const int m = static_cast<int>(c.p.m), n = static_cast<int>(c.p.n), k = static_cast<int>(c.p.k);
  c.packed = std::aligned_alloc(64, (byte_gemm.bytes(b_matrix, m, n, k) + 127) / 64 * 64);
  byte_gemm.pack(cblas_row_major, b_matrix, c.trans_b, m, n, k, c.p.b, c.ldb, c.packed);
}
void run_bytes(const mkl_call& c) {
  const std::int32_t zero = 0;
  const int trans_b = c.packed ? packed_operand : c.trans_b;
  (c.packed ? byte_gemm.compute : byte_gemm.gemm)(
      cblas_row_major, c.trans_a, trans_b, fixed_offset, static_cast<int>(c.p.m), static_cast<int>(c.p.n),
      static_cast<int>(c.p.k), 1, c.p.a, c.lda, 0, c.packed ? c.packed : c.p.b, c.ldb, 0, 0,
      static_cast<std::int32_t*>(c.p.c), c.ldc, &zero);
}

// bf16 to float.
struct bf16_functions {
  using compute_type = void (*)(int, int, int, int, int, int, float, const void*, int, const void*, int, float, float*,
                                int);
  std::size_t (*bytes)(int, int, int, int) = nullptr;
  void (*pack)(int, int, int, int, int, int, const void*, int, void*) = nullptr;
  compute_type gemm = nullptr, compute = nullptr;
  void bind() {
    bytes = symbol<decltype(bytes)>("cblas_gemm_bf16bf16f32_pack_get_size");
    pack = symbol<decltype(pack)>("cblas_gemm_bf16bf16f32_pack");
    gemm = symbol<compute_type>("cblas_gemm_bf16bf16f32");
    compute = symbol<compute_type>("cblas_gemm_bf16bf16f32_compute");
  }
  bool all() const { return bytes && pack && gemm && compute; }
};
bf16_functions bf16_gemm;

void pack_bf16(mkl_call& c) {
  const int m = static_cast<int>(c.p.m), n = static_cast<int>(c.p.n), k = static_cast<int>(c.p.k);
  c.packed = std::aligned_alloc(64, (bf16_gemm.bytes(b_matrix, m, n, k) + 127) / 64 * 64);
  bf16_gemm.pack(cblas_row_major, b_matrix, c.trans_b, m, n, k, c.p.b, c.ldb, c.packed);
}
void run_bf16(const mkl_call& c) {
  (c.packed ? bf16_gemm.compute : bf16_gemm.gemm)(cblas_row_major, c.trans_a, c.packed ? packed_operand : c.trans_b,
                                                  static_cast<int>(c.p.m), static_cast<int>(c.p.n),
                                                  static_cast<int>(c.p.k), 1, c.p.a, c.lda, c.packed ? c.packed : c.p.b,
                                                  c.ldb, 0, static_cast<float*>(c.p.c), c.ldc);
}

int open(const char* isa, int threads, char* version, std::size_t size) {
  const std::string_view target = isa;
  if (!open_first({std::getenv("ASHLAR_PEER_MKL"), "libmkl_rt.so.3", "libmkl_rt.so.2", "libmkl_rt.so"}) || !bind_gemm())
    return 0;
  auto set_layer = symbol<int (*)(int)>("MKL_Set_Threading_Layer");
  auto set_threads = symbol<void (*)(int)>("MKL_Set_Num_Threads");
  auto enable = symbol<int (*)(int)>("MKL_Enable_Instructions");
  auto text = symbol<void (*)(char*, int)>("MKL_Get_Version_String");
  if (!set_layer || !set_threads || !enable || !text) return 0;
  enable(target == "avx512" ? enable_avx512 : enable_avx2);
  set_layer(threads > 1 ? layer_intel : layer_sequential);
  set_threads(threads);
  pack_f32.bind("cblas_sgemm_pack_get_size", "cblas_sgemm_pack", "cblas_sgemm_compute");
  pack_f64.bind("cblas_dgemm_pack_get_size", "cblas_dgemm_pack", "cblas_dgemm_compute");
  byte_gemm.bind();
  bf16_gemm.bind();
  char full[256] = "";
  text(full, sizeof full - 1);
  std::snprintf(version, size, "%.120s", full);
  return 1;
}

int supports(const ashlar_peer_gemm_problem* p) {
  if (p->dtype == ashlar_peer_u8s8) return byte_gemm.all();
  if (p->dtype == ashlar_peer_bf16) return bf16_gemm.all();
  return !p->prepacked || (p->dtype == ashlar_peer_f64 ? pack_f64.compute != nullptr : pack_f32.compute != nullptr);
}

void* prepare(const ashlar_peer_gemm_problem* p) {
  auto* call = new mkl_call(*p);
  if (p->prepacked && p->dtype == ashlar_peer_u8s8)
    pack_bytes(*call);
  else if (p->prepacked && p->dtype == ashlar_peer_bf16)
    pack_bf16(*call);
  else if (p->prepacked)
    p->dtype == ashlar_peer_f64 ? call->pack(pack_f64) : call->pack(pack_f32);
  return call;
}

void run(void* state) {
  auto* call = static_cast<mkl_call*>(state);
  if (call->p.dtype == ashlar_peer_u8s8) return run_bytes(*call);
  if (call->p.dtype == ashlar_peer_bf16) return run_bf16(*call);
  const bool f64 = call->p.dtype == ashlar_peer_f64;
  if (call->packed) {
    f64 ? call->compute(pack_f64) : call->compute(pack_f32);
  } else {
    f64 ? call->gemm(dgemm) : call->gemm(sgemm);
  }
}

void release(void* state) { delete static_cast<mkl_call*>(state); }

constexpr ashlar_peer_gemm gemm{supports, prepare, run, release};
constexpr ashlar_peer peer{ashlar_peer_abi, "mkl", open, &gemm, nullptr};
}  // namespace

extern "C" const ashlar_peer* ashlar_peer_entry() { return &peer; }
