// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/packed_weights_test.cpp: the blob: round trip, through a file too, the same for every layout of B;
// whatever bit of it changes, open_weights says so; and every error of packing has its sentence.
#include <doctest/doctest.h>

#include <fcntl.h>

#include <cstdlib>
#include <cstring>

#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;
using bytes_view = std::span<const std::byte>;

// A packed k x n matrix of random values.
template <class T>
struct packed {
  packed(random& r, index k, index n, layout l = layout::rows)
      : strides(strides_of(l, k, n, r)),
        B(k, n, strides.row, strides.col, placement::at_end),
        blob(aligned_buffer::make(packed_weights_bytes<T, isa_t>(k, n))) {
    B.fill(r);
    weights = pack_weights<isa_t>(B.read(), blob.span()).value();
  }
  bytes_view bytes() const { return blob.span(); }
  stride_pair strides;
  guarded_matrix<T> B;
  aligned_buffer blob;
  packed_weights<T> weights;
};

template <class T>
bool holds(const packed_weights<T>& w, const matrix_view<const T>& b) {
  std::vector<T> out(std::size_t(b.rows() * b.cols()));
  const auto B = view(out.data(), b.rows(), b.cols());
  if (!unpack_weights(w, B).ok()) return false;
  for (index i = 0; i < b.rows(); ++i)
    for (index j = 0; j < b.cols(); ++j)
      if (!same_bits(B(i, j), b(i, j)) || !same_bits(w(i, j), b(i, j))) return false;
  return true;
}

std::string says(const status& s) { return std::string(name(s.code())) + ": " + s.message(); }

TEST_CASE_TEMPLATE("packed, opened and unpacked is the matrix, whatever its layout", T, ASHLAR_TEST_FLOATS,
                   std::int32_t) {
  for_each_case(scaled(300, 30), [](random& r) {
    const packed<T> p(r, r.between(0, 70), r.between(0, 200), layout(r.between(0, int(last_read))));
    REQUIRE(holds(p.weights, p.B.read()));
    const auto opened = open_weights<T>(p.bytes());
    REQUIRE(says(opened.error()) == "ok: ");
    REQUIRE(opened.value().panels == p.weights.panels);
    REQUIRE((opened.value().k == p.B.view().rows() && opened.value().n == p.B.view().cols() &&
             opened.value().nr == p.weights.nr));
  });
}

TEST_CASE("equal matrices give equal blobs: panels are padded with zeros") {
  random r(seed());
  const packed<float> p(r, 9, 43);
  std::vector<float> columns(9 * 43);
  const auto same = column_major(columns.data(), 9, 43);
  for (index i = 0; i < 9; ++i)
    for (index j = 0; j < 43; ++j) same(i, j) = p.B.view()(i, j);
  auto blob = aligned_buffer::make(p.bytes().size());
  std::memset(blob.data(), 0xff, blob.size());
  REQUIRE(pack_weights<isa_t>(same, blob.span()).ok());
  CHECK(std::memcmp(blob.data(), p.bytes().data(), blob.size()) == 0);
}

// Panels without a k are nowhere apart: a walk over them by address does not move.
TEST_CASE("K = 0: every panel's columns are zero") {
  random r(seed());
  const packed<float> p(r, 0, 100);
  float a = 0;
  std::vector<float> c(20 * 100, 1);
  REQUIRE(gemm<isa_t>(view(&a, 20, 0), p.weights, view(c.data(), 20, 100)).ok());
  CHECK(c == std::vector<float>(20 * 100, 0));
}

TEST_CASE("written to a file and mapped back") {
  random r(seed());
  const packed<float> p(r, 30, 50);
  char path[] = "/tmp/ashlar_weights_XXXXXX";
  const int file = mkstemp(path);
  REQUIRE(file >= 0);
  REQUIRE(write(file, p.bytes().data(), p.bytes().size()) == ssize_t(p.bytes().size()));
  void* mapped = mmap(nullptr, p.bytes().size(), PROT_READ, MAP_PRIVATE, file, 0);
  close(file), unlink(path);
  REQUIRE(mapped != MAP_FAILED);
  const auto w = open_weights<float>({static_cast<const std::byte*>(mapped), p.bytes().size()});
  REQUIRE(says(w.error()) == "ok: ");
  CHECK(holds(w.value(), p.B.read()));
  problem<float> gemm_problem(r, {4, 50, 30}, placement::at_end);
  index n = 0;
  gemm_problem.B.each([&](float& x) { x = p.B.view()(n / 50, n % 50), ++n; });
  CHECK(gemm_problem.differs_with<isa_t>(gemm_problem.A.read(), gemm_problem.A.read(), w.value()) == "");
  munmap(mapped, p.bytes().size());
}

TEST_CASE("any bit of the header, one bit of any byte of the panels") {
  random r(seed());
  const packed<float> p(r, 7, 40);
  std::byte* const data = p.blob.data();
  const auto detected = [&](std::size_t byte, int bit, bool verify) {
    data[byte] ^= std::byte(1 << bit);
    const bool found = !open_weights<float>(p.bytes(), verify).ok();
    data[byte] ^= std::byte(1 << bit);
    return found;
  };
  for (std::size_t byte = 0; byte < sizeof(packed_header); ++byte)
    for (int bit = 0; bit < 8; ++bit) REQUIRE_MESSAGE(detected(byte, bit, false), "header byte ", byte, " bit ", bit);
  for (std::size_t byte = sizeof(packed_header); byte < p.bytes().size(); ++byte)
    REQUIRE_MESSAGE(detected(byte, int(r.between(0, 7)), true), "panel byte ", byte);
  CHECK(open_weights<float>(p.bytes()).ok());
  data[200] ^= std::byte(1);
  CHECK(open_weights<float>(p.bytes(), false).ok());  // as asked
}

TEST_CASE("a blob that is cut off, at every length") {
  random r(seed());
  const packed<float> p(r, 5, 20);
  for (std::size_t n = 0; n < p.bytes().size(); ++n)
    REQUIRE(open_weights<float>(p.bytes().first(n)).error().code() == errc::corrupt_blob);
  CHECK(says(open_weights<float>(p.bytes().first(127)).error()) ==
        "corrupt_blob: open_weights: the blob has 127 bytes, its header alone has 128");
  CHECK(open_weights<float>({}).error().code() == errc::corrupt_blob);
}

TEST_CASE("a blob of another element type, or at an odd address") {
  random r(seed());
  const packed<float> p(r, 5, 20);
  CHECK(says(open_weights<double>(p.bytes()).error()) ==
        "wrong_blob: open_weights: element code 260 but the type asked for has 264");
  CHECK(open_weights<std::int32_t>(p.bytes()).error().code() == errc::wrong_blob);
  const auto moved = aligned_buffer::make(p.bytes().size() + 64);
  for (std::size_t by : {1, 4, 32, 63}) {
    std::memcpy(moved.data() + by, p.bytes().data(), p.bytes().size());
    CHECK(open_weights<float>({moved.data() + by, p.bytes().size()}).error().code() == errc::misaligned);
  }
}

TEST_CASE("a header that is whole and lies: extents that overflow, panels that are not there") {
  random r(seed());
  const packed<float> p(r, 5, 20);
  packed_header original;
  std::memcpy(&original, p.blob.data(), sizeof original);
  const auto opened = [&](auto change) {
    packed_header h = original;
    change(h);
    h.header_checksum = h.own_checksum();
    std::memcpy(p.blob.data(), &h, sizeof h);
    return open_weights<float>(p.bytes()).error().code();
  };
  CHECK(opened([](packed_header&) {}) == errc::ok);
  CHECK(opened([](packed_header& h) { h.n = -1; }) == errc::corrupt_blob);
  CHECK(opened([](packed_header& h) { h.k = -1; }) == errc::corrupt_blob);
  CHECK(opened([](packed_header& h) { h.nr = 0; }) == errc::corrupt_blob);
  CHECK(opened([](packed_header& h) { h.n = INT64_MAX; }) == errc::corrupt_blob);
  CHECK(opened([](packed_header& h) { h.k = INT64_MAX / 4; }) == errc::corrupt_blob);
  CHECK(opened([](packed_header& h) { h.k = index(1) << 62, h.n = 16; }) == errc::corrupt_blob);
  CHECK(opened([](packed_header& h) { h.n = 2000; }) == errc::corrupt_blob);
  CHECK(opened([](packed_header& h) { h.version = 7; }) == errc::wrong_blob);
}

TEST_CASE("errors of packing leave the storage alone") {
  std::vector<float> b(15, 1);
  const auto B = view(b.data(), 5, 3);
  const std::size_t bytes = packed_weights_bytes<float, isa_t>(5, 3);
  const auto storage = aligned_buffer::make(bytes + 64);
  std::memset(storage.data(), 0x5a, storage.size());
  const auto packing = [&](const auto& m, std::size_t from, std::size_t size) {
    return pack_weights<isa_t>(m, storage.span().subspan(from, size)).error();
  };
  CHECK(says(packing(view(b.data(), -5, 3), 0, bytes)) ==
        "negative_extent: pack_weights: B is -5 x 3: extents must not be negative");
  CHECK(says(packing(view<const float>(nullptr, 5, 3), 0, bytes)) ==
        "null_pointer: pack_weights: B is 5 x 3 but its data is null");
  CHECK(says(packing(B, 0, bytes - 1)) == "workspace_too_small: pack_weights: storage has " +
                                              std::to_string(bytes - 1) + " bytes, 5 x 3 needs " +
                                              std::to_string(bytes));
  CHECK(packing(B, 4, bytes).code() == errc::misaligned);
  CHECK(
      says(packing(view(b.data(), 5, 3, INT64_MAX / 4, 1), 0, bytes)) ==
      "overflow: pack_weights: B is 5 x 3 with strides 2305843009213693951 and 1: offsets or the blob exceed 64 bits");
  CHECK(packing(view(b.data(), INT64_MAX / 2, 5, 0, 1), 0, bytes).code() == errc::overflow);
  CHECK(packing(view(reinterpret_cast<float*>(storage.data()) + 40, 5, 3), 0, bytes).code() == errc::aliasing);
  for (std::byte x : storage.span()) REQUIRE(x == std::byte(0x5a));
  CHECK(packing(B, 0, bytes).ok());
  std::vector<float> out(16);
  CHECK(says(unpack_weights(open_weights<float>(storage.span()).value(), view(out.data(), 4, 4))) ==
        "shape_mismatch: unpack_weights: B is 4 x 4 but the weights are 5 x 3");
  CHECK(unpack_weights(open_weights<float>(storage.span()).value(), view<float>(nullptr, 5, 3)).code() ==
        errc::null_pointer);
}

TEST_CASE("sizes: exact, of nothing the header, beyond 64 bits zero") {
  const index nr = default_tile<float, isa_t>.nv * ops_under_test<float>::lanes();
  CHECK(packed_weights_bytes<float, isa_t>(5, nr) == std::size_t(128 + 5 * nr * 4));
  CHECK(packed_weights_bytes<float, isa_t>(5, nr + 1) == std::size_t(128 + 5 * 2 * nr * 4));
  CHECK(packed_weights_bytes<float, isa_t>(0, 7) == 128);
  CHECK(packed_weights_bytes<float, isa_t>(7, 0) == 128);
  CHECK(packed_weights_bytes<float, isa_t>(-1, 7) == 0);
  CHECK(packed_weights_bytes<float, isa_t>(index(1) << 40, index(1) << 40) == 0);
  CHECK(packed_weights_bytes<float, isa_t>(1, INT64_MAX) == 0);
}

}  // namespace
}  // namespace ashlar::test
