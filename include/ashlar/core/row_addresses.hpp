// SPDX-License-Identifier: Apache-2.0
//
// core/row_addresses.hpp: the addresses of up to 21 equidistant rows from a handful of registers.
//
//   row(7q + r) = base[q] + {0, l, 2l, 3l, 4l, 5l, 6l}[r]     l, 3l and 5l are registers, the rest is address scaling
//
// A pointer a row would spill from about eight rows on (x86 has 15 usable integer registers). With one base for seven
// rows and the three multiples, fourteen rows take five registers.
//
// Depends on: core/config.hpp.   Used by: tile/register_tile.hpp.
#pragma once

#include <ashlar/core/config.hpp>

namespace ashlar {

template <class T, int Rows>
class row_addresses {
  static_assert(Rows >= 1 && Rows <= 21);
  static constexpr index size = sizeof(T);

 public:
  ASHLAR_INLINE row_addresses(const T* a, index stride) : l1_(stride * size), l3_(3 * l1_), l5_(5 * l1_) {
    base0_ = reinterpret_cast<const char*>(a);
    if constexpr (Rows > 7) base1_ = base0_ + (l3_ * 2 + l1_);
    if constexpr (Rows > 14) base2_ = base1_ + (l3_ * 2 + l1_);
  }

  /// The address of element k of row R, counted from the present position.
  template <int R>
  ASHLAR_INLINE const T* at(index k) const {
    return reinterpret_cast<const T*>(base<R / 7>() + multiple<R % 7>() + k * size);
  }

  /// Moves every row k elements on.
  ASHLAR_INLINE void advance(index k) {
    base0_ += k * size;
    if constexpr (Rows > 7) base1_ += k * size;
    if constexpr (Rows > 14) base2_ += k * size;
  }

 private:
  template <int Q>
  ASHLAR_INLINE const char* base() const {
    if constexpr (Q == 0) return base0_;
    if constexpr (Q == 1) return base1_;
    if constexpr (Q == 2) return base2_;
  }
  template <int R>
  ASHLAR_INLINE index multiple() const {
    if constexpr (R == 0) return 0;
    if constexpr (R == 1) return l1_;
    if constexpr (R == 2) return l1_ * 2;
    if constexpr (R == 3) return l3_;
    if constexpr (R == 4) return l1_ * 4;
    if constexpr (R == 5) return l5_;
    if constexpr (R == 6) return l3_ * 2;
  }

  const char* base0_;
  const char* base1_;
  const char* base2_;
  index l1_, l3_, l5_;
};

}  // namespace ashlar
