// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/bytes_test.cpp: products of 8- and 16-bit integers equal the reference bit for bit: every pair of element
// types, every output, zero points of every kind, extreme values, packed and not, between guard pages.
#include <doctest/doctest.h>

#include <ashlar/quant.hpp>
#include <cstdint>
#include <limits>

#include "gemm/problem.hpp"

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

// A product of TA and TB to D between guard pages.
template <class TA, class TB, class D>
struct byte_problem {
  byte_problem(random& r, const gemm_shape& s, placement where)
      : shape(s),
        A(make<TA>(s.m, s.k, s.a, r, where)),
        B(make<TB>(s.k, s.n, s.b, r, where)),
        C(make<D>(s.m, s.n, s.c, r, where)) {
    fill(A, r), fill(B, r), C.fill(r);
    za = zero_points<TA>(r, s.m), zb = zero_points<TB>(r, s.n);
  }

  template <class M>
  static void fill(M& m, random& r) {
    using T = typename std::decay_t<decltype(m.view())>::value_type;
    using limits = std::numeric_limits<T>;
    const index kind = r.between(0, 3);  // random, all the least, all the greatest, either end
    m.each([&](T& x) {
      x = kind == 0                                  ? static_cast<T>(r.bits())
          : kind == 1 || (kind == 3 && r.chance(50)) ? limits::min()
                                                     : limits::max();
    });
  }

  // Runs gemm and the reference of the same.
  template <class GivenB, class E, class Za, class Zb, class... Options>
  std::string differs(const GivenB& b, const E& e, Za a_zero, Zb b_zero, const Options&... options) {
    std::vector<D> expected;
    C.each([&](D& x) { expected.push_back(x); });
    reference::gemm(A.read(), B.read(), ashlar::view(expected.data(), shape.m, shape.n), e, a_zero, b_zero);
    const auto before = C.snapshot();
    const status s = gemm<isa_t>(A.read(), b, C.view(), e, options...);
    if (!s.ok()) return describe(shape) + ": " + s.message();
    std::string wrong = first_difference(C.view(), expected);
    if (wrong.empty() && C.changed(before, true)) wrong = "memory around C was written";
    return wrong.empty() ? "" : describe(shape) + ": " + wrong;
  }

  gemm_shape shape;
  guarded_matrix<TA> A;
  guarded_matrix<TB> B;
  guarded_matrix<D> C;
  std::vector<std::int32_t> za, zb;

 private:
  template <class T>
  static guarded_matrix<T> make(index m, index n, layout l, random& r, placement where) {
    const stride_pair s = strides_of(l, m, n, r);
    return {m, n, s.row, s.col, where};
  }
};

template <class TA, class TB, class D, class F>
void problems(index count, const F& f) {
  constexpr tile_shape S = default_tile<std::int8_t, isa_t>;
  const index lanes = ops<std::int32_t, isa_t>::lanes(), nr = S.nv * lanes;
  for_each_case(scaled(count, count / 8), [&](random& r) {
    gemm_shape s{r.between(0, 2 * S.mr + 1), ragged(r, lanes, nr),
                 r.pick<index>({0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 64, 100, 321})};
    const auto any = [&](layout last) { return r.chance(60) ? layout::rows : layout(r.between(0, int(last))); };
    s.a = any(last_read), s.b = r.chance(30) ? layout::columns : any(last_read), s.c = any(last_written);
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      byte_problem<TA, TB, D> p(r, s, where);
      f(r, p);
    }
  });
}

template <class TA_, class TB_, class D_>
struct types {
  using TA = TA_;
  using TB = TB_;
  using D = D_;
};
#define ASHLAR_BYTE_TYPES                                                                   \
  types<std::uint8_t, std::int8_t, std::int32_t>, types<std::uint8_t, std::uint8_t, float>, \
      types<std::int8_t, std::uint8_t, std::uint8_t>

TEST_CASE_TEMPLATE("every pair of bytes, zero points on both sides", X, ASHLAR_BYTE_TYPES) {
  problems<typename X::TA, typename X::TB, typename X::D>(400, [](random& r, auto& p) {
    const auto za = std::int32_t(r.bits()), zb = std::int32_t(r.bits());
    REQUIRE(p.differs(p.B.read(), acc, za, zb, a_zero_point(za), b_zero_point(zb)) == "");
  });
}

TEST_CASE("no zero points, and small caches: sums rest in the workspace between K blocks") {
  problems<std::int8_t, std::int8_t, std::int8_t>(
      300, [](random&, auto& p) { REQUIRE(p.differs(p.B.read(), acc + dst, 0, 0, cache_sizes{1, 1}) == ""); });
}

TEST_CASE("a zero point for each row and column") {
  problems<std::uint8_t, std::int8_t, std::int32_t>(300, [](random&, auto& p) {
    const std::int32_t *za = p.za.data(), *zb = p.zb.data();
    REQUIRE(p.differs(p.B.read(), acc, za, zb, a_zero_point(za), b_zero_point(zb), cache_sizes{1, 1}) == "");
  });
}

TEST_CASE("16-bit A") {
  problems<std::int16_t, std::int8_t, std::int32_t>(300, [](random& r, auto& p) {
    const auto za = std::int32_t(r.between(-40000, 40000));
    REQUIRE(p.differs(p.B.read(), acc, za, 0, a_zero_point(za)) == "");
  });
}

TEST_CASE_TEMPLATE("packed weights: unpacked they are B, and the product is the same", TB, std::int8_t, std::uint8_t) {
  problems<std::uint8_t, TB, std::uint8_t>(300, [](random& r, auto& p) {
    const auto storage = aligned_buffer::make(packed_weights_bytes<TB, isa_t>(p.shape.k, p.shape.n));
    const auto packed = pack_weights<isa_t>(p.B.read(), storage.span());
    REQUIRE(packed.ok());
    const packed_weights<TB> w = open_weights<TB>(storage.span()).value();
    for (index k = 0; k < p.shape.k; ++k)
      for (index j = 0; j < p.shape.n; ++j) REQUIRE(w(k, j) == p.B.view()(k, j));
    const auto za = std::int32_t(r.between(0, 255)), zb = std::int32_t(r.between(-128, 255));
    const auto e = requantize(acc, tflite{1 << 30, -int(r.between(0, 9))}, 3);
    REQUIRE(p.differs(w, e, za, zb, a_zero_point(za), b_zero_point(zb)) == "");
  });
}

TEST_CASE("the largest sums that 32 bits hold, and beyond them modulo 2^32") {
  for (const index k : {index(65793), index(65794), index(140000)}) {
    random r(seed());
    byte_problem<std::uint8_t, std::int8_t, std::int32_t> p(r, {2, 3, k, layout::rows, layout::columns},
                                                            placement::at_end);
    p.A.each([](std::uint8_t& x) { x = 255; });
    p.B.each([](std::int8_t& x) { x = -128; });
    REQUIRE(p.differs(p.B.read(), acc, 0, 0) == "");
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
  w.group += 1;
  const status s = gemm<isa_t>(view<const std::uint8_t>(a, 4, 4), w, view(c, 4, 4));
  CHECK(s.code() == errc::wrong_blob);
  CHECK(std::string(s.message()) == "gemm: B is packed in units of " + std::to_string(w.group) +
                                        " numbers but this ISA multiplies " + std::to_string(w.group - 1));
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
