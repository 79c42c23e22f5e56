// SPDX-License-Identifier: Apache-2.0
//
// winograd/set.hpp: Winograd's algorithms that a plan may use: a list of types, part of the plan's own type, so that a
// program compiles the kernels of those and of no others.
//
//   winograd_for<1, 7>                  the library's algorithms for kernels of 1 x 7
//   winograd_set<f4x4_3x3, mine>{}      those that are named
//   winograd_for<1, 7> + winograd_for<7, 1>
//
// Depends on: winograd/algorithm.hpp.   Used by: conv/.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include <ashlar/winograd/algorithm.hpp>

namespace ashlar {

namespace detail {

// Do two algorithms have the same kernel and the same tile, by other points?
template <class A, class B>
inline constexpr bool differ_by_points =
    !std::is_same_v<A, B> && A::vertical::m == B::vertical::m && A::vertical::r == B::vertical::r &&
    A::horizontal::m == B::horizontal::m && A::horizontal::r == B::horizontal::r;

}  // namespace detail

/// Option of plan_conv: these Winograd algorithms are admitted, each a winograd<...> for kernels of its taps (planes
/// of them, if the kernel has a depth). Which one is used, and whether, the plan decides by its tolerance and their
/// time.
///
///     using mine = winograd<cook_toom<1, 1>, cook_toom<3, 7, my_points>>;
///     plan_conv2d<float>(problem, tolerance(1e-4), channels_last, winograd_set<mine>{});
///
/// A plan has one algorithm for each tile and kernel. Sets are added; several options are, too. Of bytes they are
/// exact, by points of their own in the place of the default ones (winograd/exact.hpp), or refused.
template <class... Algorithms>
struct winograd_set {};

/// The union, in order.
template <class... A>
consteval auto operator+(winograd_set<A...> all, winograd_set<>) {
  return all;
}
template <class... A, class B, class... Rest>
consteval auto operator+(winograd_set<A...>, winograd_set<B, Rest...>) {
  static_assert(!(detail::differ_by_points<A, B> || ...),
                "winograd_set: two algorithms of the same tile and kernel: a plan could not tell them by name");
  if constexpr ((std::is_same_v<A, B> || ...)) {
    return winograd_set<A...>{} + winograd_set<Rest...>{};
  } else {
    return winograd_set<A..., B>{} + winograd_set<Rest...>{};
  }
}

namespace detail {

// An axis of R taps with so many multiplies; one without taps stays as it is.
template <int R, int Multiplies>
using axis_of_multiplies = cook_toom<R == 1 ? 1 : Multiplies + 1 - R, R>;

template <int R, int S, int Multiplies>
consteval auto winograd_of_multiplies() {
  if constexpr (Multiplies > std::max(R, S)) {
    return winograd_set<winograd<axis_of_multiplies<R, Multiplies>, axis_of_multiplies<S, Multiplies>>>{};
  } else {
    return winograd_set<>{};
  }
}

// 4, 6 and 8 multiplies an axis: 16 to 64 products a tile. Along one axis ten are few products, too, and their error is
// below that of 8 x 8.
template <int R, int S>
consteval auto winograd_for_kernel() {
  static_assert(R >= 1 && S >= 1 && R * S > 1, "winograd_for: a kernel of one tap has no Winograd algorithm");
  static_assert(std::max(R, S) <= (R == 1 || S == 1 ? 9 : 7),
                "winograd_for: no default algorithm for so many taps; name one by winograd_set");
  if constexpr (R == 1 || S == 1) {
    return winograd_of_multiplies<R, S, 6>() + winograd_of_multiplies<R, S, 8>() + winograd_of_multiplies<R, S, 10>();
  } else {
    return winograd_of_multiplies<R, S, 4>() + winograd_of_multiplies<R, S, 6>() + winograd_of_multiplies<R, S, 8>();
  }
}
template <int... Taps>
struct winograd_for_taps;
template <int S>
struct winograd_for_taps<S> {
  static constexpr auto set = winograd_for_kernel<1, S>();
};
template <int R, int S>
struct winograd_for_taps<R, S> {
  static constexpr auto set = winograd_for_kernel<R, S>();
};

}  // namespace detail

/// Option of plan_conv: the library's algorithms for kernels of R x S taps, S alone in one dimension; of three
/// dimensions the last two, the depth being any. A tolerance without such an option admits those of 3 x 3, a plan of
/// bytes F(2 x 2, 3 x 3) and, where it wins, F(4 x 4, 3 x 3).
///
///     plan_conv2d<float>(problem, tolerance(1e-4), channels_last, winograd_for<1, 7>);
template <int... Taps>
inline constexpr auto winograd_for = detail::winograd_for_taps<Taps...>::set;

namespace detail {

// FNV-1a over the entries of G of both axes: what packed weights have been multiplied by.
template <class Axis>
consteval std::uint64_t fingerprint(std::uint64_t hash) {
  const auto add = [&](int128 x) {
    for (int byte = 0; byte < 16; ++byte) hash = (hash ^ (std::uint64_t(x >> 8 * byte) & 255)) * 0x100000001b3;
  };
  for (int i = 0; i < Axis::a; ++i)
    for (int k = 0; k < Axis::r; ++k) add(Axis::weights(i, k).num), add(Axis::weights(i, k).den);
  return hash;
}

/// A number that tells the weights of Algorithm from those of another one, whatever its points are.
template <class Algorithm>
inline constexpr std::uint64_t weights_fingerprint =
    fingerprint<typename Algorithm::horizontal>(fingerprint<typename Algorithm::vertical>(0xcbf29ce484222325));

}  // namespace detail
}  // namespace ashlar
