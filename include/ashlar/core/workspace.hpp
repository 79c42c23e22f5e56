// SPDX-License-Identifier: Apache-2.0
//
// core/workspace.hpp: scratch memory that the caller owns, handed out in aligned pieces.
//
// Depends on: core/config.hpp.   Used by: loop/, packing, every operation that needs scratch.
#pragma once

#include <ashlar/core/config.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace ashlar {

/// One cache line, and one AVX-512 register.
inline constexpr std::size_t workspace_alignment = 64;

/// Hands out consecutive 64-byte aligned pieces of a span of bytes. Owns nothing, frees nothing.
///
///     arena scratch(bytes);
///     float* panel = scratch.take<float>(kc * nr);
///     if (!panel) return status::error(errc::workspace_too_small, ...);
///
/// A copy remembers a position: take from the copy, drop it, and the original still has the room.
/// Not for concurrent use of one object; the memory is not initialised.
class arena {
 public:
  constexpr arena() = default;
  ASHLAR_INLINE constexpr explicit arena(std::span<std::byte> memory)
      : cursor_(memory.data()), remaining_(memory.size()) {}

  /// Bytes that one take<T>(count) can need, whatever the address: an arena over the sum of these serves all the takes.
  /// The largest std::size_t when count is negative or the size does not fit.
  template <class T>
  [[nodiscard]] static ASHLAR_INLINE constexpr std::size_t bytes_for(index count) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    std::size_t bytes = 0;
    const bool fits = count >= 0 && !__builtin_mul_overflow(count, sizeof(T), &bytes) &&
                      !__builtin_add_overflow(bytes, workspace_alignment - 1, &bytes);
    return fits ? bytes : most;
  }

  /// The next `count` elements, 64-byte aligned; nullptr (and nothing taken) when they do not fit or count is negative.
  template <class T>
  [[nodiscard]] ASHLAR_INLINE T* take(index count) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= workspace_alignment);
    const std::size_t skip = -reinterpret_cast<std::uintptr_t>(cursor_) % workspace_alignment;
    std::size_t bytes = 0;
    if (count < 0 || cursor_ == nullptr || __builtin_mul_overflow(count, sizeof(T), &bytes)) return nullptr;
    if (skip > remaining_ || bytes > remaining_ - skip) return nullptr;
    std::byte* const piece = cursor_ + skip;
    cursor_ = piece + bytes;
    remaining_ -= skip + bytes;
    return reinterpret_cast<T*>(piece);
  }

  /// Bytes not yet handed out, before alignment.
  [[nodiscard]] ASHLAR_INLINE constexpr std::size_t remaining() const { return remaining_; }

 private:
  std::byte* cursor_ = nullptr;
  std::size_t remaining_ = 0;
};

/// Owns 64-byte aligned memory, for callers who have no allocator of their own.
///
///     auto buffer = aligned_buffer::make(bytes);
///     if (!buffer) ...                              // out of memory; nothing throws
///     gemm(A, B, C, scratch(buffer.span()));
///
/// The memory is not initialised. Movable, not copyable. make() is the only function that allocates.
class aligned_buffer {
 public:
  constexpr aligned_buffer() = default;

  /// False in a boolean context when memory ran out.
  [[nodiscard]] static ASHLAR_INLINE aligned_buffer make(std::size_t bytes) noexcept {
    aligned_buffer b;
    const std::size_t at_least_one = bytes + (bytes == 0);
    b.data_ =
        static_cast<std::byte*>(::operator new(at_least_one, std::align_val_t(workspace_alignment), std::nothrow));
    b.size_ = b.data_ ? bytes : 0;
    return b;
  }

  ASHLAR_INLINE aligned_buffer(aligned_buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  ASHLAR_INLINE aligned_buffer& operator=(aligned_buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ASHLAR_INLINE ~aligned_buffer() {
    if (data_) ::operator delete(data_, std::align_val_t(workspace_alignment));
  }

  [[nodiscard]] ASHLAR_INLINE std::span<std::byte> span() const { return {data_, size_}; }
  [[nodiscard]] ASHLAR_INLINE std::byte* data() const { return data_; }
  [[nodiscard]] ASHLAR_INLINE std::size_t size() const { return size_; }
  ASHLAR_INLINE explicit operator bool() const { return data_ != nullptr; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ashlar
