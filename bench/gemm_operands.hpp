// SPDX-License-Identifier: Apache-2.0
// bench/gemm_operands.hpp: the matrices of one problem, and the check that a contender computes their product before it
// may be timed.
//
//   |c - exact| <= (k + 2) * eps * sum |a| |b|          for any order of summation, fused or not (Higham 2002,
//   section 3.1)
//
// eps is that of C; the bound holds for products of bf16 by instructions that round to odd, too. Products of bytes must
// be equal. "exact" is a double (long double for f64) dot product: of every element of a small
// C, of 256 scattered elements of a large one. All elements are then compared with the first contender's result, with
// the bound above taken at |a| = |b| = 1.
//
// Depends on: gemm_problems.hpp, peers/peer.h, contender.hpp, values.hpp.   Used by: gemm.cpp.
#pragma once
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <type_traits>

#include "contender.hpp"
#include "gemm_problems.hpp"
#include "peers/peer.h"
#include "values.hpp"

namespace bench {

template <class A, class B = A, class C = A>
class operands {
  static constexpr bool exact = std::is_integral_v<C>;
  using wide = std::conditional_t<std::is_same_v<C, double>, long double, double>;  // holds sums of bytes exactly

 public:
  operands(const problem& p, int threads)
      : p_(p), a_(allocate<A>(p.m * p.k)), b_(allocate<B>(p.k * p.n)), c_(allocate<C>(p.m * p.n)) {
    fill(a_.get(), p.m * p.k, 1);
    fill(b_.get(), p.k * p.n, 2);
    constexpr int types[] = {ashlar_peer_f32, ashlar_peer_f64, ashlar_peer_u8s8, ashlar_peer_bf16};
    for_peers_ = {types[int(p.type)],
                  p.form == variant::prepacked,
                  p.transposed_a,
                  p.transposed_b,
                  threads,
                  p.m,
                  p.n,
                  p.k,
                  a_.get(),
                  b_.get(),
                  c_.get()};
  }

  const ashlar_peer_gemm_problem& description() const { return for_peers_; }

  // Runs it once on a C full of NaN, or of the least integers. Empty when right, otherwise a sentence.
  std::string check(const contender& c) {
    const auto count = p_.m * p_.n;
    std::fill(c_.get(), c_.get() + count, exact ? std::numeric_limits<C>::min() : std::numeric_limits<C>::quiet_NaN());
    c();
    std::string fault = count <= 4096 ? check_all() : check_scattered();
    if (fault.empty() && first_) fault = compare_with_first();
    if (fault.empty() && !first_) {
      first_ = allocate<C>(count);
      std::memcpy(first_.get(), c_.get(), static_cast<std::size_t>(count) * sizeof(C));
    }
    return fault;
  }

 private:
  template <class T>
  static wide number(T x) {
    if constexpr (std::is_class_v<T>) {
      return wide(float(x));
    } else {
      return wide(x);
    }
  }
  wide a(std::int64_t i, std::int64_t k) const { return number(a_[p_.transposed_a ? k * p_.m + i : i * p_.k + k]); }
  wide b(std::int64_t k, std::int64_t j) const { return number(b_[p_.transposed_b ? j * p_.k + k : k * p_.n + j]); }
  wide unit() const { return exact ? 0 : wide(p_.k + 2) * wide(std::numeric_limits<C>::epsilon()); }

  std::string check_one(std::int64_t i, std::int64_t j) const {
    wide exact = 0, magnitude = 0;
    for (std::int64_t k = 0; k < p_.k; ++k) exact += a(i, k) * b(k, j), magnitude += std::abs(a(i, k) * b(k, j));
    return judge(c_[i * p_.n + j], exact, unit() * magnitude, i, j);
  }
  std::string check_all() const {
    std::string fault;
    for (std::int64_t i = 0; i < p_.m && fault.empty(); ++i)
      for (std::int64_t j = 0; j < p_.n && fault.empty(); ++j) fault = check_one(i, j);
    return fault;
  }
  std::string check_scattered() const {
    std::string fault = check_one(p_.m - 1, p_.n - 1);
    for (std::uint64_t s = 0; s < 256 && fault.empty(); ++s)
      fault = check_one(std::int64_t(s * 2654435761u % std::uint64_t(p_.m)),
                        std::int64_t(s * 40503u % std::uint64_t(p_.n)));
    return fault;
  }
  std::string compare_with_first() const {
    const wide bound = 2 * unit() * wide(p_.k);
    std::string fault;
    for (std::int64_t at = 0; at < p_.m * p_.n && fault.empty(); ++at)
      fault = judge(c_[at], first_[at], bound, at / p_.n, at % p_.n);
    return fault;
  }
  static std::string judge(wide got, wide expected, wide bound, std::int64_t i, std::int64_t j) {
    if (std::abs(got - expected) <= bound) return "";
    return "C(" + std::to_string(i) + ", " + std::to_string(j) + ") is " + std::to_string(got) + ", not " +
           std::to_string(expected);
  }

  problem p_;
  buffer<A> a_;
  buffer<B> b_;
  buffer<C> c_, first_;
  ashlar_peer_gemm_problem for_peers_{};
};

}  // namespace bench
