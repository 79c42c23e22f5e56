// SPDX-License-Identifier: Apache-2.0
//
// core/task_ref.hpp: a callable taking a task number, by reference and without its type: two pointers, no allocation.
//
// Depends on: core/config.hpp.   Used by: core/executors/thread_pool.hpp; of use to any executor with a fixed
// interface.
#pragma once

#include <ashlar/core/config.hpp>
#include <concepts>

namespace ashlar {

/// Refers to a callable, which must outlive it:  task_ref f = [&](index t) { ... };  f(3).
///
/// Calls go through one function pointer; the callable is called as const. Never allocates.
class task_ref {
 public:
  constexpr task_ref() = default;

  template <class F>
    requires(!std::same_as<F, task_ref> && std::invocable<const F&, index>)
  ASHLAR_INLINE constexpr task_ref(const F& f)
      : object_(&f), call_([](const void* object, index task) { (*static_cast<const F*>(object))(task); }) {}

  ASHLAR_INLINE void operator()(index task) const { call_(object_, task); }

 private:
  const void* object_ = nullptr;
  void (*call_)(const void*, index) = nullptr;
};

}  // namespace ashlar
