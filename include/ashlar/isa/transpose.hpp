// SPDX-License-Identifier: Apache-2.0
//
// isa/transpose.hpp: rows turned into vectors of columns in registers: W rows at a time, W the elements of the widest
// fixed vector of the ISA.
//
//   q_j  =  row j | row j + Q | row j + 2Q | ...     Q = 16 bytes of each, one in each 128-bit lane, loaded there
//   log2(Q) rounds of zips within the lanes          (q_0 .. q_{Q-1})  ->  (column 0 .. column Q-1), rows in order
//
// No element crosses a lane: loads put it into its lane, so that 16 rows of floats take 8 shuffles for 4 columns
// instead of 16. Written once on the compiler's generic vectors: g++ and clang turn the shuffles into unpacks (AVX2,
// AVX-512) or zips (NEON). A length-agnostic ISA uses the 128-bit vectors that every such machine has too.
//
// Depends on: core/row_addresses.hpp, isa/lane_loads.hpp, isa/tags.hpp.   Used by: pack/copy_block.hpp,
// tile/lane_sums.hpp.
#pragma once

#include <ashlar/core/row_addresses.hpp>
#include <ashlar/isa/lane_loads.hpp>
#include <ashlar/isa/tags.hpp>
#include <cstring>
#include <type_traits>
#include <utility>

namespace ashlar::isa {

/// Bytes of the vectors that transpose on this ISA; 0: none, copy element by element.
template <class Isa>
inline constexpr int transpose_bytes = std::is_base_of_v<neon, Isa>     ? 16
                                       : std::is_base_of_v<avx512, Isa> ? 64
                                       : std::is_base_of_v<avx2, Isa>   ? 32
                                                                        : 0;

}  // namespace ashlar::isa

namespace ashlar {

template <class T, class Isa>
class block_transpose {
  template <int... I>
  using seq = std::integer_sequence<int, I...>;

 public:
  static constexpr int width = isa::transpose_bytes<Isa> / int(sizeof(T));
  static constexpr int quad = 16 / int(sizeof(T));
  using lanes = std::make_integer_sequence<int, width>;
  using rows = row_addresses<T, width>;

  /// Elements of a row that one call of columns() takes where there are so many: as many vectors as a row has lanes.
  static constexpr int depth = width;

  /// f(v_0, .., v_{D-1}), D = depth or quad: v_j holds elements k + j of all rows. Reads nothing else, and each row
  /// once, from its beginning to its end: rows that lie on one set of the cache do not evict each other in between.
  template <int D, class F>
  static ASHLAR_INLINE void columns(const rows& r, index k, const F& f) {
    columns_of<D>(std::make_integer_sequence<int, quad>{}, std::make_integer_sequence<int, D>{}, r, k, f);
  }

  /// A column as the vector type of an adapter of this width.
  template <class Vec, class Column>
  static ASHLAR_INLINE Vec as(Column column) {
    static_assert(sizeof(Vec) == sizeof(Column));
    Vec v;
    std::memcpy(static_cast<void*>(&v), &column, sizeof v);  // Highway's vectors have constructors
    return v;
  }

  /// Stores depth columns: dst[j * dst_stride + i] = element j of row i.
  static ASHLAR_INLINE void store(const rows& r, T* out, index dst_stride) {
    store_columns<depth>(r, 0, out, dst_stride);
  }

  /// Stores `count` columns, fewer than depth. Reads and writes nothing else.
  [[gnu::noinline]] static void store_some(const rows& r, index count, T* out, index dst_stride) {
    index k = 0;
    for (; k + quad <= count; k += quad) store_columns<quad>(r, k, out + k * dst_stride, dst_stride);
    for (; k < count; ++k) store_one(lanes{}, r, k, out + k * dst_stride);
  }

  /// Transposes W x W elements: dst[j * dst_stride + i] = src[i * src_stride + j]. No element outside is touched.
  static ASHLAR_INLINE void run(const T* src, index src_stride, T* out, index dst_stride) {
    store(rows(src, src_stride), out, dst_stride);
  }

 private:
  using loads = detail::lane_loads<isa::transpose_bytes<Isa>>;
  // A value, and the same in memory: g++ 14 for AArch64 stops at functions that take or return the latter.
  typedef T vec __attribute__((vector_size(isa::transpose_bytes<Isa>)));
  typedef T stored __attribute__((vector_size(isa::transpose_bytes<Isa>), aligned(alignof(T)), may_alias));

  template <int D>
  static ASHLAR_INLINE void store_columns(const rows& r, index k, T* out, index dst_stride) {
    columns<D>(r, k, [&](const auto&... column) __attribute__((always_inline)) {
      T* to = out;
      ((*reinterpret_cast<stored*>(to) = column, to += dst_stride), ...);
    });
  }
  template <int... I>
  static ASHLAR_INLINE void store_one(seq<I...>, const rows& r, index k, T* out) {
    ((out[I] = *r.template at<I>(k)), ...);
  }

  // v[q * quad + j] is q_j of the elements k + q * quad and on.
  template <int D, int... J, int... I, class F>
  static ASHLAR_INLINE void columns_of(seq<J...>, seq<I...> all, const rows& r, index k, const F& f) {
    vec v[D];
    (load_rows<J>(std::make_integer_sequence<int, width / quad>{}, std::make_integer_sequence<int, D / quad>{}, r, k,
                  v),
     ...);
    zip_rounds<quad>(all, v);
    f(v[I]...);
  }
  // Rows J, J + quad, ... one after the other, each from its beginning to its end.
  template <int J, int... L, int... Q>
  static ASHLAR_INLINE void load_rows(seq<L...>, seq<Q...> s, const rows& r, index k, vec* v) {
    loads in[sizeof...(Q)];
    (load_row<J + L * quad, L>(s, r, k, in), ...);
    ((v[Q * quad + J] = reinterpret_cast<vec>(in[Q].whole())), ...);
  }
  template <int Row, int L, int... Q>
  static ASHLAR_INLINE void load_row(seq<Q...>, const rows& r, index k, loads* in) {
    (in[Q].template load<L>(r.template at<Row>(k + Q * quad)), ...);
  }

  // A round:  new[2j] = zip_low(v[j], v[j + Q/2]),  new[2j + 1] = zip_high(v[j], v[j + Q/2])     in each quad
  template <int Round, int... J, int D>
  static ASHLAR_INLINE void zip_rounds(seq<J...> s, vec (&v)[D]) {
    if constexpr (Round > 1) {
      vec t[D] = {
          zip<J % 2>(lanes{}, v[J / quad * quad + J % quad / 2], v[J / quad * quad + J % quad / 2 + quad / 2])...};
      zip_rounds<Round / 2>(s, t);
      ((v[J] = t[J]), ...);
    }
  }
  template <int High, int... I>
  static ASHLAR_INLINE vec zip(seq<I...>, vec a, vec b) {
    return __builtin_shufflevector(a, b, (I / quad * quad + High * quad / 2 + I % quad / 2 + I % 2 * width)...);
  }
};

/// No vectors of T: width 0, and whoever copies does it element by element.
template <class T, class Isa>
  requires(isa::transpose_bytes<Isa> == 0 || !std::is_arithmetic_v<T> || (sizeof(T) != 4 && sizeof(T) != 8))
class block_transpose<T, Isa> {
 public:
  static constexpr int width = 0;
};

}  // namespace ashlar
