// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/mixed_problem.hpp: a product whose A, B and C differ in type, between guard pages, and its comparison with
// the reference, bit for bit.
//
//   mixed_problems<std::uint8_t, std::int8_t, float>(400, [](random& r, auto& p) {
//     REQUIRE(p.differs(p.B.read(), acc, zero_pair{3, 4}, a_zero_point(3), b_zero_point(4)) == "");
//   });
//
// Depends on: tests/gemm/problem.hpp.   Used by: tests/gemm/{bytes,half,wide}_test.cpp.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <cstdint>
#include <limits>

#include "gemm/problem.hpp"

namespace ashlar::test {

/// What the reference subtracts from small integers.
template <class Za, class Zb>
struct zero_pair {
  Za a;
  Zb b;
};
struct no_zeros {};
struct wide {};  // sums of 64 bits

/// Values of one matrix: integers at random, all the least, all the greatest or at either end, signed bytes also within
/// 7 bits, sometimes but for one; floats of every size, now and then any bits at all.
template <class M>
void fill_mixed(const M& m, random& r) {
  using T = typename std::decay_t<decltype(m.view())>::value_type;
  const index kind = r.between(0, 5);
  [[maybe_unused]] index until_outside = kind == 5 ? r.between(0, 200) : -1;
  m.each([&](T& x) {
    if constexpr (std::integral<T>) {
      using limits = std::numeric_limits<T>;
      const bool least = kind == 1 || (kind >= 3 && r.chance(50));
      if constexpr (std::same_as<T, std::int8_t>) {
        if (kind >= 4) {
          x = static_cast<T>(until_outside-- == 0 ? least ? -65 : 65 : r.pick<index>({-64, 64, r.between(-64, 64)}));
          return;
        }
      }
      x = kind == 0 ? static_cast<T>(r.bits()) : least ? limits::min() : limits::max();
    } else if constexpr (narrow_floating_point<T>) {
      x = kind == 0 && r.chance(10) ? T::from_bits(typename T::storage(r.bits())) : T(r.value<float>());
    } else {
      x = r.value<T>();
    }
  });
}

template <class TA, class TB, class TC>
struct mixed_problem {
  mixed_problem(random& r, const gemm_shape& s, placement where)
      : shape(s),
        A(make<TA>(s.m, s.k, s.a, r, where)),
        B(make<TB>(s.k, s.n, s.b, r, where)),
        C(make<TC>(s.m, s.n, s.c, r, where)),
        around(r, detail::default_caches<isa_under_test>()) {
    fill_mixed(A, r), fill_mixed(B, r), fill_mixed(C, r);
  }

  /// Runs gemm on A, b and C, and the reference of the same with these zero points (or no_zeros, or wide).
  template <class GivenB, class E, class Zeros, class... Options>
  std::string differs(const GivenB& b, const E& e, const Zeros& zeros, const Options&... options) {
    std::vector<TC> expected;
    C.each([&](TC& x) { expected.push_back(x); });
    const auto want = ashlar::view(expected.data(), shape.m, shape.n);
    if constexpr (std::same_as<Zeros, no_zeros>) {
      reference::gemm(A.read(), B.read(), want, e);
    } else if constexpr (std::same_as<Zeros, wide>) {
      reference::gemm(A.read(), B.read(), want, e, with_sums<std::int64_t>());
    } else {
      reference::gemm(A.read(), B.read(), want, e, zeros.a, zeros.b);
    }
    const auto before = C.snapshot();
    const status s = run_gemm<isa_under_test>(around, A.read(), b, C.view(), e, options...);
    if (!s.ok()) return describe(shape) + ": " + s.message();
    std::string wrong = first_difference(C.view(), expected);
    if (wrong.empty() && C.changed(before, true)) wrong = "memory around C was written";
    return wrong.empty() ? "" : describe(shape) + ": " + wrong;
  }

  gemm_shape shape;
  guarded_matrix<TA> A;
  guarded_matrix<TB> B;
  guarded_matrix<TC> C;
  surroundings around;

 private:
  template <class T>
  static guarded_matrix<T> make(index m, index n, layout l, random& r, placement where) {
    const stride_pair s = strides_of(l, m, n, r);
    return {m, n, s.row, s.col, where};
  }
};

/// f(random&, mixed_problem&) for problems of every layout, at either end of their pages.
template <class TA, class TB, class TC, class F>
void mixed_problems(index count, const F& f) {
  constexpr tile_shape S = default_tile<std::conditional_t<std::integral<TB>, std::int8_t, float>, isa_under_test>;
  const index lanes = ops<std::int32_t, isa_under_test>::lanes();
  for_each_case(scaled(count, count / 8), [&](random& r) {
    gemm_shape s{r.between(0, 2 * S.mr + 1), ragged(r, lanes, S.nv * lanes),
                 r.pick<index>({0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 64, 100, 321})};
    const auto any = [&](layout last) { return r.chance(60) ? layout::rows : layout(r.between(0, int(last))); };
    s.a = any(last_read), s.b = r.chance(30) ? layout::columns : any(last_read), s.c = any(last_written);
    const random same = r;
    for (placement where : {placement::at_end, placement::at_start}) {
      r = same;
      mixed_problem<TA, TB, TC> p(r, s, where);
      f(r, p);
    }
  });
}

}  // namespace ashlar::test
