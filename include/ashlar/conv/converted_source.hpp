// SPDX-License-Identifier: Apache-2.0
//
// conv/converted_source.hpp: an image whose elements become others before a convolution reads them: those are kept in
// the workspace, channels innermost, and the plan runs on them.
//
//     plan.run(quantized<std::uint8_t>(x, a), w, dst, acc * a.scale);        // quant/source.hpp
//
// Depends on: conv/{check,memory}.hpp, core/.   Used by: conv/plan.hpp.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>

#include <ashlar/conv/check.hpp>
#include <ashlar/conv/memory.hpp>
#include <ashlar/core.hpp>

namespace ashlar::detail {

template <class X>
concept converted_image = requires(const X& x) {
  typename X::element;
  x.image.extents();
  x.zero_point();
};

// Where its elements are kept.
template <converted_image X>
index elements_of(const X& x) {
  const image_axes& e = x.image.extents();
  return e.n * e.d * e.h * e.w * e.c;
}
template <converted_image X>
auto converted_view(const X& x, const typename X::element* at) {
  const image_axes& e = x.image.extents();
  return ndhwc(at, e.n, e.d, e.h, e.w, e.c);
}

// The workers share its rows.
template <class Isa, converted_image X, class Executor>
void convert_image(const X& x, typename X::element* to, Executor& executor) {
  const image_axes& e = x.image.extents();
  const index rows = e.n * e.d * e.h, workers = std::clamp<index>(executor.concurrency(), 1, std::max<index>(rows, 1));
  const auto work = [&](index worker) {
    for (index r = worker * rows / workers; r < (worker + 1) * rows / workers; ++r)
      x.template convert_row<Isa>(r / e.h / e.d, r / e.h % e.d, r % e.h, to + r * e.w * e.c);
  };
  workers <= 1 ? work(0) : executor.parallel_for(workers, work);
}

template <class Plan, converted_image X, class Out, class... Options>
std::size_t converted_bytes(const Plan& plan, const X& x, const Out& out, const Options&... options) {
  return arena::bytes_for<typename X::element>(elements_of(x)) +
         plan.workspace_bytes(converted_view(x, nullptr), out, options...);
}

// Checks what run() will not see, converts, and runs plan with what is left of the memory.
template <class Isa, class Plan, converted_image X, class Weights, class Out, class... Options>
status run_converted(const Plan& plan, const X& x, const Weights& weights, const Out& out, const Options&... options) {
  static_assert(!(std::is_same_v<Options, src_zero_point> || ...), "conv: a quantized src has a zero point of its own");
  using T = typename X::element;
  if (status s = check_image("src", x.image, plan.src_extents()); !s.ok()) return s;
  if (status s = check_image("dst", out, plan.dst_extents()); !s.ok()) return s;
  if (status s = check_dst(out, x.image); !s.ok()) return s;
  if (out.empty()) return {};
  const auto target = option<executor_option>(on(serial{}), options...);
  const auto given = option<scratch_option>(no_scratch{}, options...);
  const std::size_t bytes = converted_bytes(plan, x, out, options...);
  const auto run = [&](std::span<std::byte> memory) -> status {
    arena all(memory);
    T* const to = all.take<T>(elements_of(x));
    convert_image<Isa>(x, to, target.get());
    const auto rest = scratch(memory.last(all.remaining()));
    return plan.run(converted_view(x, to), weights, out, rest, src_zero_point(x.zero_point()), options...);
  };
  if (const std::span<std::byte>* memory = memory_of(given)) {
    if (memory->size() < bytes) {
      return status::error(errc::workspace_too_small, "conv: scratch has %zu bytes, this call needs %zu",
                           memory->size(), bytes);
    }
    if (status s = check_scratch(memory, bytes, std::pair("src", x.image), std::pair("dst", out)); !s.ok()) return s;
    return run(*memory);
  }
  const aligned_buffer heap = aligned_buffer::make(bytes);
  if (!heap) return status::error(errc::out_of_memory, "conv: no memory for %zu bytes of scratch", bytes);
  return run(heap.span());
}

}  // namespace ashlar::detail
