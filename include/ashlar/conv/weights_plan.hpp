// SPDX-License-Identifier: Apache-2.0
//
// conv/weights_plan.hpp: the gradient of a convolution's weights, planned once and run many times: a plain value.
//
// Depends on: conv/{problem,check,depthwise_weights,store_filters,weights_choose,weights_gradient}.hpp,
// gemm/options.hpp. Used by: conv.hpp.
#pragma once

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <ashlar/conv/check.hpp>
#include <ashlar/conv/depthwise_weights.hpp>
#include <ashlar/conv/memory.hpp>
#include <ashlar/conv/problem.hpp>
#include <ashlar/conv/store_filters.hpp>
#include <ashlar/conv/weights_choose.hpp>
#include <ashlar/conv/weights_gradient.hpp>
#include <ashlar/gemm/options.hpp>

namespace ashlar {

/// Made by plan_conv1d_backward_weights, plan_conv2d_backward_weights and plan_conv3d_backward_weights. Set: the
/// Winograd algorithms that it may use.
template <class T, class Isa, class Set = winograd_set<>>
class conv_weights_plan {
  static constexpr tile_shape S = default_tile<T, Isa>;
  static constexpr bool transforms = !std::is_same_v<Set, winograd_set<>>;

 public:
  using value_type = T;

  conv_weights_plan(const conv_geometry& g, conv_algorithm algorithm, const detail::conv_request& request)
      : geometry_(g), algorithm_(algorithm), request_(request) {}

  /// The forward convolution.
  [[nodiscard]] const conv_geometry& geometry() const { return geometry_; }
  /// implicit_gemm, the bits of the reference (of depthwise weights by a kernel of their own where channels are
  /// innermost), or one of Winograd's.
  [[nodiscard]] conv_algorithm algorithm() const { return algorithm_; }
  /// The algorithm, the bounds of its error and the reason for it, dst being dw:  std::puts(plan.explain().text)
  [[nodiscard]] conv_explanation explain() const {
    return detail::explain_weights<T, Isa, Set>(algorithm_, geometry_, request_);
  }

  /// Bytes of scratch that run() needs with the same options: the sums of a group's weights, and blocks of src and dy;
  /// of Winograd's algorithms each worker's transformed blocks.
  template <detail::conv_option... Options>
  [[nodiscard]] std::size_t workspace_bytes(const Options&... options) const {
    if (empty()) return 0;
    const auto target = detail::option<detail::executor_option>(on(serial{}), options...);
    const index lanes = target.get().concurrency();
    if constexpr (transforms) {
      if (is_winograd(algorithm_)) {
        return arena::bytes_for<T>(with_winograd([&](auto w) {
          const winograd_weights_cut b = w.plan(geometry_, lanes, caches(options...));
          return std::min(lanes, b.tasks(geometry_)) * w.workspace(b);
        }));
      }
    }
    return arena::bytes_for<T>(std::max(elements(cut(lanes, options...), lanes), depthwise_elements(lanes)));
  }

  /// dw(k, t, c) = sum over images and pixels of src * dy, and, where bias is not null, bias(k) = sum of dy.
  ///                                                          Specification: reference::weights_gradient, bit for bit
  /// unless algorithm() is one of Winograd's: dw is then within explain()'s bounds, bias the reference's.
  ///
  /// src and dy have the extents of the forward convolution's src and dst, dw of its weights; any strides or blocks,
  /// dw's and bias' elements distinct and apart from src and dy. Options: on(executor), scratch(bytes), cache_sizes,
  /// padding_value (that of the forward convolution).
  ///
  ///     plan.run(nhwc(x, 32, 20, 20, 32), nhwc(dy, 32, 9, 9, 64), ohwi(dw, 64, 4, 4, 32), db, on(pool));
  ///
  /// Returns shape_mismatch, null_pointer, bad_stride, aliasing, overflow, workspace_too_small or out_of_memory;
  /// nothing is written then. With scratch() it allocates nothing. The result does not depend on the executor, the
  /// layout or the cut.
  template <detail::conv_option... Options>
  status run(const blocked_image_view<const T>& src, const blocked_image_view<const T>& dy, const filter_view<T>& dw,
             T* bias, const Options&... options) const {
    const auto memory = detail::option<detail::scratch_option>(detail::no_scratch{}, options...);
    if (status s = check(src, dy, dw, bias, detail::memory_of(memory), workspace_bytes(options...)); !s.ok()) return s;
    if (empty()) return clear(dw, bias);
    const auto target = detail::option<detail::executor_option>(on(serial{}), options...);
    const T padding = T(detail::option<detail::padding_option>(padding_value(0), options...).value);
    const index lanes = target.get().concurrency();
    if constexpr (transforms) {
      if (is_winograd(algorithm_)) {
        const winograd_weights_operands<T> x{src, dy, dw, bias, padding};
        return with_winograd([&](auto w) { return run_winograd(w, x, caches(options...), target.get(), memory); });
      }
    }
    if (depthwise::serves(geometry_, src, dy)) {
      const depthwise sums(geometry_, src.image(), dy.image(), dw, padding, lanes);
      const index each = depthwise::workspace_elements(geometry_, lanes);
      return detail::with_memory<T>("conv", depthwise_elements(lanes), detail::memory_of(memory), [&](T* own) {
        share(target.get(), sums.tasks(), [&](index w, index t) { sums.run(t, own + w * each); });
        if (bias) sums.sum_dy(bias);
      });
    }
    const weights_cut b = cut(lanes, options...);
    return detail::with_memory<T>("conv", elements(b, lanes), detail::memory_of(memory), [&](T* own) {
      for (index group = 0; group < geometry_.groups; ++group)
        run_group(group, b, padding, src, dy, dw, bias, own, target.get());
    });
  }

 private:
  using depthwise = depthwise_weights<T, Isa>;

  bool empty() const { return geometry_.batch == 0; }
  index depthwise_elements(index workers) const { return workers * depthwise::workspace_elements(geometry_, workers); }

  template <class... Options>
  static cache_sizes caches(const Options&... options) {
    return detail::option<detail::cache_option>(detail::caches_of<Isa>(), options...);
  }
  template <class... Options>
  weights_cut cut(index lanes, const Options&... options) const {
    return cut_weights(geometry_, sizeof(T), S.nv * ops<T, Isa>::lanes(), S.mr, lanes, caches(options...));
  }

  // f(the plan's Winograd algorithm).
  template <class F>
  auto with_winograd(const F& f) const {
    return detail::with_winograd_weights<T, Isa>(Set{}, algorithm_, geometry_.kernel, f);
  }
  template <class Winograd, class Executor, class Memory>
  status run_winograd(Winograd, const winograd_weights_operands<T>& x, const cache_sizes& sizes, Executor& executor,
                      const Memory& memory) const {
    const winograd_weights_cut b = Winograd::plan(geometry_, executor.concurrency(), sizes);
    const index tasks = b.tasks(geometry_), each = Winograd::workspace(b);
    const index elements = std::min<index>(executor.concurrency(), tasks) * each;
    return detail::with_memory<T>("conv", elements, detail::memory_of(memory), [&](T* own) {
      share(executor, tasks, [&](index w, index t) { Winograd::run(geometry_, b, x, t, own + w * each); });
    });
  }
  index elements(const weights_cut& b, index lanes) const {
    return multiple(b.sum_elements, 64 / index(sizeof(T))) +
           std::min(lanes, b.tasks(geometry_)) * b.elements_of_worker();
  }

  template <class Executor>
  void run_group(index group, const weights_cut& b, T padding, const blocked_image_view<const T>& src,
                 const blocked_image_view<const T>& dy, const filter_view<T>& dw, T* bias, T* memory,
                 Executor& executor) const {
    const conv_geometry& g = geometry_;
    const blocked_image_view<const T> x = src.channels(group * g.group_channels(), g.group_channels());
    const blocked_image_view<const T> y = dy.channels(group * g.group_filters(), g.group_filters());
    T* const sums = memory;
    T* const own = memory + multiple(b.sum_elements, 64 / index(sizeof(T)));
    T* const group_bias = bias ? bias + group * g.group_filters() : nullptr;
    share(executor, b.tasks(g), [&](index w, index t) {
      weights_block<T, Isa, S> block(g, b, x, y, padding, own + w * b.elements_of_worker(), sums);
      const index first = t * b.channel_block;
      block.run(first, std::min(b.channel_block, g.group_channels() - first), group_bias);
    });
    store(group, b, sums, dw);
  }

  // f(worker, task) for every task.
  template <class Executor, class F>
  static void share(Executor& executor, index tasks, const F& f) {
    const index workers = std::min<index>(executor.concurrency(), tasks);
    std::atomic<index> next{0};
    const auto work = [&](index w) {
      for (index t; (t = next.fetch_add(1, std::memory_order_relaxed)) < tasks;) f(w, t);
    };
    workers <= 1 ? work(0) : executor.parallel_for(workers, work);
  }

  // The sums are [tap][channel][filter].
  void store(index group, const weights_cut& b, const T* sums, const filter_view<T>& dw) const {
    const conv_geometry& g = geometry_;
    const index first = group * g.group_filters();
    for (index d = 0; d < g.kernel.d; ++d)
      for (index r = 0; r < g.kernel.h; ++r)
        for (index s = 0; s < g.kernel.w; ++s, sums += g.group_channels() * b.padded_filters) {
          const strided_block<T> tap{sums, 1, b.padded_filters, g.group_filters(), g.group_channels()};
          store_filters<T, Isa>(tap, dw.pointer(first, d, r, s, 0), dw.strides());
        }
  }

  status clear(const filter_view<T>& dw, T* bias) const {
    const filter_axes& e = dw.extents();
    for (index k = 0; k < e.k; ++k) {
      for (index d = 0; d < e.d; ++d)
        for (index r = 0; r < e.r; ++r)
          for (index s = 0; s < e.s; ++s)
            for (index c = 0; c < e.c; ++c) dw(k, d, r, s, c) = T(0);
      if (bias) bias[k] = T(0);
    }
    return {};
  }

  status check(const blocked_image_view<const T>& src, const blocked_image_view<const T>& dy, const filter_view<T>& dw,
               const T* bias, const std::span<std::byte>* scratch_memory, std::size_t scratch_bytes) const {
    const conv_geometry& g = geometry_;
    if (status s = detail::check_image("src", src, detail::src_extents(g)); !s.ok()) return s;
    if (status s = detail::check_image("dy", dy, detail::dst_extents(g)); !s.ok()) return s;
    if (status s = detail::check_filter_extents("dw", dw.extents(), detail::filter_extents(g)); !s.ok()) return s;
    const filter_axes &e = dw.extents(), &d = dw.strides();
    const blocked_image_view<const T> memory(
        image_view<const T>(dw.data(), {e.k, e.d, e.r, e.s, e.c}, {d.k, d.d, d.r, d.s, d.c}));
    if (status s = detail::check_memory("dw", memory); !s.ok()) return s;
    if (!detail::distinct(memory)) {
      return status::error(errc::bad_stride,
                           "conv: dw has strides %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
                           " (k, d, r, s, c): its elements must not overlap",
                           d.k, d.d, d.r, d.s, d.c);
    }
    const image_view<const T> sums_of_dy(bias, {1, 1, 1, 1, bias ? g.filters : 0}, {0, 0, 0, 0, 1});
    const std::pair<const char*, blocked_image_view<const T>> all[] = {
        {"src", src}, {"dy", dy}, {"dw", memory}, {"bias", sums_of_dy}};
    for (int read = 0; read < 3; ++read)
      for (int written = std::max(2, read + 1); written < 4; ++written) {
        const auto& [name, view] = all[read];
        const auto& [other, own] = all[written];
        if (status s = detail::check_apart(name, view, other, own); !s.ok()) return s;
      }
    return detail::check_scratch(scratch_memory, scratch_bytes, all[0], all[1], all[2], all[3]);
  }

  conv_geometry geometry_;
  conv_algorithm algorithm_;
  detail::conv_request request_;
};

namespace detail {

template <class T, class Isa, int Rank, class... Options>
auto plan_backward_weights(const conv_problem<Rank>& p, const Options&... options)
    -> result<conv_weights_plan<T, Isa, winograd_of<Options...>>> {
  using set = winograd_of<Options...>;
  const auto g = geometry_of(p);
  if (!g.ok()) return g.error();
  const conv_request r = request_of(true, options...);
  const auto a = choose_weights<T, Isa>(set{}, g.value(), r);
  if (!a.ok()) return a.error();
  return conv_weights_plan<T, Isa, set>(g.value(), a.value(), r);
}

}  // namespace detail

/// Plans the gradient of a convolution's weights and bias. The problem is the forward one, and so are the options
/// tolerance, winograd_for and winograd_set, and an algorithm by its name; errors as plan_conv2d.
///
///     auto plan = plan_conv2d_backward_weights<float>(problem, tolerance(1e-4));     // result<conv_weights_plan<...>>
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv2d_backward_weights(const conv2d& problem, const Options&... options) {
  return detail::plan_backward_weights<T, Isa>(problem, options...);
}
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv1d_backward_weights(const conv1d& problem, const Options&... options) {
  return detail::plan_backward_weights<T, Isa>(problem, options...);
}
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv3d_backward_weights(const conv3d& problem, const Options&... options) {
  return detail::plan_backward_weights<T, Isa>(problem, options...);
}

}  // namespace ashlar
