// SPDX-License-Identifier: Apache-2.0
// bench/peers/libxsmm.cpp: libxsmm's small matrix multiplication: code generated for exactly this shape, called
// directly.
//
// libxsmm is column-major: row-major C = A * B is its C' (n x m) = B' * A'.
#include <libxsmm.h>

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "peer.h"

namespace {

constexpr std::int64_t largest_extent =
    256;  // beyond, one generated kernel without blocking is not how libxsmm is meant to be used

struct call {
  ashlar_peer_gemm_problem p;
  libxsmm_smmfunction f32 = nullptr;
  libxsmm_dmmfunction f64 = nullptr;
};

int open(const char* isa, int threads, char* version, std::size_t size) {
  const std::string_view target = isa;
  if (threads > 1) return 0;
  libxsmm_init();
  libxsmm_set_target_arch(target == "avx512" ? "skx" : target == "avx2" ? "hsw" : nullptr);
  std::snprintf(version, size, "libxsmm %s (%s)", LIBXSMM_VERSION, libxsmm_get_target_arch());
  return 1;
}

int supports(const ashlar_peer_gemm_problem* p) {
  if (p->dtype > ashlar_peer_f64) return 0;
  return !p->prepacked && !p->transposed_a && !p->transposed_b && p->m <= largest_extent && p->n <= largest_extent &&
         p->k <= largest_extent;
}

void* prepare(const ashlar_peer_gemm_problem* p) {
  auto* c = new call{*p};
  const int m = static_cast<int>(p->n), n = static_cast<int>(p->m), k = static_cast<int>(p->k);
  const int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
  if (p->dtype == ashlar_peer_f64) {
    const double one = 1, zero = 0;
    c->f64 = libxsmm_dmmdispatch(m, n, k, &m, &k, &m, &one, &zero, &flags, &prefetch);
  } else {
    const float one = 1, zero = 0;
    c->f32 = libxsmm_smmdispatch(m, n, k, &m, &k, &m, &one, &zero, &flags, &prefetch);
  }
  if (c->f32 || c->f64) return c;
  delete c;
  return nullptr;
}

void run(void* state) {
  const auto& c = *static_cast<call*>(state);
  if (c.f32) {
    c.f32(static_cast<const float*>(c.p.b), static_cast<const float*>(c.p.a), static_cast<float*>(c.p.c));
  } else {
    c.f64(static_cast<const double*>(c.p.b), static_cast<const double*>(c.p.a), static_cast<double*>(c.p.c));
  }
}

void release(void* state) { delete static_cast<call*>(state); }

constexpr ashlar_peer_gemm gemm{supports, prepare, run, release};
constexpr ashlar_peer peer{ashlar_peer_abi, "libxsmm", open, &gemm, nullptr};
}  // namespace

extern "C" const ashlar_peer* ashlar_peer_entry() { return &peer; }
