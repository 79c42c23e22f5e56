// SPDX-License-Identifier: Apache-2.0
//
// winograd/linear_map.hpp: a constant matrix applied to a column of vectors, as straight-line code.
//
//   y_i = sum over k of M(i, k) x_k       zeros cost nothing, ones an addition, other entries a fused multiply-add
//
// Points come as pairs +-p. Two rows of B^T and G are then E + O and E - O: the sums E (where the rows agree) and O
// (where they differ in sign) are computed once; O is divided by its last coefficient, for its other entries to become
// ones, and joins by one multiply-add. Two columns of A^T are equal up to signs: the sum and the difference of their
// inputs come first. F(4, 3): 12 operations for 6 x 6 instead of 22, 12 for 4 x 6 instead of 20.
//
// The order of the operations is fixed by the matrix, so the bits are the same on every ISA.
//
// Depends on: winograd/rational.hpp, isa/.   Used by: winograd/transform.hpp, winograd/pack.hpp,
// winograd/error_bound.hpp.
#pragma once

#include <ashlar/isa.hpp>
#include <ashlar/winograd/rational.hpp>
#include <type_traits>

namespace ashlar {

namespace detail {

/// coefficient * (x[first] + sign * x[second]);  second < 0: coefficient * x[first].
struct linear_term {
  rational coefficient;
  int first = 0, second = -1, sign = 1;
};

/// A sum of terms, in the order in which they are added; the first has the coefficient 1, or is a product.
template <int Cols>
struct linear_sum {
  std::array<linear_term, Cols> terms{};
  int count = 0;

  consteval void add(const linear_term& t) { terms[unsigned(count++)] = t; }
  // The last term with coefficient 1 comes first: a sum that starts with it needs no product.
  consteval void lead_with_one() {
    for (int i = count - 1; i >= 0; --i) {
      if (!(terms[unsigned(i)].coefficient == rational(1))) continue;
      const linear_term lead = terms[unsigned(i)];
      for (int j = i; j > 0; --j) terms[unsigned(j)] = terms[unsigned(j - 1)];
      terms[0] = lead;
      return;
    }
  }
  consteval int operations() const {
    return count == 0 ? 0 : count - 1 + (terms[0].coefficient == rational(1) ? 0 : 1);
  }
};

/// Which lines (rows, or columns) of a matrix are equal up to the signs of their entries, at(line, k): partner[line] or
/// -1.
template <int Lines, int Length, class At>
consteval std::array<int, Lines> sign_pairs(const At& at) {
  std::array<int, Lines> partner{};
  partner.fill(-1);
  for (int i = 0; i < Lines; ++i)
    for (int j = i + 1; j < Lines; ++j) {
      if (partner[unsigned(i)] >= 0 || partner[unsigned(j)] >= 0) continue;
      int same = 0, opposite = 0, other = 0;
      for (int k = 0; k < Length; ++k) {
        const rational a = at(i, k), b = at(j, k);
        if (a == rational(0) && b == rational(0)) continue;
        ++(a == b ? same : a == -b ? opposite : other);
      }
      if (other == 0 && same > 0 && opposite > 0) partner[unsigned(i)] = j, partner[unsigned(j)] = i;
    }
  return partner;
}

template <std::size_t N>
consteval int paired(const std::array<int, N>& partner) {
  int count = 0;
  for (int p : partner) count += p >= 0;
  return count / 2;
}

/// How a matrix is applied: everything that is decided from its entries.
template <int Rows, int Cols>
struct linear_plan {
  static constexpr int rows = Rows, cols = Cols;
  using sum = linear_sum<Cols>;

  std::array<int, Rows> row_partner{};
  std::array<int, Cols> col_partner{};
  std::array<sum, Rows> whole{};        // rows without partner; of a pair the first holds E and the second O / factor
  std::array<rational, Rows> factor{};  // of O in this row

  consteval explicit linear_plan(const rational_matrix<Rows, Cols>& m) {
    row_partner = sign_pairs<Rows, Cols>([&](int i, int k) consteval { return m(i, k); });
    col_partner = sign_pairs<Cols, Rows>([&](int i, int k) consteval { return m(k, i); });
    if (paired(row_partner) >= paired(col_partner)) {
      col_partner.fill(-1);
    } else {
      row_partner.fill(-1);
    }
    for (int i = 0; i < Rows; ++i) {
      const int j = row_partner[unsigned(i)];
      if (j < 0) {
        whole[unsigned(i)] = whole_row(m, i);
      } else if (i < j) {
        split_rows(m, i, j);
      }
    }
  }

  consteval sum whole_row(const rational_matrix<Rows, Cols>& m, int i) const {
    sum s;
    for (int k = 0; k < Cols; ++k) {
      const int l = col_partner[unsigned(k)];
      if (m(i, k) == rational(0) || (l >= 0 && l < k)) continue;
      s.add(l < 0 ? linear_term{m(i, k), k} : linear_term{m(i, k), k, l, m(i, l) == m(i, k) ? 1 : -1});
    }
    s.lead_with_one();
    return s;
  }

  consteval void split_rows(const rational_matrix<Rows, Cols>& m, int i, int j) {
    sum even, odd;
    rational f;
    for (int k = 0; k < Cols; ++k)
      if (!(m(i, k) == rational(0)) && !(m(i, k) == m(j, k))) f = m(i, k);
    for (int k = 0; k < Cols; ++k) {
      if (m(i, k) == rational(0)) continue;
      m(i, k) == m(j, k) ? even.add({m(i, k), k}) : odd.add({m(i, k) / f, k});
    }
    even.lead_with_one(), odd.lead_with_one();
    whole[unsigned(i)] = even, whole[unsigned(j)] = odd;
    factor[unsigned(i)] = f, factor[unsigned(j)] = -f;
  }

  /// Vector operations of the whole product.
  consteval int operations() const {
    int n = paired(col_partner) * 2 + paired(row_partner) * 2;
    for (const sum& s : whole) n += s.operations();
    return n;
  }

  /// Rows that are best computed together, for they share sums: 0 with its partner, or the rows that take sums of
  /// column pairs (key 1), or those that take differences (key 2).
  consteval int key(int i) const {
    if (paired(col_partner) == 0)
      return row_partner[unsigned(i)] >= 0 && row_partner[unsigned(i)] < i ? 16 + row_partner[unsigned(i)] : 16 + i;
    int key = 0;
    for (int t = 0; t < whole[unsigned(i)].count; ++t) {
      const linear_term& term = whole[unsigned(i)].terms[unsigned(t)];
      if (term.second >= 0) key |= term.sign > 0 ? 1 : 2;
    }
    return key;
  }
};

}  // namespace detail

/// The plan of Matrix::value; one for all element types and ISAs.
template <class Matrix>
inline constexpr detail::linear_plan<Matrix::value.rows, Matrix::value.cols> plan_of{Matrix::value};

/// The map of Matrix::value over the vectors of O. Inputs are given by a function: at(integral_constant<int, k>) is
/// x_k.
///
///     auto y0 = linear_map<O, input_of<cook_toom<4, 3>>>::row<0>([&](auto k) { return O::load(x + k * stride); });
///
/// Sums that rows share are written out for each of them; the compiler computes them once.
template <class O, class Matrix>
struct linear_map {
  using T = typename O::value_type;
  static constexpr const auto& plan = plan_of<Matrix>;
  static constexpr int rows = plan.rows, cols = plan.cols;

  template <int Row, class At>
  static ASHLAR_INLINE constexpr typename O::vec row(const At& at) {
    constexpr int partner = plan.row_partner[Row];
    if constexpr (partner < 0) {
      return sum<Row, plan.whole[Row].count>(at);
    } else {
      constexpr int even = Row < partner ? Row : partner, odd = Row < partner ? partner : Row;
      return joined < plan.factor[Row] == rational(1),
             plan.factor[Row] == rational(-1) > (plan.factor[Row].template to<T>(), sum<odd, plan.whole[odd].count>(at),
                                                 sum<even, plan.whole[even].count>(at));
    }
  }

 private:
  // acc + c * x
  template <bool One, bool MinusOne>
  static ASHLAR_INLINE constexpr typename O::vec joined(T c, const typename O::vec& x, const typename O::vec& acc) {
    if constexpr (One) {
      return O::add(acc, x);
    } else if constexpr (MinusOne) {
      return O::sub(acc, x);
    } else {
      return O::fma(O::broadcast(c), x, acc);
    }
  }

  template <int Row, int Term, class At>
  static ASHLAR_INLINE constexpr typename O::vec operand(const At& at) {
    constexpr int first = plan.whole[Row].terms[Term].first, second = plan.whole[Row].terms[Term].second;
    if constexpr (second < 0) {
      return at(std::integral_constant<int, first>{});
    } else if constexpr (plan.whole[Row].terms[Term].sign > 0) {
      return O::add(at(std::integral_constant<int, first>{}), at(std::integral_constant<int, second>{}));
    } else {
      return O::sub(at(std::integral_constant<int, first>{}), at(std::integral_constant<int, second>{}));
    }
  }

  // The first Count terms.
  template <int Row, int Count, class At>
  static ASHLAR_INLINE constexpr typename O::vec sum(const At& at) {
    if constexpr (Count == 0) {
      return O::zero();
    } else {
      constexpr bool one = plan.whole[Row].terms[Count - 1].coefficient == rational(1);
      constexpr bool minus_one = plan.whole[Row].terms[Count - 1].coefficient == rational(-1);
      constexpr T c = plan.whole[Row].terms[Count - 1].coefficient.template to<T>();
      if constexpr (Count > 1) {
        return joined<one, minus_one>(c, operand<Row, Count - 1>(at), sum<Row, Count - 1>(at));
      } else if constexpr (one) {
        return operand<Row, 0>(at);
      } else {
        return O::mul(O::broadcast(c), operand<Row, 0>(at));
      }
    }
  }
};

/// The matrices of a cook_toom as arguments of linear_map.
template <class F>
struct input_of {
  static constexpr const auto& value = F::input;
};
template <class F>
struct weights_of {
  static constexpr const auto& value = F::weights;
};
template <class F>
struct output_of {
  static constexpr const auto& value = F::output;
};

}  // namespace ashlar
