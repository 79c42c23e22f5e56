// SPDX-License-Identifier: Apache-2.0
//
// gemm/check_views.hpp: what can be wrong with the matrices of a product: extents, addresses, shapes that do not match.
//
// Depends on: core/, epilogue/expression.hpp.   Used by: gemm/check.hpp, conv/check.hpp, cuda/.
#pragma once

#include <cstdio>
#include <utility>

#include <ashlar/core/overlap.hpp>
#include <ashlar/core/status.hpp>
#include <ashlar/core/view.hpp>
#include <ashlar/epilogue/expression.hpp>

namespace ashlar::detail {

// Does the element farthest from data() stay within 64-bit byte offsets?
template <any_matrix V>
ASHLAR_HOST_INLINE constexpr bool addressable(const V& v) {
  index r = 0, c = 0, sum = 0, bytes = 0;
  if (v.empty()) return true;
  return !__builtin_mul_overflow(v.rows() - 1, v.row_stride(), &r) &&
         !__builtin_mul_overflow(v.cols() - 1, v.col_stride(), &c) && !__builtin_add_overflow(r, c, &sum) &&
         !__builtin_mul_overflow(sum, index(sizeof(typename V::value_type)), &bytes);
}

template <class Unit = this_unit>
[[gnu::cold, gnu::noinline]] status bad_extent(const char* operation, const char* what, index rows, index cols) {
  return status::error(errc::negative_extent, "%s: %s is %lld x %lld: extents must not be negative", operation, what,
                       lld(rows), lld(cols));
}

template <any_matrix V, class Unit = this_unit>
status check_view(const char* what, const V& v, const char* operation = "gemm") {
  if (v.rows() < 0 || v.cols() < 0) return bad_extent(operation, what, v.rows(), v.cols());
  if (v.data() == nullptr && !v.empty()) {
    return status::error(errc::null_pointer, "%s: %s is %lld x %lld but its data is null", operation, what,
                         lld(v.rows()), lld(v.cols()));
  }
  if (!addressable(v)) {
    return status::error(errc::overflow, "%s: %s is %lld x %lld with strides %lld and %lld: offsets exceed 64 bits",
                         operation, what, lld(v.rows()), lld(v.cols()), lld(v.row_stride()), lld(v.col_stride()));
  }
  return {};
}

// dst is written, so no two of its elements may share memory. Two do when d rows are as far as e columns; the least
// such d and e are the strides without their common divisor.
template <any_matrix V, class Unit = this_unit>
status check_written(const V& v) {
  if (v.empty()) return {};
  const index rs = v.rows() < 2 ? 1 : v.row_stride(), cs = v.cols() < 2 ? 1 : v.col_stride();
  const auto size = [](index x) { return x < 0 ? -x : x; };
  index divisor = size(rs);  // Euclid's
  for (index r = size(cs); r != 0;) divisor = std::exchange(r, divisor % r);
  const auto reaches = [&](index extent, index stride) { return extent > size(stride) / divisor; };
  const bool distinct = rs != 0 && cs != 0 && !(reaches(v.rows(), cs) && reaches(v.cols(), rs));
  if (distinct) return {};
  return status::error(errc::bad_stride,
                       "gemm: C is %lld x %lld with strides %lld and %lld: its elements must not overlap",
                       lld(v.rows()), lld(v.cols()), lld(v.row_stride()), lld(v.col_stride()));
}

template <class Unit = this_unit>
[[gnu::cold, gnu::noinline]] status shape_error(index m, index ka, index kb, index n, index cm, index cn) {
  const auto v = [](index x) { return lld(x); };
  if (ka != kb) {
    return status::error(errc::shape_mismatch,
                         "gemm: A is %lld x %lld but B is %lld x %lld: A's columns (%lld) must equal B's rows (%lld)",
                         v(m), v(ka), v(kb), v(n), v(ka), v(kb));
  }
  if (m != cm) {
    return status::error(errc::shape_mismatch,
                         "gemm: C is %lld x %lld but A is %lld x %lld: C's rows (%lld) must equal A's (%lld)", v(cm),
                         v(cn), v(m), v(ka), v(cm), v(m));
  }
  return status::error(errc::shape_mismatch,
                       "gemm: C is %lld x %lld but B is %lld x %lld: C's columns (%lld) must equal B's (%lld)", v(cm),
                       v(cn), v(kb), v(n), v(cn), v(n));
}

// Can every operand of an expression over m x n elements be read: is its data there, do its offsets fit? Never written.
template <class E>
ASHLAR_HOST_INLINE bool readable(const E& e, index m, index n) {
  bool all = true;
  visit_memory(e, [&](const auto& v) { all = all && (v.empty() || v.data() != nullptr) && addressable(v); }, m, n);
  return all;
}

// What is wrong with the operands of an expression over an m x n matrix: "the epilogue" over "C".
template <class E, class Unit = this_unit>
status check_expression(const char* where, const E& e, const char* what, index m, index n) {
  if (!fits(e, m, n)) {
    index rows = -1, cols = -1;  // an extent of -1 stands for the matrix's own, so what has others is the misfit
    const auto misfit = [&](const auto& v) {
      if (v.rows() >= 0 && v.cols() >= 0 && (v.rows() != m || v.cols() != n)) rows = v.rows(), cols = v.cols();
    };
    visit_memory(e, misfit, -1, -1);
    return status::error(errc::shape_mismatch, "gemm: %s is %lld x %lld but an elements() operand of %s is %lld x %lld",
                         what, lld(m), lld(n), where, lld(rows), lld(cols));
  }
  if (readable(e, m, n)) return {};
  char name[64];
  std::snprintf(name, sizeof name, "an operand of %s", where);
  status s;
  visit_memory(e, [&](const auto& v) { s = s.ok() ? check_view(name, v) : s; }, m, n);
  return s;
}

// Does an expression over an m x n matrix read memory of dst other than through `dst`? Partial sums may rest there.
template <class E, any_matrix C>
ASHLAR_HOST_INLINE bool reads_memory_of(const E& e, const C& c, index m, index n) {
  bool shared = false;
  visit_memory(e, [&](const auto& v) { shared |= overlaps(v, c); }, m, n);
  return shared;
}

}  // namespace ashlar::detail
