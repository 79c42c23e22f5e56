// SPDX-License-Identifier: Apache-2.0
//
// packed_weights.cpp: pack once, keep the blob in a file, map it back, multiply on threads without any allocation.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <ashlar/core/executors/thread_pool.hpp>
#include <ashlar/gemm.hpp>
#include <cstdio>
#include <cstring>
#include <vector>

int main() {
  using namespace ashlar;
  using ashlar::index;
  const index m = 20, k = 300, n = 200;
  std::vector<float> a(m * k), b(k * n), c(m * n), plain(m * n);
  for (index i = 0; i < m * k; ++i) a[i] = float(i % 11) - 5;
  for (index i = 0; i < k * n; ++i) b[i] = float(i % 13) / 8;
  const auto A = view(a.data(), m, k), B = view(b.data(), k, n);

  const std::size_t bytes = packed_weights_bytes<float>(k, n);
  aligned_buffer blob = aligned_buffer::make(bytes);
  if (!blob || !pack_weights(B, blob.span()).ok()) return 1;

  char path[] = "/tmp/ashlar_weights_XXXXXX";
  const int file = mkstemp(path);
  if (file < 0 || write(file, blob.data(), bytes) != ssize_t(bytes)) return 1;
  void* mapped = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file, 0);
  unlink(path);
  if (mapped == MAP_FAILED) return 1;
  const auto weights = open_weights<float>({static_cast<const std::byte*>(mapped), bytes});
  if (!weights.ok()) return std::printf("%s\n", weights.error().message()), 1;

  thread_pool pool(2);
  const auto C = view(c.data(), m, n);
  aligned_buffer memory = aligned_buffer::make(gemm_workspace_bytes(A, weights.value(), C, on(pool)));
  status s = gemm(A, weights.value(), C, on(pool), scratch(memory.span()));
  const bool same =
      s.ok() && gemm(A, B, view(plain.data(), m, n)).ok() && std::memcmp(c.data(), plain.data(), m * n * 4) == 0;
  std::printf("%zu bytes mapped, two threads: %s\n", bytes, same ? "the same bits as from plain weights" : s.message());
  return same ? 0 : 1;
}
