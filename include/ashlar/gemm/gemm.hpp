// SPDX-License-Identifier: Apache-2.0
//
// gemm/gemm.hpp: the operation: checks, cuts, finds memory, and runs the blocks on the caller's executor.
//
// Depends on: gemm/{check,kernel,options,operands,packed_weights}.hpp.   Used by: users, through <ashlar/gemm.hpp>.
#pragma once

#include <ashlar/gemm/check.hpp>
#include <ashlar/gemm/kernel.hpp>
#include <ashlar/gemm/options.hpp>

namespace ashlar {
namespace detail {

template <class X, any_matrix V>
ASHLAR_INLINE void set_b(X& x, const V& b) {
  x.b = b.data(), x.b_k_stride = b.row_stride(), x.b_column_stride = b.col_stride();
  x.panels = nullptr, x.nr = 0;
}
template <class X, class T>
ASHLAR_INLINE void set_b(X& x, const packed_weights<T>& w) {
  x.b = nullptr, x.b_k_stride = 0, x.b_column_stride = 1;
  x.panels = reinterpret_cast<const typename X::b_unit*>(w.panels), x.nr = w.nr;
  if constexpr (byte_weights<T>) x.panel_sums = w.sums;
}

template <class K, any_matrix A, class B, any_matrix C, class... Options>
ASHLAR_INLINE typename K::operands contraction_of(const A& a, const B& b, const C& c, const Options&... options) {
  typename K::operands x;
  x.m = c.rows(), x.n = c.cols(), x.k = a.cols();
  x.a = a.data(), x.a_row_stride = a.row_stride(), x.a_k_stride = a.col_stride();
  set_b(x, b);
  x.dst = c.data(), x.dst_row_stride = c.row_stride(), x.dst_column_stride = c.col_stride();
  if constexpr (requires { x.zeros.a; }) {
    x.zeros = {option<a_zero_option>(no_zero_option{}, options...).z,
               option<b_zero_option>(no_zero_option{}, options...).z};
  }
  return x;
}

// Finds scratch memory (the caller's, a small piece of stack, or the heap) and runs.
template <class K, class E, class P, class Executor>
status run_with_memory(const typename K::operands& x, const E& e, const P& p, Executor& executor,
                       const cache_sizes& caches, const std::span<std::byte>* given) {
  using T = typename K::T;
  const contraction_shape s = K::shape_of(x);
  const blocking b = K::plan(s, executor.concurrency(), caches);
  const index each = K::workspace(s, b);
  const index workers = std::min<index>(executor.concurrency(), b.tasks());
  const std::size_t bytes = std::size_t(each * workers) * sizeof(T);
  constexpr std::size_t on_stack = 8 * 1024;
  if (bytes == 0) {
    K::run(x, b, e, p, nullptr, 0, executor);
  } else if (given) {
    T* memory = arena(*given).template take<T>(each * workers);
    if (!memory) {
      return status::error(errc::workspace_too_small, "gemm: scratch has %zu bytes, this call needs %zu", given->size(),
                           bytes + workspace_alignment - 1);
    }
    K::run(x, b, e, p, memory, each, executor);
  } else if (bytes <= on_stack) {
    alignas(64) std::byte local[on_stack];
    K::run(x, b, e, p, reinterpret_cast<T*>(local), each, executor);
  } else {
    const aligned_buffer heap = aligned_buffer::make(bytes);
    if (!heap) return status::error(errc::out_of_memory, "gemm: no memory for %zu bytes of scratch", bytes);
    K::run(x, b, e, p, reinterpret_cast<T*>(heap.data()), each, executor);
  }
  return {};
}

template <class Isa>
constexpr cache_sizes default_caches() {
  return {isa::facts<Isa>::l1d_bytes, isa::facts<Isa>::l2_bytes};
}

// Are all extents constants, and the columns of all operands contiguous by their types?
template <class A, class B, class C>
inline constexpr bool fixed_extents = false;
template <any_matrix A, any_matrix B, any_matrix C>
inline constexpr bool fixed_extents<A, B, C> =
    A::static_cols != dynamic && C::static_rows != dynamic && C::static_cols != dynamic && A::static_col_stride == 1 &&
    B::static_col_stride == 1 && C::static_col_stride == 1;

// Do the types of the extents choose straight-line code?
template <class K, class A, class B, class C>
consteval bool is_fixed() {
  if constexpr (K::Format::in_place && fixed_extents<A, B, C>) {
    return K::template fixed<C::static_rows, C::static_cols, A::static_cols>::serves;
  } else {
    return false;
  }
}

// Does a kernel that reads every operand where it lies take the product? It needs no plan and no workspace.
template <class K, class A, class B, class C>
ASHLAR_INLINE bool serves_in_place(const typename K::operands& x, index workers, const cache_sizes& caches) {
  if constexpr (is_fixed<K, A, B, C>()) {
    return true;
  } else if constexpr (K::reads_in_place) {
    return K::narrow::serves(x) || K::direct::serves(x, workers, caches);
  } else {
    return false;
  }
}

// True: one of those kernels has run.
template <class K, class A, class B, class C, class E, class Executor>
ASHLAR_INLINE bool run_in_place(const typename K::operands& x, const E& e, Executor& executor,
                                const cache_sizes& caches) {
  if (!serves_in_place<K, A, B, C>(x, executor.concurrency(), caches)) return false;
  if constexpr (is_fixed<K, A, B, C>()) {
    K::template fixed<C::static_rows, C::static_cols, A::static_cols>::run(x, e);
  } else if constexpr (K::reads_in_place) {
    K::narrow::serves(x) ? K::narrow::run(x, e, executor) : K::direct::run(x, e);
  }
  return true;
}

// The call as most small products make it, in the caller's own code: operands that pass the cheap test and are read in
// place. False: nothing was done.
template <class Isa, class A, class B, class C, class... Options>
ASHLAR_INLINE bool run_at_once(const A& a, const B& b, const C& c, const Options&... options) {
  using K = kernel_of<Isa, A, B, C, Options...>;
  if constexpr (K::Format::in_place) {
    const auto e = option<epilogue_option>(acc, options...);
    if (!plainly_valid(a, b, c, e, K::nr())) return false;
    const auto target = option<executor_option>(on(serial{}), options...);
    const auto caches = option<cache_option>(default_caches<Isa>(), options...);
    return run_in_place<K, A, B, C>(contraction_of<K>(matrix_of(a), b, c, options...), e, target.get(), caches);
  } else {
    return false;
  }
}

// Are the numbers of B within 7 bits? To find out reads each of them once more, so few rows do not ask.
template <class T>
ASHLAR_INLINE bool takes_seven_bits(const packed_weights<T>& w, index, index group) {
  return w.group == group;
}
template <any_matrix V>
ASHLAR_INLINE bool takes_seven_bits(const V& b, index rows, index) {
  constexpr index least = 8;
  return rows >= least && within_seven_bits({b.data(), b.row_stride(), b.col_stride(), b.rows(), b.cols()});
}

// Every other call, once it is known to be right.
template <class Isa, class A, class B, class C, class... Options>
status run_valid(const A& a, const B& b, const C& c, const Options&... options) {
  using K = kernel_of<Isa, A, B, C, Options...>;
  const auto e = option<epilogue_option>(acc, options...);
  const auto target = option<executor_option>(on(serial{}), options...);
  const auto caches = option<cache_option>(default_caches<Isa>(), options...);
  using K7 = typename seven_bit_kernel_of<Isa, A, B, C, Options...>::type;
  if constexpr (!std::is_void_v<K7>) {
    if (takes_seven_bits(b, c.rows(), K7::Format::group)) {
      const auto memory = option<scratch_option>(no_scratch{}, options...);
      return run_with_memory<K7>(contraction_of<K7>(matrix_of(a), b, c, options...), e, prologue_of(a), target.get(),
                                 caches, memory_of(memory));
    }
  }
  const auto x = contraction_of<K>(matrix_of(a), b, c, options...);
  if (run_in_place<K, A, B, C>(x, e, target.get(), caches)) return {};
  if constexpr (is_fixed<K, A, B, C>()) {
    return {};
  } else {
    const auto memory = option<scratch_option>(no_scratch{}, options...);
    return run_with_memory<K>(x, e, prologue_of(a), target.get(), caches, memory_of(memory));
  }
}

template <class Isa, class K, class A, class B, class C, class... Options>
std::size_t workspace_bytes_of(const A& a, const B& b, const C& c, const Options&... options) {
  if (c.empty()) return 0;
  const auto x = contraction_of<K>(matrix_of(a), b, c, options...);
  const auto target = option<executor_option>(on(serial{}), options...);
  const auto caches = option<cache_option>(default_caches<Isa>(), options...);
  if (serves_in_place<K, A, B, C>(x, target.get().concurrency(), caches)) return 0;
  const auto s = K::shape_of(x);
  const blocking cut = K::plan(s, target.get().concurrency(), caches);
  const index elements = K::workspace(s, cut) * std::min<index>(target.get().concurrency(), cut.tasks());
  return elements == 0 ? 0 : arena::bytes_for<typename K::T>(elements);
}
template <class Isa, class A, class B, class C, class... Options>
std::size_t workspace_bytes(const A& a, const B& b, const C& c, const Options&... options) {
  const std::size_t bytes = workspace_bytes_of<Isa, kernel_of<Isa, A, B, C, Options...>>(a, b, c, options...);
  using K7 = typename seven_bit_kernel_of<Isa, A, B, C, Options...>::type;
  if constexpr (std::is_void_v<K7>) {
    return bytes;
  } else {
    return std::max(bytes, workspace_bytes_of<Isa, K7>(a, b, c, options...));
  }
}

template <class X>
inline constexpr bool is_packed = false;
template <class T>
inline constexpr bool is_packed<packed_weights<T>> = true;

template <class X>
concept gemm_a = any_matrix<X> || is_transformed<X>;
template <class X>
concept gemm_b = any_matrix<X> || is_packed<X>;

// A column-major C is solved as C^T = B^T A^T, where rows are contiguous again; not with 16-bit A, which B cannot have.
template <class A, class B, class C>
inline constexpr bool solves_transposed = false;
template <any_matrix A, any_matrix B, class C>
inline constexpr bool solves_transposed<A, B, C> = C::static_row_stride == 1 && C::static_col_stride != 1 &&
                                                   (!sums_small_integers<A, B> || sizeof(typename A::value_type) == 1);

// Zero points of rows or columns that there are, but not where the option says.
template <class Option, any_matrix C, class Unit = this_unit>
status check_zero_points([[maybe_unused]] const Option& x, [[maybe_unused]] const C& c) {
  if constexpr (is_a_zero_point<Option> || is_b_zero_point<Option>) {
    if constexpr (std::is_pointer_v<decltype(x.z)>) {
      if (x.z == nullptr && !c.empty()) {
        return status::error(errc::null_pointer, "gemm: C is %lld x %lld but the pointer to zero points of %s is null",
                             lld(c.rows()), lld(c.cols()), is_a_zero_point<Option> ? "A's rows" : "B's columns");
      }
    }
  }
  return {};
}

// ok, or what is wrong with the call.
template <class Isa, class A, class B, class C, class... Options>
status check_call(const A& a, const B& b, const C& c, const Options&... options) {
  using K = kernel_of<Isa, A, B, C, Options...>;
  index group = K::Format::group * K::Format::together;
  using K7 = typename seven_bit_kernel_of<Isa, A, B, C, Options...>::type;
  if constexpr (is_packed<B> && !std::is_void_v<K7>) {
    if (b.group == K7::Format::group) group = b.group;
  }
  if (status s = check_gemm(a, b, c, option<epilogue_option>(acc, options...), K::nr(), group); !s.ok()) return s;
  if constexpr (sums_wide<Options...>) {
    return check_wide_terms<matrix_element<A>, typename B::value_type>(b.rows());
  } else {
    status zeros;
    (void)((zeros = check_zero_points(options, c), zeros.ok()) && ...);
    return zeros;
  }
}

// Bytes of scratch that the call needs.
template <class Isa, class A, class B, class C, class... Options>
std::size_t call_bytes(const A& a, const B& b, const C& c, const Options&... options) {
  if constexpr (solves_transposed<A, B, C>) {
    return workspace_bytes<Isa>(b.transposed(), a.transposed(), c.transposed(), transposed_option(options)...);
  } else {
    return workspace_bytes<Isa>(a, b, c, options...);
  }
}

// Does the caller's scratch memory, as far as the call takes it, lie over an operand or C? Seldom, so all of it first.
template <class Isa, class A, class B, class C, class... Options>
status check_given_scratch(const A& a, const B& b, const C& c, const Options&... options) {
  const auto given = option<scratch_option>(no_scratch{}, options...);
  if (const auto* memory = memory_of(given); memory && !check_scratch(*memory, a, b, c).ok()) {
    return check_scratch(memory->first(std::min(memory->size(), call_bytes<Isa>(a, b, c, options...))), a, b, c);
  }
  return {};
}

// Views by value: the caller's then need no address, unless this is called.
template <class Isa, class A, class B, class C, class... Options>
[[gnu::noinline]] status run_checked(A a, B b, C c, const Options&... options) {
  if (status s = check_call<Isa>(a, b, c, options...); !s.ok()) return s;
  if (c.empty()) return {};
  if (status s = check_given_scratch<Isa>(a, b, c, options...); !s.ok()) return s;
  if constexpr (solves_transposed<A, B, C>) {
    return run_valid<Isa>(b.transposed(), a.transposed(), c.transposed(), transposed_option(options)...);
  } else {
    return run_valid<Isa>(a, b, c, options...);
  }
}

}  // namespace detail

/// C(m, n) = epilogue( sum over k of A(m, k) * B(k, n) ).        Specification: reference::gemm, bit for bit.
///
/// A is M x K (a matrix, transform() or quantized() of one), B is K x N or packed_weights of it, C is M x N; any
/// strides (C's elements must be distinct), extents static or dynamic, zero extents included (K = 0: the sum is zero).
/// C must not overlap A or B, nor scratch any of them.
///
/// Elements are all of one type; or small integers, whose products are summed in 32 bits that wrap, C of integers of at
/// most 32 bits (the expression is of std::int32_t, its value goes to C's nearest end when outside) or of floats; or
/// integers of at most 16 bits summed in 64 (with_sums), C of signed integers, the expression of std::int64_t; or
/// float, bf16, f16, e4m3, e5m2, e2m1 in any mixture, summed in float and rounded to C once. Options, in any order:
///
///     an expression     the epilogue: acc, dst, per_row, per_column, elements, functions     default: acc
///     on(executor)      runs blocks of C as independent tasks                                default: on(serial{})
///     scratch(bytes)    memory for packing, gemm_workspace_bytes of it                       default: allocates
///     a semiring        min_plus{}, max_plus{}, or_and{}, your own                           default: plus_times{}
///     a_zero_point(z)   subtracted from A's small integers: one, or a pointer to one a row  default: nothing
///     b_zero_point(z)   the same of B, a pointer to one a column                           default: nothing
///     with_sums<std::int64_t>{}   sums of integers in 64 bits, exact                         default: 32 bits
///     native_rounding   products of bf16 by the ISA's instruction, within a bound            default: the reference's
///     with_tile<S>{}    another tile                                                         default: the registry's
///     cache_sizes{}     what blocking goes by                                                default: facts of the ISA
///
///     gemm(view(a, m, k), view(b, k, n), view(c, m, n));
///     gemm(A, weights, C, relu(acc + per_column(bias)), on(pool), scratch(bytes));
///
/// Returns shape_mismatch, negative_extent, null_pointer, bad_stride, aliasing, overflow, wrong_blob,
/// workspace_too_small or out_of_memory; C is untouched then. With scratch() it allocates nothing; without, it takes
/// what packing needs from the stack (up to 8 KiB) or the heap and gives it back. Starts no thread; the result depends
/// neither on the executor nor on blocking or packing.
///
/// Blocking after Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3), 2008.
template <class Isa = isa::native, class A, class B, any_matrix C, class... Options>
  requires(detail::gemm_a<A> && detail::gemm_b<B> && (detail::gemm_option<Options> && ...))
ASHLAR_INLINE status gemm(const A& a, const B& b, const C& c, const Options&... options) {
  if constexpr (detail::supported_call<Isa, A, B, C, Options...>()) {
    if constexpr (detail::solves_transposed<A, B, C>) {
      if (detail::run_at_once<Isa>(b.transposed(), a.transposed(), c.transposed(),
                                   detail::transposed_option(options)...)) {
        return {};
      }
    } else {
      if (detail::run_at_once<Isa>(a, b, c, options...)) return {};
    }
    return detail::run_checked<Isa>(a, b, c, options...);
  } else {
    return {};
  }
}

/// The same of floats that become small integers as they are read (quant/source.hpp): A's zero points are its own.
template <class Isa = isa::native, detail::converted_matrix A, class B, any_matrix C, class... Options>
  requires(detail::gemm_b<B> && (detail::gemm_option<Options> && ...))
status gemm(const A& a, const B& b, const C& c, const Options&... options) {
  static_assert(!(detail::is_a_zero_point<Options> || ...), "gemm: an A that is quantized has zero points of its own");
  const a_zero_point zero(a.zero_point());
  if constexpr (detail::supported_call<Isa, A, B, C, a_zero_point<decltype(zero.z)>, Options...>()) {
    return detail::run_checked<Isa>(a, b, c, zero, options...);
  } else {
    return {};
  }
}

/// Bytes of scratch that the same call of gemm needs with scratch(): bounded by blocks and workers, not by the problem;
/// exact but for bytes, of whose kernels it is the most. Ask with the same ISA, executor, epilogue and other options.
///
///     auto memory = aligned_buffer::make(gemm_workspace_bytes(A, B, C, on(pool)));
///     gemm(A, B, C, on(pool), scratch(memory.span()));
///
/// Any alignment will do. Checks nothing, reads and writes no element.
template <class Isa = isa::native, class A, class B, any_matrix C, class... Options>
  requires(detail::gemm_a<A> && detail::gemm_b<B> && (detail::gemm_option<Options> && ...))
std::size_t gemm_workspace_bytes(const A& a, const B& b, const C& c, const Options&... options) {
  if constexpr (!detail::supported_call<Isa, A, B, C, Options...>()) {
    return 0;
  } else {
    return detail::call_bytes<Isa>(a, b, c, options...);
  }
}
template <class Isa = isa::native, detail::converted_matrix A, class B, any_matrix C, class... Options>
  requires(detail::gemm_b<B> && (detail::gemm_option<Options> && ...))
std::size_t gemm_workspace_bytes(const A& a, const B& b, const C& c, const Options&... options) {
  const a_zero_point zero(a.zero_point());
  if constexpr (!detail::supported_call<Isa, A, B, C, a_zero_point<decltype(zero.z)>, Options...>()) {
    return 0;
  } else {
    return detail::call_bytes<Isa>(a, b, c, zero, options...);
  }
}

}  // namespace ashlar
