// SPDX-License-Identifier: Apache-2.0
//
// core/executor.hpp: threads belong to the caller: how an operation is handed the caller's way to run tasks.
//
//   e.parallel_for(tasks, f)    calls f(t) exactly once for each t in [0, tasks), in any order, possibly concurrently,
//                               and returns when all are done
//   e.concurrency()             how many tasks may run at once, >= 1: a hint for partitioning
//
// Tasks never wait for each other, so serial, nested and oversubscribed execution are always correct. Adapters for
// std::thread, OpenMP and oneTBB are in core/executors/; any class with these two functions will do.
//
// Depends on: core/config.hpp.   Used by: loop/, every operation.
#pragma once

#include <ashlar/core/config.hpp>
#include <concepts>
#include <type_traits>
#include <utility>

namespace ashlar {

namespace detail {
struct any_task {
  void operator()(index) const noexcept;  // declared only, for the concept
};
}  // namespace detail

/// What on() accepts; see the head of this file.
template <class E>
concept executor = requires(E& e, const detail::any_task& f) {
  e.parallel_for(index{}, f);
  { e.concurrency() } -> std::convertible_to<index>;
};

/// Every task on the calling thread, in order: the default.
struct serial {
  template <class F>
  ASHLAR_INLINE constexpr void parallel_for(index tasks, const F& f) const {
    for (index t = 0; t < tasks; ++t) f(t);
  }
  [[nodiscard]] ASHLAR_INLINE constexpr index concurrency() const { return 1; }
};
static_assert(executor<const serial>);

/// The call-site tag that on() makes. E is a reference for an lvalue, a value for a temporary.
template <class E>
struct on_executor {
  E target;
  [[nodiscard]] ASHLAR_INLINE constexpr auto& get() const { return target; }
};

/// Runs an operation on the caller's threads:  gemm(A, B, C, on(pool)),  gemm(A, B, C, on(openmp{8})).
///
/// An lvalue is referred to and must outlive the call; a temporary is moved into the tag and used as const.
template <class E>
  requires executor<std::add_const_t<E>>
[[nodiscard]] ASHLAR_INLINE constexpr on_executor<E> on(E&& e) {
  return {std::forward<E>(e)};
}

namespace detail {
template <class X>
inline constexpr bool is_on_executor = false;
template <class E>
inline constexpr bool is_on_executor<on_executor<E>> = true;
}  // namespace detail

}  // namespace ashlar
