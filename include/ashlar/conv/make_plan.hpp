// SPDX-License-Identifier: Apache-2.0
//
// conv/make_plan.hpp: the plan of a problem: its geometry, its gradient's, the algorithm.
//
//   plan_conv2d<T>(problem, tolerance(1e-4), channels_last)  ->  result<conv_plan>
//
// Depends on: conv/{plan,problem,choose,parity,refusal}.hpp, gemm/options.hpp.   Used by: conv.hpp.
#pragma once

#include <ashlar/conv/choose.hpp>
#include <ashlar/conv/parity.hpp>
#include <ashlar/conv/plan.hpp>
#include <ashlar/conv/problem.hpp>
#include <ashlar/conv/refusal.hpp>
#include <ashlar/gemm/options.hpp>

namespace ashlar {

namespace detail {

template <class T, class Isa, class... Options>
using plan_for = conv_plan<T, Isa, typename conv_product<T, Isa>::template admitted<Options...>>;

// A forward convolution, or a gradient that is one.
template <class T, class Isa, class... Options>
auto plan_forward(const conv_geometry& g, bool gradient, const Options&... options)
    -> result<plan_for<T, Isa, Options...>> {
  const conv_request r = request_of(gradient, options...);
  using product = conv_product<T, Isa>;
  using plan = plan_for<T, Isa, Options...>;
  using set = typename product::template admitted<Options...>;
  if (status s = product::check_terms(g); !s.ok()) return s;
  if (r.wanted == conv_algorithm(0)) return plan(g, product::template choose<set>(g, r), r);
  if (!product::template serves<set>(r.wanted, g)) return product::template refusal<set>(r.wanted, g);
  if (!packs(r.wanted, g, gradient)) return refuse_gradient(r.wanted, g);
  return plan(g, r.wanted, r);
}

// The gradient of g with respect to its source.
template <class T, class Isa, class... Options>
auto plan_gradient(const conv_geometry& g, const Options&... options) -> result<plan_for<T, Isa, Options...>> {
  if (g.stride == triple{}) return plan_forward<T, Isa>(parity_classes(g).geometry(0), true, options...);
  if (status s = conv_product<T, Isa>::check_terms(g); !s.ok()) return s;
  const conv_request r = request_of(true, options...);
  const conv_algorithm there = conv_product<T, Isa>::strided_gradient(g);
  if (r.wanted == conv_algorithm(0) || r.wanted == there) return plan_for<T, Isa, Options...>(g, there, r);
  if (r.wanted != conv_algorithm::parity_classes) return refuse_strided_gradient(r.wanted, there, g);
  return plan_for<T, Isa, Options...>(g, r.wanted, r);
}

template <class T, class Isa, int Rank, class... Options>
auto plan_conv(const conv_problem<Rank>& p, const Options&... options) -> result<plan_for<T, Isa, Options...>> {
  const auto g = geometry_of(p);
  if (!g.ok()) return g.error();
  return plan_forward<T, Isa>(g.value(), false, options...);
}

template <class T, class Isa, int Rank, class... Options>
auto plan_transposed(const conv_transpose_problem<Rank>& p, const Options&... options)
    -> result<plan_for<T, Isa, Options...>> {
  const auto g = geometry_of(p);
  if (!g.ok()) return g.error();
  return plan_gradient<T, Isa>(g.value(), options...);
}

template <class T, class Isa, int Rank, class... Options>
auto plan_backward_data(const conv_problem<Rank>& p, const Options&... options)
    -> result<plan_for<T, Isa, Options...>> {
  const auto g = geometry_of(p);
  if (!g.ok()) return g.error();
  return plan_gradient<T, Isa>(g.value(), options...);
}

}  // namespace detail

/// Plans a convolution of T on Isa, or says which field makes none (conv/problem.hpp has the fields).
///
///     auto plan = plan_conv2d<float>({.src = {1, 56, 56, 64}, .weights = {64, 3, 3, 64}, .padding = same},
///                                    tolerance(1e-4));
///
/// Errors: bad_geometry, shape_mismatch, negative_extent, overflow; unsupported of an algorithm that is asked for by
/// its name and does not compute the problem. Allocates nothing.
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv2d(const conv2d& problem, const Options&... options) {
  return detail::plan_conv<detail::planned<T, Isa, Options...>, Isa>(problem, options...);
}
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv1d(const conv1d& problem, const Options&... options) {
  return detail::plan_conv<detail::planned<T, Isa, Options...>, Isa>(problem, options...);
}
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv3d(const conv3d& problem, const Options&... options) {
  return detail::plan_conv<detail::planned<T, Isa, Options...>, Isa>(problem, options...);
}

/// Plans a transposed convolution (conv/problem.hpp has the fields): the gradient of a convolution, run forward.
///
///     auto up = plan_conv_transpose2d<float>({.src = {1, 28, 28, 64}, .weights = {64, 2, 2, 32}, .stride = {2, 2}});
///
/// weights are those of the convolution whose gradient it is: output channels there are channels of src here (ONNX and
/// PyTorch store them so: oihw(w, 64, 32, 2, 2)). Specification: reference::transposed_convolution. Errors as above.
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv_transpose2d(const conv_transpose2d& problem, const Options&... options) {
  return detail::plan_transposed<detail::planned<T, Isa, Options...>, Isa>(problem, options...);
}
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv_transpose1d(const conv_transpose1d& problem, const Options&... options) {
  return detail::plan_transposed<detail::planned<T, Isa, Options...>, Isa>(problem, options...);
}
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv_transpose3d(const conv_transpose3d& problem, const Options&... options) {
  return detail::plan_transposed<detail::planned<T, Isa, Options...>, Isa>(problem, options...);
}

/// Plans the gradient of a convolution with respect to its src: run(gradient of dst, weights packed by this plan,
/// gradient of src). The problem is the forward one.   plan_conv2d_backward_data<float>(problem)
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv2d_backward_data(const conv2d& problem, const Options&... options) {
  return detail::plan_backward_data<detail::planned<T, Isa, Options...>, Isa>(problem, options...);
}
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv1d_backward_data(const conv1d& problem, const Options&... options) {
  return detail::plan_backward_data<detail::planned<T, Isa, Options...>, Isa>(problem, options...);
}
template <class T, class Isa = isa::native, class... Options>
[[nodiscard]] auto plan_conv3d_backward_data(const conv3d& problem, const Options&... options) {
  return detail::plan_backward_data<detail::planned<T, Isa, Options...>, Isa>(problem, options...);
}

}  // namespace ashlar
