// SPDX-License-Identifier: Apache-2.0
//
// tests/core/overlap_test.cpp: do two views share an element, as counting their bytes finds.
#include <ashlar/core/overlap.hpp>
#include <bitset>

#include <doctest/doctest.h>

#include "support/cases.hpp"

namespace ashlar::test {
namespace {

constexpr index memory_bytes = 4096;
alignas(8) std::byte memory[memory_bytes];

template <class T>
matrix_view<T> random_view(random& r) {
  constexpr index middle = memory_bytes / index(sizeof(T)) / 2;
  const index m = r.between(1, 6), n = r.between(1, 6), ld = r.pick<index>({0, 1, 3, 5, 6, 7, 12, 12, 13, 24});
  const index sign = r.pick<index>({1, 1, -1}), other = r.pick<index>({0, 1, 1, 1, -1, 2});
  T* const p = reinterpret_cast<T*>(memory) + middle + r.between(-40, 40);
  return r.between(0, 1) ? view(p, m, n, sign * ld, other) : view(p, m, n, other, sign * ld);
}

template <class V>
std::bitset<memory_bytes> bytes_of(const V& v) {
  std::bitset<memory_bytes> set;
  for (index i = 0; i < v.rows(); ++i)
    for (index j = 0; j < v.cols(); ++j) {
      const auto* const first = reinterpret_cast<const std::byte*>(v.pointer(i, j));
      for (index b = 0; b < index(sizeof(typename V::value_type)); ++b) set.set(std::size_t(first - memory + b));
    }
  return set;
}

template <class V>
bool has_lines(const V& v) {
  const auto short_step = [](index stride) { return stride >= -1 && stride <= 1; };
  return v.rows() == 1 || v.cols() == 1 || short_step(v.row_stride()) || short_step(v.col_stride());
}

}  // namespace

TEST_CASE_TEMPLATE("views with contiguous rows or columns: exactly; others: never without reason", T, float, double,
                   std::int8_t) {
  for_each_case(20000, [](random& r) {
    const auto v = random_view<T>(r);
    const auto w = random_view<float>(r);
    const bool shared = (bytes_of(v) & bytes_of(w)).any();
    const bool exact = has_lines(v) && has_lines(w);
    REQUIRE((exact ? detail::overlaps(v, w) == shared : shared || !detail::overlaps(v, w)));
    REQUIRE(detail::overlaps(v, w) == detail::overlaps(w, v));
  });
}

}  // namespace ashlar::test
