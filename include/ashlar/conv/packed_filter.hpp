// SPDX-License-Identifier: Apache-2.0
//
// conv/packed_filter.hpp: weights of a convolution packed once into a relocatable blob, for one algorithm.
//
//   bytes 0..127     filter_header: magic, version, element type, algorithm, panel width, extents, sizes, checksums
//   bytes 128..      the packed elements, in the order of the algorithm
//
// Written to a file, a blob maps back as it is (open_filter).
//
// Depends on: core/, gemm/packed_weights.hpp (checksum).   Used by: conv/plan.hpp.
#pragma once

#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include <ashlar/conv/algorithm.hpp>
#include <ashlar/conv/geometry.hpp>
#include <ashlar/gemm/packed_weights.hpp>

namespace ashlar {

/// The unit of filter_key::group for weights that stand together by taps.
inline constexpr std::uint32_t packs_taps = 256;

/// What packed weights are for: two filters with equal keys are interchangeable in run().
struct filter_key {
  std::uint32_t element;  // detail::element_code
  std::uint32_t group;    // of bytes: how many channels stand together; packs_taps times how many taps; else 0
  conv_algorithm algorithm;
  std::uint64_t transform;  // of Winograd: which matrices the weights have been multiplied by; else 0
  index nr;                 // panel width, 0 where the algorithm has none
  index groups, channels, filters;
  triple kernel;
  friend constexpr bool operator==(const filter_key&, const filter_key&) = default;
};

/// The first 128 bytes of a blob; little-endian.
struct filter_header {
  static constexpr std::uint64_t expected_magic = 0x5643 * 0x1000000000000ull + 0x52414c485341ull;  // "ASHLARCV"
  static constexpr std::uint32_t current_version = 2;
  std::uint64_t magic;
  std::uint32_t version, element;
  std::uint32_t algorithm, group;
  std::int64_t nr, groups, channels, filters, d, r, s;
  std::uint64_t bytes, checksum, transform, reserved[2], header_checksum;

  ASHLAR_INLINE std::uint64_t own_checksum() const {
    return detail::checksum(reinterpret_cast<const std::byte*>(this), offsetof(filter_header, header_checksum));
  }
  ASHLAR_INLINE filter_key key() const {
    return {element, group,    static_cast<conv_algorithm>(algorithm), transform, nr, groups, channels,
            filters, {d, r, s}};
  }
};
static_assert(sizeof(filter_header) == 128 && std::is_trivially_copyable_v<filter_header>);

/// A view of packed weights; owns nothing: the blob must outlive it. Of bytes, `data` are units of several.
template <class T>
struct packed_filter {
  using value_type = T;
  const T* data = nullptr;
  filter_key key{};
};

namespace detail {

// The header of a blob whose elements are written already.
template <class Unit = this_unit>
void write_filter_header(std::byte* blob, const filter_key& k, std::size_t bytes) {
  filter_header h{};
  h.magic = h.expected_magic, h.version = h.current_version, h.element = k.element;
  h.algorithm = static_cast<std::uint32_t>(k.algorithm), h.group = k.group;
  h.nr = k.nr, h.groups = k.groups, h.channels = k.channels, h.filters = k.filters;
  h.d = k.kernel.d, h.r = k.kernel.h, h.s = k.kernel.w;
  h.bytes = bytes, h.transform = k.transform;
  h.checksum = checksum(blob + sizeof h, bytes);
  h.header_checksum = h.own_checksum();
  std::memcpy(blob, &h, sizeof h);
}

}  // namespace detail

/// Opens a blob that pack() made, in memory or mapped from a file. Copies nothing. Whether it suits a plan is checked
/// by run().
///
///     auto w = open_filter<float>(mapped);          // result<packed_filter<float>>
///
/// Errors: corrupt_blob (too short, magic, sizes, checksums), wrong_blob (version, element type), misaligned (64
/// bytes). `verify = false` leaves out the checksum of the elements, which reads every byte.
template <class T, class Unit = detail::this_unit>
result<packed_filter<T>> open_filter(std::span<const std::byte> blob, bool verify = true) {
  filter_header h;
  if (blob.size() < sizeof h) {
    return status::error(errc::corrupt_blob, "open_filter: the blob has %zu bytes, its header alone has %zu",
                         blob.size(), sizeof h);
  }
  std::memcpy(&h, blob.data(), sizeof h);
  if (h.magic != h.expected_magic) {
    return status::error(errc::corrupt_blob, "open_filter: magic %" PRIx64 " is not %" PRIx64, h.magic,
                         h.expected_magic);
  }
  if (h.version != h.current_version) {
    return status::error(errc::wrong_blob, "open_filter: version %" PRIu32 ", this library reads version %" PRIu32,
                         h.version, h.current_version);
  }
  if (h.own_checksum() != h.header_checksum) {
    return status::error(errc::corrupt_blob, "open_filter: the checksum of the header is not its %" PRIx64,
                         h.header_checksum);
  }
  if (h.element != detail::element_code<T>) {
    return status::error(errc::wrong_blob, "open_filter: element code %" PRIu32 " but the type asked for has %" PRIu32,
                         h.element, detail::element_code<T>);
  }
  if (blob.size() - sizeof h < h.bytes) {
    return status::error(errc::corrupt_blob, "open_filter: %" PRIu64 " bytes of weights do not fit a blob of %zu bytes",
                         h.bytes, blob.size());
  }
  if (reinterpret_cast<std::uintptr_t>(blob.data()) % workspace_alignment != 0) {
    return status::error(errc::misaligned, "open_filter: the blob at %p is not aligned to %zu bytes",
                         static_cast<const void*>(blob.data()), workspace_alignment);
  }
  if (verify && detail::checksum(blob.data() + sizeof h, h.bytes) != h.checksum) {
    return status::error(errc::corrupt_blob, "open_filter: the checksum of the weights is not the header's %" PRIx64,
                         h.checksum);
  }
  return packed_filter<T>{reinterpret_cast<const T*>(blob.data() + sizeof h), h.key()};
}

}  // namespace ashlar
