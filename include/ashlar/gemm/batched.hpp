// SPDX-License-Identifier: Apache-2.0
//
// gemm/batched.hpp: many products in one call: at equal strides, by arrays of pointers, or each of its own shape.
//
//   for each problem p:   C_p(m, n) = epilogue( sum over k of A_p(m, k) * B_p(k, n) )
//
// All are one function of "the p-th problem". With as many problems as workers or more, each worker takes whole
// problems; with fewer, the workers share every problem.
//
// Depends on: gemm/gemm.hpp.   Used by: users, through <ashlar/gemm.hpp>.
#pragma once

#include <algorithm>
#include <atomic>
#include <span>

#include <ashlar/gemm/gemm.hpp>

namespace ashlar {

/// The operands of one product: views, or packed weights for b.
template <class A, class B, class C>
struct gemm_problem {
  A a;
  B b;
  C c;
};
template <class A, class B, class C>
gemm_problem(A, B, C) -> gemm_problem<A, B, C>;

namespace detail {

// gemm of one problem with the options of the whole call, but this executor and this scratch memory: of two options of
// a kind the first counts.
template <class Isa, class P, class Executor, class... Options>
status run_problem(const P& p, const Executor& executor, std::span<std::byte> memory, const Options&... options) {
  return gemm<Isa>(p.a, p.b, p.c, executor, scratch(memory), options...);
}

template <class Isa, class P, class Executor, class... Options>
std::size_t problem_bytes(const P& p, const Executor& executor, const Options&... options) {
  return gemm_workspace_bytes<Isa>(p.a, p.b, p.c, executor, options...);
}

// What is wrong with the first problem that is wrong; everything is checked before anything is written.
template <class Isa, class Problems, class... Options>
status check_problems(index count, const Problems& problem, const Options&... options) {
  if (count < 0) {
    return status::error(errc::negative_extent, "gemm_each: %lld problems: the count must not be negative", lld(count));
  }
  for (index g = 0; g < count; ++g) {
    const auto p = problem(g);
    if (status s = check_call<Isa>(p.a, p.b, p.c, options...); !s.ok()) {
      return status::error(s.code(), "problem %lld: %s", lld(g), s.message());
    }
  }
  return {};
}

// The same of scratch memory that lies over an operand or a C of any of them.
template <class Problems, class Unit = this_unit>
status check_problems_scratch(std::span<std::byte> memory, index count, const Problems& problem) {
  for (index g = 0; g < count; ++g) {
    const auto p = problem(g);
    if (status s = check_scratch(memory, p.a, p.b, p.c); !s.ok()) {
      return status::error(s.code(), "problem %lld: %s", lld(g), s.message());
    }
  }
  return {};
}

// Scratch bytes of one worker: the most that any problem needs, with room to align it.
template <class Isa, class Problems, class Executor, class... Options>
std::size_t most_bytes(index count, const Problems& problem, const Executor& executor, const Options&... options) {
  std::size_t most = 0;
  for (index g = 0; g < count; ++g) most = std::max(most, problem_bytes<Isa>(problem(g), executor, options...));
  return (most + workspace_alignment - 1) / workspace_alignment * workspace_alignment;
}

template <any_matrix V>
constexpr V moved(const V& v, index offset) {
  return V(v.data() + offset, v.rows(), v.cols(), v.row_stride(), v.col_stride());
}

template <any_matrix V, class Unit = this_unit>
status check_batch_stride(const char* what, const V& v, index stride, index count) {
  if (addressable(matrix_view<const typename V::value_type>(v.data(), count, 1, stride, 1))) return {};
  return status::error(errc::overflow, "gemm_batched: %lld of %s lie %lld elements apart: offsets exceed 64 bits",
                       lld(count), what, lld(stride));
}

// Does the C of one problem share an element with that of another? They lie at equal distances: the first and another.
template <any_matrix C, class Unit = this_unit>
status check_batch_written(const C& c, index stride, index count) {
  if (c.empty()) return {};
  for (index p = 1; p < count; ++p) {
    const C other = moved(c, p * stride);
    if (overlaps(c, other)) {
      return status::error(
          errc::aliasing,
          "gemm_batched: C is %lld x %lld with strides %lld and %lld, and %lld elements on: problems 0 "
          "and %lld overlap",
          lld(c.rows()), lld(c.cols()), lld(c.row_stride()), lld(c.col_stride()), lld(stride), lld(p));
    }
    if (range_of(c).last < range_of(other).first || range_of(other).last < range_of(c).first) break;
  }
  return {};
}

template <class Isa, class Problems, class Target, class... Options>
void run_problems(index count, const Problems& problem, const Target& target, std::span<std::byte> memory,
                  std::size_t each, const Options&... options) {
  const index workers = std::min<index>(target.get().concurrency(), count);
  if (workers < target.get().concurrency() || workers <= 1) {  // few problems: all workers on each
    for (index g = 0; g < count; ++g) (void)run_problem<Isa>(problem(g), target, memory, options...);
    return;
  }
  std::atomic<index> next{0};
  target.get().parallel_for(workers, [&](index w) {
    const std::span<std::byte> own = memory.subspan(std::size_t(w) * each, each);
    for (index g; (g = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
      (void)run_problem<Isa>(problem(g), on(serial{}), own, options...);
    }
  });
}

}  // namespace detail

/// Bytes of scratch that the same call of gemm_each needs, and of gemm_batched or gemm_grouped with these problems: ask
/// with the same ISA, executor, epilogue and other options.
template <class Isa = isa::native, class Problems, class... Options>
  requires(detail::gemm_option<Options> && ...)
std::size_t gemm_each_workspace_bytes(index count, const Problems& problem, const Options&... options) {
  const auto target = detail::option<detail::executor_option>(on(serial{}), options...);
  const index concurrency = target.get().concurrency(), workers = std::min<index>(concurrency, count);
  if (workers <= 0) return 0;
  if (workers < concurrency || workers == 1) return detail::most_bytes<Isa>(count, problem, target, options...);
  return detail::most_bytes<Isa>(count, problem, on(serial{}), options...) * std::size_t(workers);
}

/// For p = 0 .. count - 1:  gemm of problem(p), a gemm_problem{A, B, C}.        Specification: reference::gemm of each.
///
/// Shapes may differ from problem to problem, types may not. The C of a problem must not overlap A, B or C of another,
/// for they run in any order: only within one problem is it found. Options as gemm's; an epilogue is the same
/// expression for all.
///
///     gemm_each(heads, [&](index h) { return gemm_problem{Q(h), K(h).transposed(), S(h)}; }, scale * acc, on(pool));
///
/// Returns the first problem's error ("problem 3: gemm: ..."); nothing is written then. Allocates unless given
/// scratch(gemm_each_workspace_bytes(...)). The result does not depend on the executor.
template <class Isa = isa::native, class Problems, class... Options>
  requires(detail::gemm_option<Options> && ...)
status gemm_each(index count, const Problems& problem, const Options&... options) {
  if (status s = detail::check_problems<Isa>(count, problem, options...); !s.ok()) return s;
  if (count == 0) return {};
  const auto target = detail::option<detail::executor_option>(on(serial{}), options...);
  const std::size_t bytes = gemm_each_workspace_bytes<Isa>(count, problem, options...);
  const index workers = std::min<index>(target.get().concurrency(), count);
  const std::size_t each = bytes / std::size_t(workers < target.get().concurrency() ? 1 : workers);
  const auto given = detail::option<detail::scratch_option>(detail::no_scratch{}, options...);
  aligned_buffer heap;
  std::span<std::byte> memory;
  if (const auto* span = detail::memory_of(given)) {
    if (span->size() < bytes) {
      return status::error(errc::workspace_too_small, "gemm_each: scratch has %zu bytes, this call needs %zu",
                           span->size(), bytes);
    }
    memory = *span;
    if (status s = detail::check_problems_scratch(memory.first(bytes), count, problem); !s.ok()) return s;
  } else if (bytes > 0) {
    heap = aligned_buffer::make(bytes);
    if (!heap) return status::error(errc::out_of_memory, "gemm_each: no memory for %zu bytes of scratch", bytes);
    memory = heap.span();
  }
  detail::run_problems<Isa>(count, problem, target, memory, each, options...);
  return {};
}

/// Strided batch: problem p has A + p * a_stride, B + p * b_stride, C + p * c_stride (elements); stride 0 shares an
/// operand. Otherwise as gemm_each.
///
///     gemm_batched(A, m * k, B, 0, C, m * n, count);                  // one B for all
///
/// Returns overflow also when the strides leave 64 bits, aliasing also when two of the C overlap (core/overlap.hpp).
template <class Isa = isa::native, any_matrix A, any_matrix B, any_matrix C, class... Options>
status gemm_batched(const A& a, index a_stride, const B& b, index b_stride, const C& c, index c_stride, index count,
                    const Options&... options) {
  using detail::moved;
  if (status s = detail::check_batch_stride("A", a, a_stride, count); !s.ok()) return s;
  if (status s = detail::check_batch_stride("B", b, b_stride, count); !s.ok()) return s;
  if (status s = detail::check_batch_stride("C", c, c_stride, count); !s.ok()) return s;
  if (!detail::addressable(c)) return detail::check_view("C", c);
  if (status s = detail::check_batch_written(c, c_stride, count); !s.ok()) return s;
  return gemm_each<Isa>(
      count,
      [&](index p) { return gemm_problem{moved(a, p * a_stride), moved(b, p * b_stride), moved(c, p * c_stride)}; },
      options...);
}

/// Pointer arrays: problem p has A, B and C of these shapes and strides at a_data[p], b_data[p] and c_data[p]; the
/// views' own data is not used.
///
///     gemm_batched(A, a_pointers, B, b_pointers, C, c_pointers);      // e.g. std::vector<float*> for views of float
///
/// Otherwise as gemm_each; returns shape_mismatch also when the arrays are not equally long.
template <class Isa = isa::native, any_matrix A, any_matrix B, any_matrix C, class... Options>
status gemm_batched(const A& a, std::span<typename A::element_type* const> a_data, const B& b,
                    std::span<typename B::element_type* const> b_data, const C& c,
                    std::span<typename C::element_type* const> c_data, const Options&... options) {
  if (a_data.size() != c_data.size() || b_data.size() != c_data.size()) {
    return status::error(errc::shape_mismatch,
                         "gemm_batched: %zu pointers for A, %zu for B, %zu for C: they must be as many", a_data.size(),
                         b_data.size(), c_data.size());
  }
  const auto at = [](auto v, auto* data) {
    return decltype(v)(data, v.rows(), v.cols(), v.row_stride(), v.col_stride());
  };
  return gemm_each<Isa>(
      index(c_data.size()), [&](index p) { return gemm_problem{at(a, a_data[p]), at(b, b_data[p]), at(c, c_data[p])}; },
      options...);
}

/// Grouped: every problem with its own shape, from an array, vector or span of them.   gemm_grouped(problems,
/// on(pool));
template <class Isa = isa::native, class Problems, class... Options>
  requires requires(const Problems& list) {
    list.size();
    list[0].a, list[0].b, list[0].c;
  }
status gemm_grouped(const Problems& problems, const Options&... options) {
  return gemm_each<Isa>(index(problems.size()), [&](index p) { return problems[std::size_t(p)]; }, options...);
}

}  // namespace ashlar
