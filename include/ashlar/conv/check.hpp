// SPDX-License-Identifier: Apache-2.0
//
// conv/check.hpp: everything that makes the operands of a planned convolution wrong, found before anything is written.
//
// Depends on: conv/geometry.hpp, conv/packed_filter.hpp, core/image_overlap.hpp, gemm/check_views.hpp.
// Used by: conv/plan.hpp, conv/weights_plan.hpp, nn/pool.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstddef>
#include <span>
#include <utility>

#include <ashlar/conv/geometry.hpp>
#include <ashlar/conv/packed_filter.hpp>
#include <ashlar/core/blocked_image.hpp>
#include <ashlar/core/image_overlap.hpp>
#include <ashlar/gemm/check_views.hpp>

namespace ashlar::detail {

ASHLAR_INLINE constexpr image_axes src_extents(const conv_geometry& g) {
  return {g.batch, g.src.d, g.src.h, g.src.w, g.channels};
}
ASHLAR_INLINE constexpr image_axes dst_extents(const conv_geometry& g) {
  return {g.batch, g.dst.d, g.dst.h, g.dst.w, g.filters};
}

// Does src of a call lie where the convolution has its dst?
ASHLAR_INLINE constexpr bool reads_dst_side(conv_algorithm a) {
  return a == conv_algorithm::parity_classes || a == conv_algorithm::depthwise_classes;
}

// The axes of a view: extent and distance. Channels of several blocks are two of them, every block as if it were whole.
struct view_axis {
  index extent, distance;
};
template <class T>
ASHLAR_INLINE constexpr std::array<view_axis, 6> axes_of(const blocked_image_view<T>& v) {
  const image_axes &e = v.extents(), &s = v.strides();
  const auto distance = [](index stride) { return stride < 0 ? -stride : stride; };
  return {{{e.n, distance(s.n)},
           {e.d, distance(s.d)},
           {e.h, distance(s.h)},
           {e.w, distance(s.w)},
           {v.blocked() ? v.block() : e.c, distance(s.c)},
           {v.blocked() ? v.blocks() : 1, distance(v.block_stride())}}};
}

// Does the element farthest from data() stay within 64-bit byte offsets?
template <class T, class Unit = this_unit>
constexpr bool addressable(const blocked_image_view<T>& v) {
  index sum = 0, reach = 0;
  for (const view_axis& a : axes_of(v)) {
    if (!checked_multiply(a.extent - 1, a.distance, &reach) || !checked_add(sum, reach, &sum)) return false;
  }
  return checked_multiply(sum, index(sizeof(T)), &reach);
}

// Has every element memory of its own? Enough: each axis, from the densest on, steps over all that came before.
template <class T, class Unit = this_unit>
constexpr bool distinct(const blocked_image_view<T>& v) {
  auto axes = axes_of(v);
  // Sorted by hand: std::sort would leave symbols that belong to no ISA.
  for (std::size_t i = 1; i < axes.size(); ++i)
    for (std::size_t j = i; j > 0 && axes[j].distance < axes[j - 1].distance; --j) std::swap(axes[j], axes[j - 1]);
  index covered = 1;
  for (const view_axis& a : axes) {
    if (a.extent < 2) continue;
    if (a.distance < covered) return false;
    covered += (a.extent - 1) * a.distance;
  }
  return true;
}

// Is the memory of src, of dst or of an operand of an expression, a matrix or another image, there and within reach?
template <any_matrix V, class Unit = this_unit>
status check_memory(const char* what, const V& v) {
  return check_view(what, v, "conv");
}
template <class T, class Unit = this_unit>
status check_memory(const char* what, const blocked_image_view<T>& v) {
  if (v.block() <= 0) {
    return status::error(errc::bad_stride, "conv: blocks of %s have %" PRId64 " channels: a block has at least one",
                         what, v.block());
  }
  if (v.empty()) return {};
  if (v.data() == nullptr) return status::error(errc::null_pointer, "conv: the data of %s is null", what);
  if (!addressable(v)) return status::error(errc::overflow, "conv: offsets of %s exceed 64 bits", what);
  return {};
}

template <class T, class Unit = this_unit>
status check_image(const char* what, const blocked_image_view<T>& v, const image_axes& e) {
  const image_axes& x = v.extents();
  const struct {
    const char* name;
    index got, wanted;
  } all[] = {
      {"batch", x.n, e.n}, {"depth", x.d, e.d}, {"height", x.h, e.h}, {"width", x.w, e.w}, {"channels", x.c, e.c}};
  for (const auto& a : all) {
    if (a.got != a.wanted) {
      return status::error(errc::shape_mismatch, "conv: %s of %s is %" PRId64 " but the plan has %" PRId64, a.name,
                           what, a.got, a.wanted);
    }
  }
  return check_memory(what, v);
}

ASHLAR_INLINE constexpr filter_axes filter_extents(const conv_geometry& g) {
  return {g.filters, g.kernel.d, g.kernel.h, g.kernel.w, g.group_channels()};
}

template <class Unit = this_unit>
status check_filter_extents(const char* what, const filter_axes& e, const filter_axes& want) {
  if (e == want) return {};
  return status::error(errc::shape_mismatch,
                       "conv: %s: %" PRId64 " x %" PRId64 "x%" PRId64 "x%" PRId64 " x %" PRId64
                       " but the plan has %" PRId64 " x %" PRId64 "x%" PRId64 "x%" PRId64 " x %" PRId64,
                       what, e.k, e.d, e.r, e.s, e.c, want.k, want.d, want.r, want.s, want.c);
}

// Packed weights, or scratch, as an image.
template <class T>
ASHLAR_INLINE image_view<const std::byte> bytes_of(const T* data, std::size_t bytes) {
  return {reinterpret_cast<const std::byte*>(data), {1, 1, 1, 1, index(bytes)}, {0, 0, 0, 0, 1}};
}

template <class T, class S, class Unit = this_unit>
status check_apart(const char* what, const blocked_image_view<T>& v, const char* other,
                   const blocked_image_view<S>& w) {
  if (!images_overlap(v, w)) return {};
  return status::error(errc::aliasing, "conv: %s (at %p) shares memory with %s (at %p)", what,
                       static_cast<const void*>(v.data()), other, static_cast<const void*>(w.data()));
}

template <class T, class S, class Unit = this_unit>
status check_dst(const blocked_image_view<T>& dst, const blocked_image_view<const S>& src) {
  if (dst.empty()) return {};
  if (!distinct(dst)) {
    const image_axes& s = dst.strides();
    return status::error(errc::bad_stride,
                         "conv: dst has strides %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
                         " (n, d, h, w, c) and %" PRId64 " blocks %" PRId64 " apart: its elements must not overlap",
                         s.n, s.d, s.h, s.w, s.c, dst.blocks(), dst.block_stride());
  }
  return check_apart("src", src, "dst", dst);
}

// Does the caller's scratch memory, as far as a run takes it, lie over an operand?
template <class... Named, class Unit = this_unit>
status check_scratch(const std::span<std::byte>* given, std::size_t bytes, const Named&... operand) {
  if (!given) return {};
  const blocked_image_view own(bytes_of(given->data(), std::min(bytes, given->size())));
  status s;
  (void)((s = check_apart("scratch", own, operand.first, operand.second), s.ok()) && ...);
  return s;
}

// Is the memory of every operand of an expression over so many pixels and channels there?
template <class E, class Unit = this_unit>
status check_operands(const char* what, const E& e, index pixels, index channels) {
  status s;
  const auto check = [&](const auto& v) {
    if (s.ok()) s = check_memory(what, v);
  };
  visit_memory(e, check, pixels, channels);
  return s;
}

// Does one of them share memory with dst?
template <class T, class E, class Unit = this_unit>
bool shares_memory(const blocked_image_view<T>& dst, const E& e, index pixels, index channels) {
  bool shared = false;
  const auto memory = covering_matrix(dst);
  const auto compare = [&]<class V>(const V& v) {
    if constexpr (any_matrix<V>) {
      shared |= overlaps(v, memory);
    } else {
      shared |= images_overlap(v, dst);
    }
  };
  visit_memory(e, compare, pixels, channels);
  return shared;
}

template <class T, class E, class Unit = this_unit>
status check_prologue(const blocked_image_view<T>& dst, const E& e, const image_axes& src) {
  if (dst.empty()) return {};
  const index pixels = src.d * src.h * src.w;
  if (status s = check_operands("an operand of src's prologue", e, pixels, src.c); !s.ok()) return s;
  if (!shares_memory(dst, e, pixels, src.c)) return {};
  return status::error(errc::aliasing, "conv: an operand of src's prologue shares memory with dst (at %p)",
                       static_cast<const void*>(dst.data()));
}

// Do blocks of src's channels hold whole units of `unit` channels, counted from the first one of each group?
template <class T, class Unit = this_unit>
status check_units(const blocked_image_view<T>& src, index group_channels, index unit) {
  if (unit <= 1 || !src.blocked()) return {};
  for (index group = 0; group < src.extents().c; group += group_channels)
    for (index c = 0, run; c < group_channels; c += run) {
      run = src.run(group + c, group_channels - c);
      if (c % unit == 0) continue;
      return status::error(errc::unsupported,
                           "conv: src has channels in blocks of %" PRId64 " but the plan multiplies units of %" PRId64
                           " channels of a group of %" PRId64 ", which no block may cut",
                           src.block(), unit, group_channels);
    }
  return {};
}

// What is wrong with an elements() operand that is no image, or an image, of dst's pixels and channels.
template <class T, any_matrix V, class Unit = this_unit>
status misfit(const blocked_image_view<T>& dst, const V& v) {
  const index pixels = dst.pixels(), channels = dst.extents().c;
  if (v.rows() < 0 || v.cols() < 0 || (v.rows() == pixels && v.cols() == channels)) return {};
  return status::error(errc::shape_mismatch,
                       "conv: dst has %" PRId64 " pixels of %" PRId64
                       " channels but an elements() operand of the epilogue is %" PRId64 " x %" PRId64,
                       pixels, channels, v.rows(), v.cols());
}
template <class T, class S, class Unit = this_unit>
status misfit(const blocked_image_view<T>& dst, const blocked_image_view<S>& v) {
  const image_axes &d = dst.extents(), &e = v.extents(), &s = v.strides();
  if (v.pixels() != dst.pixels() || e.c != d.c || e.n != d.n) {
    return status::error(errc::shape_mismatch,
                         "conv: dst has %" PRId64 " pixels of %" PRId64 " channels in a batch of %" PRId64
                         " but an elements() operand of the epilogue has %" PRId64 " of %" PRId64 " in %" PRId64,
                         dst.pixels(), d.c, d.n, v.pixels(), e.c, e.n);
  }
  if (v.evenly_spaced()) return {};
  return status::error(errc::shape_mismatch,
                       "conv: an elements() operand of the epilogue is %" PRId64 "x%" PRId64 "x%" PRId64
                       " with strides %" PRId64 ", %" PRId64 ", %" PRId64
                       " (d, h, w): there must be no gaps between its rows and planes",
                       e.d, e.h, e.w, s.d, s.h, s.w);
}

// May the epilogue be applied to dst?
template <class T, class E, class Unit = this_unit>
status check_epilogue(const blocked_image_view<T>& dst, const E& e) {
  const index pixels = dst.pixels(), channels = dst.extents().c;
  if (!dst.empty()) {
    if (status s = check_operands("an operand of the epilogue", e, pixels, channels); !s.ok()) return s;
  }
  if (!e.fits(pixels, channels) || !e.fits_batch(dst.extents().n)) {
    status s = status::error(errc::shape_mismatch,
                             "conv: an operand of the epilogue does not fit %" PRId64 " pixels of %" PRId64 " channels",
                             pixels, channels);
    const auto find = [&](const auto& v) {
      if (status found = misfit(dst, v); !found.ok()) s = found;
    };
    visit_memory(e, find, -1, -1);  // an extent of -1 stands for dst's own
    return s;
  }
  if (!shares_memory(dst, e, pixels, channels)) return {};
  return status::error(errc::aliasing,
                       "conv: an operand of the epilogue shares memory with dst (at %p): write ashlar::dst to read its "
                       "old value",
                       static_cast<const void*>(dst.data()));
}

template <class T, class Unit = this_unit>
status check_filter(const packed_filter<T>& w, const filter_key& k) {
  if (w.key == k && w.data != nullptr) return {};
  if (w.key == k) return status::error(errc::null_pointer, "conv: packed weights without data");
  const filter_key& p = w.key;
  if (p.group != k.group) {
    return status::error(errc::wrong_blob,
                         "conv: weights are packed in units of %" PRIu32 " channels but the plan multiplies %" PRIu32,
                         p.group, k.group);
  }
  if (p.algorithm != k.algorithm || p.nr != k.nr || p.element != k.element) {
    return status::error(errc::wrong_blob,
                         "conv: weights are packed for %s in panels of %" PRId64 " but the plan runs %s with %" PRId64,
                         name(p.algorithm), p.nr, name(k.algorithm), k.nr);
  }
  if (p.transform != k.transform && p.kernel == k.kernel) {
    return status::error(errc::wrong_blob,
                         "conv: weights are packed for %s with other points (matrices %" PRIx64
                         ") than the plan's (%" PRIx64 ")",
                         name(p.algorithm), p.transform, k.transform);
  }
  return status::error(errc::wrong_blob,
                       "conv: packed weights are %" PRId64 " x %" PRId64 "x%" PRId64 "x%" PRId64 " x %" PRId64
                       " in %" PRId64 " groups but the plan has %" PRId64 " x %" PRId64 "x%" PRId64 "x%" PRId64
                       " x %" PRId64 " in %" PRId64,
                       p.filters, p.kernel.d, p.kernel.h, p.kernel.w, p.channels, p.groups, k.filters, k.kernel.d,
                       k.kernel.h, k.kernel.w, k.channels, k.groups);
}

}  // namespace ashlar::detail
