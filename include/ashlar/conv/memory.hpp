// SPDX-License-Identifier: Apache-2.0
//
// conv/memory.hpp: the options of a run, and where its scratch memory comes from.
//
// Depends on: conv/source.hpp, core/workspace.hpp, gemm/options.hpp.   Used by: conv/plan.hpp, conv/weights_plan.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <ashlar/conv/source.hpp>
#include <ashlar/core.hpp>
#include <ashlar/gemm/options.hpp>

namespace ashlar {

/// Option of a run on small integers: what is subtracted from each element of src, which is also what src is padded
/// with.
///     plan.run(src, weights, dst, src_zero_point(-3))
struct src_zero_point {
  std::int32_t value;
  ASHLAR_INLINE constexpr explicit src_zero_point(std::int32_t z) : value(z) {}
};

}  // namespace ashlar

namespace ashlar::detail {

template <class X>
struct src_zero_option : std::is_same<X, src_zero_point> {};
template <class X>
struct padding_option : std::is_same<X, padding_value> {};

/// What a run makes of src.
template <class Prologue>
struct source_request {
  src_zero_point zero;
  padding_value padding;
  [[no_unique_address]] Prologue prologue;
};

template <class X>
concept conv_option = std::is_same_v<X, scratch> || std::is_same_v<X, cache_sizes> || expression<X> ||
                      is_on_executor<X> || std::is_same_v<X, src_zero_point> || std::is_same_v<X, padding_value>;

template <class Isa>
constexpr cache_sizes caches_of() {
  return {isa::facts<Isa>::l1d_bytes, isa::facts<Isa>::l2_bytes};
}

/// f(memory of so many elements): the caller's, which must be enough, or the heap's.
template <class T, class F, class Unit = this_unit>
status with_memory(const char* who, index elements, const std::span<std::byte>* given, const F& f) {
  if (given) {
    T* const memory = arena(*given).template take<T>(elements);
    if (!memory) {
      return status::error(errc::workspace_too_small, "%s: scratch has %zu bytes, this call needs %zu", who,
                           given->size(), arena::bytes_for<T>(elements));
    }
    f(memory);
    return {};
  }
  const std::size_t bytes = std::size_t(elements) * sizeof(T);
  const aligned_buffer heap = aligned_buffer::make(bytes);
  if (!heap) return status::error(errc::out_of_memory, "%s: no memory for %zu bytes of scratch", who, bytes);
  f(reinterpret_cast<T*>(heap.data()));
  return {};
}

}  // namespace ashlar::detail
