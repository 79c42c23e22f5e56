// SPDX-License-Identifier: Apache-2.0
//
// gemm/kernel.hpp: everything about one call of gemm that is decided by types: the format of the product, its tile and
// kernels, and whether there are any.
//
// Depends on: gemm/{options,seven_bits,supported}.hpp, loop/.   Used by: gemm/gemm.hpp.
#pragma once

#include <atomic>

#include <ashlar/gemm/options.hpp>
#include <ashlar/gemm/seven_bits.hpp>
#include <ashlar/gemm/supported.hpp>
#include <ashlar/loop/bf16_format.hpp>
#include <ashlar/loop/contract.hpp>
#include <ashlar/loop/direct.hpp>
#include <ashlar/loop/dot_format.hpp>
#include <ashlar/loop/fixed.hpp>
#include <ashlar/loop/narrow.hpp>
#include <ashlar/loop/native_half_format.hpp>
#include <ashlar/loop/wide_format.hpp>

namespace ashlar {
namespace detail {

// The kernels of one format, tile, semiring and epilogue.
template <class Format_, tile_shape S, class Semiring, class E, class Prologue, class D>
struct gemm_kernel {
  using Format = Format_;
  using O = typename Format::O;
  using Isa = typename O::isa_type;
  using T = typename Format::sum_type;
  using operands = contraction<Format, D>;
  static constexpr bool reads_in_place = Format::in_place && std::is_same_v<Prologue, no_prologue>;
  using direct = direct_contraction<T, Isa, S, Semiring, E>;
  using narrow = narrow_contraction<T, Isa, S, Semiring, E>;
  template <index M, index N, index K>
  using fixed = fixed_contraction<T, Isa, S, Semiring, E, M, N, K>;
  using block = contraction_block<Format, S, Semiring, E, Prologue, D>;
  template <class F>
  using of_format = gemm_kernel<F, S, Semiring, E, Prologue, D>;

  static index nr() { return S.nv * O::lanes(); }

  static contraction_shape shape_of(const operands& x) {
    contraction_shape s{};
    s.m = x.m, s.n = x.n, s.k = x.steps();
    s.element_bytes = sizeof(T);
    s.a_row_stride = x.a_row_stride / Format::group, s.a_k_stride = x.a_k_stride;
    s.a_transformed = !holds_units(x);
    s.b_packed = x.panels != nullptr;
    s.b_k_stride = x.b_k_stride, s.b_column_stride = Format::in_place ? x.b_column_stride : 0;
    s.b_edges = !O::masked_memory && x.n % O::lanes() != 0;
    s.dst_contiguous = x.dst_column_stride == 1;
    s.dst_read = reads_dst<E> || !std::is_same_v<T, D>;
    s.rows_together = Format::rows_together;
    return s;
  }

  // Are A's rows units as they lie in memory, with nothing to be done to them?
  static bool holds_units(const operands& x) {
    constexpr index step = Format::group * Format::together;
    if constexpr (!Format::units_in_place || Format::rows_together > 1 || !std::is_same_v<Prologue, no_prologue>) {
      return false;
    } else {
      return step == 1 || (x.a_k_stride == 1 && x.k % step == 0 && x.a_row_stride % Format::group == 0);
    }
  }

  static blocking plan(const contraction_shape& s, index workers, const cache_sizes& caches) {
    return cut(s, multiple(S.mr, Format::rows_together), nr(), workers, caches);
  }

  // Elements of the workspace of one worker.
  static index workspace(const contraction_shape& s, const blocking& b) { return workspace_of<Format, E>(b, s, nr()); }

  // Runs all tasks; worker w has its own part of the scratch memory.
  template <class Executor>
  static void run(const operands& x, const blocking& b, const E& e, const Prologue& p, T* memory, index each,
                  Executor& executor) {
    const index workers = std::min<index>(executor.concurrency(), b.tasks());
    if (workers <= 1) {
      block work(x, b, e, p, memory);
      for (index t = 0; t < b.tasks(); ++t) work.run(t);
      return;
    }
    std::atomic<index> next{0};
    executor.parallel_for(workers, [&](index w) {
      block work(x, b, e, p, memory + w * each);
      for (index t; (t = next.fetch_add(1, std::memory_order_relaxed)) < b.tasks();) work.run(t);
    });
  }
};

// Format of an A that is what it multiplies, or becomes it.
template <class A, class Format>
struct format_of {
  using type = Format;
};
template <converted_matrix A, class Format>
struct format_of<A, Format> {
  using type = converting_format<Format, std::decay_t<decltype(*std::declval<const A&>().matrix.data())>>;
};
template <class A, class Format>
using format_for = typename format_of<A, Format>::type;

// How the types of the operands and of the options make a product: the elements themselves, or small integers.
template <class Isa, class A, class B, class C, class... Options>
struct product_of {
  using T = typename C::value_type;
  using format = plain_format<T, Isa>;
  using element = T;  // the registry's
  using semiring = decltype(option<semiring_option>(plus_times{}, std::declval<const Options&>()...));
};
template <class... Options>
inline constexpr bool sums_wide = (is_sums_option<Options> || ...);
template <class Isa, class A, class B, class C, class... Options>
  requires(sums_wide<Options...>)
struct product_of<Isa, A, B, C, Options...> {
  using format = wide_format<matrix_element<A>, typename B::value_type, Isa>;
  using element = double;
  using semiring = plus_times;
};
template <class Isa, class A, class B, class C, class... Options>
  requires(sums_small_integers<A, B> && !sums_wide<Options...>)
struct product_of<Isa, A, B, C, Options...> {
  template <template <class> class Option>
  using zero = decltype(option<Option>(no_zero_option{}, std::declval<const Options&>()...).z);
  using format =
      format_for<A,
                 dot_format<matrix_element<A>, typename B::value_type, Isa, zero<a_zero_option>, zero<b_zero_option>>>;
  using element = std::int8_t;
  using semiring = dot_products;
};
// Does the caller ask for the ISA's own products of bf16, and are there any?
template <class Isa, class A, class B, class... Options>
inline constexpr bool rounds_natively =
    (std::is_same_v<Options, native_rounding_option> || ...) && std::is_same_v<matrix_element<A>, bf16> &&
    std::is_same_v<typename B::value_type, bf16> && multiplies_bf16<Isa>;
template <class Isa, class A, class B, class C, class... Options>
  requires(multiplies_narrow_floats<A, B, C> && rounds_natively<Isa, A, B, Options...>)
struct product_of<Isa, A, B, C, Options...> {
  using format = bf16_format<Isa>;
  using element = std::int8_t;
  using semiring = dot_products;
};
template <class Isa, class A, class B, class C, class... Options>
  requires(multiplies_narrow_floats<A, B, C> && !rounds_natively<Isa, A, B, Options...>)
struct product_of<Isa, A, B, C, Options...> {
  using TA = matrix_element<A>;
  using TB = typename B::value_type;
  using arithmetic = decltype(option<semiring_option>(plus_times{}, std::declval<const Options&>()...));
  static constexpr bool as_they_are = std::is_same_v<arithmetic, plus_times> && !is_transformed<A>;
  using format = std::conditional_t<as_they_are, narrow_format_of<TA, TB, Isa>, half_format<TA, TB, Isa>>;
  using element = float;
  using semiring = std::conditional_t<as_they_are, typename format::semiring, arithmetic>;
};
template <class Isa, class A, class B, class C, class... Options>
using tile_of =
    decltype(option<tile_option>(with_tile<default_tile<typename product_of<Isa, A, B, C, Options...>::element, Isa>>{},
                                 std::declval<const Options&>()...));

template <class Isa, class A, class B, class C, class... Options>
using kernel_of =
    gemm_kernel<typename product_of<Isa, A, B, C, Options...>::format, tile_of<Isa, A, B, C, Options...>::shape,
                typename product_of<Isa, A, B, C, Options...>::semiring,
                decltype(option<epilogue_option>(acc, std::declval<const Options&>()...)),
                std::decay_t<decltype(prologue_of(std::declval<const A&>()))>, typename C::value_type>;

// The same of weights within 7 bits, where there is another kernel for them; else void.
template <class Isa, class A, class B, class C, class... Options>
struct seven_bit_kernel_of {
  using type = void;
};
template <class Isa, class A, class B, class C, class... Options>
  requires(sums_small_integers<A, B> && !sums_wide<Options...> &&
           has_seven_bits<matrix_element<A>, typename B::value_type, Isa>)
struct seven_bit_kernel_of<Isa, A, B, C, Options...> {
  using K = kernel_of<Isa, A, B, C, Options...>;
  using plain = typename K::Format;
  using format = format_for<A, dot_format<matrix_element<A>, typename plain::b_type, Isa, decltype(plain::zeros::a),
                                          decltype(plain::zeros::b), seven_bit_dot_ops<Isa>>>;
  using type = typename K::template of_format<format>;
};

template <class Isa, class A, class B, class C, class... Options>
consteval bool supported_call() {
  using tile = tile_of<Isa, A, B, C, Options...>;
  using semiring = decltype(option<semiring_option>(plus_times{}, std::declval<const Options&>()...));
  constexpr bool zero_points = (is_a_zero_point<Options> || ...) || (is_b_zero_point<Options> || ...);
  if constexpr (sums_wide<Options...>) {
    return supported_wide<Isa, A, B, C, semiring, tile::shape, zero_points>();
  } else if constexpr (multiplies_narrow_floats<A, B, C>) {
    constexpr bool native = (std::is_same_v<Options, native_rounding_option> || ...);
    constexpr bool plain = !native || (std::is_same_v<semiring, plus_times> && !is_transformed<A>);
    static_assert(plain, "gemm: native_rounding goes with neither a semiring of one's own nor a prologue of A");
    using O = typename product_of<Isa, A, B, C, Options...>::format::O;
    return plain && supported_narrow<Isa, C, semiring, tile::shape, O>();
  } else if constexpr (sums_small_integers<A, B>) {
    return supported_integers<Isa, A, B, C, semiring, tile::shape>();
  } else {
    static_assert(!zero_points, "gemm: zero points are for small integers");
    return supported<Isa, A, B, C, semiring, tile::shape>() && !zero_points;
  }
}

}  // namespace detail
}  // namespace ashlar
