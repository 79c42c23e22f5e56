// SPDX-License-Identifier: Apache-2.0
//
// reference/gemm.hpp: what gemm computes: the specification that every kernel equals bit for bit.
//
//   acc = zero;   for k = 0, 1, ...:  acc = accumulate(A(i, k), B(k, j), acc);   C(i, j) = epilogue(acc)
//
// With plus_times a step is one fused multiply-add. No SIMD, no blocking, no order but this one.
//
// Of small integers:  acc = sum over k of (A(i, k) - za) * (B(k, j) - zb), modulo 2^32; or in 64 bits, without zeros
//
// Depends on: core/{view,small_integers,narrow_float}.hpp, epilogue/, isa/scalar.hpp.   Used by: tests.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/core/small_integers.hpp>
#include <ashlar/core/view.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/epilogue/output.hpp>
#include <ashlar/isa/scalar.hpp>
#include <concepts>

namespace ashlar::reference {

/// C(i, j) = epilogue( sum over k of A(i, k) * B(k, j) ), k in increasing order.
///
/// A is M x K, B is K x N, C is M x N, of one element type; any strides. The caller sees to the shapes, and that C
/// overlaps neither A nor B.
///
///     reference::gemm(view(a, m, k), view(b, k, n), view(c, m, n), relu(acc + per_column(bias)));
///     static_assert([] { ...; reference::gemm(A, B, C); return C(0, 0) == 7; }());
///
/// Changes nothing but C; allocates nothing.
template <any_matrix ViewA, any_matrix ViewB, any_matrix ViewC, expression E = acc_node, semiring Semiring = plus_times,
          class Unit = detail::this_unit>
  requires(!small_integers<typename ViewA::value_type, typename ViewB::value_type> &&
           !narrow_floats<typename ViewA::value_type, typename ViewB::value_type, typename ViewC::value_type>)
constexpr void gemm(const ViewA& A, const ViewB& B, const ViewC& C, const E& epilogue = {}, Semiring = {}) {
  using T = typename ViewC::value_type;
  static_assert(std::same_as<typename ViewA::value_type, T> && std::same_as<typename ViewB::value_type, T>,
                "A, B and C must have one element type");
  using O = ops<T, isa::scalar>;
  static_assert(semiring_on<Semiring, O>, "the semiring must be defined for C's element type");

  if constexpr (semiring_on<Semiring, O>) {
    for (index i = 0; i < C.rows(); ++i) {
      for (index j = 0; j < C.cols(); ++j) {
        T sum = Semiring::template zero<O>();
        for (index k = 0; k < A.cols(); ++k) sum = Semiring::template accumulate<O>(A(i, k), B(k, j), sum);
        C(i, j) = epilogue.eval(math<O>{}, sum, position<T, true>{i, j, 1, C.pointer(i, j)});
      }
    }
  }
}

/// C(i, j) = epilogue( sum over k of float(A(i, k)) * float(B(k, j)) ), one fused multiply-add of floats each, k in
/// increasing order; the expression is of float, and rounded to C's type to nearest even.
///
///     reference::gemm(view(a, m, k), view(b, k, n), view(c, m, n), relu(acc));        // bf16, f16, ...
///
/// Changes nothing but C; allocates nothing.
template <any_matrix ViewA, any_matrix ViewB, any_matrix ViewC, expression E = acc_node, semiring Semiring = plus_times,
          class Unit = detail::this_unit>
  requires narrow_floats<typename ViewA::value_type, typename ViewB::value_type, typename ViewC::value_type>
constexpr void gemm(const ViewA& A, const ViewB& B, const ViewC& C, const E& epilogue = {}, Semiring = {}) {
  using O = ops<float, isa::scalar>;
  using out = output<O, typename ViewC::value_type>;
  for (index i = 0; i < C.rows(); ++i) {
    for (index j = 0; j < C.cols(); ++j) {
      float sum = Semiring::template zero<O>();
      for (index k = 0; k < A.cols(); ++k) sum = Semiring::template accumulate<O>(float(A(i, k)), float(B(k, j)), sum);
      const typename out::template place<true> at{i, j, 1, C.pointer(i, j)};
      out::store(C.pointer(i, j), epilogue.eval(typename out::context{}, out::seen(epilogue, sum, at), at));
    }
  }
}

/// C(i, j) = epilogue( sum over k of (A(i, k) - za) * (B(k, j) - zb) ) of small integers, the sum in 32 bits that wrap.
///
/// A and B as in small_integers; za is an integer or a pointer to one for each row of A, zb the same for columns of B.
/// C is of integers of at most 32 bits (the expression is of std::int32_t, its value goes to C's nearest end when
/// outside) or of float (so is the expression, of the sum rounded to float).
///
///     reference::gemm(view(a, m, k), view(b, k, n), view(c, m, n), acc * per_column(scale), 128, 0);
///
/// Changes nothing but C; allocates nothing.
template <any_matrix ViewA, any_matrix ViewB, any_matrix ViewC, expression E = acc_node, class Za = int, class Zb = int,
          class Unit = detail::this_unit>
  requires small_integers<typename ViewA::value_type, typename ViewB::value_type>
constexpr void gemm(const ViewA& A, const ViewB& B, const ViewC& C, const E& epilogue = {}, Za za = 0, Zb zb = 0) {
  using out = output<ops<std::int32_t, isa::scalar>, typename ViewC::value_type>;
  const detail::zero_point_values<Za> a_zeros{za};
  const detail::zero_point_values<Zb> b_zeros{zb};
  for (index i = 0; i < C.rows(); ++i) {
    for (index j = 0; j < C.cols(); ++j) {
      std::uint32_t sum = 0;
      for (index k = 0; k < A.cols(); ++k) {
        sum += (std::uint32_t(A(i, k)) - std::uint32_t(a_zeros.at(i))) *
               (std::uint32_t(B(k, j)) - std::uint32_t(b_zeros.at(j)));
      }
      const typename out::template place<true> at{i, j, 1, C.pointer(i, j)};
      out::store(C.pointer(i, j),
                 epilogue.eval(typename out::context{}, out::seen(epilogue, static_cast<std::int32_t>(sum), at), at));
    }
  }
}

/// C(i, j) = epilogue( sum over k of A(i, k) * B(k, j) ) of integers of at most 16 bits, in 64 bits; the expression is
/// of std::int64_t, its value goes to the nearest end of C's signed integers when outside.
///
///     reference::gemm(view(a, m, k), view(b, k, n), view(c, m, n), acc, with_sums<std::int64_t>{});
///
/// Changes nothing but C; allocates nothing.
template <any_matrix ViewA, any_matrix ViewB, any_matrix ViewC, expression E, class Unit = detail::this_unit>
  requires wide_integers<typename ViewA::value_type, typename ViewB::value_type>
constexpr void gemm(const ViewA& A, const ViewB& B, const ViewC& C, const E& epilogue, with_sums<std::int64_t>) {
  using out = output<ops<std::int64_t, isa::scalar>, typename ViewC::value_type>;
  for (index i = 0; i < C.rows(); ++i) {
    for (index j = 0; j < C.cols(); ++j) {
      std::int64_t sum = 0;
      for (index k = 0; k < A.cols(); ++k) sum += std::int64_t(A(i, k)) * B(k, j);
      const typename out::template place<true> at{i, j, 1, C.pointer(i, j)};
      out::store(C.pointer(i, j), epilogue.eval(typename out::context{}, out::seen(epilogue, sum, at), at));
    }
  }
}

}  // namespace ashlar::reference
