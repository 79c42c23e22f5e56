// SPDX-License-Identifier: Apache-2.0
//
// pack/dot_units.hpp: small integers to the units that dot products take (isa/dot.hpp).
//
//   rows of A      out[i * ld + k]                       = A(i, k) - shift        k < columns, zero up to the padding
//   panels of B    out[(s * NR + j) * group + g]         = B(s * group + g, j) - shift       zero beyond either extent
//
// Also the sums of what was stored, with which zero points and shifts are made up for.
//
// Written on the compiler's generic vectors, which g++ and clang turn into zips and widening moves of every ISA.
//
// Depends on: core/checked.hpp, isa/dot.hpp, pack/copy_block.hpp.   Used by: loop/dot_format.hpp,
// gemm/packed_weights.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <ashlar/core/checked.hpp>
#include <ashlar/isa.hpp>
#include <ashlar/pack/copy_block.hpp>

namespace ashlar {

/// Numbers of type From stored as To, `shift_of` taken away.
template <class To, class From, class Isa>
struct stored_as {
  static constexpr std::int32_t shift = detail::shift_of<To, From>;
  static ASHLAR_INLINE constexpr To of(From x) { return static_cast<To>(x - shift); }

  /// out[i] = of(in[i]).
  static ASHLAR_INLINE void row(const From* in, index count, To* out) {
    constexpr index w = 16;
    typedef From from_vec __attribute__((vector_size(w * sizeof(From))));
    typedef To to_vec __attribute__((vector_size(w * sizeof(To))));
    const index whole = count / w * w;
    for (index i = 0; i < whole; i += w) {
      from_vec x;
      std::memcpy(&x, in + i, sizeof x);
      if constexpr (shift != 0) x ^= static_cast<From>(0x80);  // a byte plus or minus 128
      const to_vec y = __builtin_convertvector(x, to_vec);
      std::memcpy(static_cast<void*>(out + i), &y, sizeof y);
    }
    for (index i = whole; i < count; ++i) out[i] = of(in[i]);
  }
};

/// Rows of A for the dot products of O.
template <class O, class TA>
struct dot_rows {
  using element = typename O::a_element;
  using stored = stored_as<element, TA, typename O::isa_type>;

  /// Copies `a` to rows at distance ld, with zeros from a.cols to `padded`.
  [[gnu::noinline]] static void copy(const strided_block<TA>& a, element* out, index ld, index padded) {
    const bool side_by_side = a.cols == 3 && a.row_stride == 3 && a.col_stride == 1;
    const bool colours = sizeof(TA) == 1 && side_by_side && ld == 4 && padded == 4;
    index i = colours ? copy_threes(a, out) : 0;
    for (out += i * ld; i < a.rows; ++i, out += ld) {
      const TA* in = a.data + i * a.row_stride;
      if (a.col_stride == 1) {
        stored::row(in, a.cols, out);
      } else {
        for (index k = 0; k < a.cols; ++k) out[k] = stored::of(in[k * a.col_stride]);
      }
      for (index k = a.cols; k < padded; k += O::group)
        zeros(std::make_integer_sequence<int, O::group>{}, out + k, padded - k);
    }
  }

  /// The same of two rows side by side, group by group, at 2 * ld; zeros beside an odd last row.
  [[gnu::noinline]] static void copy_pairs(const strided_block<TA>& a, element* out, index ld, index padded) {
    constexpr index group = O::group;
    for (index i = 0; i < a.rows; i += 2, out += 2 * ld) {
      const TA* const row0 = a.data + i * a.row_stride;
      const bool both = i + 1 < a.rows;
      const TA* const row1 = both ? row0 + a.row_stride : nullptr;
      const index whole = both && a.col_stride == 1 ? a.cols / (2 * group) * (2 * group) : 0;
      for (index k = 0; k < whole; k += 2 * group) zip_groups(row0 + k, row1 + k, out + 2 * k);
      for (index k = whole; k < padded; ++k) {
        element* const to = out + k / group * 2 * group + k % group;
        to[0] = k < a.cols ? stored::of(row0[k * a.col_stride]) : element(0);
        to[group] = both && k < a.cols ? stored::of(row1[k * a.col_stride]) : element(0);
      }
    }
  }

  /// sums[i] += the sum of row i of `count`, `units` long, as copy_pairs has left them.
  [[gnu::noinline]] static void add_sums_of_pairs(const element* rows, index ld, index count, index units,
                                                  std::int32_t* sums) {
    constexpr index in_group = O::group / O::unit;
    for (index i = 0; i < count; i += 2, rows += 2 * ld) {
      std::uint32_t both[2] = {};
      const auto* const pair = reinterpret_cast<const typename O::a_unit*>(rows);
      index s = 0;
      auto sum = O::zero();
      for (; s + O::lanes() <= 2 * units; s += O::lanes()) sum = O::dot(sum, O::load(pair + s), O::ones());
      std::int32_t lane_sums[O::max_lanes] = {};
      O::store(lane_sums, sum);
      for (index l = 0; l < O::lanes(); ++l) both[l / in_group % 2] += std::uint32_t(lane_sums[l]);
      for (index k = s * O::unit; k < 2 * units * O::unit; ++k) {
        both[k / O::group % 2] += std::uint32_t(std::int32_t(rows[k]));
      }
      sums[i] = std::int32_t(std::uint32_t(sums[i]) + both[0]);
      if (i + 1 < count) sums[i + 1] = std::int32_t(std::uint32_t(sums[i + 1]) + both[1]);
    }
  }

  /// sums[i] += the sum of row i of `count` units.
  [[gnu::noinline]] static void add_sums(const element* rows, index ld, index count, index units, std::int32_t* sums) {
    using unit = typename O::a_unit;
    const index lanes = O::lanes();
    for (index i = 0; i < count; ++i) {
      const unit* row = reinterpret_cast<const unit*>(rows + i * ld);
      auto total = O::zero();
      index s = 0;
      for (; s + lanes <= units; s += lanes) total = O::dot(total, O::load(row + s), O::ones());
      std::int32_t lane_sums[O::max_lanes] = {};
      O::store(lane_sums, total);
      std::uint32_t sum = 0;
      for (index l = 0; l < lanes; ++l) sum += std::uint32_t(lane_sums[l]);
      const element* rest = rows + i * ld + s * O::unit;
      for (index k = 0; k < (units - s) * O::unit; ++k) sum += std::uint32_t(std::int32_t(rest[k]));
      sums[i] = std::int32_t(std::uint32_t(sums[i]) + sum);
    }
  }

 private:
  // A group of them, or `count`: a loop would become a call of memset for every pixel of three channels.
  template <int... G>
  static ASHLAR_INLINE void zeros(std::integer_sequence<int, G...>, element* out, index count) {
    ((G < count ? void(out[G] = element(0)) : void()), ...);
  }

  // Rows of three bytes next to each other, to four elements with a zero: the pixels of a first layer. Returns how many
  // rows it has copied: four at a time, while the sixteen bytes that it reads are all there.
  static ASHLAR_INLINE index copy_threes(const strided_block<TA>& a, element* out) {
    index i = 0;
    if constexpr (sizeof(TA) == 1) {
      typedef std::uint8_t bytes __attribute__((vector_size(16)));
      typedef TA numbers __attribute__((vector_size(16)));
      typedef element elements __attribute__((vector_size(16 * sizeof(element))));
      for (; 3 * i + 16 <= 3 * a.rows; i += 4) {
        bytes x;
        std::memcpy(&x, a.data + 3 * i, sizeof x);
        if constexpr (stored::shift != 0) x ^= 0x80;
        const bytes four = __builtin_shufflevector(x, bytes{}, 0, 1, 2, 16, 3, 4, 5, 16, 6, 7, 8, 16, 9, 10, 11, 16);
        numbers same;
        std::memcpy(&same, &four, sizeof same);
        const elements y = __builtin_convertvector(same, elements);
        std::memcpy(static_cast<void*>(out + 4 * i), &y, sizeof y);
      }
    }
    return i;
  }
  // Two groups of each row.
  static ASHLAR_INLINE void zip_groups(const TA* row0, const TA* row1, element* out) {
    typedef std::int64_t groups __attribute__((vector_size(16)));
    constexpr std::int64_t flip = stored::shift != 0 ? std::int64_t(0x8080808080808080) : 0;
    groups x, y;
    std::memcpy(&x, row0, 16);
    std::memcpy(&y, row1, 16);
    const groups z[2] = {__builtin_shufflevector(x, y, 0, 2) ^ flip, __builtin_shufflevector(x, y, 1, 3) ^ flip};
    std::memcpy(out, z, 32);
  }
};

/// Panels of B for the dot products of O.
template <class O, class TB>
class dot_panels {
  using element = typename O::b_element;
  using unit = typename O::b_unit;
  using stored = stored_as<element, TB, typename O::isa_type>;
  static constexpr index group = O::group;

 public:
  /// Copies b, K x at most nr, to one panel: ceil(K / group) times nr groups.
  [[gnu::noinline]] static void copy(const strided_block<TB>& b, element* out, index nr) {
    const bool zips = b.col_stride == 1 && nr % 16 == 0 && !multiplies_pairs<O>;
    const index written = zips ? ceil_div(b.cols, index(16)) * 16 : b.cols;
    if (written < nr) std::fill(out, out + ceil_div(b.rows, group) * group * nr, element(0));
    if (zips) {
      zip_rows<16>(b, out, nr);
    } else if (b.col_stride == 1 && multiplies_pairs<O>) {
      zip_squares(b, out, nr);
    } else if (b.col_stride == 1 && nr % 8 == 0) {
      zip_rows<8>(b, out, nr);
    } else if (b.row_stride == 1) {
      copy_columns(b, out, nr);
    } else {
      copy_elements(b, out, nr);
    }
  }

  /// sums[j] += the sum of column j of `steps` units of a panel.
  [[gnu::noinline]] static void add_sums(const element* panel, index nr, index steps, std::int32_t* sums) {
    const unit* const units = reinterpret_cast<const unit*>(panel);
    for (index j = 0; j < nr; j += O::lanes()) {
      auto sum = O::load(sums + j);
      if constexpr (multiplies_pairs<O>) {
        for (index s = 0; s < steps; s += group / O::unit) sum = O::add_columns(sum, units + s * nr + 2 * j);
      } else {
        for (index s = 0; s < steps; ++s) sum = O::dot(sum, O::ones(), O::load(units + s * nr + j));
      }
      O::store(sums + j, sum);
    }
  }

 private:
  template <int W>
  struct bytes {
    typedef TB vec __attribute__((vector_size(W)));
    vec value;
  };
  template <int W>
  using rows_at_once = std::array<bytes<W>, std::size_t(group)>;

  // `group` rows at a time, W columns of them: a step's units lie as the zips of the rows leave them.
  template <int W>
  static void zip_rows(const strided_block<TB>& b, element* out, index nr) {
    constexpr auto lanes = std::make_integer_sequence<int, W>{};
    constexpr auto all = std::make_integer_sequence<int, group>{};
    for (index k = 0; k < b.rows; k += group, out += nr * group) {
      const TB* const in = b.data + k * b.row_stride;
      const index have = std::min<index>(group, b.rows - k);
      index j = 0;
      for (; have == group && j + W <= b.cols; j += W) {
        store_zipped<W>(lanes, rows_of<W>(all, in + j, b.row_stride), group, W, out + j * group);
      }
      for (; j < b.cols; j += W) {
        const index columns = std::min<index>(W, b.cols - j);
        store_zipped<W>(lanes, part_of_rows<W>(all, in + j, b.row_stride, have, columns), have, columns,
                        out + j * group);
      }
    }
  }
  template <int W, int... G>
  static ASHLAR_INLINE rows_at_once<W> rows_of(std::integer_sequence<int, G...>, const TB* in, index stride) {
    return {load<W>(in + G * stride)...};
  }
  template <int W, int... G>
  static ASHLAR_INLINE rows_at_once<W> part_of_rows(std::integer_sequence<int, G...>, const TB* in, index stride,
                                                    index have, index columns) {
    return {(G < have ? load_part<W>(in + G * stride, columns) : bytes<W>{})...};
  }

  // The first `count` of W bytes, 1 <= count <= W, from ends that may overlap: a call of memcpy takes as long as the
  // zips.
  template <int W>
  static ASHLAR_INLINE bytes<W> load_part(const TB* in, index count) {
    std::uint64_t low = 0, high = 0;
    if (count >= 8) {
      std::uint64_t end;
      std::memcpy(&low, in, 8);
      std::memcpy(&end, in + count - 8, 8);
      high = count > 8 ? end >> (8 * (16 - count)) : 0;
    } else if (count >= 4) {
      std::uint32_t start, end;
      std::memcpy(&start, in, 4);
      std::memcpy(&end, in + count - 4, 4);
      low = start | std::uint64_t(end) << (8 * (count - 4));
    } else {
      const auto at = [&](index i) { return std::uint64_t(std::uint8_t(in[i])) << (8 * i); };
      low = at(0) | at(count / 2) | at(count - 1);
    }
    if constexpr (W == 8) {
      return __builtin_bit_cast(bytes<W>, low);
    } else {
      typedef std::uint64_t words __attribute__((vector_size(16)));
      return __builtin_bit_cast(bytes<W>, words{low, high});
    }
  }
  template <int W>
  static ASHLAR_INLINE bytes<W> load(const TB* in) {
    bytes<W> x;
    std::memcpy(&x, in, W);
    return x;
  }

  // Shifted, columns that do not exist would no longer be zeros; rows that do not exist are not shifted.
  template <int W, int... I>
  static ASHLAR_INLINE void store_zipped(std::integer_sequence<int, I...>, rows_at_once<W> row, index have,
                                         index columns, element* out) {
    if constexpr (stored::shift != 0) {
      for (index g = 0; g < have; ++g) row[g].value ^= static_cast<TB>(0x80);
      if (columns < W) {
        for (index g = 0; g < have; ++g)
          for (index j = columns; j < W; ++j) row[g].value[j] = TB(0);
      }
    }
    if constexpr (group == 1) {
      typedef element wide __attribute__((vector_size(W * sizeof(element))));
      const wide x = __builtin_convertvector(row[0].value, wide);
      std::memcpy(static_cast<void*>(out), &x, sizeof x);
    } else {
      constexpr int h = W / 2;
      using vec = typename bytes<W>::vec;
      vec zipped[group];
      if constexpr (group == 2) {
        zipped[0] = __builtin_shufflevector(row[0].value, row[1].value, (I / 2 + I % 2 * W)...);
        zipped[1] = __builtin_shufflevector(row[0].value, row[1].value, (h + I / 2 + I % 2 * W)...);
      } else {
        vec pair[4];
        pair[0] = __builtin_shufflevector(row[0].value, row[1].value, (I / 2 + I % 2 * W)...);
        pair[1] = __builtin_shufflevector(row[0].value, row[1].value, (h + I / 2 + I % 2 * W)...);
        pair[2] = __builtin_shufflevector(row[2].value, row[3].value, (I / 2 + I % 2 * W)...);
        pair[3] = __builtin_shufflevector(row[2].value, row[3].value, (h + I / 2 + I % 2 * W)...);
        zipped[0] = __builtin_shufflevector(pair[0], pair[2], (I / 4 * 2 + I % 2 + I / 2 % 2 * W)...);
        zipped[1] = __builtin_shufflevector(pair[0], pair[2], (h + I / 4 * 2 + I % 2 + I / 2 % 2 * W)...);
        zipped[2] = __builtin_shufflevector(pair[1], pair[3], (I / 4 * 2 + I % 2 + I / 2 % 2 * W)...);
        zipped[3] = __builtin_shufflevector(pair[1], pair[3], (h + I / 4 * 2 + I % 2 + I / 2 % 2 * W)...);
      }
      std::memcpy(static_cast<void*>(out), zipped, sizeof zipped);
    }
  }

  // Eight rows, four columns of them at a time: nr is a multiple of four, and a group is a column of such a piece.
  static void zip_squares(const strided_block<TB>& b, element* out, index nr) {
    for (index k = 0; k < b.rows; k += group, out += nr * group) {
      const index have = std::min<index>(group, b.rows - k);
      for (index j = 0; j < b.cols; j += 4) {
        const index columns = std::min<index>(4, b.cols - j);
        TB rows[group][4] = {};
        for (index g = 0; g < have; ++g) {
          const TB* in = b.data + (k + g) * b.row_stride + j;
          columns == 4 ? std::memcpy(rows[g], in, 4) : std::memcpy(rows[g], in, std::size_t(columns));
        }
        store_columns(std::make_integer_sequence<int, 32>{}, rows, have, columns, out + j * group);
      }
    }
  }

  // Shifted, numbers that do not exist would no longer be zeros.
  template <int... I>
  static ASHLAR_INLINE void store_columns(std::integer_sequence<int, I...>, const TB (&rows)[group][4], index have,
                                          index columns, element* out) {
    if constexpr (group == 8) {
      typedef TB half __attribute__((vector_size(16)));
      half upper, lower;
      std::memcpy(&upper, rows[0], 16);
      std::memcpy(&lower, rows[4], 16);
      typedef TB whole __attribute__((vector_size(32)));
      whole zipped = __builtin_shufflevector(upper, lower, (I % 8 * 4 + I / 8)...);
      if constexpr (stored::shift != 0) zipped ^= static_cast<TB>(0x80);
      std::memcpy(out, &zipped, std::size_t(columns * group));
      if constexpr (stored::shift != 0) {
        for (index j = 0; j < columns; ++j) std::fill(out + j * group + have, out + (j + 1) * group, element(0));
      }
    }
  }

  // k is contiguous: units are read whole.
  static void copy_columns(const strided_block<TB>& b, element* out, index nr) {
    const index whole = b.rows / group;
    for (index j = 0; j < b.cols; ++j) {
      const TB* in = b.data + j * b.col_stride;
      element* to = out + j * group;
      for (index s = 0; s < whole; ++s, in += group, to += nr * group) {
        for (index g = 0; g < group; ++g) to[g] = stored::of(in[g]);
      }
      if (whole * group < b.rows) {
        for (index g = 0; g < group; ++g) to[g] = whole * group + g < b.rows ? stored::of(in[g]) : element(0);
      }
    }
  }

  static void copy_elements(const strided_block<TB>& b, element* out, index nr) {
    const index padded = ceil_div(b.rows, group) * group;
    for (index k = 0; k < padded; ++k) {
      element* const to = out + k / group * nr * group + k % group;
      for (index j = 0; j < b.cols; ++j) {
        to[j * group] = k < b.rows ? stored::of(b.data[k * b.row_stride + j * b.col_stride]) : element(0);
      }
    }
  }
};

}  // namespace ashlar
