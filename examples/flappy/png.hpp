// SPDX-License-Identifier: Apache-2.0
//
// png.hpp: a grey picture as a PNG file without a library: one deflate block that is stored, not compressed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace flappy {

namespace png {

using bytes = std::vector<std::uint8_t>;

inline void append32(bytes& to, std::uint32_t x) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(std::uint8_t(x >> shift));
}

inline std::uint32_t crc32(const std::uint8_t* p, std::size_t count) {
  std::uint32_t crc = 0xffffffff;
  for (std::size_t i = 0; i < count; ++i) {
    crc ^= p[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

inline void append_chunk(bytes& to, const char* type, const bytes& content) {
  append32(to, std::uint32_t(content.size()));
  const std::size_t start = to.size();
  to.insert(to.end(), type, type + 4);
  to.insert(to.end(), content.begin(), content.end());
  append32(to, crc32(&to[start], to.size() - start));
}

// A zlib stream of stored blocks of up to 65535 bytes.
inline bytes stored(const bytes& raw) {
  bytes z = {0x78, 0x01};
  std::uint32_t a = 1, b = 0;
  for (std::uint8_t x : raw) a = (a + x) % 65521, b = (b + a) % 65521;
  for (std::size_t at = 0; at < raw.size(); at += 65535) {
    const auto count = std::min<std::size_t>(65535, raw.size() - at);
    z.push_back(at + count == raw.size());
    for (std::size_t n : {count, ~count}) z.push_back(std::uint8_t(n)), z.push_back(std::uint8_t(n >> 8));
    z.insert(z.end(), raw.begin() + std::ptrdiff_t(at), raw.begin() + std::ptrdiff_t(at + count));
  }
  append32(z, b << 16 | a);
  return z;
}

}  // namespace png

/// Pixels row by row, 0 black; each becomes a square of `zoom` pixels. False when the file cannot be written.
inline bool write_png(const std::string& path, const std::uint8_t* pixels, int width, int height, int zoom) {
  png::bytes raw, header, file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  for (int y = 0; y < height * zoom; ++y) {
    raw.push_back(0);  // no filter
    for (int x = 0; x < width * zoom; ++x) raw.push_back(pixels[y / zoom * width + x / zoom]);
  }
  png::append32(header, std::uint32_t(width * zoom));
  png::append32(header, std::uint32_t(height * zoom));
  header.insert(header.end(), {8, 0, 0, 0, 0});  // 8 bits of grey
  png::append_chunk(file, "IHDR", header);
  png::append_chunk(file, "IDAT", png::stored(raw));
  png::append_chunk(file, "IEND", {});
  std::FILE* const f = std::fopen(path.c_str(), "wb");
  if (!f) return false;
  const bool written = std::fwrite(file.data(), 1, file.size(), f) == file.size();
  return std::fclose(f) == 0 && written;
}

}  // namespace flappy
