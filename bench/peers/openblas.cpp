// SPDX-License-Identifier: Apache-2.0
// bench/peers/openblas.cpp: OpenBLAS through cblas_sgemm and cblas_dgemm, with the kernels of the measured ISA.
#include <cstdio>
#include <string_view>

#include "cblas.hpp"

namespace {
using namespace ashlar_peers;

// OpenBLAS picks its kernels while it is loaded. A processor newer than the release is otherwise taken for an old one.
void choose_kernels(std::string_view isa) {
  if (isa == "avx512") setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
  if (isa == "avx2") setenv("OPENBLAS_CORETYPE", "Haswell", 1);
}

int open(const char* isa, int threads, char* version, std::size_t size) {
  const char* wanted = std::getenv("ASHLAR_PEER_OPENBLAS_CORETYPE");
  wanted ? (void)setenv("OPENBLAS_CORETYPE", wanted, 1) : choose_kernels(isa);
  const bool found = open_first({std::getenv("ASHLAR_PEER_OPENBLAS"), "libopenblas.so.0", "libopenblas.so"});
  unsetenv("OPENBLAS_CORETYPE");
  if (!found || !bind_gemm()) return 0;
  if (auto set_threads = symbol<void (*)(int)>("openblas_set_num_threads")) set_threads(threads);
  auto config = symbol<const char* (*)()>("openblas_get_config");
  auto core = symbol<const char* (*)()>("openblas_get_corename");
  std::snprintf(version, size, "%.24s (%s)", config ? config() : "OpenBLAS", core ? core() : "?");
  return 1;
}

constexpr ashlar_peer_gemm gemm{supports_plain, prepare_plain, run_plain, release_plain};
constexpr ashlar_peer peer{ashlar_peer_abi, "openblas", open, &gemm, nullptr};
}  // namespace

extern "C" const ashlar_peer* ashlar_peer_entry() { return &peer; }
