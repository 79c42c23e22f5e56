// SPDX-License-Identifier: Apache-2.0
//
// core/blocked_image.hpp: images whose channels lie in blocks of B: (n, block, d, h, w, channel of the block), as
// oneDNN's nChw8c and nChw16c, ncnn's packed blobs and MNN's NC4HW4 have them.
//
// A channel has two strides: within its block, and from block to block. An image_view is the case of one block and
// converts to it; within a block a blocked image is an image_view (kernels take it run by run).
//
// Depends on: core/image.hpp.   Used by: conv/, winograd/, epilogue/{image_operand,prologue}.hpp, reference/conv.hpp.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <ashlar/core/config.hpp>
#include <ashlar/core/image.hpp>

namespace ashlar {

/// A batch of images of T with channels in blocks; made by nchwc<B>() and its one- and three-dimensional kin.
///
///     auto src = nchwc<8>(pixels, 1, 20, 56, 56);       // three blocks, the last one of four channels
///
/// The last block is whole in memory. Its missing channels are never read and never written: what they hold stays.
/// A view is a value: copy it freely. It converts to a view of const elements. No access is checked.
template <class T>
class blocked_image_view {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr blocked_image_view() = default;
  /// Channels of a block are strides.c apart, blocks of `block` channels block_stride.
  ASHLAR_INLINE constexpr blocked_image_view(T* data, const image_axes& extents, const image_axes& strides, index block,
                                             index block_stride)
      : first_(data, extents, strides), block_(block), stride_(block_stride), shift_(shift_of(block)) {}
  /// One block of any number of channels.
  template <class U>
    requires std::convertible_to<U (*)[], T (*)[]>
  ASHLAR_INLINE constexpr blocked_image_view(const image_view<U>& v) : first_(v) {}
  template <class U>
    requires std::convertible_to<U (*)[], T (*)[]>
  ASHLAR_INLINE constexpr blocked_image_view(const blocked_image_view<U>& v)
      : first_(v.image()), block_(v.block()), stride_(v.block_stride()), lead_(v.lead()), shift_(shift_of(v.block())) {}

  [[nodiscard]] ASHLAR_INLINE constexpr T* data() const { return first_.data(); }
  [[nodiscard]] ASHLAR_INLINE constexpr const image_axes& extents() const { return first_.extents(); }
  /// strides().c is that within a block.
  [[nodiscard]] ASHLAR_INLINE constexpr const image_axes& strides() const { return first_.strides(); }
  [[nodiscard]] ASHLAR_INLINE constexpr index block() const { return block_; }
  [[nodiscard]] ASHLAR_INLINE constexpr index block_stride() const { return stride_; }
  /// Channels of the first block that lie before the first channel: of slices.
  [[nodiscard]] ASHLAR_INLINE constexpr index lead() const { return lead_; }
  [[nodiscard]] ASHLAR_INLINE constexpr index pixels() const { return first_.pixels(); }
  [[nodiscard]] ASHLAR_INLINE constexpr bool empty() const { return first_.empty(); }
  [[nodiscard]] ASHLAR_INLINE constexpr bool evenly_spaced() const { return first_.evenly_spaced(); }

  /// Are there several blocks? Else image() is all of it.
  [[nodiscard]] ASHLAR_INLINE constexpr bool blocked() const { return lead_ + extents().c > block_; }
  [[nodiscard]] ASHLAR_INLINE constexpr const image_view<T>& image() const { return first_; }
  /// Blocks that hold a channel.
  [[nodiscard]] ASHLAR_INLINE constexpr index blocks() const {
    return extents().c > 0 ? block_of(lead_ + extents().c - 1) + 1 : 0;
  }
  /// Of `count` channels from c on, how many are in the block of c.
  [[nodiscard]] ASHLAR_INLINE constexpr index run(index c, index count) const {
    return std::min(count, block_ - (lead_ + c - block_of(lead_ + c) * block_));
  }
  /// Is a vector of `lanes` channels, counted from the first, always in one block, its channels side by side?
  [[nodiscard]] ASHLAR_INLINE constexpr bool holds_vectors(index lanes) const {
    return strides().c == 1 && (!blocked() || (block_ % lanes == 0 && lead_ % lanes == 0));
  }

  /// The address of an element, whose pixel need not be inside.
  [[nodiscard]] ASHLAR_INLINE constexpr T* pointer(index n, index d, index h, index w, index c) const {
    const index skipped = block_of(lead_ + c);
    const index within = skipped == 0 ? 0 : skipped * (stride_ - block_ * strides().c);
    return first_.pointer(n, d, h, w, c) + within;
  }
  ASHLAR_INLINE constexpr T& operator()(index n, index d, index h, index w, index c) const {
    return *pointer(n, d, h, w, c);
  }
  /// `count` channels from `first` on.
  [[nodiscard]] ASHLAR_INLINE constexpr blocked_image_view channels(index first, index count) const {
    image_axes e = extents();
    e.c = count;
    blocked_image_view part = over(pointer(0, 0, 0, 0, first), e, strides());
    part.lead_ += first - block_of(lead_ + first) * block_;
    return part;
  }
  /// The same channels of other pixels.
  [[nodiscard]] ASHLAR_INLINE constexpr blocked_image_view over(T* data, const image_axes& extents,
                                                                const image_axes& strides) const {
    blocked_image_view v = *this;
    v.first_ = image_view<T>(data, extents, strides);
    return v;
  }

 private:
  static constexpr index one_block = std::numeric_limits<index>::max() / 2;

  static ASHLAR_INLINE constexpr int shift_of(index block) {
    return block > 0 && std::has_single_bit(std::uint64_t(block)) ? std::countr_zero(std::uint64_t(block)) : -1;
  }
  // Without a division where there is one block, or blocks are a power of two. Of blocks that are none: 0.
  ASHLAR_INLINE constexpr index block_of(index c) const {
    if (c < block_ || block_ <= 0) return 0;
    return shift_ >= 0 ? c >> shift_ : c / block_;
  }

  image_view<T> first_;
  index block_ = one_block, stride_ = 0, lead_ = 0;
  int shift_ = -1;
};
template <class T>
blocked_image_view(const image_view<T>&) -> blocked_image_view<T>;

/// The memory from the first to the last element of each image, as a matrix with a row an image.
template <class T>
[[nodiscard]] ASHLAR_INLINE constexpr matrix_view<T> covering_matrix(const blocked_image_view<T>& v) {
  if (!v.blocked() || v.empty()) return covering_matrix(v.image());
  // The first block and the last one, both as if they were whole.
  image_axes e = v.extents();
  e.c = v.block();
  const image_view<T> block(v.data() - v.lead() * v.strides().c, e, v.strides());
  const auto m = covering_matrix(block);
  const index reach = (v.blocks() - 1) * v.block_stride();
  return {m.data() + std::min<index>(0, reach), m.rows(), m.cols() + (reach < 0 ? -reach : reach), m.row_stride(), 1};
}

/// Blocks of B channels, each a plane of pixels, contiguous: nChw8c is nchwc<8>.
template <index B, class T>
[[nodiscard]] ASHLAR_INLINE constexpr blocked_image_view<T> ncdhwc(T* p, index n, index c, index d, index h, index w) {
  static_assert(B > 0, "a block has at least one channel");
  const index block = d * h * w * B;
  return {p, {n, d, h, w, c}, {(c + B - 1) / B * block, h * w * B, w * B, B, 1}, B, block};
}
template <index B, class T>
[[nodiscard]] ASHLAR_INLINE constexpr blocked_image_view<T> nchwc(T* p, index n, index c, index h, index w) {
  return ncdhwc<B>(p, n, c, 1, h, w);
}
template <index B, class T>
[[nodiscard]] ASHLAR_INLINE constexpr blocked_image_view<T> ncwc(T* p, index n, index c, index w) {
  return ncdhwc<B>(p, n, c, 1, 1, w);
}

}  // namespace ashlar
