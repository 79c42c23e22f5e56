// SPDX-License-Identifier: Apache-2.0
//
// epilogue/operands.hpp: the leaves of an expression that read memory: dst, per_row, per_column, elements.
//
// Pointers and views are kept, not copied from: what they point to must live and stay unchanged until the operation has
// returned. So it must not share memory with dst, where partial sums may rest: dst is read as `dst` alone. Elements are
// of dst's type; cast() (epilogue/cast.hpp) converts those of another.
//
// Depends on: epilogue/expression.hpp, core/view.hpp, core/narrow_float.hpp.   Used by: epilogue/functions.hpp,
// epilogue/cast.hpp.
#pragma once

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/core/view.hpp>
#include <ashlar/epilogue/expression.hpp>
#include <concepts>
#include <type_traits>

namespace ashlar {

/// per_row(p), per_column(p), elements(v): numbers in memory, from pointer(row, col) on step() apart.
template <class E>
concept memory_operand = expression<E> && requires(const E& e, index i) {
  requires std::is_arithmetic_v<typename E::element_type> || narrow_floating_point<typename E::element_type>;
  { E::static_step } -> std::convertible_to<index>;
  { e.step() } -> std::same_as<index>;
  { *e.pointer(i, i) } -> std::convertible_to<typename E::element_type>;
};

namespace detail {

template <class M, class T>
inline constexpr bool same_element = std::same_as<typename M::value_type, T>;

// A vector of consecutive elements: all of it, or the lanes that exist. Of another element type: nothing, for the
// caller's static_assert has said it, in one line.
template <class M, class T, class At>
ASHLAR_INLINE constexpr typename M::vec load_at(M m, const T* p, const At& at) {
  if constexpr (!same_element<M, T>) {
    return m.zero();
  } else if constexpr (At::full) {
    return m.load(p);
  } else {
    return m.load_n(p, at.n);
  }
}

// The old value of dst. A position whose dst has another element type than the expression converts it itself.
template <class M, class At>
ASHLAR_INLINE constexpr typename M::vec load_dst(M m, const At& at) {
  if constexpr (requires { at.old_value(); }) {
    return at.old_value();
  } else {
    return load_at(m, at.dst, at);
  }
}

}  // namespace detail

/// The old value of dst:  acc + dst accumulates.
struct dst_node : expression_base<dst_node> {
  static constexpr bool reads_dst = true;

  template <class M, class At>
  ASHLAR_INLINE constexpr typename M::vec eval(M m, const typename M::vec&, const At& at) const {
    return detail::load_dst(m, at);
  }
  ASHLAR_INLINE constexpr dst_node transposed() const { return {}; }
  ASHLAR_INLINE constexpr bool fits(index, index) const { return true; }
};
inline constexpr dst_node dst{};

/// number * dst: when the number is zero dst is not read, so that it may be uninitialised, as beta of BLAS.
template <class S>
struct scaled_dst_node : expression_base<scaled_dst_node<S>> {
  static constexpr bool reads_dst = true;

  ASHLAR_INLINE constexpr explicit scaled_dst_node(S x) : scale(x) {}
  template <class M, class At>
  ASHLAR_INLINE constexpr typename M::vec eval(M m, const typename M::vec&, const At& at) const {
    const auto s = static_cast<typename M::value_type>(scale);
    if (s == typename M::value_type(0)) return m.zero();
    return m.mul(m.broadcast(s), detail::load_dst(m, at));
  }
  ASHLAR_INLINE constexpr scaled_dst_node transposed() const { return *this; }
  ASHLAR_INLINE constexpr bool fits(index, index) const { return true; }

  S scale;
};

template <class T>
struct per_column_node;

/// p[row], the same for all columns.
template <class T>
struct per_row_node : expression_base<per_row_node<T>> {
  using element_type = T;
  static constexpr bool uses_rows = true;
  static constexpr bool reads_dst = false;
  static constexpr index static_step = 0;

  ASHLAR_INLINE constexpr explicit per_row_node(const T* p) : data(p) {}
  template <class M, class At>
  ASHLAR_INLINE constexpr typename M::vec eval(M m, const typename M::vec&, const At& at) const {
    static_assert(detail::same_element<M, T>,
                  "per_row(p): p must point to dst's element type; of another type say cast(per_row(p))");
    if constexpr (detail::same_element<M, T>) return m.broadcast_load(data + at.row);
  }
  ASHLAR_INLINE constexpr per_column_node<T> transposed() const { return per_column_node<T>(data); }
  ASHLAR_INLINE constexpr bool fits(index, index) const { return true; }
  template <class F>
  ASHLAR_HOST_INLINE constexpr void visit(const F& f, index m, index) const {
    f(matrix_view<const T>(data, m, 1, 1, 1));
  }
  ASHLAR_INLINE constexpr const T* pointer(index row, index) const { return data + row; }
  ASHLAR_INLINE constexpr index step() const { return 0; }

  const T* data;
};

/// p[column], the same for all rows: a bias.
template <class T>
struct per_column_node : expression_base<per_column_node<T>> {
  using element_type = T;
  static constexpr bool reads_dst = false;
  static constexpr index static_step = 1;

  ASHLAR_INLINE constexpr explicit per_column_node(const T* p) : data(p) {}
  template <class M, class At>
  ASHLAR_INLINE constexpr typename M::vec eval(M m, const typename M::vec&, const At& at) const {
    static_assert(detail::same_element<M, T>,
                  "per_column(p): p must point to dst's element type; of another type say cast(per_column(p))");
    return detail::load_at(m, data + at.col, at);
  }
  ASHLAR_INLINE constexpr per_row_node<T> transposed() const { return per_row_node<T>(data); }
  ASHLAR_INLINE constexpr bool fits(index, index) const { return true; }
  template <class F>
  ASHLAR_HOST_INLINE constexpr void visit(const F& f, index, index n) const {
    f(matrix_view<const T>(data, 1, n, n, 1));
  }
  ASHLAR_INLINE constexpr const T* pointer(index, index col) const { return data + col; }
  ASHLAR_INLINE constexpr index step() const { return 1; }

  const T* data;
};

/// View(row, column): a gate, a residual. Columns that are not consecutive are gathered through a buffer on the stack.
template <any_matrix View>
struct elements_node : expression_base<elements_node<View>> {
  using element_type = typename View::value_type;
  static constexpr bool uses_rows = true;
  static constexpr bool reads_dst = false;
  static constexpr index static_step = View::static_col_stride;

  ASHLAR_INLINE constexpr explicit elements_node(const View& v) : view(v) {}
  template <class M, class At>
  ASHLAR_INLINE constexpr typename M::vec eval(M m, const typename M::vec&, const At& at) const {
    static_assert(detail::same_element<M, element_type>,
                  "elements(v): v must have dst's element type; of another type say cast(elements(v))");
    const auto* p = view.pointer(at.row, at.col);
    if constexpr (View::static_col_stride == 1) {
      return detail::load_at(m, p, at);
    } else {
      return view.col_stride() == 1 ? detail::load_at(m, p, at) : gather(m, p, at.n);
    }
  }
  ASHLAR_INLINE constexpr auto transposed() const {
    return elements_node<decltype(view.transposed())>(view.transposed());
  }
  ASHLAR_INLINE constexpr bool fits(index m, index n) const { return view.rows() == m && view.cols() == n; }
  template <class F>
  ASHLAR_HOST_INLINE constexpr void visit(const F& f, index, index) const {
    f(view);
  }
  ASHLAR_INLINE constexpr const element_type* pointer(index row, index col) const { return view.pointer(row, col); }
  ASHLAR_INLINE constexpr index step() const { return view.col_stride(); }

  View view;

 private:
  template <class M, class T>
  ASHLAR_INLINE constexpr typename M::vec gather(M m, const T* p, index n) const {
    typename M::value_type lanes[M::max_lanes] = {};
    for (index l = 0; l < n; ++l) lanes[l] = p[l * view.col_stride()];
    return m.load_n(lanes, n);
  }
};

/// p[row] for every element of a row.   acc + per_row(bias)
template <class T>
ASHLAR_INLINE constexpr per_row_node<T> per_row(const T* p) {
  return per_row_node<T>(p);
}

/// p[column] for every element of a column.   acc * per_column(scale)
template <class T>
ASHLAR_INLINE constexpr per_column_node<T> per_column(const T* p) {
  return per_column_node<T>(p);
}

/// v(row, column); v has the shape of dst.   acc + elements(residual)
template <any_matrix View>
ASHLAR_INLINE constexpr elements_node<View> elements(const View& v) {
  return elements_node<View>(v);
}

}  // namespace ashlar
