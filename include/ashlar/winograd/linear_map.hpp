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
#include <utility>

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
  // One product for two terms whose coefficients have one size.
  consteval void collect() {
    const linear_sum all = *this;
    count = 0;
    for (int i = 0; i < all.count; ++i) {
      const linear_term& t = all.terms[unsigned(i)];
      if (!collected(t)) add(t);
    }
  }
  consteval bool collected(const linear_term& t) {
    for (int i = 0; i < count; ++i) {
      linear_term& other = terms[unsigned(i)];
      const bool plus = other.coefficient == t.coefficient, minus = other.coefficient == -t.coefficient;
      if (other.second >= 0 || t.second >= 0 || !(plus || minus) || t.coefficient * t.coefficient == rational(1))
        continue;
      other.second = t.first, other.sign = plus ? 1 : -1;
      return true;
    }
    return false;
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

// Does X say that the order of its sums is free?
template <class X>
consteval bool any_order() {
  if constexpr (requires { X::any_order; }) return X::any_order;
  return false;
}

/// Rows that share operands, best computed together: a pair (E and O), or the rows that take sums of column pairs, or
/// those that take differences.
template <int Rows, int Cols>
struct row_group {
  std::array<int, Rows> rows{};
  int count = 0;
  bool pair = false;                             // y = E + factor * O
  std::array<linear_term, 2 * Cols> operands{};  // without coefficients: what the sums of the group are made of
  int operand_count = 0;

  consteval int operand(const linear_term& t) const {
    for (int i = 0; i < operand_count; ++i) {
      const linear_term& o = operands[unsigned(i)];
      if (o.first == t.first && o.second == t.second && o.sign == t.sign) return i;
    }
    return -1;
  }
  consteval void add(int row, const linear_sum<Cols>& s) {
    rows[unsigned(count++)] = row;
    for (int t = 0; t < s.count; ++t) {
      const linear_term& term = s.terms[unsigned(t)];
      if (operand(term) < 0) operands[unsigned(operand_count++)] = term;
    }
  }
};

/// How a matrix is applied: everything that is decided from its entries.
template <int Rows, int Cols>
struct linear_plan {
  static constexpr int rows = Rows, cols = Cols;
  using sum = linear_sum<Cols>;

  std::array<int, Rows> row_partner{};
  std::array<int, Cols> col_partner{};
  std::array<sum, Rows> whole{};        // rows without partner; of a pair the first holds E and the second O / factor
  std::array<rational, Rows> factor{};  // of O in this row

  /// any_order: of whole numbers, for which every order of additions gives the same.
  consteval explicit linear_plan(const rational_matrix<Rows, Cols>& m, bool any_order = false) {
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
    if (any_order)
      for (sum& s : whole) s.collect();
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
    const rational f = odd_factor(m, i, j);
    for (int k = 0; k < Cols; ++k) {
      if (m(i, k) == rational(0)) continue;
      m(i, k) == m(j, k) ? even.add({m(i, k), k}) : odd.add({m(i, k) / f, k});
    }
    even.lead_with_one(), odd.lead_with_one();
    whole[unsigned(i)] = even, whole[unsigned(j)] = odd;
    factor[unsigned(i)] = f, factor[unsigned(j)] = -f;
  }

  // The last coefficient of O; of whole numbers what they have in common, for the others to stay whole.
  static consteval rational odd_factor(const rational_matrix<Rows, Cols>& m, int i, int j) {
    rational last;
    int128 common = 0;
    for (int k = 0; k < Cols; ++k) {
      if (m(i, k) == rational(0) || m(i, k) == m(j, k)) continue;
      last = m(i, k), common = last.den == 1 && common >= 0 ? greatest_common_divisor(common, last.num) : -1;
    }
    return common > 0 ? rational(last.num < 0 ? -common : common) : last;
  }

  /// Vector operations of the whole product.
  consteval int operations() const {
    int n = paired(col_partner) * 2 + paired(row_partner) * 2;
    for (const sum& s : whole) n += s.operations();
    return n;
  }

  /// The groups, in the order in which they are computed.
  consteval std::array<row_group<Rows, Cols>, Rows> groups() const {
    std::array<row_group<Rows, Cols>, Rows> all{};
    std::array<bool, Rows> taken{};
    int n = 0;
    for (int i = 0; i < Rows; ++i) {
      if (taken[unsigned(i)]) continue;
      auto& group = all[unsigned(n++)];
      group.pair = row_partner[unsigned(i)] >= 0;
      for (int j = i; j < Rows; ++j)
        if (key(j) == key(i)) taken[unsigned(j)] = true, group.add(j, whole[unsigned(j)]);
    }
    return all;
  }
  consteval int group_count() const {
    int n = 0;
    for (const auto& group : groups()) n += group.count > 0;
    return n;
  }

 private:
  // Equal for rows of a group.
  consteval int key(int i) const {
    const int partner = row_partner[unsigned(i)];
    if (paired(col_partner) == 0) return 16 + (partner >= 0 && partner < i ? partner : i);
    int key = 0;
    for (int t = 0; t < whole[unsigned(i)].count; ++t) {
      const linear_term& term = whole[unsigned(i)].terms[unsigned(t)];
      if (term.second >= 0) key |= term.sign > 0 ? 1 : 2;
    }
    return key;
  }
};

/// The J-th of its arguments, all of type V. Not by recursion, which costs as many inlined calls as there are
/// arguments.
template <class V, int J, class = std::make_integer_sequence<int, J>>
struct nth_argument;
template <class V, int J, int... Before>
struct nth_argument<V, J, std::integer_sequence<int, Before...>> {
  template <int>
  using same = V;
  template <class... After>
  static ASHLAR_INLINE constexpr V& of(same<Before>&..., V& x, After&...) {
    return x;
  }
};

}  // namespace detail

/// The plan of Matrix::value; one for all element types and ISAs.
template <class Matrix>
inline constexpr detail::linear_plan<Matrix::value.rows, Matrix::value.cols> plan_of{Matrix::value,
                                                                                     detail::any_order<Matrix>()};

/// The map of Matrix::value over the vectors of O: for one group of rows at a time, every sum that they share once.
///
///     using map = linear_map<O, input_of<cook_toom<4, 3>>>;
///     map::group<0>([](const auto&... y) { ... }, x0, x1, x2, x3, x4, x5);       // y of the rows map::groups[0].rows
template <class O, class Matrix>
struct linear_map {
  using T = typename O::value_type;
  using vec = typename O::vec;
  static constexpr const auto& plan = plan_of<Matrix>;
  static constexpr int rows = plan.rows, cols = plan.cols;
  static constexpr auto groups = plan.groups();
  static constexpr int group_count = plan.group_count();

  template <int G, class Then, class... X>
  static ASHLAR_INLINE constexpr void group(const Then& then, const X&... x) {
    operands<G>(std::make_integer_sequence<int, groups[G].operand_count>{}, then, x...);
  }

 private:
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

  template <int G, int... W, class Then, class... X>
  static ASHLAR_INLINE constexpr void operands(seq<W...>, const Then& then, const X&... x) {
    sums<G>(std::make_integer_sequence<int, groups[G].count>{}, then, operand<G, W>(x...)...);
  }
  template <int G, int... R, class Then, class... W>
  static ASHLAR_INLINE constexpr void sums(seq<R...>, const Then& then, const W&... w) {
    if constexpr (groups[G].pair) {
      pair<G>(then, sum<G, groups[G].rows[R], plan.whole[groups[G].rows[R]].count>(w...)...);
    } else {
      then(sum<G, groups[G].rows[R], plan.whole[groups[G].rows[R]].count>(w...)...);
    }
  }
  template <int G, class Then>
  static ASHLAR_INLINE constexpr void pair(const Then& then, const vec& even, const vec& odd) {
    then(plus<row_factor<groups[G].rows[0]>>(even, odd), plus<row_factor<groups[G].rows[1]>>(even, odd));
  }
  template <int Row>
  struct row_factor {
    static constexpr const rational& value = plan.factor[Row];
  };

  // acc + C::value * x
  template <class C>
  static ASHLAR_INLINE constexpr vec plus(const vec& sums, const vec& x) {
    if constexpr (C::value == rational(1)) {
      return O::add(sums, x);
    } else if constexpr (C::value == rational(-1)) {
      return O::sub(sums, x);
    } else {
      return O::fma(O::broadcast(C::value.template to<T>()), x, sums);
    }
  }

  template <int G, int W, class... X>
  static ASHLAR_INLINE constexpr decltype(auto) operand(const X&... x) {
    constexpr int first = groups[G].operands[W].first, second = groups[G].operands[W].second;
    const vec& one = detail::nth_argument<const vec, first>::of(x...);
    if constexpr (second < 0) {
      return one;
    } else if constexpr (groups[G].operands[W].sign > 0) {
      return O::add(one, detail::nth_argument<const vec, second>::of(x...));
    } else {
      return O::sub(one, detail::nth_argument<const vec, second>::of(x...));
    }
  }

  template <int Row, int Term>
  struct coefficient {
    static constexpr const rational& value = plan.whole[Row].terms[Term].coefficient;
  };
  // The first Count terms.
  template <int G, int Row, int Count, class... W>
  static ASHLAR_INLINE constexpr vec sum(const W&... w) {
    if constexpr (Count == 0) {
      return O::zero();
    } else {
      using c = coefficient<Row, Count - 1>;
      const vec& last = detail::nth_argument<const vec, groups[G].operand(plan.whole[Row].terms[Count - 1])>::of(w...);
      if constexpr (Count > 1) {
        return plus<c>(sum<G, Row, Count - 1>(w...), last);
      } else if constexpr (c::value == rational(1)) {
        return last;
      } else {
        return O::mul(O::broadcast(c::value.template to<T>()), last);
      }
    }
  }
};

/// The matrices of a cook_toom as arguments of linear_map.
template <class F>
struct input_of {
  static constexpr const auto& value = F::input;
  static constexpr bool any_order = detail::any_order<F>();
};
template <class F>
struct weights_of {
  static constexpr const auto& value = F::weights;
  static constexpr bool any_order = detail::any_order<F>();
};
template <class F>
struct output_of {
  static constexpr const auto& value = F::output;
  static constexpr bool any_order = detail::any_order<F>();
};

}  // namespace ashlar
