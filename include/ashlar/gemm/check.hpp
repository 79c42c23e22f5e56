// SPDX-License-Identifier: Apache-2.0
//
// gemm/check.hpp: everything that makes a call wrong, found before anything is written.
//
// Depends on: gemm/check_views.hpp, gemm/operands.hpp, gemm/packed_weights.hpp.   Used by: gemm/gemm.hpp.
#pragma once

#include <cstddef>
#include <span>

#include <ashlar/core/small_integers.hpp>
#include <ashlar/gemm/check_views.hpp>
#include <ashlar/gemm/operands.hpp>
#include <ashlar/gemm/packed_weights.hpp>

namespace ashlar::detail {

// The extents of anything that may stand for an operand.
template <any_matrix V>
ASHLAR_INLINE constexpr index rows_of(const V& v) {
  return v.rows();
}
template <any_matrix V>
ASHLAR_INLINE constexpr index cols_of(const V& v) {
  return v.cols();
}
template <class T>
ASHLAR_INLINE constexpr index rows_of(const packed_weights<T>& w) {
  return w.k;
}
template <class T>
ASHLAR_INLINE constexpr index cols_of(const packed_weights<T>& w) {
  return w.n;
}

// Its memory, as a matrix.
template <any_matrix V>
ASHLAR_INLINE constexpr const V& stored(const V& v) {
  return v;
}
template <class T>
ASHLAR_INLINE matrix_view<const std::byte> stored(const packed_weights<T>& w) {
  index bytes = 0, group = 1;
  if constexpr (requires { w.group; }) group = w.group;
  panel_bytes<T>(w.k, w.n, w.nr, group, &bytes);
  return {reinterpret_cast<const std::byte*>(w.panels), 1, bytes, bytes, 1};
}

// Does an operand, or its blob, share memory with C?
template <class B, any_matrix C, class Unit = this_unit>
status check_apart(const char* what, const B& b, const C& c) {
  const auto& memory = stored(b);
  if (!overlaps(memory, c)) return {};
  return status::error(errc::aliasing, "gemm: %s (at %p) shares memory with C (at %p): C must be disjoint from A and B",
                       what, static_cast<const void*>(memory.data()), static_cast<const void*>(c.data()));
}

template <any_matrix V, any_matrix C, class Unit = this_unit>
status check_operand(const char* what, const V& v, const C& c, index, index) {
  if (status s = check_view(what, v); !s.ok()) return s;
  return check_apart(what, v, c);
}
template <class T, any_matrix C, class Unit = this_unit>
status check_operand(const char* what, const packed_weights<T>& w, const C& c, index nr, index group) {
  if (w.nr != nr) {
    return status::error(errc::wrong_blob,
                         "gemm: %s is packed in panels of %lld columns but this tile reads panels of %lld", what,
                         lld(w.nr), lld(nr));
  }
  if constexpr (byte_weights<T> || std::is_same_v<T, bf16>) {
    if (w.group != group) {
      return status::error(errc::wrong_blob, "gemm: %s is packed in units of %lld numbers but this ISA multiplies %lld",
                           what, lld(w.group), lld(group));
    }
  }
  if (w.panels == nullptr && w.k > 0 && w.n > 0) {
    return status::error(errc::null_pointer, "gemm: %s is packed weights of %lld x %lld without panels", what, lld(w.k),
                         lld(w.n));
  }
  return check_apart(what, w, c);
}

// What is wrong with the operands of A's prologue.
template <any_matrix V, any_matrix C>
ASHLAR_INLINE status check_prologue_of(const V&, const C&) {
  return {};
}
template <class V, class E, any_matrix C, class Unit = this_unit>
status check_prologue_of(const transformed_matrix<V, E>& t, const C& c) {
  if (status s = check_expression("A's prologue", t.prologue, "A", t.matrix.rows(), t.matrix.cols()); !s.ok()) return s;
  if (!reads_memory_of(t.prologue, c, t.matrix.rows(), t.matrix.cols())) return {};
  return status::error(errc::aliasing, "gemm: an operand of A's prologue shares memory with C (at %p)",
                       static_cast<const void*>(c.data()));
}

// The same of numbers for each row of an A that is converted.
template <converted_matrix A, any_matrix C, class Unit = this_unit>
status check_prologue_of(const A& a, const C& c) {
  status s;
  const index rows = a.matrix.rows();
  a.prologue.each_operand([&](const char* what, const auto* numbers) {
    if (!s.ok() || rows == 0) return;
    if (numbers == nullptr) {
      s = status::error(errc::null_pointer, "gemm: A has %lld rows but the pointer to their %s is null", lld(rows),
                        what);
    } else if (overlaps(matrix_view<const std::decay_t<decltype(*numbers)>>(numbers, 1, rows, rows, 1), c)) {
      s = status::error(errc::aliasing, "gemm: the %s of A's rows (at %p) share memory with C (at %p)", what,
                        static_cast<const void*>(numbers), static_cast<const void*>(c.data()));
    }
  });
  return s;
}

/// ok, or what is wrong with the call.
template <class A, class B, any_matrix C, class E, class Unit = this_unit>
status check_gemm(const A& given, const B& b, const C& c, const E& e, index nr, index group = 1) {
  const auto& a = matrix_of(given);
  if (cols_of(a) != rows_of(b) || c.rows() != rows_of(a) || c.cols() != cols_of(b)) {
    return shape_error(rows_of(a), cols_of(a), rows_of(b), cols_of(b), c.rows(), c.cols());
  }
  if (status s = check_view("C", c); !s.ok()) return s;
  if (status s = check_written(c); !s.ok()) return s;
  if (status s = check_operand("A", a, c, nr, group); !s.ok()) return s;
  if (status s = check_operand("B", b, c, nr, group); !s.ok()) return s;
  if (status s = check_expression("the epilogue", e, "C", c.rows(), c.cols()); !s.ok()) return s;
  if (reads_memory_of(e, c, c.rows(), c.cols())) {
    return status::error(
        errc::aliasing,
        "gemm: an operand of the epilogue shares memory with C (at %p): write dst to read C's old value",
        static_cast<const void*>(c.data()));
  }
  return check_prologue_of(given, c);
}

// Does scratch memory lie over an operand or C?
template <class A, class B, any_matrix C, class Unit = this_unit>
status check_scratch(std::span<std::byte> memory, const A& a, const B& b, const C& c) {
  const auto bytes = index(memory.size());
  const matrix_view<const std::byte> own(memory.data(), 1, bytes, bytes, 1);
  status s;
  const auto check = [&](const char* what, const auto& v) {
    if (!s.ok() || !overlaps(v, own)) return;
    s = status::error(errc::aliasing, "gemm: scratch (%zu bytes at %p) shares memory with %s (at %p)", memory.size(),
                      static_cast<void*>(memory.data()), what, static_cast<const void*>(v.data()));
  };
  check("A", matrix_of(a)), check("B", stored(b)), check("C", c);
  return s;
}

// Is every partial sum of so many products of TA and TB exact in a double?
template <class TA, class TB, class Unit = this_unit>
status check_wide_terms(index k) {
  if (k <= most_wide_terms<TA, TB>) return {};
  return status::error(errc::overflow, "gemm: K is %lld; 64-bit sums of these integers are exact up to %lld", lld(k),
                       lld(most_wide_terms<TA, TB>));
}

// The cheap sufficient test that ordinary calls pass: row-major, extents and strides below 2^29, dst apart from A and
// B.
template <any_matrix V>
ASHLAR_INLINE bool plain_view(const V& v) {
  constexpr index limit = index(1) << 29;
  return v.data() != nullptr && v.rows() > 0 && v.rows() < limit && v.cols() > 0 && v.cols() < limit &&
         v.row_stride() >= 0 && v.row_stride() < limit && v.col_stride() == 1;
}
template <any_matrix V>
ASHLAR_INLINE auto plain_end(const V& v) {
  return v.data() + (v.rows() - 1) * v.row_stride() + v.cols();
}
template <any_matrix V, any_matrix C>
ASHLAR_INLINE bool plain_operand(const V& v, const C& c, index) {
  return plain_view(v) && (plain_end(v) <= c.data() || v.data() >= plain_end(c));
}
template <class T, any_matrix C>
ASHLAR_INLINE bool plain_operand(const packed_weights<T>& w, const C& c, index nr) {
  if (w.panels == nullptr || w.nr != nr) return false;
  const void* const end = w.panels + w.k * ((w.n + nr - 1) / nr * nr);
  return end <= static_cast<const void*>(c.data()) ||
         static_cast<const void*>(w.panels) >= static_cast<const void*>(plain_end(c));
}

/// True: check_gemm would say ok and C is not empty. False: ask check_gemm. (What is read in place has no prologue.)
template <any_matrix A, class B, any_matrix C, class E>
ASHLAR_INLINE bool plainly_valid(const A& a, const B& b, const C& c, const E& e, index nr) {
  return cols_of(a) == rows_of(b) && c.rows() == rows_of(a) && c.cols() == cols_of(b) && plain_view(c) &&
         (c.row_stride() >= c.cols() || c.rows() == 1) && plain_operand(a, c, nr) && plain_operand(b, c, nr) &&
         fits(e, c.rows(), c.cols()) && readable(e, c.rows(), c.cols()) && !reads_memory_of(e, c, c.rows(), c.cols());
}
template <class V, class P, class B, any_matrix C, class E>
ASHLAR_INLINE bool plainly_valid(const transformed_matrix<V, P>&, const B&, const C&, const E&, index) {
  return false;
}

}  // namespace ashlar::detail
