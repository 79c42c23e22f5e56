// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/half_test.cpp: products of bf16, f16, e4m3 and e5m2 equal the reference bit for bit, subnormal numbers,
// infinities and NaN among them; conversions of every 16-bit pattern; packed and not, between guard pages.
#include <doctest/doctest.h>

#include <ashlar/isa/half.hpp>
#include <bit>

#include "gemm/problem.hpp"

namespace ashlar::test {
namespace {

using isa_t = isa_under_test;

// NaNs are equal here, as everywhere (support/bits.hpp): sign and payload are the machine's.
template <class T>
bool equal(T a, T b) {
  const float x = float(a), y = float(b);
  return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y) || (x != x && y != y);
}

// Mostly numbers around 1, sometimes any bits.
template <class T>
T any(random& r, bool wild) {
  if constexpr (std::same_as<T, float>) {
    return r.value<float>();
  } else {
    if (wild && r.chance(10)) return T::from_bits(typename T::storage(r.bits()));
    return T(r.value<float>());
  }
}

template <class TA, class TB, class TC>
struct half_problem {
  half_problem(random& r, const gemm_shape& s, placement where)
      : shape(s),
        A(make<TA>(s.m, s.k, s.a, r, where)),
        B(make<TB>(s.k, s.n, s.b, r, where)),
        C(make<TC>(s.m, s.n, s.c, r, where)) {
    const bool wild = r.chance(30);
    A.each([&](TA& x) { x = any<TA>(r, wild); });
    B.each([&](TB& x) { x = any<TB>(r, wild); });
    C.each([&](TC& x) { x = any<TC>(r, wild); });
  }

  template <class GivenB, class E, class... Options>
  std::string differs(const GivenB& b, const E& e, const Options&... options) {
    std::vector<TC> expected;
    C.each([&](TC& x) { expected.push_back(x); });
    reference::gemm(A.read(), B.read(), ashlar::view(expected.data(), shape.m, shape.n), e);
    const auto before = C.snapshot();
    const status s = gemm<isa_t>(A.read(), b, C.view(), e, options...);
    if (!s.ok()) return describe(shape) + ": " + s.message();
    if (C.changed(before, true)) return describe(shape) + ": memory around C was written";
    for (index i = 0; i < shape.m; ++i)
      for (index j = 0; j < shape.n; ++j)
        if (!equal(C.view()(i, j), expected[std::size_t(i * shape.n + j)]))
          return describe(shape) + ": C(" + std::to_string(i) + ", " + std::to_string(j) + ") is " +
                 std::to_string(float(C.view()(i, j))) + " instead of " +
                 std::to_string(float(expected[std::size_t(i * shape.n + j)]));
    return "";
  }

  gemm_shape shape;
  guarded_matrix<TA> A;
  guarded_matrix<TB> B;
  guarded_matrix<TC> C;

 private:
  template <class T>
  static guarded_matrix<T> make(index m, index n, layout l, random& r, placement where) {
    const stride_pair s = strides_of(l, m, n, r);
    return {m, n, s.row, s.col, where};
  }
};

template <class TA, class TB, class TC, class F>
void problems(index count, const F& f) {
  constexpr tile_shape S = default_tile<float, isa_t>;
  const index lanes = ops<float, isa_t>::lanes(), nr = S.nv * lanes;
  for_each_case(scaled(count, count / 8), [&](random& r) {
    gemm_shape s{r.between(0, 2 * S.mr + 1), ragged(r, lanes, nr), r.pick<index>({0, 1, 2, 3, 7, 8, 17, 64, 100})};
    s.a = r.chance(60) ? layout::rows : layout(r.between(0, int(last_read)));
    s.b = r.pick({layout::rows, layout::columns, layout::rows_apart, layout::scattered});
    s.c = r.chance(60) ? layout::rows : layout(r.between(0, int(last_written)));
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      half_problem<TA, TB, TC> p(r, s, where);
      f(p);
    }
  });
}

TEST_CASE("bf16, and small caches: sums rest as floats between K blocks") {
  problems<bf16, bf16, bf16>(300, [](auto& p) {
    REQUIRE(p.differs(p.B.read(), acc + dst) == "");
    REQUIRE(p.differs(p.B.read(), relu(acc), cache_sizes{1, 1}) == "");
  });
}

TEST_CASE("f16 to float, packed") {
  problems<f16, f16, float>(300, [](auto& p) {
    const auto storage = aligned_buffer::make(packed_weights_bytes<f16, isa_t>(p.shape.k, p.shape.n));
    REQUIRE(pack_weights<isa_t>(p.B.read(), storage.span()).ok());
    const auto w = open_weights<f16>(storage.span()).value();
    for (index k = 0; k < p.shape.k; ++k)
      for (index j = 0; j < p.shape.n; ++j) REQUIRE(w(k, j).bits == p.B.view()(k, j).bits);
    REQUIRE(p.differs(w, acc * 2) == "");
  });
}

TEST_CASE("float by bf16 weights; bytes") {
  problems<float, bf16, f16>(200, [](auto& p) { REQUIRE(p.differs(p.B.read(), acc) == ""); });
  problems<e4m3, e5m2, float>(60, [](auto& p) { REQUIRE(p.differs(p.B.read(), acc) == ""); });
}

TEST_CASE_TEMPLATE("every 16-bit number becomes its float, and rounds back to itself", N, bf16, f16) {
  std::vector<N> all(65536), back(65536);
  std::vector<float> floats(65536);
  for (std::uint32_t i = 0; i < 65536; ++i) all[i] = N::from_bits(std::uint16_t(i));
  widened<N, isa_t>(all.data(), 65536, floats.data());
  narrowed<N, isa_t>(floats.data(), 65536, back.data());
  for (std::uint32_t i = 0; i < 65536; ++i) {
    REQUIRE(std::bit_cast<std::uint32_t>(floats[i]) == std::bit_cast<std::uint32_t>(float(all[i])));
    REQUIRE(back[i].bits == N(floats[i]).bits);
  }
}

TEST_CASE_TEMPLATE("floats round as the scalar conversion rounds them", N, bf16, f16) {
  for_each_case(scaled(20000), [](random& r) {
    float x[24];
    N y[24];
    for (float& v : x) {
      const auto bits = std::uint32_t(r.bits());
      v = r.chance(50) ? std::bit_cast<float>(bits) : std::bit_cast<float>((bits & 0x87ffffffu) | 0x30000000u);
      if (r.chance(30)) v = std::bit_cast<float>(std::bit_cast<std::uint32_t>(v) & 0xfffff000u);  // ties
    }
    narrowed<N, isa_t>(x, 24, y);
    for (int i = 0; i < 24; ++i) REQUIRE(y[i].bits == N(x[i]).bits);
  });
}

}  // namespace
}  // namespace ashlar::test
