// SPDX-License-Identifier: Apache-2.0
//
// loop/dot_format.hpp: products of small integers with zero points, by dot products of units.
//
//   sum over k of (A(i, k) - za)(B(k, j) - zb)   =   sum of a b  -  za' (c_j - K zb')  -  zb' r_i        modulo 2^32
//
//   a, b       elements as they are stored: some 128 less or more (isa/dot.hpp), za' and zb' are less by as much
//   r_i, c_j   their sums along k: of rows as they are copied, of columns with the panels
//
// Each term is there only where the types say that it may not be zero. za may differ from row to row, zb from column
// to column.
//
// Depends on: core/small_integers.hpp, loop/format.hpp, pack/dot_units.hpp, epilogue/.   Used by: gemm/gemm.hpp.
#pragma once

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <ashlar/core/small_integers.hpp>
#include <ashlar/epilogue.hpp>
#include <ashlar/loop/format.hpp>
#include <ashlar/pack/dot_units.hpp>

namespace ashlar {

namespace detail {

// 32 bits that wrap.
ASHLAR_INLINE constexpr std::int32_t wrapped(std::uint32_t x) { return std::int32_t(x); }

// za as it is of stored elements, which are Shift less.
template <class Za, std::int32_t Shift>
struct shifted_za {
  static constexpr bool each = zero_point_values<Za>::each;
  ASHLAR_INLINE std::int32_t at(index i) const { return wrapped(std::uint32_t(values.at(i)) - std::uint32_t(Shift)); }

  zero_point_values<Za> values;
};

// What a tile need know of za where it is one number: nothing, for the terms of columns are multiplied by it. So the
// kernels of one epilogue serve signed and unsigned bytes and any type of za.
struct za_in_columns {
  static constexpr bool each = false;
};

// An epilogue whose sums lack the terms of the zero points. Pointers are such that they take rows and columns of dst.
// Turned: of the transposed problem, where the terms of columns belong to rows.
template <class E, bool Columns, bool Rows, class Za, bool Turned = false>
struct corrected_epilogue : expression_base<corrected_epilogue<E, Columns, Rows, Za, Turned>> {
  static constexpr bool reads_dst = E::reads_dst;
  static constexpr bool runs_long = ashlar::runs_long<E>;
  static constexpr bool uses_rows = ashlar::uses_rows<E>;

  template <class M, class V, class At>
  ASHLAR_INLINE constexpr auto eval(M m, const V& v, const At& at) const {
    return e.eval(m, v, at);
  }
  template <class M, class At>
    requires requires(const E& e, M m, const At& at) { e.leaves_range(m, at); }
  ASHLAR_INLINE bool leaves_range(M m, const At& at) const {
    return e.leaves_range(m, at);
  }
  template <class M, class V, class At>
    requires requires(const E& e, M m, const V& v, const At& at) { e.unranged(m, v, at); }
  ASHLAR_INLINE auto unranged(M m, const V& v, const At& at) const {
    return e.unranged(m, v, at);
  }
  ASHLAR_INLINE constexpr const auto& range_left() const { return e.range_left(); }
  ASHLAR_INLINE constexpr auto at_image(index n) const { return same_terms(e.at_image(n)); }
  ASHLAR_INLINE constexpr auto transposed() const {
    static_assert(!Rows && !Turned && !Za::each, "the terms of a convolution's channels alone");
    const auto turned = e.transposed();
    return corrected_epilogue<decltype(turned), Columns, Rows, Za, true>{{}, turned, columns, rows, b_zeros, za};
  }
  template <class O, class At>
  ASHLAR_INLINE typename O::vec sum(const typename O::vec& v, const At& at) const {
    return less_rows<O>(less_columns<O>(v, at), at);
  }

  E e;
  const std::int32_t* columns;  // za' (c_j - K zb') where za is one number, else without za'
  const std::int32_t* rows;     // r_i
  const std::int32_t* b_zeros;  // zb' of each column
  [[no_unique_address]] Za za;  // za' of each row, or za_in_columns

 private:
  template <class F>
  ASHLAR_INLINE constexpr auto same_terms(const F& f) const {
    return corrected_epilogue<F, Columns, Rows, Za, Turned>{{}, f, columns, rows, b_zeros, za};
  }
  template <class O, class At>
  ASHLAR_INLINE typename O::vec less_columns(const typename O::vec& v, const At& at) const {
    if constexpr (!Columns) {
      return v;
    } else if constexpr (Turned) {
      return O::sub(v, O::broadcast(columns[at.row]));
    } else if constexpr (Za::each) {
      return O::sub(v, O::mul(O::broadcast(za.at(at.row)), O::load(columns + at.col)));
    } else {
      return O::sub(v, O::load(columns + at.col));
    }
  }
  template <class O, class At>
  ASHLAR_INLINE typename O::vec less_rows(const typename O::vec& v, const At& at) const {
    if constexpr (!Rows) {
      return v;
    } else {
      return O::sub(v, O::mul(O::broadcast(rows[at.row]), O::load(b_zeros + at.col)));
    }
  }
};

}  // namespace detail

/// The ops for A of TA on Isa: those of bytes, or where A has 16 bits those that take them.
template <class Isa, class TA>
using dot_ops_for =
    std::conditional_t<(sizeof(TA) <= sizeof(typename dot_ops<Isa>::a_element)), dot_ops<Isa>, wide_dot_ops<Isa>>;

/// Units of small integers. Za, Zb: no_zero_point, an integer, or a pointer to one for each row of A or column of B.
template <class TA, class TB, class Isa, class Za, class Zb, class Ops = dot_ops_for<Isa, TA>>
  requires small_integers<TA, TB>
struct dot_format {
  using O = Ops;
  using a_type = TA;
  using b_type = TB;
  using sum_type = std::int32_t;
  using a_unit = typename O::a_unit;
  using b_unit = typename O::b_unit;
  using registered = std::int8_t;
  using semiring = dot_products;
  using rows = dot_rows<O, TA>;
  using panels = dot_panels<O, TB>;
  static constexpr index group = O::unit, together = O::group / O::unit, rows_together = multiplies_pairs<O> ? 2 : 1;
  static constexpr bool in_place = false;
  static constexpr std::int32_t a_shift = detail::shift_of<typename O::a_element, TA>;
  static constexpr bool units_in_place = sizeof(TA) == sizeof(typename O::a_element) && a_shift == 0;
  static constexpr std::int32_t b_shift = detail::shift_of<typename O::b_element, TB>;
  static constexpr bool column_terms = a_shift != 0 || !std::same_as<Za, no_zero_point>;
  static constexpr bool row_terms = b_shift != 0 || !std::same_as<Zb, no_zero_point>;
  struct zeros {
    Za a{};
    Zb b{};
  };

  static ASHLAR_INLINE void copy_a(const strided_block<TA>& a, a_unit* out, index ld, index steps) {
    rows::copy(a, reinterpret_cast<typename O::a_element*>(out), ld * group, steps * group);
  }
  static ASHLAR_INLINE void copy_pairs(const strided_block<TA>& a, a_unit* out, index ld, index steps) {
    rows::copy_pairs(a, reinterpret_cast<typename O::a_element*>(out), ld * group, steps * group);
  }
  static ASHLAR_INLINE void copy_b(const strided_block<TB>& b, b_unit* out, index nr) {
    panels::copy(b, reinterpret_cast<typename O::b_element*>(out), nr);
  }

  using shifted_za = detail::shifted_za<Za, a_shift>;
  using tile_za = std::conditional_t<shifted_za::each, shifted_za, detail::za_in_columns>;

  /// A unit of src's zero point.
  template <class How>
  static ASHLAR_INLINE a_unit padding_of(const How& how) {
    typename O::a_element elements[group];
    std::fill(elements, elements + group, static_cast<typename O::a_element>(how.zeros.a - a_shift));
    return __builtin_bit_cast(a_unit, elements);
  }

  /// A convolution keeps the sum of each filter, and a panel's width more, since whole vectors of them are read.
  static ASHLAR_INLINE constexpr index filter_sums(index filters, index nr) { return (filters + nr + 15) / 16 * 16; }

  /// sums[j] = the sum of filter j of a panel of so many steps, for those that exist.
  static void sum_filters(const b_unit* panel, index nr, index steps, index width, std::int32_t* sums) {
    std::int32_t all[4 * O::max_lanes] = {};
    panels::add_sums(reinterpret_cast<const typename O::b_element*>(panel), nr, steps, all);
    std::copy(all, all + width, sums);
  }

  /// Takes the zero points of the filters from `channel` on away from those of one tap. Elements of 32 bits hold that.
  template <class Zeros>
  static void subtract(const Zeros& z, index channel, index channels, index width, b_unit* panel, index nr) {
    if constexpr (!std::same_as<Zeros, detail::zero_point_values<no_zero_point>>) {
      static_assert(sizeof(typename O::b_element) == 4);
      for (index c = 0; c < channels; ++c)
        for (index j = 0; j < width; ++j)
          panel[c * nr + j] = detail::wrapped(std::uint32_t(panel[c * nr + j]) - std::uint32_t(z.at(channel + j)));
    }
  }

  /// The epilogue of a convolution whose filters have these sums; `memory` takes its terms.
  template <class E>
  static auto with_terms(const E& e, const zeros& z, const std::int32_t* sums, index filters, index nr,
                         std::int32_t* memory) {
    static_assert(!row_terms, "weights are stored without their zero points");
    const shifted_za za{{z.a}};
    for (index k = 0; k < filters; ++k) memory[k] = detail::wrapped(std::uint32_t(sums[k]) * std::uint32_t(za.at(0)));
    std::fill(memory + filters, memory + filter_sums(filters, nr), 0);
    return detail::corrected_epilogue<E, true, false, detail::za_in_columns>{{}, e, memory, nullptr, nullptr, {}};
  }

  /// The sums of one block's rows and columns, and the terms they become.
  template <class E>
  class corrections {
   public:
    using epilogue = detail::corrected_epilogue<E, column_terms, row_terms, tile_za>;

    /// Of 32 bits, for blocks of so many rows and columns, whole panels.
    static constexpr index elements(index rows, index cols) {
      return (column_terms ? cols : 0) + (row_terms ? (rows + 15) / 16 * 16 + cols : 0);
    }

    ASHLAR_INLINE corrections(const zeros& z, index k, index rows, const E& e, std::int32_t* memory, index cols)
        : k_(k), za_{{z.a}}, zb_{z.b}, epilogue_{{}, e, nullptr, nullptr, nullptr, {}} {
      if constexpr (shifted_za::each) epilogue_.za = za_;
      columns_ = memory;
      rows_ = memory + (column_terms ? cols : 0);
      b_zeros_ = rows_ + (rows + 15) / 16 * 16;
    }

    /// A block at (row, col) of dst, of so many columns.
    void start(index row, index col, index cols) {
      row_ = row, col_ = col, cols_ = cols;
      epilogue_.columns = columns_ - col, epilogue_.rows = rows_ - row, epilogue_.b_zeros = b_zeros_ - col;
    }

    /// Rows i.. of the block, as they were copied; the first K block sets, later ones add.
    void add_rows(const a_unit* copied, index ld, index i, index count, index steps, bool first) {
      if constexpr (row_terms) {
        if (first) std::fill(rows_ + i, rows_ + i + count, 0);
        const auto* const elements = reinterpret_cast<const typename O::a_element*>(copied);
        if constexpr (multiplies_pairs<O>) {
          rows::add_sums_of_pairs(elements, ld * group, count, steps, rows_ + i);
        } else {
          rows::add_sums(elements, ld * group, count, steps, rows_ + i);
        }
      }
    }

    /// The panel at column j of the block, as it was copied.
    void add_panel(const b_unit* panel, index nr, index j, index steps, bool first) {
      if constexpr (column_terms) {
        if (first) std::fill(columns_ + j, columns_ + j + nr, 0);
        panels::add_sums(reinterpret_cast<const typename O::b_element*>(panel), nr, steps, columns_ + j);
      }
    }
    /// The same from packed weights, whose sums are known.
    void take_sums(const std::int32_t* sums, index nr, index j) {
      if constexpr (column_terms) std::copy(sums + col_ + j, sums + col_ + j + nr, columns_ + j);
    }

    /// The sums of this panel are whole: they become terms.
    void finish_panel(index nr, index j) {
      const index have = std::min(nr, cols_ - j);
      for (index l = 0; l < nr; ++l) {
        const auto zb = std::uint32_t(l < have ? zb_.at(col_ + j + l) : 0) - std::uint32_t(b_shift);
        if constexpr (row_terms) b_zeros_[j + l] = detail::wrapped(zb);
        if constexpr (column_terms) {
          std::uint32_t c = std::uint32_t(columns_[j + l]) - std::uint32_t(k_) * zb;
          if constexpr (!shifted_za::each) c *= std::uint32_t(za_.at(0));
          columns_[j + l] = detail::wrapped(c);
        }
      }
    }

    ASHLAR_INLINE const epilogue& get() const { return epilogue_; }

   private:
    index k_, row_ = 0, col_ = 0, cols_ = 0;
    shifted_za za_;
    detail::zero_point_values<Zb> zb_;
    epilogue epilogue_;
    std::int32_t *columns_, *rows_, *b_zeros_;
  };
};

}  // namespace ashlar
