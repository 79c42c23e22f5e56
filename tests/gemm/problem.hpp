// SPDX-License-Identifier: Apache-2.0
//
// tests/gemm/problem.hpp: a gemm problem between guard pages, and its comparison with the reference, bit for bit.
//
//   problem<float> p(r, {.m = 5, .n = 33, .k = 7});        // random values; layouts as the shape says
//   REQUIRE(p.differs<Isa>(relu(acc), options...) == "");  // what is wrong, or nothing
//
// Depends on: gemm.hpp, reference.hpp, support/.   Used by: tests/gemm/.
#pragma once

#include <ashlar/gemm.hpp>
#include <ashlar/reference.hpp>
#include <string>
#include <utility>
#include <vector>

#include "gemm/surroundings.hpp"
#include "support/guarded_matrix.hpp"
#include "support/isa.hpp"

namespace ashlar::test {

template <class T>
using ops_under_test = ops<T, isa_under_test>;

/// How a matrix lies in memory; from `reversed_rows` on only with strides known at run time, from `same_row` on only
/// for reading.
enum class layout {
  rows,
  columns,
  rows_apart,
  columns_apart,
  scattered,
  reversed_rows,
  reversed_columns,
  reversed,
  same_row,
  same_column,
  same_element
};
inline constexpr layout last_written = layout::reversed, last_read = layout::same_element;

struct stride_pair {
  index row, col;
};
inline stride_pair strides_of(layout l, index m, index n, random& r) {
  const index gap = r.between(1, 9);
  switch (l) {
    case layout::rows:
      return {n, 1};
    case layout::columns:
      return {1, m};
    case layout::rows_apart:
      return {n + gap, 1};
    case layout::columns_apart:
      return {1, m + gap};
    case layout::scattered:
      return {n * 3 + gap, 3};
    case layout::reversed_rows:
      return {-(n + gap), 1};
    case layout::reversed_columns:
      return {n + gap, -1};
    case layout::reversed:
      return {-1, -(m + gap)};
    case layout::same_row:
      return {0, 1};
    case layout::same_column:
      return {r.pick<index>({1, n, -2}), 0};
    case layout::same_element:
      return {0, 0};
  }
  return {};
}

struct gemm_shape {
  index m, n, k;
  layout a = layout::rows, b = layout::rows, c = layout::rows;
};

inline std::string describe(const gemm_shape& s) {
  static constexpr const char* names[] = {"rows",      "columns",       "rows_apart",       "columns_apart",
                                          "scattered", "reversed_rows", "reversed_columns", "reversed",
                                          "same_row",  "same_column",   "same_element"};
  return std::to_string(s.m) + " x " + std::to_string(s.n) + " x " + std::to_string(s.k) + ", A " + names[int(s.a)] +
         ", B " + names[int(s.b)] + ", C " + names[int(s.c)];
}

/// Calls f with the view of the most static type that has these strides: types choose code paths, C's above all. Each
/// is a product of its own to compile: of the element types, float has them all.
template <class T, class F>
auto with_static_strides(const matrix_view<T>& v, bool wanted, const F& f) {
  if constexpr (std::same_as<T, float>) {
    if (wanted && v.col_stride() == 1)
      return f(matrix_view<T, dynamic, dynamic, dynamic, 1>(v.data(), v.rows(), v.cols(), v.row_stride(), 1));
    if (wanted && v.row_stride() == 1)
      return f(matrix_view<T, dynamic, dynamic, 1, dynamic>(v.data(), v.rows(), v.cols(), 1, v.col_stride()));
  }
  return f(v);
}

/// gemm in these surroundings, if the options do not say others.
template <class Isa, class A, class B, class C, class... Options>
status run_gemm(const surroundings& around, const A& a, const B& b, const C& c, const Options&... options) {
  if constexpr (says_surroundings<Options...>) {
    return gemm<Isa>(a, b, c, options...);
  } else {
    return around([&](const auto&... more) { return gemm_workspace_bytes<Isa>(a, b, c, options..., more...); },
                  [&](const auto&... more) { return gemm<Isa>(a, b, c, options..., more...); });
  }
}

/// Where two matrices differ first, or "".
template <class T>
std::string first_difference(const matrix_view<T>& got, const std::vector<T>& expected) {
  for (index i = 0; i < got.rows(); ++i) {
    for (index j = 0; j < got.cols(); ++j) {
      const T& want = expected[std::size_t(i * got.cols() + j)];
      if (!same_bits(got(i, j), want)) {
        return "C(" + std::to_string(i) + ", " + std::to_string(j) + ") is " + shown(got(i, j)) + " instead of " +
               shown(want);
      }
    }
  }
  return "";
}

template <class T>
class problem {
 public:
  problem(random& r, const gemm_shape& s, placement where)
      : shape(s),
        A(make(s.m, s.k, s.a, r, where)),
        B(make(s.k, s.n, s.b, r, where)),
        C(make(s.m, s.n, s.c, r, where)),
        static_c_(r.chance(70)),
        around_(r, detail::default_caches<isa_under_test>()) {
    A.fill(r), B.fill(r);
    if (r.chance(50)) C.fill(r);  // else poison: nothing may depend on it
  }

  /// f(C), its strides in the type or not, the same for every call on this problem.
  template <class F>
  auto with_c(const F& f) {
    return with_static_strides(C.view(), static_c_, f);
  }

  /// Runs gemm<Isa>(A, B, C, options...) and says how C, or anything around it, differs from reference::gemm of the
  /// same.
  template <class Isa, class... Options>
  std::string differs(const Options&... options) {
    return differs_with<Isa>(A.read(), A.read(), B.read(), options...);
  }

  /// The same with other operands given to gemm, which the reference sees as reference_a and B.
  template <class Isa, class GivenA, class GivenB, class... Options>
  std::string differs_with(const GivenA& a, const matrix_view<const T>& reference_a, const GivenB& b,
                           const Options&... options) {
    std::vector<T> expected;
    C.each([&](T& x) { expected.push_back(x); });
    reference::gemm(reference_a, B.read(), ashlar::view(expected.data(), shape.m, shape.n),
                    detail::option<detail::epilogue_option>(acc, options...),
                    detail::option<detail::semiring_option>(plus_times{}, options...));
    const auto before = C.snapshot(), a_before = A.snapshot(), b_before = B.snapshot();
    const status s = with_c([&](const auto& c) { return run_gemm<Isa>(around_, a, b, c, options...); });
    if (!s.ok()) return describe(shape) + ": " + s.message();
    std::string wrong = first_difference(C.view(), expected);
    if (wrong.empty() && C.changed(before, true)) wrong = "memory around C was written";
    if (wrong.empty() && (A.changed(a_before) || B.changed(b_before))) wrong = "A or B was written";
    return wrong.empty() ? "" : describe(shape) + ": " + wrong;
  }

  gemm_shape shape;
  guarded_matrix<T> A, B, C;

 private:
  static guarded_matrix<T> make(index m, index n, layout l, random& r, placement where) {
    const stride_pair s = strides_of(l, m, n, r);
    return {m, n, s.row, s.col, where};
  }

  bool static_c_;
  surroundings around_;
};

/// Runs f(problem&) on one problem at either end of its pages.
template <class T, class F>
void at_both_ends(random& r, const gemm_shape& s, const F& f) {
  const random same = r;
  for (placement where : {placement::at_end, placement::at_start}) {
    r = same;
    problem<T> p(r, s, where);
    f(p);
  }
}

/// Lowers k until the product has at most `most` multiply-adds at this scale.
inline gemm_shape within(gemm_shape s, index most) {
  const index work = scaled(most, 20000);
  if (s.m * s.n * s.k > work) s.k = std::max<index>(1, work / (s.m * s.n));
  return s;
}

/// The extents at which a tile of `whole` in steps of `lanes` changes its mind, or any other up to 2 * whole + 1.
inline index ragged(random& r, index lanes, index whole) {
  if (r.chance(50)) return r.between(1, 2 * whole + 1);
  const index edge = r.pick<index>({lanes, whole - lanes, whole, whole + lanes, 2 * whole});
  return std::max<index>(1, edge + r.between(-1, 1));
}

}  // namespace ashlar::test
