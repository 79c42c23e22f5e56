// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/far_test.cpp: strides beyond 32 bits, in elements and in bytes, on memory that is mapped and hardly
// touched.
#include <ashlar/gemm.hpp>
#include <ashlar/reference.hpp>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>

#include "support/isa.hpp"

namespace ashlar::test {

TEST_CASE("rows and columns of A, B and C more than 2^32 bytes and 2^31 elements apart") {
  constexpr index m = 3, n = 2, k = 3, far = (index(1) << 31) + 5;
  constexpr std::size_t bytes = std::size_t(3 * far) * sizeof(float);
  void* const memory =
      mmap(nullptr, 3 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    MESSAGE("skipped: this machine does not map ", 3 * bytes, " bytes");
    return;
  }
  float* const a = static_cast<float*>(memory);
  float *const b = a + 3 * far, *const c = b + 3 * far;
  const auto equal = [&](const auto& A, const auto& B, const auto& C) {
    for (index i = 0; i < m; ++i)
      for (index l = 0; l < k; ++l) A(i, l) = float(3 * i - 7 * l) + 0.3f;
    for (index l = 0; l < k; ++l)
      for (index j = 0; j < n; ++j) B(l, j) = float(l) - 0.7f * float(j);
    std::vector<float> expected(m * n);
    reference::gemm(A, B, view(expected.data(), m, n));
    REQUIRE(gemm<isa_under_test>(A, B, C).ok());
    for (index i = 0; i < m; ++i)
      for (index j = 0; j < n; ++j) CHECK(C(i, j) == expected[std::size_t(i * n + j)]);
  };
  equal(view(a, m, k, far), view(b, k, n, far), view(c, m, n, far));
  equal(column_major(a, m, k, far), column_major(b, k, n, far), column_major(c, m, n, far));
  equal(view(a, m, k, far, 7), view(b, k, n, 1, far), view(c, m, n, 5, far));
  munmap(memory, 3 * bytes);
}

}  // namespace ashlar::test
