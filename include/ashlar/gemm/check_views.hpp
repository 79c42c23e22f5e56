// SPDX-License-Identifier: Apache-2.0
//
// gemm/check_views.hpp: what can be wrong with the matrices of a product: extents, addresses, shapes that do not match.
//
// Depends on: core/, epilogue/expression.hpp.   Used by: gemm/check.hpp, conv/check.hpp, cuda/.
#pragma once

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
[[gnu::cold, gnu::noinline]] status bad_extent(const char* what, index rows, index cols) {
  return status::error(errc::negative_extent, "gemm: %s is %lld x %lld: extents must not be negative", what,
                       (long long)rows, (long long)cols);
}

template <any_matrix V, class Unit = this_unit>
status check_view(const char* what, const V& v) {
  if (v.rows() < 0 || v.cols() < 0) return bad_extent(what, v.rows(), v.cols());
  if (v.data() == nullptr && !v.empty()) {
    return status::error(errc::null_pointer, "gemm: %s is %lld x %lld but its data is null", what, (long long)v.rows(),
                         (long long)v.cols());
  }
  if (!addressable(v)) {
    return status::error(errc::overflow, "gemm: %s is %lld x %lld with strides %lld and %lld: offsets exceed 64 bits",
                         what, (long long)v.rows(), (long long)v.cols(), (long long)v.row_stride(),
                         (long long)v.col_stride());
  }
  return {};
}

// dst is written, so no two of its elements may share memory.
template <any_matrix V, class Unit = this_unit>
status check_written(const V& v) {
  if (v.empty()) return {};
  const index rs = v.row_stride() < 0 ? -v.row_stride() : v.row_stride();
  const index cs = v.col_stride() < 0 ? -v.col_stride() : v.col_stride();
  const bool rows_apart = v.rows() < 2 || rs >= (v.cols() - 1) * cs + 1;
  const bool cols_apart = v.cols() < 2 || cs >= (v.rows() - 1) * rs + 1;
  const bool distinct = (v.rows() < 2 || rs > 0) && (v.cols() < 2 || cs > 0) && (rows_apart || cols_apart);
  if (distinct) return {};
  return status::error(errc::bad_stride,
                       "gemm: C is %lld x %lld with strides %lld and %lld: its elements must not overlap",
                       (long long)v.rows(), (long long)v.cols(), (long long)v.row_stride(), (long long)v.col_stride());
}

template <class Unit = this_unit>
[[gnu::cold, gnu::noinline]] status shape_error(index m, index ka, index kb, index n, index cm, index cn) {
  const auto v = [](index x) { return (long long)x; };
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

// Does the epilogue read memory of dst other than through `dst`? Partial sums may rest there.
template <class E, any_matrix C>
ASHLAR_HOST_INLINE bool reads_memory_of(const E& e, const C& c) {
  bool shared = false;
  visit_memory(e, [&](const auto& v) { shared |= overlaps(v, c); }, c.rows(), c.cols());
  return shared;
}

}  // namespace ashlar::detail
