// SPDX-License-Identifier: Apache-2.0
// bench/peer_modules.hpp: finds and opens the peers (peers/*.cpp) that were built, each in a linker namespace of its
// own names.
//
// Depends on: peers/peer.h.   Used by: session.hpp.
#pragma once
#include <dirent.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "peers/peer.h"

namespace bench {

struct peer_module {
  const ashlar_peer* api;
  std::string name, version;
};

// What the environment says about these libraries belongs to other programs: a peer is measured at its best.
inline void clear_peer_environment(int threads) {
  for (const char* name :
       {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_NUM_THREADS", "BLIS_ARCH_TYPE", "BLIS_NUM_THREADS",
        "MKL_NUM_THREADS", "MKL_ENABLE_INSTRUCTIONS", "ONEDNN_MAX_CPU_ISA", "LIBXSMM_TARGET"})
    unsetenv(name);
  setenv("OMP_NUM_THREADS", std::to_string(threads).c_str(), 1);
}

// libashlar_peer_NAME.so, or libashlar_peer_NAME.ISA.so where the peer is compiled per ISA. Empty for a file of another
// ISA.
inline std::string peer_name(const std::string& file, const std::string& isa) {
  const std::string prefix = "libashlar_peer_", suffix = ".so";
  if (file.size() <= prefix.size() + suffix.size() || file.compare(0, prefix.size(), prefix) != 0) return "";
  if (file.compare(file.size() - suffix.size(), suffix.size(), suffix) != 0) return "";
  std::string name = file.substr(prefix.size(), file.size() - prefix.size() - suffix.size());
  const auto at = name.find('.');
  if (at == std::string::npos) return name;
  return name.substr(at + 1) == isa ? name.substr(0, at) : "";
}

inline std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> files;
  if (DIR* dir = opendir(folder.c_str())) {
    while (const dirent* entry = readdir(dir)) files.emplace_back(entry->d_name);
    closedir(dir);
  }
  std::sort(files.begin(), files.end());
  return files;
}

// `wanted`: names separated by commas, "all", or "none".
inline bool is_wanted(const std::string& name, const std::string& wanted) {
  return wanted == "all" || ("," + wanted + ",").find("," + name + ",") != std::string::npos;
}

// What a suite needs of a peer: that it offers the suite's operation.
using peer_filter = bool (*)(const ashlar_peer&);

inline bool open_peer(const std::string& path, const std::string& name, const std::string& isa, int threads,
                      peer_filter offers, std::vector<peer_module>& peers) {
  void* module = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (!module) {
    std::printf("peer %-11s not available: %s\n", name.c_str(), dlerror());
    return false;
  }
  auto entry = reinterpret_cast<const ashlar_peer* (*)()>(dlsym(module, "ashlar_peer_entry"));
  if (entry && entry()->abi == ashlar_peer_abi && !offers(*entry())) return false;
  char version[160] = "";
  if (!entry || entry()->abi != ashlar_peer_abi || !entry()->open(isa.c_str(), threads, version, sizeof version)) {
    std::printf("peer %-11s not available here\n", name.c_str());
    return false;
  }
  std::printf("peer %-11s %s\n", name.c_str(), version);
  peers.push_back({entry(), name, version});
  return true;
}

// The ISA as peers know it, by its vectors: an ISA that adds dot products (avx512_vnni, neon_dot) is its parent to
// them; a library that has kernels for those finds them by itself.
inline std::string vectors_of(const std::string& isa) {
  if (isa == "avx_vnni") return "avx2";
  return isa.substr(0, isa.find('_'));
}

inline std::vector<peer_module> open_peers(const std::string& folder, const std::string& own_isa, int threads,
                                           const std::string& wanted, peer_filter offers) {
  const std::string isa = vectors_of(own_isa);
  std::vector<peer_module> peers;
  for (const auto& file : files_in(folder)) {
    const std::string name = peer_name(file, isa);
    if (!name.empty() && is_wanted(name, wanted)) open_peer(folder + "/" + file, name, isa, threads, offers, peers);
  }
  return peers;
}

}  // namespace bench
