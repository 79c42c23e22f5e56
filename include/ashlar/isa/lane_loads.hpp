// SPDX-License-Identifier: Apache-2.0
//
// isa/lane_loads.hpp: a vector whose 128-bit lanes are loaded from an address each: what transposes begin with.
//
//   lane_loads<64> v;  v.load<0>(p0); v.load<1>(p1); v.load<2>(p2); v.load<3>(p3);
//   v.whole()  =  p0[0..16) | p1[0..16) | p2[0..16) | p3[0..16)        bytes; lanes are loaded in this order
//
// Left to the compilers, such loads become gathers (clang 14) or whole loads and permutes (g++ 12).
//
// Depends on: nothing.   Used by: isa/transpose.hpp; specialised by isa/avx2.hpp and isa/avx512.hpp.
#pragma once

#include <ashlar/core/config.hpp>
#include <cstring>

namespace ashlar::detail {

template <int Bytes>
struct lane_loads;

template <>
struct lane_loads<16> {
  typedef float vec __attribute__((vector_size(16)));
  template <int>
  ASHLAR_INLINE void load(const void* p) {
    std::memcpy(&lane, p, sizeof lane);
  }
  ASHLAR_INLINE vec whole() const { return lane; }
  vec lane;
};

}  // namespace ashlar::detail
