// SPDX-License-Identifier: Apache-2.0
//
// core/status.hpp: how an operation says no: a code, and a sentence that names the argument and both values.
//
//   "gemm: A is 64 x 128 but B is 96 x 32: A's columns (128) must equal B's rows (96)"
//
// Success costs two byte stores: the text is inline, and only its first character is cleared.
//
// Depends on: core/config.hpp.   Used by: every operation.
#pragma once

#include <ashlar/core/config.hpp>
#include <cinttypes>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <utility>

namespace ashlar {

namespace detail {
using lld = long long;  // what "%lld" prints
}

/// Why an operation refused a call; nothing has been written then. The message says which argument and both values.
enum class errc : std::uint8_t {
  ok,
  shape_mismatch,       // extents of two operands that must be equal are not
  negative_extent,      // an extent, or a number of problems, below 0
  null_pointer,         // null data of a matrix that has elements
  aliasing,             // what is written shares memory with what is read
  bad_stride,           // elements of what is written share memory with each other
  bad_geometry,         // a convolution that makes no sense: a kernel larger than its image, groups that do not divide
  overflow,             // an offset or a size beyond 64 bits
  workspace_too_small,  // scratch or storage has fewer bytes than the call needs
  misaligned,           // storage that must lie on a multiple of 64 bytes does not
  corrupt_blob,         // not a blob, or one whose bytes have changed
  wrong_blob,           // a blob of another version, element type or tile
  unsupported,          // a combination that this library does not have
  out_of_memory,        // the heap gave no scratch memory
  device_error          // the GPU's runtime refused a call
};

/// The identifier of a code, for logs:  name(errc::aliasing) == "aliasing".
ASHLAR_INLINE constexpr const char* name(errc code) {
  constexpr const char* names[] = {
      "ok",           "shape_mismatch", "negative_extent", "null_pointer",        "aliasing",
      "bad_stride",   "bad_geometry",   "overflow",        "workspace_too_small", "misaligned",
      "corrupt_blob", "wrong_blob",     "unsupported",     "out_of_memory",       "device_error"};
  return names[static_cast<std::size_t>(code)];
}

/// What a call returns: `ok`, or a code and a message. Trivially copyable, no allocation, no exception.
///
///     if (status s = gemm(A, B, C); !s) std::puts(s.message());
///     return status::error(errc::bad_stride, "gemm: A's row stride is %" PRId64 "; it must not be 0", stride);
///
/// Constructing success is constexpr and costs two byte stores; constructing an error formats at most 199 characters.
class [[nodiscard]] status {
 public:
  static constexpr std::size_t max_message = 200;  // with the terminating zero

  ASHLAR_INLINE constexpr status() : code_(errc::ok) {
    text_[0] = '\0';
    if (__builtin_is_constant_evaluated()) clear();  // a constant must be initialised whole
  }

  /// printf's format and arguments, checked by the compiler (an index is PRId64 of <cinttypes>). A message that is too
  /// long is cut at 199 characters. `code` must not be ok.
  template <class Unit = detail::this_unit>
  [[gnu::format(printf, 2, 3), gnu::cold, gnu::noinline]] static status error(errc code, const char* format, ...) {
    status s;
    s.code_ = code;
    std::va_list arguments;
    va_start(arguments, format);
    if (std::vsnprintf(s.text_, sizeof s.text_, format, arguments) < 0) s.text_[0] = '\0';
    va_end(arguments);
    return s;
  }

  [[nodiscard]] ASHLAR_INLINE constexpr bool ok() const { return code_ == errc::ok; }
  [[nodiscard]] ASHLAR_INLINE constexpr errc code() const { return code_; }
  /// Zero-terminated; empty when ok. Lives as long as this status.
  [[nodiscard]] ASHLAR_INLINE constexpr const char* message() const { return text_; }
  ASHLAR_INLINE constexpr explicit operator bool() const { return ok(); }

 private:
  ASHLAR_INLINE constexpr void clear() {
    for (char& c : text_) c = '\0';
  }

  errc code_;
  char text_[max_message];
};

/// A value, or the status that says why there is none.
///
///     auto w = pack_weights(B, storage);
///     if (!w.ok()) return w.error();
///     gemm(A, w.value(), C);
///
/// `value()` may be called only when ok(). Never throws, whatever the value type does on its own.
template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;

  ASHLAR_HOST_INLINE constexpr result(T value) : value_(std::move(value)) {}
  /// `error` must not be ok().
  ASHLAR_HOST_INLINE constexpr result(const status& error) : error_(error) {}

  [[nodiscard]] ASHLAR_HOST_INLINE constexpr bool ok() const { return value_.has_value(); }
  ASHLAR_HOST_INLINE constexpr explicit operator bool() const { return ok(); }

  [[nodiscard]] ASHLAR_HOST_INLINE constexpr T& value() & { return *value_; }
  [[nodiscard]] ASHLAR_HOST_INLINE constexpr const T& value() const& { return *value_; }
  [[nodiscard]] ASHLAR_HOST_INLINE constexpr T&& value() && { return std::move(*value_); }

  /// ok() when there is a value.
  [[nodiscard]] ASHLAR_HOST_INLINE constexpr const status& error() const { return error_; }

 private:
  std::optional<T> value_;
  status error_;
};

}  // namespace ashlar
