// SPDX-License-Identifier: Apache-2.0
//
// tests/cuda/virtual_sm90.hpp: Hopper's tensor memory accelerator and matrix instruction, as plain functions on an
// array that stands for a block's shared memory. What is swizzled, and what descriptors mean, is said here once more,
// so that the library's maps are checked and not repeated.
//
// Source: PTX ISA 8.0 and later: "Tensors", "Asynchronous warpgroup level matrix shared memory layout"; CUDA driver
// API, cuTensorMapEncodeIm2col. Depends on: cuda/boxes.cuh, cuda/sm90_cursor.cuh.   Used by: sm90_replay_test.cpp.
#pragma once

#include <doctest/doctest.h>

#include <ashlar/core/narrow_float.hpp>
#include <ashlar/cuda/boxes.cuh>
#include <ashlar/cuda/sm90_cursor.cuh>
#include <ashlar/cuda/sm90_elements.cuh>
#include <ashlar/cuda/sm90_layout.cuh>
#include <cstring>
#include <vector>

namespace ashlar::test {

namespace cd = cuda::detail;

/// Shared memory of a block, by address. Nothing that has not been written reads as a small number.
class virtual_shared {
 public:
  explicit virtual_shared(int bytes) : bytes_(std::size_t(bytes), 0xFF) {}

  template <class T>
  T read(std::uint32_t address) const {
    T x;
    std::memcpy(&x, &bytes_.at(address), sizeof(T));
    return x;
  }
  template <class T>
  void write(std::uint32_t address, T x) {
    std::memcpy(&bytes_.at(address), &x, sizeof(T));
  }
  void spoil(std::uint32_t address, std::uint32_t bytes) { std::memset(&bytes_.at(address), 0xFF, bytes); }

 private:
  std::vector<unsigned char> bytes_;
};

/// Where the machine looks for byte `address` with a swizzle of 128 bytes: bits 4 to 6 change by bits 7 to 9.
inline std::uint32_t machine_place(std::uint32_t address) {
  const std::uint32_t line = address / 128 % 8, piece = address / 16 % 8;
  return address - piece * 16 + (piece ^ line) * 16;
}

// ---- the tensor memory accelerator

/// Element (x, y, z) of a tensor of three axes.
template <class T>
T* element_of(const cd::boxed_matrix& m, index x, index y, index z) {
  char* const at = static_cast<char*>(const_cast<void*>(m.data)) + y * index(m.line_bytes) + z * index(m.matrix_bytes);
  return reinterpret_cast<T*>(at) + x;
}
inline bool inside(index i, std::uint64_t extent) { return i >= 0 && i < index(extent); }

/// f(offset in the box, x, y, z) for each element.
template <class T, class F>
void for_each_element(const cd::boxed_matrix& m, const cd::box_place& p, const F& f) {
  REQUIRE(cd::boxable(m));
  REQUIRE(m.box[0] * sizeof(T) == 128);
  REQUIRE((m.box[1] <= 256 && m.box[2] <= 256));
  std::uint32_t offset = 0;
  for (index z = 0; z < m.box[2]; ++z)
    for (index y = 0; y < m.box[1]; ++y)
      for (index x = 0; x < m.box[0]; ++x, offset += sizeof(T)) f(offset, p.x + x, p.y + y, p.z + z);
}

/// Loads a box, zero outside the tensor; returns the bytes that the barrier sees.
template <class T>
int load_box(virtual_shared& to, std::uint32_t address, const cd::boxed_matrix& m, const cd::box_place& p) {
  REQUIRE(address % 1024 == 0);
  for_each_element<T>(m, p, [&](std::uint32_t offset, index x, index y, index z) {
    const bool here = inside(x, m.extent[0]) && inside(y, m.extent[1]) && inside(z, m.extent[2]);
    to.write<T>(machine_place(address + offset), here ? *element_of<const T>(m, x, y, z) : T{});
  });
  return int(m.box[0] * m.box[1] * m.box[2] * sizeof(T));
}

/// Stores what of a box lies inside the tensor.
template <class T>
void store_box(const virtual_shared& from, std::uint32_t address, const cd::boxed_matrix& m, const cd::box_place& p) {
  REQUIRE(cd::storable(m, sizeof(T)));
  REQUIRE(address % 1024 == 0);
  for_each_element<T>(m, p, [&](std::uint32_t offset, index x, index y, index z) {
    if (inside(x, m.extent[0]) && inside(y, m.extent[1]) && inside(z, m.extent[2])) {
      *element_of<T>(m, x, y, z) = from.read<T>(machine_place(address + offset));
    }
  });
}

/// Loads channels of consecutive pixels of a walk, for one tap.
template <class T>
int load_pixels(virtual_shared& to, std::uint32_t address, const cd::walked_image& v, const cd::pixel_place& p) {
  REQUIRE(cd::walkable(v, p.dx, p.dy));
  REQUIRE((v.channels * sizeof(T) == 128 && address % 1024 == 0 && p.dx >= 0 && p.dy >= 0));
  const auto last = [](const cd::walked_axis& a) { return a.extent - 1 + a.upper(); };
  index x = p.x, y = p.y, image = p.image;
  for (int i = 0; i < v.pixels; ++i) {
    const index h = y + p.dy, w = x + p.dx;
    const bool exists = inside(w, v.extent[1]) && inside(h, v.extent[2]) && inside(image, v.extent[3]);
    for (int j = 0; j < v.channels; ++j) {
      const index c = p.channel + j;
      T value{};
      if (exists && inside(c, v.extent[0])) {
        const index bytes =
            w * index(v.stride_bytes[0]) + h * index(v.stride_bytes[1]) + image * index(v.stride_bytes[2]);
        value = reinterpret_cast<const T*>(static_cast<const char*>(v.data) + bytes)[c];
      }
      to.write<T>(machine_place(address + std::uint32_t(i * 128 + j * int(sizeof(T)))), value);
    }
    if ((x += v.x.step) > last(v.x)) x = v.x.lower(), y += v.y.step;
    if (y > last(v.y)) y = v.y.lower(), ++image;
  }
  return v.pixels * 128;
}

// ---- the matrix instruction

/// The accumulators of a warpgroup's 64 x N tile.
template <class T, int N>
using warpgroup_sums = T[128][N / 2];

/// Element (line, k) of the tile that a descriptor describes.
template <class T, bool MnMajor>
T described(const virtual_shared& memory, std::uint64_t d, int line, int k) {
  const auto bytes = [&](int first) { return int(d >> first & 0x3FFF) * 16; };
  const int size = int(sizeof(T)), start = bytes(0), leading = bytes(16), stride = bytes(32);
  const int offset = MnMajor ? line / 64 * leading + k / 8 * stride + k % 8 * 128 + line % 64 * size
                             : line / 8 * stride + line % 8 * 128 + k * size;
  return memory.read<T>(machine_place(std::uint32_t(start + offset)));
}

/// D (+)= A B: 64 x k by k x N. Element (row, col) of D is accumulator i of thread t, as the PTX ISA draws it.
template <class In, int N, bool MnA, bool MnB, class T>
void virtual_wgmma(const virtual_shared& memory, T (&d)[128][N / 2], std::uint64_t a, std::uint64_t b,
                   bool accumulate) {
  constexpr int depth = cd::k_of_instruction<In>;
  static_assert((!MnA && !MnB) || sizeof(In) == 2);
  REQUIRE((a >> 62 == 1 && b >> 62 == 1));
  static T rows[64][depth], cols[N][depth];
  for (int k = 0; k < depth; ++k) {
    for (int i = 0; i < 64; ++i) rows[i][k] = static_cast<T>(described<In, MnA>(memory, a, i, k));
    for (int j = 0; j < N; ++j) cols[j][k] = static_cast<T>(described<In, MnB>(memory, b, j, k));
  }
  for (int row = 0; row < 64; ++row) {
    for (int col = 0; col < N; ++col) {
      T& sum = d[row / 16 * 32 + row % 8 * 4 + col % 8 / 2][col / 8 * 4 + row % 16 / 8 * 2 + col % 2];
      if (!accumulate) sum = 0;
      for (int k = 0; k < depth; ++k) sum += rows[row][k] * cols[col][k];
    }
  }
}

/// stmatrix.x4 of one warp: row r of matrix m goes to the address that lane 8 m + r gives.
inline void store_matrices(virtual_shared& to, const std::uint32_t (&address)[32],
                           const std::uint32_t (&words)[32][4]) {
  for (int m = 0; m < 4; ++m) {
    for (int r = 0; r < 8; ++r) {
      REQUIRE(address[8 * m + r] % 16 == 0);
      for (int j = 0; j < 4; ++j) to.write(address[8 * m + r] + std::uint32_t(4 * j), words[4 * r + j][m]);
    }
  }
}

}  // namespace ashlar::test
