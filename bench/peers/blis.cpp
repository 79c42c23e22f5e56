// SPDX-License-Identifier: Apache-2.0
// bench/peers/blis.cpp: BLIS through cblas_sgemm and cblas_dgemm, with the kernels of the measured ISA.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cblas.hpp"

namespace {
using namespace ashlar_peers;

// BLIS numbers its kernel sets differently in every release, so the wanted name is looked up. An unknown processor gets
// "generic".
void choose_kernels(std::string_view wanted) {
  auto name_of = symbol<const char* (*)(int)>("bli_arch_string");
  for (int id = 0; name_of && id < 16; ++id)
    if (wanted == name_of(id)) setenv("BLIS_ARCH_TYPE", std::to_string(id).c_str(), 1);
}

int open(const char* isa, int threads, char* version, std::size_t size) {
  const std::string_view target = isa;
  if (!open_first({std::getenv("ASHLAR_PEER_BLIS"), "libblis.so.4", "libblis.so.5", "libblis.so"}) || !bind_gemm())
    return 0;
  const char* wanted = std::getenv("ASHLAR_PEER_BLIS_ARCH");
  choose_kernels(wanted ? wanted : target == "avx512" ? "skx" : target == "avx2" ? "haswell" : "");
  if (auto init = symbol<void (*)()>("bli_init")) init();
  unsetenv("BLIS_ARCH_TYPE");
  if (auto set_threads = symbol<void (*)(std::int64_t)>("bli_thread_set_num_threads")) set_threads(threads);
  auto text = symbol<const char* (*)()>("bli_info_get_version_str");
  auto query = symbol<int (*)()>("bli_arch_query_id");
  auto name_of = symbol<const char* (*)(int)>("bli_arch_string");
  std::snprintf(version, size, "BLIS %s (%s)", text ? text() : "?", query && name_of ? name_of(query()) : "?");
  return 1;
}

constexpr ashlar_peer_gemm gemm{supports_plain, prepare_plain, run_plain, release_plain};
constexpr ashlar_peer peer{ashlar_peer_abi, "blis", open, &gemm, nullptr};
}  // namespace

extern "C" const ashlar_peer* ashlar_peer_entry() { return &peer; }
