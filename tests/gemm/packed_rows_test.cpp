// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/packed_rows_test.cpp: A packed into a blob gives the bits of A itself; the blob opens again, or says why
// not.
//
// Depends on: gemm.hpp, reference.hpp, support/.
#include <ashlar/gemm.hpp>
#include <ashlar/reference.hpp>
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/isa.hpp"

namespace ashlar::test {

using Isa = isa_under_test;

TEST_CASE_TEMPLATE("packed rows of a transposed A equal A, also reopened", T, ASHLAR_TEST_FLOATS) {
  for (index k :
       {index(1), index(16), index(33), 1024 / index(sizeof(T)) * 4}) {  // the last: rows a multiple of 4 KiB apart
    const index m = 7, n = 21;
    std::vector<T> a(std::size_t(m * k)), b(std::size_t(k * n)), c(std::size_t(m * n)), expected = c;
    for (std::size_t i = 0; i < a.size(); ++i) a[i] = T(int(i * 7 % 31) - 15) / 8;
    for (std::size_t i = 0; i < b.size(); ++i) b[i] = T(int(i * 5 % 29) - 14) / 4;
    const auto A = column_major((const T*)a.data(), m, k);
    const auto B = view((const T*)b.data(), k, n);
    reference::gemm(A, B, view(expected.data(), m, n));
    aligned_buffer storage = aligned_buffer::make(packed_rows_bytes<T>(m, k));
    const auto packed = pack_rows<Isa>(A, storage.span());
    REQUIRE(packed.ok());
    CHECK(packed.value().row_stride() * index(sizeof(T)) % 4096 != 0);
    REQUIRE(gemm<Isa>(packed.value(), B, view(c.data(), m, n)).ok());
    CHECK(std::memcmp(c.data(), expected.data(), c.size() * sizeof(T)) == 0);
    const auto opened = open_rows<T>(storage.span());
    REQUIRE(opened.ok());
    for (index i = 0; i < m; ++i)
      for (index j = 0; j < k; ++j) REQUIRE(opened.value()(i, j) == A(i, j));
    storage.span()[storage.size() - 1] ^= std::byte(4);
    CHECK(open_rows<T>(storage.span()).error().code() == errc::corrupt_blob);
  }
}

TEST_CASE("rows without elements are reopened, too") {
  aligned_buffer storage = aligned_buffer::make(packed_rows_bytes<float>(7, 0));
  REQUIRE(pack_rows<Isa>(view((const float*)nullptr, 7, 0), storage.span()).ok());
  const auto opened = open_rows<float>(storage.span());
  REQUIRE(opened.ok());
  CHECK(opened.value().rows() == 7);
  CHECK(opened.value().cols() == 0);
}

TEST_CASE("what cannot be packed or opened") {
  float a[6] = {};
  aligned_buffer storage = aligned_buffer::make(packed_rows_bytes<float>(2, 3));
  CHECK(pack_rows<Isa>(view((const float*)nullptr, 2, 3), storage.span()).error().code() == errc::null_pointer);
  CHECK(pack_rows<Isa>(view(a, -2, 3), storage.span()).error().code() == errc::negative_extent);
  CHECK(pack_rows<Isa>(view(a, 2, 3), storage.span().first(storage.size() - 1)).error().code() ==
        errc::workspace_too_small);
  CHECK(packed_rows_bytes<float>(index(1) << 40, index(1) << 40) == 0);
  const index n = default_tile<float, Isa>.nv * ops<float, Isa>::lanes() + 1;  // weights of two panels are no rows
  std::vector<float> b(std::size_t(2 * n));
  aligned_buffer weights = aligned_buffer::make(packed_weights_bytes<float, Isa>(2, n));
  REQUIRE(pack_weights<Isa>(view((const float*)b.data(), 2, n), weights.span()).ok());
  CHECK(open_rows<float>(weights.span()).error().code() == errc::wrong_blob);
}

}  // namespace ashlar::test
