// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/bytes_test.cpp: products of 8- and 16-bit integers equal the reference bit for bit: every pair of element
// types, every output, zero points of every kind, extreme values, packed and not, by any number of workers and in
// batches.
//
// Each pair of an output and an epilogue is kernels of its own to compile, and so are zero points for each row: tests
// whose subject is neither share them.
#include <doctest/doctest.h>

#include <ashlar/quant.hpp>

#include "gemm/executors.hpp"
#include "gemm/mixed_problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

template <class T>
std::vector<std::int32_t> zero_points(random& r, index count) {
  using limits = std::numeric_limits<T>;
  std::vector<std::int32_t> z;
  for (index i = 0; i < count; ++i) z.push_back(r.pick<std::int32_t>({limits::min(), limits::max(), 0, 3, -100000}));
  return z;
}

template <class TA_, class TB_, class TC_>
struct types {
  using TA = TA_;
  using TB = TB_;
  using TC = TC_;
};

TEST_CASE_TEMPLATE("every pair of bytes, zero points on both sides", X, types<std::uint8_t, std::int8_t, std::int32_t>,
                   types<std::uint8_t, std::uint8_t, float>, types<std::int8_t, std::uint8_t, std::uint8_t>,
                   types<std::uint8_t, std::int8_t, bf16>) {
  mixed_problems<typename X::TA, typename X::TB, typename X::TC>(400, [](random& r, auto& p) {
    const auto za = std::int32_t(r.bits()), zb = std::int32_t(r.bits());
    REQUIRE(p.differs(p.B.read(), acc, zero_pair{za, zb}, a_zero_point(za), b_zero_point(zb)) == "");
  });
}

TEST_CASE("no zero points, and small caches: sums rest in the workspace between K blocks") {
  mixed_problems<std::int8_t, std::int8_t, std::int8_t>(
      300, [](random&, auto& p) { REQUIRE(p.differs(p.B.read(), acc + dst, no_zeros{}, cache_sizes{1, 1}) == ""); });
}

TEST_CASE("a zero point for each row and column, beside an operand of the epilogue") {
  mixed_problems<std::uint8_t, std::int8_t, std::int32_t>(300, [](random& r, auto& p) {
    const auto a = zero_points<std::uint8_t>(r, p.shape.m), b = zero_points<std::int8_t>(r, p.shape.n);
    const zero_pair zeros{a.data(), b.data()};
    const auto bias = zero_points<std::int8_t>(r, p.shape.n + 1);
    const auto e = acc + per_column(bias.data());
    REQUIRE(p.differs(p.B.read(), e, zeros, a_zero_point(zeros.a), b_zero_point(zeros.b), cache_sizes{1, 1}) == "");
  });
}

TEST_CASE("16-bit A") {
  mixed_problems<std::int16_t, std::int8_t, std::int32_t>(300, [](random& r, auto& p) {
    const auto za = std::int32_t(r.between(-40000, 40000));
    REQUIRE(p.differs(p.B.read(), acc, zero_pair{za, 0}, a_zero_point(za)) == "");
    constexpr for_a<std::int16_t> words;
    const auto storage = aligned_buffer::make(packed_weights_bytes<std::int8_t, isa_t>(p.shape.k, p.shape.n, words));
    REQUIRE(pack_weights<isa_t>(p.B.read(), storage.span(), words).ok());
    const packed_weights<std::int8_t> w = open_weights<std::int8_t>(storage.span()).value();
    REQUIRE(p.differs(w, acc, zero_pair{za, 0}, a_zero_point(za), cache_sizes{1, 1}) == "");
    REQUIRE((p.shape.k == 0 || p.shape.n == 0 || w(p.shape.k - 1, 0) == p.B.view()(p.shape.k - 1, 0)));
  });
}

TEST_CASE_TEMPLATE("packed weights: unpacked they are B, and the product is the same", TB, std::int8_t, std::uint8_t) {
  mixed_problems<std::uint8_t, TB, std::uint8_t>(300, [](random& r, auto& p) {
    const auto storage = aligned_buffer::make(packed_weights_bytes<TB, isa_t>(p.shape.k, p.shape.n));
    const auto packed = pack_weights<isa_t>(p.B.read(), storage.span());
    REQUIRE(packed.ok());
    const packed_weights<TB> w = open_weights<TB>(storage.span()).value();
    for (index k = 0; k < p.shape.k; ++k)
      for (index j = 0; j < p.shape.n; ++j) REQUIRE(w(k, j) == p.B.view()(k, j));
    const auto za = std::int32_t(r.between(0, 255)), zb = std::int32_t(r.between(-128, 255));
    const auto e = requantize(acc, tflite{1 << 30, -int(r.between(0, 9))}, 3);
    const zero_pair zeros{za, zb};
    REQUIRE(p.differs(w, e, zeros, a_zero_point(za), b_zero_point(zb)) == "");
    REQUIRE(p.differs(w, e, zeros, a_zero_point(za), b_zero_point(zb), cache_sizes{1, 1}) == "");
  });
}

// Packed weights bring the sums of their columns along, which become terms once, whatever else comes in blocks.
TEST_CASE("packed weights and more rows than the cache holds") {
  for_each_case(scaled(40, 6), [](random& r) {
    const gemm_shape s{r.between(40, 150), r.between(1, 70), r.between(100, 400)};
    mixed_problem<std::uint8_t, std::int8_t, std::int32_t> p(r, s, placement::at_end);
    const auto storage = aligned_buffer::make(packed_weights_bytes<std::int8_t, isa_t>(s.k, s.n));
    const auto w = pack_weights<isa_t>(p.B.read(), storage.span()).value();
    const zero_pair zeros{std::int32_t(r.between(0, 255)), std::int32_t(r.between(-128, 127))};
    for (const cache_sizes caches : {cache_sizes{1, 1}, cache_sizes{4096, 16384}})
      REQUIRE(p.differs(w, acc, zeros, caches, a_zero_point(zeros.a), b_zero_point(zeros.b)) == "");
  });
}

// Ranges that a store of bytes may take over, and those it may not: any zero point, ends of any order and outside
// bytes, factors of one and more, infinite ones, NaN.
TEST_CASE_TEMPLATE("a float for each channel, bytes within any range", TC, std::uint8_t, std::int8_t) {
  mixed_problems<std::uint8_t, std::int8_t, TC>(400, [](random& r, auto& p) {
    constexpr float infinity = std::numeric_limits<float>::infinity(), below_one = 0x1.fffffep-1f;
    const bool plain = r.chance(60);
    std::vector<float> scales(std::size_t(p.shape.n) + 1);
    for (float& x : scales) {
      x = 0x1p-20f * float(r.between(-(1 << 19), 1 << 19));
      if (r.chance(20)) x = r.pick<float>({below_one, -below_one, 0.5f, -0.0f});
      if (!plain && r.chance(5)) x = r.pick<float>({1, -1, 1e9f, infinity, std::numeric_limits<float>::quiet_NaN()});
    }
    std::vector<std::int32_t> bias(scales.size());
    for (std::int32_t& x : bias) x = r.chance(25) ? std::int32_t(r.bits()) : std::int32_t(r.between(-1000, 1000));
    const auto zero = r.chance(40) ? std::int32_t(r.between(-128, 255))
                                   : r.pick<std::int32_t>({-32512, -32513, 32512, 32513, std::int32_t(r.bits())});
    const auto end = [&](std::int32_t usual) { return r.chance(60) ? usual : std::int32_t(r.between(-300, 300)); };
    const std::int32_t low = end(-128), high = r.chance(10) ? std::int32_t(r.bits()) : end(255);
    const auto sums = acc + per_column(bias.data());
    REQUIRE(p.differs(p.B.read(), requantize<onnx>(sums, per_column(scales.data()), zero, low, high), no_zeros{}) ==
            "");
    if constexpr (std::same_as<TC, std::uint8_t>)  // one factor for all differs in the factor, not in the store
      REQUIRE(p.differs(p.B.read(), requantize(sums, onnx{scales[0]}, zero, low, high), no_zeros{}) == "");
  });
}

TEST_CASE("any number of workers, each with its own sums of rows and columns") {
  for_each_case(scaled(60, 6), [](random& r) {
    const gemm_shape s{r.between(20, 60), r.between(20, 200), r.between(1, 200)};
    mixed_problem<std::uint8_t, std::int8_t, std::int32_t> p(r, s, placement::at_end);
    const zero_pair zeros{std::int32_t(r.between(0, 255)), std::int32_t(r.between(-128, 127))};
    for (const index workers : {2, 3, 16}) {
      const auto target = on(in_reverse{workers});
      const auto caches = r.chance(50) ? cache_sizes{1, 1} : cache_sizes{1 << 15, 1 << 18};
      const auto a = a_zero_point(zeros.a);
      const auto b = b_zero_point(zeros.b);
      const auto memory =
          aligned_buffer::make(gemm_workspace_bytes<isa_t>(p.A.read(), p.B.read(), p.C.view(), target, caches, a, b));
      REQUIRE(p.differs(p.B.read(), acc, zeros, target, caches, a, b, scratch(memory.span())) == "");
    }
  });
}

TEST_CASE("a batch") {
  random r(seed());
  constexpr index m = 7, n = 21, k = 19, count = 3;
  std::vector<std::uint8_t> a(m * k * count);
  std::vector<std::int8_t> b(k * n);
  std::vector<std::int32_t> got(m * n * count), expected(m * n);
  for (std::uint8_t& x : a) x = std::uint8_t(r.bits());
  for (std::int8_t& x : b) x = std::int8_t(r.bits());
  const auto B = view<const std::int8_t>(b.data(), k, n);
  REQUIRE(gemm_batched<isa_t>(view<const std::uint8_t>(a.data(), m, k), m * k, B, 0, view(got.data(), m, n), m * n,
                              count, a_zero_point(-3), b_zero_point(5))
              .ok());
  for (index p = 0; p < count; ++p) {
    reference::gemm(view<const std::uint8_t>(a.data() + p * m * k, m, k), B, view(expected.data(), m, n), acc, -3, 5);
    CHECK(std::equal(expected.begin(), expected.end(), got.begin() + p * m * n));
  }
}

// Solved as its transpose: A and B change places, with their types and their zero points. Not 16-bit A, which B cannot
// be.
TEST_CASE("C with contiguous columns, as its type says") {
  random r(seed());
  constexpr index m = 13, n = 21, k = 18;
  mixed_problem<std::int8_t, std::uint8_t, std::int32_t> p(r, {m, n, k}, placement::at_end);
  mixed_problem<std::int16_t, std::int8_t, std::int32_t> words(r, {m, n, k}, placement::at_end);
  const auto za = zero_points<std::int8_t>(r, m), zb = zero_points<std::uint8_t>(r, n);
  std::vector<std::int32_t> bias(std::size_t(m), 5), got(m * n), expected(m * n);
  bias[3] = -7;
  const auto check = [&](const auto& a, const auto& b, const auto& e, auto a_zero, auto b_zero, auto... options) {
    reference::gemm(a, b, view(expected.data(), m, n), e, a_zero, b_zero);
    const auto c = column_major(got.data(), m, n);
    REQUIRE(gemm<isa_t>(a, b, c, e, a_zero_point(a_zero), options...).ok());
    for (index i = 0; i < m; ++i)
      for (index j = 0; j < n; ++j) REQUIRE(c(i, j) == expected[std::size_t(i * n + j)]);
  };
  check(p.A.read(), p.B.read(), acc + per_row(bias.data()), za.data(), zb.data(), b_zero_point(zb.data()));
  check(words.A.read(), words.B.read(), acc, 40000, 0);
}

TEST_CASE("the largest sums that 32 bits hold, and beyond them modulo 2^32") {
  for (const index k : {index(65793), index(65794), index(140000)}) {
    random r(seed());
    mixed_problem<std::uint8_t, std::int8_t, std::int32_t> p(r, {2, 3, k, layout::rows, layout::columns},
                                                             placement::at_end);
    p.A.each([](std::uint8_t& x) { x = 255; });
    p.B.each([](std::int8_t& x) { x = -128; });
    REQUIRE(p.differs(p.B.read(), acc, no_zeros{}) == "");
    if (k == 65793) CHECK(p.C.view()(1, 2) == -255 * 128 * std::int32_t(k));
  }
}

TEST_CASE("weights of another unit or width are refused, and of another sign") {
  std::uint8_t a[16] = {};
  std::int8_t b[16] = {};
  std::int32_t c[16] = {};
  const auto storage = aligned_buffer::make(packed_weights_bytes<std::int8_t, isa_t>(4, 4));
  packed_weights<std::int8_t> w = pack_weights<isa_t>(view<const std::int8_t>(b, 4, 4), storage.span()).value();
  CHECK(open_weights<std::uint8_t>(storage.span()).error().code() == errc::wrong_blob);
  w.group = 3;
  const status s = gemm<isa_t>(view<const std::uint8_t>(a, 4, 4), w, view(c, 4, 4));
  CHECK(s.code() == errc::wrong_blob);
  CHECK(std::string(s.message()) ==
        "gemm: B is packed in units of 3 numbers but this ISA multiplies " + std::to_string(dot_ops<isa_t>::group));
}

TEST_CASE("zero points that are nowhere are refused") {
  const std::uint8_t a[16] = {};
  const std::int8_t b[16] = {};
  std::int32_t c[16] = {77};
  const std::int32_t* const nowhere = nullptr;
  const auto A = view(a, 4, 4);
  const auto B = view(b, 4, 4);
  const status rows = gemm<isa_t>(A, B, view(c, 4, 4), a_zero_point(nowhere));
  CHECK(rows.code() == errc::null_pointer);
  CHECK(std::string(rows.message()) == "gemm: C is 4 x 4 but the pointer to zero points of A's rows is null");
  CHECK(gemm<isa_t>(A, B, view(c, 4, 4), a_zero_point(3), b_zero_point(nowhere)).code() == errc::null_pointer);
  CHECK(c[0] == 77);
  CHECK(gemm<isa_t>(view(a, 0, 4), B, view(c, 0, 4), a_zero_point(nowhere)).ok());
}

static_assert([] {
  const std::uint8_t a[] = {1, 2, 3, 255};
  const std::int8_t b[] = {5, -6, 7, -128};
  std::int8_t c[4] = {};
  reference::gemm(view(a, 2, 2), view(b, 2, 2), view(c, 2, 2), acc, 1, -1);
  return c[0] == 8 && c[1] == -127 && c[2] == 127 && c[3] == -128;
}());

}  // namespace
}  // namespace ashlar::test
