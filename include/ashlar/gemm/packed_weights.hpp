// SPDX-License-Identifier: Apache-2.0
//
// gemm/packed_weights.hpp: B packed once into a relocatable blob: header, then panels. Written to a file, it maps back
// as it is.
//
//   bytes 0..127     packed_header: magic, version, element type, NR, K, N, sizes, checksums of panels and header
//   bytes 128..      panels (pack/panels.hpp), 64-byte aligned when the blob is; of bytes (pack/dot_units.hpp), then
//   the
//                    sum of each column
//
// The layout depends on the element type and on NR alone, not on cache sizes, threads or the compiler: one blob serves
// every machine whose tile has the same NR (16 floats for AVX2, 32 for AVX-512, 8 for NEON, 3 vectors for SVE). That of
// bytes, and of bf16 for native_rounding, depends on how many the ISA multiplies at a time, too, and of bytes for bytes
// on whether it has something faster for weights within [-64, 64], where these are.
//
// Depends on: gemm/check_views.hpp, pack/panels.hpp, pack/dot_units.hpp, tile/registry.hpp, core/.   Used by:
// gemm/gemm.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <ashlar/core.hpp>
#include <ashlar/gemm/check_views.hpp>
#include <ashlar/gemm/seven_bits.hpp>
#include <ashlar/loop/bf16_format.hpp>
#include <ashlar/loop/dot_format.hpp>
#include <ashlar/pack/bf16_units.hpp>
#include <ashlar/pack/dot_units.hpp>
#include <ashlar/pack/half_block.hpp>
#include <ashlar/pack/panels.hpp>
#include <ashlar/tile/registry.hpp>

namespace ashlar {

namespace detail {

// Two multiply-xor streams over 64-bit words: several GB/s, and any single changed bit changes it.
template <class Unit = detail::this_unit>
std::uint64_t checksum(const std::byte* data, std::size_t bytes) {
  using Word = std::uint64_t;
  constexpr Word prime = 0x9e3779b97f4a7c15;
  Word h[2] = {bytes, ~Word(bytes)};
  std::size_t i = 0;
  for (; i + 16 <= bytes; i += 16) {
    Word w[2];
    std::memcpy(w, data + i, 16);
    for (int l = 0; l < 2; ++l) h[l] = (h[l] ^ w[l]) * prime, h[l] ^= h[l] >> 29;
  }
  for (; i < bytes; ++i) h[0] = (h[0] ^ Word(data[i])) * prime;
  return (h[0] ^ (h[1] << 1 | h[1] >> 63)) * prime;
}

}  // namespace detail

/// The first 128 bytes of a blob; little-endian.
struct packed_header {
  static constexpr std::uint64_t expected_magic = 0x4b5052414c485341;  // "ASHLARPK"
  static constexpr std::uint32_t current_version = 1;
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t element;  // bytes of an element, + 0x100 floating point, 0x200 unsigned bytes, 0x400 narrow floats (and
                          // their exponent's bits << 12)
  std::int64_t nr, k, n;
  std::uint64_t bytes;            // of the panels
  std::uint64_t checksum;         // of the panels
  std::int64_t group;             // of bytes and bf16: how many k stand together; else zero, and of bf16 as they are 1
  std::uint64_t reserved[7];      // zero
  std::uint64_t header_checksum;  // of all that stands before it

  ASHLAR_INLINE std::uint64_t own_checksum() const {
    return detail::checksum(reinterpret_cast<const std::byte*>(this), offsetof(packed_header, header_checksum));
  }
};
static_assert(sizeof(packed_header) == 128 && std::is_trivially_copyable_v<packed_header>);

/// Bytes are packed in units.
template <class T>
concept byte_weights = std::integral<T> && sizeof(T) == 1;

/// A view of packed weights, K x N: takes the place of B in gemm. Owns nothing: the blob must outlive it.
template <class T>
struct packed_weights {
  using value_type = T;
  const T* panels = nullptr;
  index k = 0, n = 0, nr = 0;
  /// Element (row, column) of the packed matrix.
  ASHLAR_INLINE constexpr const T& operator()(index row, index column) const {
    return panel_element(panels, k, nr, row, column);
  }
};

/// The same of bytes: units of `group` numbers as the ISA they are packed for multiplies them, and the sums of columns.
template <byte_weights T>
struct packed_weights<T> {
  using value_type = T;
  const std::byte* panels = nullptr;
  const std::int32_t* sums = nullptr;
  index k = 0, n = 0, nr = 0, group = 1;
  /// Element (row, column) of the packed matrix.
  ASHLAR_INLINE T operator()(index row, index column) const {
    const index steps = (k + group - 1) / group;
    const index at = ((column / nr * steps + row / group) * nr + column % nr) * group + row % group;
    if (group > 1) {
      return static_cast<T>(reinterpret_cast<const std::int8_t*>(panels)[at] + detail::shift_of<std::int8_t, T>);
    }
    return static_cast<T>(reinterpret_cast<const std::int32_t*>(panels)[at]);
  }
};

/// The same of bf16: as they are in groups of one, for native_rounding in those that the ISA multiplies.
template <>
struct packed_weights<bf16> {
  using value_type = bf16;
  const bf16* panels = nullptr;
  index k = 0, n = 0, nr = 0, group = 1;
  ASHLAR_INLINE const bf16& operator()(index row, index column) const {
    const index steps = (k + group - 1) / group;
    return panels[((column / nr * steps + row / group) * nr + column % nr) * group + row % group];
  }
};

namespace detail {

template <class T>
inline constexpr std::uint32_t element_code = sizeof(T) + (std::is_floating_point_v<T>                ? 0x100u
                                                           : byte_weights<T> && std::is_unsigned_v<T> ? 0x200u
                                                                                                      : 0u);
template <narrow_floating_point T>
inline constexpr std::uint32_t element_code<T> = sizeof(T) + 0x400u + (std::uint32_t(T::exponent_bits) << 12);

// x up to a multiple of `group`; false where that exceeds 64 bits.
ASHLAR_INLINE constexpr bool round_up(index* x, index group) {
  if (__builtin_add_overflow(*x, group - 1, x)) return false;
  *x = *x / group * group;
  return true;
}

// Bytes of the panels of K x N, and of the sums behind them; false where that exceeds 64 bits.
template <class T>
ASHLAR_INLINE constexpr bool panel_bytes(index k, index n, index nr, index group, index* bytes) {
  index columns = 0;
  if (k < 0 || n < 0 || nr <= 0 || __builtin_add_overflow(n, nr - 1, &columns)) return false;
  columns = columns / nr * nr;
  index column = k, sum = 0;  // bytes of one
  if constexpr (byte_weights<T>) {
    if (group <= 0 || !round_up(&column, group)) return false;
    if (group == 1 && __builtin_mul_overflow(column, index(sizeof(std::int32_t)), &column)) return false;
    sum = sizeof(std::int32_t);
  } else {
    if (std::is_same_v<T, bf16> && (group <= 0 || !round_up(&column, group))) return false;
    if (__builtin_mul_overflow(column, index(sizeof(T)), &column)) return false;
  }
  return !__builtin_add_overflow(column, sum, &column) && !__builtin_mul_overflow(columns, column, bytes);
}

// What is wrong with packing v into a blob of so many bytes; 0: more than 64 bits count.
template <any_matrix V, class Unit = this_unit>
status check_packing(const char* call, const char* what, const V& v, std::span<std::byte> storage, std::size_t bytes) {
  const auto rows = lld(v.rows()), cols = lld(v.cols());
  if (rows < 0 || cols < 0)
    return status::error(errc::negative_extent, "%s: %s is %lld x %lld: extents must not be negative", call, what, rows,
                         cols);
  if (v.data() == nullptr && !v.empty())
    return status::error(errc::null_pointer, "%s: %s is %lld x %lld but its data is null", call, what, rows, cols);
  if (bytes == 0 || !addressable(v))
    return status::error(errc::overflow,
                         "%s: %s is %lld x %lld with strides %lld and %lld: offsets or the blob exceed 64 bits", call,
                         what, rows, cols, lld(v.row_stride()), lld(v.col_stride()));
  if (storage.size() < bytes)
    return status::error(errc::workspace_too_small, "%s: storage has %zu bytes, %lld x %lld needs %zu", call,
                         storage.size(), rows, cols, bytes);
  if (reinterpret_cast<std::uintptr_t>(storage.data()) % workspace_alignment != 0)
    return status::error(errc::misaligned, "%s: storage at %p is not aligned to %zu bytes", call,
                         static_cast<void*>(storage.data()), workspace_alignment);
  if (overlaps(v, matrix_view<const std::byte>(storage.data(), 1, index(bytes), index(bytes), 1)))
    return status::error(errc::aliasing, "%s: storage (at %p) shares memory with %s (at %p)", call,
                         static_cast<void*>(storage.data()), what, static_cast<const void*>(v.data()));
  return {};
}

// The view of a blob whose header says this.
template <class T>
ASHLAR_INLINE packed_weights<T> weights_at(const std::byte* panels, index k, index n, index nr, index group) {
  if constexpr (byte_weights<T>) {
    index all = 0;
    panel_bytes<T>(k, n, nr, group, &all);
    const index sums = (n + nr - 1) / nr * nr * index(sizeof(std::int32_t));
    return {panels, reinterpret_cast<const std::int32_t*>(panels + (all - sums)), k, n, nr, group};
  } else if constexpr (std::is_same_v<T, bf16>) {
    return {reinterpret_cast<const T*>(panels), k, n, nr, group};
  } else {
    return {reinterpret_cast<const T*>(panels), k, n, nr};
  }
}

// The header of a blob whose panels are written already.
template <class T, class Unit = this_unit>
void write_header(std::byte* blob, index nr, index k, index n, std::size_t bytes, index group = 0) {
  packed_header h{};
  h.magic = h.expected_magic;
  h.version = h.current_version;
  h.element = element_code<T>;
  h.nr = nr, h.k = k, h.n = n, h.group = group;
  h.bytes = bytes;
  h.checksum = checksum(blob + sizeof h, bytes);
  h.header_checksum = h.own_checksum();
  std::memcpy(blob, &h, sizeof h);
}

template <class T, class Isa, bool Native = false>
ASHLAR_INLINE index panel_width() {
  if constexpr (byte_weights<T> || Native) {
    return default_tile<std::int8_t, Isa>.nv * ops<std::int32_t, Isa>::lanes();
  } else if constexpr (narrow_floating_point<T>) {
    return panel_width<float, Isa>();
  } else {
    return default_tile<T, Isa>.nv * ops<T, Isa>::lanes();
  }
}
// The groups of B's panels, or of any B of these extents the one that takes the most memory. TA: bytes, or A's 16 bits.
template <class T, class Isa, class TA>
ASHLAR_INLINE index panel_group(const strided_block<T>& b) {
  if constexpr (has_seven_bits<TA, T, Isa>) {
    if (within_seven_bits(b)) return seven_bit_dot_ops<Isa>::group;
  }
  if constexpr (byte_weights<T>) return dot_ops_for<Isa, TA>::group;
  return std::is_same_v<T, bf16> ? 1 : 0;
}
template <class T, class Isa, class TA>
consteval index largest_panel_group() {
  if constexpr (byte_weights<T>) {
    constexpr index group = dot_ops_for<Isa, TA>::group;
    return has_seven_bits<TA, T, Isa> ? std::max(seven_bit_dot_ops<Isa>::group, group) : group;
  } else {
    return std::is_same_v<T, bf16> ? std::max<index>(1, bf16_dot_ops<Isa>::group) : 0;
  }
}

// The panels of B for the dot products of O, and the sums of columns behind them.
template <class O, class T>
void write_dot_panels(const strided_block<T>& b, std::byte* to, index nr) {
  using panels = dot_panels<O, T>;
  const index steps = (b.rows + O::group - 1) / O::group, columns = (b.cols + nr - 1) / nr * nr;
  auto* out = reinterpret_cast<typename O::b_element*>(to);
  auto* const sums = reinterpret_cast<std::int32_t*>(out + columns * steps * O::group);
  std::fill(sums, sums + columns, 0);
  for (index j = 0; j < b.cols; j += nr, out += steps * O::group * nr) {
    panels::copy({b.data + j * b.col_stride, b.row_stride, b.col_stride, b.rows, std::min(nr, b.cols - j)}, out, nr);
    panels::add_sums(out, nr, steps * O::group / O::unit, sums + j);
  }
}

template <class Isa, class T>
void write_narrow_panels(const strided_block<T>& b, std::byte* to, index nr) {
  T* out = reinterpret_cast<T*>(to);
  for (index j = 0; j < b.cols; j += nr, out += b.rows * nr) {
    copy_half_rows<Isa, T>({b.data + j * b.col_stride, b.row_stride, b.col_stride, b.rows, std::min(nr, b.cols - j)},
                           out, nr, nr);
  }
}
template <class Isa>
void write_bf16_groups(const strided_block<bf16>& b, std::byte* to, index nr) {
  constexpr index group = bf16_dot_ops<Isa>::group;
  bf16* out = reinterpret_cast<bf16*>(to);
  for (index j = 0; j < b.cols; j += nr, out += ceil_div(b.rows, group) * group * nr) {
    bf16_groups<group, Isa>::panel(
        {b.data + j * b.col_stride, b.row_stride, b.col_stride, b.rows, std::min(nr, b.cols - j)}, out, nr);
  }
}

// Writes the panels of B.
template <class Isa, class TA, class T>
void write_panels(const strided_block<T>& b, std::byte* to, index nr, [[maybe_unused]] index group) {
  if constexpr (has_seven_bits<TA, T, Isa>) {
    if (group == seven_bit_dot_ops<Isa>::group) return write_dot_panels<seven_bit_dot_ops<Isa>>(b, to, nr);
  }
  if constexpr (byte_weights<T>) {
    write_dot_panels<dot_ops_for<Isa, TA>>(b, to, nr);
  } else if constexpr (std::is_same_v<T, bf16> && multiplies_bf16<Isa>) {
    group == 1 ? write_narrow_panels<Isa>(b, to, nr) : write_bf16_groups<Isa>(b, to, nr);
  } else if constexpr (narrow_floating_point<T>) {
    write_narrow_panels<Isa>(b, to, nr);
  } else {
    pack_panels<T, Isa>(b, reinterpret_cast<T*>(to), nr);
  }
}

template <class X>
inline constexpr bool is_packing_option = std::is_same_v<X, native_rounding_option>;
template <class TA>
inline constexpr bool is_packing_option<for_a<TA>> = true;
// The type of A that the options say, by default B's.
template <class T, class... Options>
using packing_a =
    std::conditional_t<byte_weights<T> && (std::is_same_v<Options, for_a<std::int16_t>> || ...), std::int16_t, T>;

}  // namespace detail

/// Bytes that hold the blob of any K x N matrix of T for Isa, packed with the same options: header and panels. 0 when
/// that exceeds 64 bits or an extent is negative.
template <class T, class Isa = isa::native, class... Options>
  requires(detail::is_packing_option<Options> && ...)
std::size_t packed_weights_bytes(index k, index n, const Options&...) {
  index bytes = 0;
  constexpr index group = detail::largest_panel_group<T, Isa, detail::packing_a<T, Options...>>();
  if (!detail::panel_bytes<T>(k, n, detail::panel_width<T, Isa>(), group, &bytes)) return 0;
  if constexpr (std::is_same_v<T, bf16> && multiplies_bf16<Isa>) {
    index native = 0;
    if (!detail::panel_bytes<T>(k, n, detail::panel_width<T, Isa, true>(), group, &native)) return 0;
    bytes = std::max(bytes, native);
  }
  return std::size_t(bytes) + sizeof(packed_header);
}

/// Opens a blob made by pack_weights, in memory or mapped from a file. Copies nothing.
///
///     auto w = open_weights<float>(mapped);          // result<packed_weights<float>>
///
/// Errors: corrupt_blob (too short, magic, sizes, checksums), wrong_blob (version, element type), misaligned (64
/// bytes). `verify = false` leaves out the checksum of the panels, which reads every byte.
template <class T, class Unit = detail::this_unit>
result<packed_weights<T>> open_weights(std::span<const std::byte> blob, bool verify = true) {
  packed_header h;
  if (blob.size() < sizeof h) {
    return status::error(errc::corrupt_blob, "open_weights: the blob has %zu bytes, its header alone has %zu",
                         blob.size(), sizeof h);
  }
  std::memcpy(&h, blob.data(), sizeof h);
  if (h.magic != h.expected_magic)
    return status::error(errc::corrupt_blob, "open_weights: magic %llx is not %llx",
                         static_cast<unsigned long long>(h.magic), static_cast<unsigned long long>(h.expected_magic));
  if (h.version != h.current_version)
    return status::error(errc::wrong_blob, "open_weights: version %u, this library reads version %u", h.version,
                         h.current_version);
  if (h.own_checksum() != h.header_checksum)
    return status::error(errc::corrupt_blob, "open_weights: the checksum of the header is not its %llx",
                         static_cast<unsigned long long>(h.header_checksum));
  if (h.element != detail::element_code<T>)
    return status::error(errc::wrong_blob, "open_weights: element code %u but the type asked for has %u", h.element,
                         detail::element_code<T>);
  index bytes = 0;
  const bool sane = detail::panel_bytes<T>(h.k, h.n, h.nr, h.group, &bytes);
  if (!sane || std::uint64_t(bytes) != h.bytes || blob.size() - sizeof h < h.bytes) {
    return status::error(errc::corrupt_blob, "open_weights: %lld x %lld with NR %lld does not fit a blob of %zu bytes",
                         detail::lld(h.k), detail::lld(h.n), detail::lld(h.nr), blob.size());
  }
  if (reinterpret_cast<std::uintptr_t>(blob.data()) % workspace_alignment != 0) {
    return status::error(errc::misaligned, "open_weights: the blob at %p is not aligned to %zu bytes",
                         static_cast<const void*>(blob.data()), workspace_alignment);
  }
  const std::byte* panels = blob.data() + sizeof h;
  if (verify && detail::checksum(panels, h.bytes) != h.checksum) {
    return status::error(errc::corrupt_blob, "open_weights: the checksum of the panels is not the header's %llx",
                         static_cast<unsigned long long>(h.checksum));
  }
  return detail::weights_at<T>(panels, h.k, h.n, h.nr, h.group);
}

/// Packs B (K x N, any strides; bytes for A of bytes) for gemm on Isa into `storage`, which then is a blob: keep it,
/// share it, write it to a file.
///
///     auto storage = aligned_buffer::make(packed_weights_bytes<float>(k, n));
///     auto w = pack_weights(view(b, k, n), storage.span());
///     if (w.ok()) gemm(A, w.value(), C);
///
/// Errors: negative_extent, null_pointer, overflow, workspace_too_small, misaligned, aliasing; storage is untouched
/// then. B is free afterwards. bf16 for gemm with native_rounding: pack_weights(B, bytes, native_rounding); bytes for A
/// of 16 bits: pack_weights(B, bytes, for_a<std::int16_t>{}).
template <class Isa = isa::native, any_matrix B, class... Options>
  requires(detail::is_packing_option<Options> && ...)
auto pack_weights(const B& b, std::span<std::byte> storage, const Options&... options)
    -> result<packed_weights<typename B::value_type>> {
  using T = typename B::value_type;
  using TA = detail::packing_a<T, Options...>;
  constexpr bool asked = (std::is_same_v<Options, native_rounding_option> || ...);
  constexpr bool native = asked && std::is_same_v<T, bf16> && multiplies_bf16<Isa>;
  const std::size_t bytes = packed_weights_bytes<T, Isa>(b.rows(), b.cols(), options...);
  if (status s = detail::check_packing("pack_weights", "B", b, storage, bytes); !s.ok()) return s;
  const index nr = detail::panel_width<T, Isa, native>();
  const strided_block<T> block{b.data(), b.row_stride(), b.col_stride(), b.rows(), b.cols()};
  const index group = native ? bf16_dot_ops<Isa>::group : detail::panel_group<T, Isa, TA>(block);
  std::byte* const panels = storage.data() + sizeof(packed_header);
  index size = 0;
  detail::panel_bytes<T>(b.rows(), b.cols(), nr, group, &size);
  detail::write_panels<Isa, TA>(block, panels, nr, group);
  detail::write_header<T>(storage.data(), nr, b.rows(), b.cols(), std::size_t(size), group);
  return detail::weights_at<T>(panels, b.rows(), b.cols(), nr, group);
}

/// Packed weights -> B: the inverse of pack_weights, exactly.  unpack_weights(w.value(), view(b, k, n))
///
/// B is K x N, any strides. Returns shape_mismatch, null_pointer or overflow; B is untouched then. Allocates nothing.
template <class T, any_matrix B, class Unit = detail::this_unit>
status unpack_weights(const packed_weights<T>& w, const B& b) {
  if (b.rows() != w.k || b.cols() != w.n) {
    return status::error(errc::shape_mismatch, "unpack_weights: B is %lld x %lld but the weights are %lld x %lld",
                         detail::lld(b.rows()), detail::lld(b.cols()), detail::lld(w.k), detail::lld(w.n));
  }
  if ((b.data() == nullptr && !b.empty()) || !detail::addressable(b)) {
    return status::error(b.data() ? errc::overflow : errc::null_pointer,
                         "unpack_weights: B is %lld x %lld at %p with strides %lld and %lld: null, or beyond 64 bits",
                         detail::lld(b.rows()), detail::lld(b.cols()), static_cast<const void*>(b.data()),
                         detail::lld(b.row_stride()), detail::lld(b.col_stride()));
  }
  for (index i = 0; i < w.k; ++i)
    for (index j = 0; j < w.n; ++j) b(i, j) = w(i, j);
  return {};
}

}  // namespace ashlar
