// SPDX-License-Identifier: Apache-2.0
//
// cuda/simt_panel.cuh: one side of a tile, X rows of A or X columns of B, brought to shared memory a k tile at a time.
//
//   shared[k * pitch + x]  =  T(data[k * along_k + x * along_x])
//
//   strips     x is contiguous and 16-byte aligned:           16 bytes a copy
//   x_fastest  neighbouring threads take neighbouring x:      an element a copy, any alignment
//   k_fastest  ... 8 k of one x, then the next x              (A of rows, B of columns: the copy transposes)
//   either     whichever of the two has the smaller stride, known when the kernel runs
//
// Beyond the matrix nothing is read, and nothing is written either: what lies there in shared memory is never stored.
//
// Depends on: async_copy.cuh, simt_tile.cuh.   Used by: simt_block.cuh.
#pragma once

#include <ashlar/cuda/async_copy.cuh>
#include <ashlar/cuda/simt_tile.cuh>
#include <type_traits>

namespace ashlar::cuda::detail {

/// A side in global memory: its first element and its strides.
template <class X>
struct simt_side {
  using element = X;
  const X* data;
  index along_x, along_k;
};

/// Where a thread starts within a slab of k, and how far its next copy is.
struct simt_walk {
  int k, x, next_k, next_x;
};

struct strips {
  template <class T>
  static constexpr int width = strip<T>;
  template <int X, int Threads, class Side>
  static ASHLAR_INLINE constexpr simt_walk walk(int t, const Side&) {
    constexpr int v = strip<typename Side::element>, row = X / v;
    static_assert(Threads % row == 0 && slab % (Threads / row) == 0, "a pass of the threads is a part of a slab");
    return {t / row, t % row * v, Threads / row, 0};
  }
};

struct x_fastest {
  template <class T>
  static constexpr int width = 1;
  template <int X, int Threads, class Side>
  static ASHLAR_INLINE constexpr simt_walk walk(int t, const Side&) {
    return {t / X, t % X, Threads / X, 0};
  }
};

struct k_fastest {
  template <class T>
  static constexpr int width = 1;
  template <int X, int Threads, class Side>
  static ASHLAR_INLINE constexpr simt_walk walk(int t, const Side&) {
    return {t % slab, t / slab, 0, Threads / slab};
  }
};

struct either {
  template <class T>
  static constexpr int width = 1;
  template <int X, int Threads, class Side>
  static ASHLAR_INLINE constexpr simt_walk walk(int t, const Side& s) {
    const index k = s.along_k < 0 ? -s.along_k : s.along_k, x = s.along_x < 0 ? -s.along_x : s.along_x;
    return k < x ? k_fastest::walk<X, Threads>(t, s) : x_fastest::walk<X, Threads>(t, s);
  }
};

/// Copies of Order::width elements, converted to T on the way when they are not T.
template <class Order, class T, class X>
ASHLAR_INLINE void bring(T* shared, const X* global, int exist) {
  constexpr int width = Order::template width<T>;
  if constexpr (width > 1) {
    static_assert(std::is_same_v<T, X>);
    if (exist >= width) {
      async_copy<16>(shared, global);
    } else {
      async_copy_part(shared, global, exist * int(sizeof(T)));
    }
  } else if constexpr (std::is_same_v<T, X>) {
    async_copy<sizeof(T)>(shared, global);
  } else {
    *shared = static_cast<T>(*global);
  }
}

/// One thread's part of a side of BX rows or columns in k tiles of BK.
template <class Order, class T, int BX, int BK, int Pitch, int Threads>
struct simt_panel {
  static constexpr int width = Order::template width<T>;
  static constexpr int passes = BX * slab / (Threads * width);        // of the threads over a slab
  static constexpr int parts_unrolled = sizeof(T) == 4 ? passes : 1;  // sums of double leave no registers for more
  static_assert(BX * slab % (Threads * width) == 0);

  /// The first element that the thread copies of the first k tile.
  template <class X>
  static ASHLAR_INLINE const X* first(const simt_side<X>& s, int thread) {
    const simt_walk w = Order::template walk<BX, Threads>(thread, s);
    return s.data + (w.k * s.along_k + w.x * s.along_x);
  }

  /// A k tile all of which exists; `from` goes on to the next.
  template <class X>
  static ASHLAR_INLINE void all(T* shared, const X*& from, const simt_side<X>& s, int thread) {
    const simt_walk w = Order::template walk<BX, Threads>(thread, s);
    const index step = w.next_k * s.along_k + w.next_x * s.along_x;
    const X* p = from;
    shared += w.k * Pitch + w.x;
    ASHLAR_UNROLL_ALL
    for (int i = 0; i < passes; ++i, p += step) {
      ASHLAR_UNROLL_ALL
      for (int k = 0; k < BK; k += slab) {
        bring<Order>(shared + k * Pitch + i * (w.next_k * Pitch + w.next_x), p + k * s.along_k, width);
      }
    }
    from += BK * s.along_k;
  }

  /// The part of a k tile that exists: `xs` of its rows or columns, `ks` of its k.
  template <class X>
  static ASHLAR_INLINE void part(T* shared, const X*& from, const simt_side<X>& s, int thread, index xs, int ks) {
    const simt_walk w = Order::template walk<BX, Threads>(thread, s);
    const index step = w.next_k * s.along_k + w.next_x * s.along_x;
    const X* p = from;
    shared += w.k * Pitch + w.x;
    ASHLAR_UNROLL_BY(parts_unrolled)
    for (int i = 0; i < passes; ++i, p += step) {
      const index left = xs - (w.x + i * w.next_x);
      ASHLAR_UNROLL_ALL
      for (int k = 0; k < BK; k += slab) {
        if (left <= 0 || k + w.k + i * w.next_k >= ks) continue;
        bring<Order>(shared + k * Pitch + i * (w.next_k * Pitch + w.next_x), p + k * s.along_k,
                     left < width ? int(left) : width);
      }
    }
    from += BK * s.along_k;
  }
};

}  // namespace ashlar::cuda::detail
