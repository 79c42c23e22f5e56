// SPDX-License-Identifier: Apache-2.0
//
// core/view.hpp: a matrix in the caller's memory: a pointer, two extents, two strides. Owns nothing.
//
//   element (i, j)  ->  data[i * row_stride + j * col_stride]           strides count elements, signed; 0 repeats
//
// Each extent and stride is a compile-time constant or `dynamic`. A constant takes no storage, and kernels see it
// through the type (static_rows, ...). A constant stride of -1 cannot be spelled (it is `dynamic`): use a dynamic one.
//
// Depends on: core/config.hpp.   Used by: every operation.
#pragma once

#include <ashlar/core/config.hpp>
#include <concepts>
#include <type_traits>

namespace ashlar {

namespace detail {

// An extent or a stride: a base of the view, for an empty base takes no storage. ([[no_unique_address]] would say the
// same of a member, but nvcc 13 places what follows it elsewhere in device code than the host does.) Tag keeps the
// types of the four apart: two empty bases of one type may not share an address.
template <int Tag, index Static>
struct slot {
  constexpr slot() = default;
  ASHLAR_INLINE constexpr explicit slot(index) {}
  [[nodiscard]] ASHLAR_INLINE constexpr index value() const { return Static; }
};

template <int Tag>
struct slot<Tag, dynamic> {
  constexpr slot() = default;
  ASHLAR_INLINE constexpr explicit slot(index value) : value_(value) {}
  [[nodiscard]] ASHLAR_INLINE constexpr index value() const { return value_; }
  index value_ = 0;
};

template <index From, index To>
inline constexpr bool static_converts = To == dynamic || To == From;

}  // namespace detail

/// A view of a Rows x Cols matrix of T; made by view(), column_major() and transposed().
///
///     float a[6];
///     auto A = view(a, 2, 3);            // row-major 2 x 3
///     A(1, 2) = 1;  A.block(0, 1, 2, 2);  A.transposed();
///
/// A view is a value: copy it freely. It converts to a view of const elements and from constant extents and strides to
/// dynamic ones. No access is checked; operations check shapes and say so through `status`. Never allocates.
template <class T, index Rows = dynamic, index Cols = dynamic, index RowStride = dynamic, index ColStride = dynamic>
class matrix_view : detail::slot<0, Rows>,
                    detail::slot<1, Cols>,
                    detail::slot<2, RowStride>,
                    detail::slot<3, ColStride> {
  using rows_slot = detail::slot<0, Rows>;
  using cols_slot = detail::slot<1, Cols>;
  using row_stride_slot = detail::slot<2, RowStride>;
  using col_stride_slot = detail::slot<3, ColStride>;
  static_assert(Rows >= dynamic && Cols >= dynamic, "a constant extent is not negative");

 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  static constexpr index static_rows = Rows;
  static constexpr index static_cols = Cols;
  static constexpr index static_row_stride = RowStride;
  static constexpr index static_col_stride = ColStride;

  /// Empty: null data, dynamic extents and strides 0.
  constexpr matrix_view() = default;

  /// Values given for constant extents and strides are ignored: the type decides.
  ASHLAR_INLINE constexpr matrix_view(T* data, index rows, index cols, index row_stride, index col_stride)
      : rows_slot(rows), cols_slot(cols), row_stride_slot(row_stride), col_stride_slot(col_stride), data_(data) {}

  template <class U, index R, index C, index RS, index CS>
    requires(std::convertible_to<U (*)[], T (*)[]> && detail::static_converts<R, Rows> &&
             detail::static_converts<C, Cols> && detail::static_converts<RS, RowStride> &&
             detail::static_converts<CS, ColStride>)
  ASHLAR_INLINE constexpr matrix_view(const matrix_view<U, R, C, RS, CS>& v)
      : matrix_view(v.data(), v.rows(), v.cols(), v.row_stride(), v.col_stride()) {}

  [[nodiscard]] ASHLAR_INLINE constexpr T* data() const { return data_; }
  [[nodiscard]] ASHLAR_INLINE constexpr index rows() const { return rows_slot::value(); }
  [[nodiscard]] ASHLAR_INLINE constexpr index cols() const { return cols_slot::value(); }
  [[nodiscard]] ASHLAR_INLINE constexpr index row_stride() const { return row_stride_slot::value(); }
  [[nodiscard]] ASHLAR_INLINE constexpr index col_stride() const { return col_stride_slot::value(); }
  [[nodiscard]] ASHLAR_INLINE constexpr bool empty() const { return rows() <= 0 || cols() <= 0; }

  /// The address of (i, j), which need not be inside.
  [[nodiscard]] ASHLAR_INLINE constexpr T* pointer(index i, index j) const {
    return data_ + (i * row_stride() + j * col_stride());
  }
  ASHLAR_INLINE constexpr T& operator()(index i, index j) const { return *pointer(i, j); }

  /// The m x n block whose first element is (i0, j0). Strides stay as constant as they were.
  [[nodiscard]] ASHLAR_INLINE constexpr auto block(index i0, index j0, index m, index n) const {
    return matrix_view<T, dynamic, dynamic, RowStride, ColStride>(pointer(i0, j0), m, n, row_stride(), col_stride());
  }

  /// The same with constant extents:  A.template block<4, 4>(i0, j0).
  template <index M, index N>
  [[nodiscard]] ASHLAR_INLINE constexpr auto block(index i0, index j0) const {
    return matrix_view<T, M, N, RowStride, ColStride>(pointer(i0, j0), M, N, row_stride(), col_stride());
  }

  /// Rows become columns: the same memory, extents and strides exchanged.
  [[nodiscard]] ASHLAR_INLINE constexpr auto transposed() const {
    return matrix_view<T, Cols, Rows, ColStride, RowStride>(data_, cols(), rows(), col_stride(), row_stride());
  }

 private:
  T* data_ = nullptr;
};

/// Row-major and contiguous, m x n:  view(a, m, n).
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T, dynamic, dynamic, dynamic, 1> view(T* p, index m, index n) {
  return {p, m, n, n, 1};
}

/// Row-major with leading dimension `ld`, the distance between rows in elements.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T, dynamic, dynamic, dynamic, 1> view(T* p, index m, index n,
                                                                                        index ld) {
  return {p, m, n, ld, 1};
}

/// Any strides, in elements.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T> view(T* p, index m, index n, index row_stride, index col_stride) {
  return {p, m, n, row_stride, col_stride};
}

/// Row-major with constant extents:  view<16, 16>(a), or view<16, 16, 20>(a) with constant leading dimension 20.
template <index M, index N, index Ld = N, class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T, M, N, Ld, 1> view(T* p) {
  return {p, M, N, Ld, 1};
}

/// Row-major with constant extents and a run-time leading dimension.
template <index M, index N, class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T, M, N, dynamic, 1> view(T* p, index ld) {
  return {p, M, N, ld, 1};
}

/// Column-major and contiguous, m x n, as BLAS and Fortran store it.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T, dynamic, dynamic, 1, dynamic> column_major(T* p, index m,
                                                                                                index n) {
  return {p, m, n, 1, m};
}

/// Column-major with leading dimension `ld`, the distance between columns in elements.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T, dynamic, dynamic, 1, dynamic> column_major(T* p, index m, index n,
                                                                                                index ld) {
  return {p, m, n, 1, ld};
}

/// Column-major with constant extents:  column_major<16, 16>(a).
template <index M, index N, index Ld = M, class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T, M, N, 1, Ld> column_major(T* p) {
  return {p, M, N, 1, Ld};
}

/// The transpose of a view: the same memory.
template <class T, index R, index C, index RS, index CS>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T, C, R, CS, RS> transposed(const matrix_view<T, R, C, RS, CS>& v) {
  return v.transposed();
}

namespace detail {
template <class V>
inline constexpr bool is_matrix = false;
template <class T, index R, index C, index RS, index CS>
inline constexpr bool is_matrix<matrix_view<T, R, C, RS, CS>> = true;
}  // namespace detail

/// A matrix_view of any element type, extents and strides (a reference to one, too).
template <class V>
concept any_matrix = detail::is_matrix<std::remove_cvref_t<V>>;

}  // namespace ashlar
